#!/bin/sh
# Make sure of a Chromium for the tests of the dashboard: Debian's, where it can be installed.
set -eu

say() { printf 'chromium: %s\n' "$*" >&2; }

if [ -n "${CCO_TEST_CHROMIUM:-}" ] || command -v chromium >/dev/null; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "none here; the tests of the dashboard are skipped until one is on PATH or in CCO_TEST_CHROMIUM"
    exit 0
fi
say "installing it"
{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium; } \
    >/dev/null || say "apt-get could not install it; the tests of the dashboard are skipped"
