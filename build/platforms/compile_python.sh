#!/bin/bash
# Compile CPython for a portable build, in a root file system with an old glibc:
#
#     compile_python.sh SOURCE DESTINATION JOBS [TRIPLE]
#
# from the Debian source package in SOURCE, for the prefix /opt/python, into the folder DESTINATION, with the static
# OpenSSL in /opt/openssl; with a TRIPLE such as aarch64-linux-gnu for that kind of machine, by a CPython of the same
# version in /opt/python.
# It gives the same bytes at every run, profiling included: hence the fixed folder, hashes and addresses.
#
# Of Debian's patches only the corrections of CPython are taken, those from the first named below on:
# the ones before it fit CPython into Debian's own folders.
set -euo pipefail
source=$1 destination=$2 jobs=$3 triple=${4:-}
here=$(dirname "$(readlink -f "$0")")
first_correction=shutdown-deadlock.diff
# Uses a symbol that Debian's interpreter has inside and a shared libpython does not export: pyexpat, which pip
# loads and cco does not have, would not be built at all.
left_out=CVE-2026-4224.patch
# What cco loads, within libpython: a module of its own each would be found, opened and linked at every start.
# Without _ssl, which brings OpenSSL along.
within='array|_asyncio|binascii|_bisect|_blake2|_contextvars|_csv|_datetime|fcntl|grp|_heapq|_json|math|_md5|mmap'
within="$within|_multiprocessing|_opcode|_pickle|_posixshmem|_posixsubprocess|_queue|_random|resource|select|_sha1"
within="$within|_sha256|_sha3|_sha512|_socket|_statistics|_struct|termios|_typing|unicodedata|zlib"

mkdir /opt/build
cd /opt/build
tar -xf "$source"/python3.11_*.orig.tar.?z --strip-components=1
tar -xf "$source"/python3.11_*.debian.tar.?z
patches=$(sed -n "/^$first_correction/,\$p" debian/patches/series)
[ -n "$patches" ] || { echo "$first_correction is not among Debian's patches any more" >&2; exit 1; }
for name in $patches; do
    [ "$name" = "$left_out" ] || patch --strip=1 --quiet --no-backup-if-mismatch < "debian/patches/$name"
done

export PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=0 LC_ALL=C.UTF-8
# Shared, for PyInstaller. Nothing may replace calls within the library from outside, which makes it faster. And
# nice() works: configure would find it broken where this itself runs at the lowest priority.
set -- --prefix=/opt/python --enable-shared --disable-test-modules --without-static-libpython --without-ensurepip \
    --with-openssl=/opt/openssl ac_cv_broken_nice=no \
    CFLAGS_NODIST=-fno-semantic-interposition LDFLAGS_NODIST=-fno-semantic-interposition
if [ -n "$triple" ]; then # nothing of it runs here, so nothing can be profiled
    strip=$triple-strip
    ldconfig /opt/python/lib
    export PKG_CONFIG_LIBDIR=/usr/lib/$triple/pkgconfig:/usr/share/pkgconfig
    set -- "$@" --build="$(gcc -dumpmachine)" --host="$triple" --with-build-python=/opt/python/bin/python3.11 \
        ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no
else
    strip=strip
    set -- "$@" --enable-optimizations PROFILE_TASK="$here/profile_task.py"
fi
./configure --quiet "$@"
{
    echo '*static*'
    grep --extended-regexp "^($within) " Modules/Setup.stdlib
    echo '*shared*'
    # What of OpenSSL _ssl does not call is left out; what is left is seen by nobody else.
    # shellcheck disable=SC2016  # make's variables
    echo '_ssl _ssl.c $(OPENSSL_INCLUDES) $(OPENSSL_LDFLAGS) -l:libssl.a -l:libcrypto.a -ldl -lpthread' \
        '-Wl,--exclude-libs,ALL -Wl,--gc-sections'
    echo '*disabled*'
    echo _hashlib
} > Modules/Setup.local
if [ -z "$triple" ]; then
    make --silent -j"$jobs" profile-gen-stamp
    # Of what ran during the build no two runs are alike: modules were compiled several at a time.
    find build '(' -name '*.so' -o -name '*.o' ')' -delete
    make --silent build_all_generate_profile
    find . -name '*.gcda' -delete
    setarch --addr-no-randomize make --silent profile-run-stamp
    # make goes on where the profiled run has failed
    [ -e Python/ceval.gcda ] || { echo "the profiled run has left no profile" >&2; exit 1; }
fi
make --silent -j"$jobs"
make --silent -j1 install DESTDIR="$destination"
"$strip" --strip-unneeded "$destination"/opt/python/lib/libpython3.11.so.1.0
