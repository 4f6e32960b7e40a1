# shellcheck shell=bash disable=SC2154
# machine.sh - to be sourced: a scratch Debian, and machines that run from it under systemd. Nothing of the host is changed:
# each machine is an overlay over that root, in namespaces of its own.
# The caller sets `machines` (a folder), `base` (the root's folder) and `cgroup` (a folder of cgroup v2).

base_packages=systemd,systemd-sysv,ca-certificates,bash-completion,curl

debian_release() { # its code name; nothing on another system
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# A Debian root without anything that the packages depend on. It is made once, and kept.
make_base() {
    local stamp=$base.stamp
    if [[ "$(cat "$stamp" 2>/dev/null)" == "$base_packages" ]]; then return; fi
    rm -rf "$base" "$stamp"
    mkdir -p "$base"
    mmdebstrap --quiet --mode=root --variant=minbase --dpkgopt=force-unsafe-io --include="$base_packages" \
        --skip=cleanup/apt/lists,cleanup/tmp --dpkgopt=path-include=/usr/share/man/* "$(debian_release)" "$base" </dev/null
    echo "$base_packages" >"$stamp"
}

# What the packages depend on is fetched now, since the machines have no network; they are installed by the machines themselves.
fetch_dependencies() { # packages...
    local folder=$base/var/cache/packages
    mkdir -p "$folder"
    cp "$@" "$folder/"
    # shellcheck disable=SC2016 # the inner shell's
    chroot "$base" sh -c 'apt-get --quiet --yes --download-only install /var/cache/packages/*.deb </dev/null'
    rm -rf "$folder"
}

# Where even root may not raise limits (CAP_SYS_RESOURCE is bit 24), units that ask for more open files could not start.
allow_limits() { # root
    local bounding
    bounding=$(sed -n 's/^CapBnd:\t*//p' /proc/self/status)
    if (((16#$bounding >> 24) & 1)); then return; fi
    mkdir -p "$1/etc/systemd/system/service.d"
    printf '[Service]\nLimitNOFILE=%s\n' "$(ulimit -Hn)" >"$1/etc/systemd/system/service.d/limits.conf"
}

machine_boot() { # name; its process 1 in machine_NAME
    local name=$1 folder=$machines/$1 first="" _
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 machine "$folder"
    mkdir "$folder"/{upper,work,root}
    mount -t overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" machine "$folder/root"
    echo "$name" >"$folder/root/etc/hostname"
    allow_limits "$folder/root"
    mkdir -p "$cgroup/$name"
    tests/install/boot.sh "$folder/root" "$cgroup/$name" "$name" </dev/null >"$machines/$name.log" 2>&1 &
    # systemd begins by moving itself into a group of this name.
    for _ in {1..300}; do
        if read -r first 2>/dev/null <"$cgroup/$name/init.scope/cgroup.procs"; then break; fi
        sleep 0.1
    done
    [[ -n $first ]] || { cat "$machines/$name.log"; return 1; }
    declare -g "machine_$name=$first"
    # "degraded" is up too: what failed is told.
    until_true machine "$name" systemctl is-system-running --quiet || {
        machine "$name" systemctl --no-pager --failed || true
        cat "$machines/$name.log"
        return 1
    }
}

# Run a command in a machine as its root, in its /root.
machine() { # name, command...
    local first=machine_$1
    shift
    nsenter --target "${!first}" --all --wdns=/root -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        TERM=dumb PAGER=cat DEBIAN_FRONTEND=noninteractive "$@"
}

machine_stop() { # name
    local first=machine_$1
    kill -KILL "${!first}"
    umount -l "$machines/$1/root" "$machines/$1"
}
