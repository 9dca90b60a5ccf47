#!/bin/bash
# Compile OpenSSL for a portable build, in a root file system with an old glibc:
#
#     compile_openssl.sh SOURCE DESTINATION JOBS [TRIPLE]
#
# from the Debian source package in SOURCE, as static libraries for the prefix /opt/openssl, into the folder
# DESTINATION; with a TRIPLE such as aarch64-linux-gnu for that kind of machine. It gives the same bytes at every run:
# hence the fixed folder and times. CPython's _ssl, the only user, takes the libraries in: see compile_python.sh.
set -euo pipefail
source=$1 destination=$2 jobs=$3 triple=${4:-}
# Whatever TLS 1.2 and 1.3 with certificates of today do not need. The system's openssl.cnf is not read: it is
# meant for the system's OpenSSL, may name modules of that, and must not keep cco's daemon from its start.
without=(
    apps argon2 aria autoload-config bf blake2 camellia cast cmp cms comp ct des docs dsa dso dtls ec2m engine
    filenames gost http idea legacy md4 mdc2 ml-dsa module multiblock nextprotoneg ocb ocsp padlockeng psk quic rc2
    rc4 rfc3779 rmd160 scrypt seed shared siphash siv slh-dsa sm2 sm3 sm4 srp srtp ssl-trace tests thread-pool tls1
    tls1_1 ts ui-console uplink whirlpool
)

mkdir /opt/build
cd /opt/build
tar -xf "$source"/openssl_*.orig.tar.?z --strip-components=1
tar -xf "$source"/openssl_*.debian.tar.?z
while read -r name; do
    patch --strip=1 --quiet --no-backup-if-mismatch < "debian/patches/$name"
done < debian/patches/series
# The version tells Debian's revision, and so which corrections are in: 3.5.7+1.deb13u2.
revision=$(basename "$source"/openssl_*.dsc .dsc)
revision=${revision##*-}
sed -i "s/^BUILD_METADATA=.*/BUILD_METADATA=${revision//\~/.}/" VERSION.dat

export SOURCE_DATE_EPOCH=0 LC_ALL=C.UTF-8
set -- --prefix=/opt/openssl --libdir=lib --openssldir=/etc/ssl "${without[@]/#/no-}"
[ -z "$triple" ] || set -- "$@" --cross-compile-prefix="$triple-"
target=linux-${triple%%-*}
[ -n "$triple" ] || target=linux-$(uname -m)
# A section for each function, so that a linker can leave out those that nobody calls.
./Configure "$target" "$@" CFLAGS='-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables'
make --silent -j"$jobs" build_libs
make --silent -j1 install_dev DESTDIR="$destination"
