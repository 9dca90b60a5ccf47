#!/bin/sh
# Fetch Debian's Prometheus and promtool into .cache/prometheus for the tests that scrape the daemon.
#
# The package is taken apart and not installed: nobody's machine gets another server by it. Ends
# well without it where there is no apt; the tests that need it say then why they are skipped.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'prometheus: %s\n' "$*" >&2; }

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then exit 0; fi
into=.cache/prometheus
if [ -x $into/promtool ]; then exit 0; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "no apt here; the tests with a real Prometheus are skipped until one is on PATH"
    exit 0
fi

draft=$PWD/.cache/prometheus.$$
trap 'rm -rf "$draft"' EXIT
mkdir -p "$draft"
download() { (cd "$draft" && apt-get -qq -o APT::Sandbox::User=root download prometheus) >/dev/null 2>&1; }
if ! download; then
    if [ "$(id -u)" = 0 ]; then apt-get -qq update >/dev/null || true; fi
    download || {
        say "apt-get has no prometheus; the tests with a real one are skipped until one is on PATH"
        exit 0
    }
fi
say "taking apart $(cd "$draft" && echo prometheus_*.deb)"
dpkg-deb --fsys-tarfile "$draft"/prometheus_*.deb |
    tar -x -C "$draft" ./usr/bin/prometheus ./usr/bin/promtool ./usr/share/doc/prometheus/copyright
rm -rf $into
mkdir -p $into
mv "$draft/usr/share/doc/prometheus/copyright" "$draft/usr/bin/prometheus" "$draft/usr/bin/promtool" $into
