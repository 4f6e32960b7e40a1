#!/usr/bin/env bash
# root.sh - the root file system of an image: a program, mlctl, and what they need to run. The Containerfile calls it.
#   root.sh INSTALLED-FOLDER relay|agent ROOT
# The libraries' copyright files come along, as their licences ask for.
set -euo pipefail

installed=$1
part=$2
root=$3
case $part in
relay) id=10001 ;;
agent) id=10002 ;;
*)
    echo "root.sh: \"$part\" is neither relay nor agent" >&2
    exit 2
    ;;
esac

put() { # absolute path of this machine: a file at the same place, and what it points to
    local file=$1 real
    real=$(realpath "$file")
    mkdir -p "$root$(dirname "$file")" "$root$(dirname "$real")"
    cp -p --update "$real" "$root$real"
    if [[ $real != "$file" && ! -e $root$file ]]; then ln -s "$real" "$root$file"; fi
}

# A library of /lib is one of /usr/lib in a merged Debian.
canonical() { # library as ldd names it
    echo "$(realpath "$(dirname "$1")")/$(basename "$1")"
}

libraries_of() { # programs...
    ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' | sort -u
}

mkdir -p "$root"/{etc/ml-connector,etc/ssl/certs,run/ml-connector,tmp,usr/{bin,sbin,lib},var/lib/ml-connector,proc,sys,dev}
# As in Debian: programs look for their loader under /lib64.
for folder in bin lib lib64 sbin; do
    mkdir -p "$root/usr/$folder"
    ln -sfn "usr/$folder" "$root/$folder"
done

cp -p "$installed/usr/sbin/ml-$part" "$root/usr/sbin/"
cp -p "$installed/usr/bin/mlctl" "$root/usr/bin/"
mkdir -p "$root/usr/share/ml-connector"
cp -rp "$installed/usr/share/ml-connector/." "$root/usr/share/ml-connector/"

# libwebsockets loads its libuv plugin at run time; nothing links with it.
plugin=$(dpkg-query --listfiles libwebsockets-evlib-uv | grep '\.so$')
put "$plugin"
while read -r library; do
    put "$(canonical "$library")"
done < <(libraries_of "$installed/usr/sbin/ml-$part" "$installed/usr/bin/mlctl" "$plugin")
# The loader's name stands in each program.
loader=$(ldd "$installed/usr/bin/mlctl" | sed -n 's/^\t\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p')
put "$(canonical "$loader")"
if [[ ! -e $root$loader ]]; then
    mkdir -p "$root$(dirname "$loader")"
    ln -s "$(realpath "$loader")" "$root$loader"
fi

put /etc/ssl/certs/ca-certificates.crt
mkdir -p "$root/usr/share/zoneinfo"
cp -rp /usr/share/zoneinfo/. "$root/usr/share/zoneinfo/"
rm -rf "$root"/usr/share/zoneinfo/{right,posix}
# Mappings read and write UTF-8 by this locale.
mkdir -p "$root/usr/lib/locale"
cp -rp /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
# Some libraries read it before anything else.
put /etc/ssl/openssl.cnf
mkdir -p "$root/usr/lib/ssl"
ln -sfn /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -sfn /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"

echo "ml-$part:x:$id:$id:ml-connector:/var/lib/ml-connector:/nonexistent" >"$root/etc/passwd"
echo "ml-$part:x:$id:" >"$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"

# Licences: of each package that a file came from.
# dpkg knows those of a merged /lib by their old names.
find "$root/usr/lib" -type f | sed "s|^$root||; p; s|^/usr||" |
    { grep --recursive --include='*.list' --files-with-matches --line-regexp --fixed-strings --file=- /var/lib/dpkg/info || true; } |
    sed 's|.*/||; s/\.list$//; s/:.*//' | sort -u |
    while read -r package; do
        if [[ -e /usr/share/doc/$package/copyright ]]; then
            mkdir -p "$root/usr/share/doc/$package"
            cp -pL "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
        fi
    done

# The state and the socket's folder belong to the program; everything else to root, and is not written to.
chown -R "$id:$id" "$root/var/lib/ml-connector" "$root/run/ml-connector"
chmod 0700 "$root/var/lib/ml-connector"
chmod 1777 "$root/tmp"
