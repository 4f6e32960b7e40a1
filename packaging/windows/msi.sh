#!/usr/bin/env bash
# msi.sh - the MSI of the agent from build/windows/programs: build/windows/ml-connector-agent-VERSION.msi
#
#   packaging/windows/msi.sh [version]     (version: that of CMakeLists.txt)
# With the time zones of Debian's tzdata, which Windows has not in that form. Not signed: that needs the vendor's key.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=${1:-$(sed -n 's/^set(MLC_VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)}
bin=$PWD/build/windows/programs
work=$PWD/build/windows/msi
msi=$PWD/build/windows/ml-connector-agent-$version.msi

rm -rf "$work"
mkdir -p "$work/bin" "$work/zoneinfo"
for program in ml-agent mlctl; do
    x86_64-w64-mingw32-strip -o "$work/bin/$program.exe" "$bin/$program.exe"
done
for file in build/windows/deps/copyright-*; do
    printf '==== %s\n\n' "${file##*copyright-}"
    cat "$file"
done >"$work/bin/LICENCES.txt"

# Zones by their names; not "right" (leap seconds) and "posix" (the same once more).
(cd /usr/share/zoneinfo && find . -type f -o -type l | sed 's,^\./,,' | grep -E '^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/' |
    cpio --quiet -pdmL "$work/zoneinfo")
(cd "$work/zoneinfo" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) |
    wixl-heat --prefix "" --component-group Zones --var var.ZONES --directory-ref ZONEINFO --win64 >"$work/zones.wxs"

cp docs/windows.md "$work/"
cp packaging/windows/ml-connector-agent.wxs "$work/"
# wixl wants all names relative to where it runs.
(cd "$work" && wixl --arch x64 -D VERSION="$version" -D BIN=bin -D DOC=. -D ZONES=zoneinfo -D Win64=yes \
    -o "$msi" ml-connector-agent.wxs zones.wxs)
# What wixl cannot say:
# - HideTarget (8192): Windows Installer keeps the action's command line, with the token, out of its log;
# - the older version goes before the files of the newer come, else its removal would take the new service with it;
# - properties that may be given to an installation that asks for an administrator on its way.
msibuild "$msi" -q \
    "UPDATE \`CustomAction\` SET \`Type\` = 11282 WHERE \`Action\` = 'ServiceInstall'" \
    "UPDATE \`InstallExecuteSequence\` SET \`Sequence\` = 1450 WHERE \`Action\` = 'RemoveExistingProducts'" \
    "UPDATE \`Property\` SET \`Value\` = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;RELAYURL;ENROLTOKEN;AISURL;AGENTID' WHERE \`Property\` = 'SecureCustomProperties'"
[[ "$(msiinfo export "$msi" CustomAction)" == *11282* && "$(msiinfo export "$msi" InstallExecuteSequence)" == *RemoveExistingProducts*1450* ]] ||
    { echo "msi.sh: $msi was not completed" >&2; exit 1; }
echo "msi.sh: $msi"
