#!/bin/bash
# Hold a machine: set up its mounts, say the pid, and stay as its first process until stdin ends.
# machine.py starts it, in namespaces of its own:
#
#     bash machine.sh ROOTFS WORK kept|writable none|shared [OUTSIDE INSIDE ro|rw]...
#
# bash, because it takes in the orphans of a pid namespace, as a first process must.
set -eu
rootfs=$1 work=$2 lower=$3 network=$4
shift 4

mount -t tmpfs -o mode=700 cco-machine "$work"
mkdir "$work/root" "$work/upper" "$work/work"
root=$work/root
if [ "$lower" = writable ]; then
    mount --bind "$rootfs" "$root"
else
    mount -t overlay -o "lowerdir=$rootfs,upperdir=$work/upper,workdir=$work/work" overlay "$root"
fi
chmod 755 "$work"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,nosuid,noexec devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
number=0
for name in stdin stdout stderr; do
    ln -s "/proc/self/fd/$number" "$root/dev/$name"
    number=$((number + 1))
done
if [ "$lower" = kept ]; then
    mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"
fi

bind() { # outside, inside, ro|rw
    if [ -d "$1" ]; then
        mkdir -p "$root$2"
    else
        mkdir -p "$(dirname "$root$2")"
        [ -e "$root$2" ] || : > "$root$2"
    fi
    mount --bind "$1" "$root$2"
    if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
}

if [ "$network" = shared ]; then
    if [ -e /etc/resolv.conf ]; then bind "$(readlink -f /etc/resolv.conf)" /etc/resolv.conf ro; fi
else
    ip link set lo up
fi
while [ $# -gt 0 ]; do
    bind "$1" "$2" "$3"
    shift 3
done

# shellcheck disable=SC2034  # only the first field counts
read -r pid rest < /proc/self/stat # /proc is still the outer one: the pid as it is seen from there
echo "$pid"
exec > /dev/null
read -r _ || true
