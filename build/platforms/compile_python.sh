#!/bin/bash
# Compile CPython for a portable build, in a root file system with an old glibc:
#
#     compile_python.sh SOURCE DESTINATION JOBS [TRIPLE]
#
# from the Debian source package in SOURCE, for the prefix /opt/python, into the folder DESTINATION; with a
# TRIPLE such as aarch64-linux-gnu for that kind of machine, by a CPython of the same version in /opt/python.
#
# Of Debian's patches only the corrections of CPython are taken, those from the first named below on:
# the ones before it fit CPython into Debian's own folders.
set -euo pipefail
source=$1 destination=$2 jobs=$3 triple=${4:-}
first_correction=shutdown-deadlock.diff
# Uses a symbol that Debian's interpreter has inside and a shared libpython does not export: pyexpat, which pip
# loads and cco does not have, would not be built at all.
left_out=CVE-2026-4224.patch

work=$(mktemp -d)
cd "$work"
tar -xf "$source"/python3.11_*.orig.tar.* --strip-components=1
tar -xf "$source"/python3.11_*.debian.tar.*
patches=$(sed -n "/^$first_correction/,\$p" debian/patches/series)
[ -n "$patches" ] || { echo "$first_correction is not among Debian's patches any more" >&2; exit 1; }
for name in $patches; do
    [ "$name" = "$left_out" ] || patch --strip=1 --quiet --no-backup-if-mismatch < "debian/patches/$name"
done

# Shared, for PyInstaller. Nothing may replace calls within the library from outside, which makes it faster.
set -- --prefix=/opt/python --enable-shared --disable-test-modules --without-static-libpython --without-ensurepip \
    CFLAGS_NODIST=-fno-semantic-interposition LDFLAGS_NODIST=-fno-semantic-interposition
strip=strip
if [ -n "$triple" ]; then
    ldconfig /opt/python/lib
    export PKG_CONFIG_LIBDIR=/usr/lib/$triple/pkgconfig:/usr/share/pkgconfig
    set -- "$@" --build="$(gcc -dumpmachine)" --host="$triple" --with-build-python=/opt/python/bin/python3.11 \
        ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no
    strip=$triple-strip
fi
./configure --quiet "$@"
make --silent -j"$jobs"
make --silent -j1 install DESTDIR="$destination"
"$strip" --strip-unneeded "$destination"/opt/python/lib/libpython3.11.so.1.0
