#!/usr/bin/env bash
# boot.sh - a root file system as a machine of its own, with systemd as its process 1; ends when that ends.
#   tests/install/boot.sh ROOT CGROUP NAME
# ROOT is a mount; CGROUP a folder of cgroup v2 that is the machine's only. The network is the caller's. Nothing in the kernel
# that all share can be changed from inside: /proc/sys and /sys are read-only, hostname and mounts are the machine's own.
# shellcheck disable=SC2016 # the inner shell's
set -euo pipefail

root=$1
echo $$ >"$2/cgroup.procs"
exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child --propagation private bash -euc '
    root=$1 name=$2
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=0755 dev "$root/dev"
    for device in null zero full random urandom tty; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t tmpfs -o mode=0755 run "$root/run"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    hostname "$name"
    # Not chroot: in a changed root the kernel allows no user namespace, which PrivateUsers= needs.
    cd "$root"
    mkdir -p old
    pivot_root . old
    umount -l /old
    rmdir /old
    exec /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target' _ "$root" "$3"
