#!/usr/bin/env bash
# msi.sh - the MSI of the agent of the programs for Windows: ml-connector-agent-VERSION.msi
#
#   packaging/windows/msi.sh [--version VERSION] [--out FOLDER] [--bin FOLDER]
#     --version  instead of that of CMakeLists.txt
#     --out      build/windows
#     --bin      folder of ml-agent.exe, mlctl.exe and ml-setup.dll: build/windows/programs
# With the time zones of Debian's tzdata, which Windows has not in that form. Not signed: that needs the vendor's key.
# The same programs, zones and version give the same bytes: SOURCE_DATE_EPOCH is the time of the last commit unless it is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=$(sed -n 's/^set(MLC_VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
out=build/windows
bin=build/windows/programs
while (($# > 0)); do
    case $1 in
    --version | --out | --bin)
        [[ -n ${2:-} ]] || { echo "msi.sh: $1 needs a value" >&2; exit 2; }
        declare "${1#--}=$2"
        shift
        ;;
    *)
        sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        if [[ $1 == -h || $1 == --help ]]; then exit 0; fi
        exit 2
        ;;
    esac
    shift
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "msi.sh: \"$version\" is no version of three numbers" >&2; exit 2; }
# strip and the linker too write this time into the programs.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

bin=$(realpath "$bin")
work=$PWD/build/windows/msi
mkdir -p "$out"
msi=$(realpath "$out")/ml-connector-agent-$version.msi

uuid_of() { # text
    node packaging/windows/zones.mjs --uuid "$1"
}

gather() {
    local program file
    rm -rf "$work"
    mkdir -p "$work/bin" "$work/zoneinfo"
    for program in ml-agent.exe mlctl.exe ml-setup.dll; do
        x86_64-w64-mingw32-strip -o "$work/bin/$program" "$bin/$program"
    done
    for file in build/windows/deps/copyright-*; do
        printf '==== %s\n\n' "${file##*copyright-}"
        cat "$file"
    done >"$work/bin/LICENCES.txt"
    # Zones by their names; not "right" (leap seconds) and "posix" (the same once more).
    (cd /usr/share/zoneinfo && find . -type f -o -type l | sed 's,^\./,,' | grep -E '^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/' |
        cpio --quiet -pdmL "$work/zoneinfo")
    cp docs/windows.md packaging/windows/ml-connector-agent.wxs "$work/"
    # The cabinet has the files' times.
    find "$work" -type f -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
}

# What wixl cannot say:
# - the actions' types in full: 8192, HideTarget, keeps the token, which is in the actions' data, out of the installer's log;
# - the older version goes before the files of the newer come, else its removal would take the new service with it; another
#   build of the same version counts as older (512);
# - properties that may be given to an installation that asks for an administrator on its way;
# - its times, and the identity of the package.
set_type() { # action, type
    echo "UPDATE \`CustomAction\` SET \`Type\` = $2 WHERE \`Action\` = '$1'"
}

complete() { # identity of the package
    local when
    when=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y/%m/%d %H:%M:%S')
    msibuild "$msi" -q "$(set_type ServiceLook 65)" "$(set_type SetServiceInstall 8243)" "$(set_type SetServiceRollback 51)" \
        "$(set_type SetServiceUninstall 51)" "$(set_type ServiceRollback 3393)" "$(set_type ServiceInstall 11265)" \
        "$(set_type ServiceUninstall 3137)" \
        "UPDATE \`InstallExecuteSequence\` SET \`Sequence\` = 1450 WHERE \`Action\` = 'RemoveExistingProducts'" \
        "UPDATE \`Property\` SET \`Value\` = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;RELAYURL;AISURL;AGENTID;ENROLTOKEN;ENROLTOKENFILE;STARTSERVICE' WHERE \`Property\` = 'SecureCustomProperties'"
    msiinfo export "$msi" _SummaryInformation | sed -E "s,^(12|13)\t.*\r\$,\1\t$when\r," >"$work/summary.idt"
    msiinfo export "$msi" Upgrade | sed -E 's,\t1\t\tWIX_UPGRADE_DETECTED,\t513\t\tWIX_UPGRADE_DETECTED,' >"$work/upgrade.idt"
    msibuild "$msi" -q "DROP TABLE \`Upgrade\`"
    msibuild "$msi" -i "$work/summary.idt" "$work/upgrade.idt"
    msibuild "$msi" -s "ml-connector agent $version" ml-connector "x64;1033" "{$1}"
}

# A table that msibuild did not change would only be noticed by who installs.
check() {
    local table rows row
    while IFS='|' read -r table row; do
        rows=$(msiinfo export "$msi" "$table" | tr '\t\r' '| ')
        [[ $rows == *"$row"* ]] || { echo "msi.sh: $msi lacks \"$row\" in $table" >&2; exit 1; }
    done <<'TEXT'
CustomAction|ServiceLook|65|Setup|ServiceLook|
CustomAction|SetServiceInstall|8243|ServiceInstall|
CustomAction|SetServiceRollback|51|ServiceRollback|
CustomAction|SetServiceUninstall|51|ServiceUninstall|
CustomAction|ServiceRollback|3393|Setup|ServiceUninstall|
CustomAction|ServiceInstall|11265|Setup|ServiceInstall|
CustomAction|ServiceUninstall|3137|Setup|ServiceUninstall|
Upgrade||513||WIX_UPGRADE_DETECTED
InstallExecuteSequence|ServiceLook|NOT REMOVE|50
InstallExecuteSequence|RemoveExistingProducts||1450
InstallExecuteSequence|ServiceInstall|NOT REMOVE|4011
InstallExecuteSequence|InstallFiles||4000
InstallExecuteSequence|RemoveFiles||3500
Property|MsiHiddenProperties|ENROLTOKEN;ServiceInstall
Property|SecureCustomProperties|WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;RELAYURL
TEXT
}

gather
find "$work/zoneinfo" -type f -printf '%P\n' | node packaging/windows/zones.mjs >"$work/zones.wxs"
content=$(cd "$work" && find . -type f ! -name zones.wxs | sort | xargs sha256sum | sha256sum)
product=$(uuid_of "product:$version:$content")
package=$(uuid_of "package:$version:$content")
rm -f "$msi"
# wixl wants all names relative to where it runs.
(cd "$work" && wixl --arch x64 -D VERSION="$version" -D PRODUCT="$product" -D BIN=bin -D DOC=. \
    -D ZONES=zoneinfo -D Win64=yes -o "$msi" ml-connector-agent.wxs zones.wxs)
complete "$package"
check
echo "msi.sh: $msi"
