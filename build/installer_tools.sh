#!/bin/sh
# Make sure of what tests run: other shells, downloaders, ruby and lintian for those of the installers,
# what reads manual pages, and strace for those that look at every process.
# On Debian they are installed; elsewhere the tests say what they miss and are skipped.
set -eu

say() { printf 'installer_tools: %s\n' "$*" >&2; }

missing=''
for pair in dash:dash busybox:busybox zsh:zsh fish:fish curl:curl wget:wget openssl:openssl ruby:ruby lintian:lintian \
    man:man-db mandoc:mandoc groff:groff strace:strace; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "missing:$missing; the tests that need them are skipped"
    exit 0
fi
say "installing$missing"
# shellcheck disable=SC2086  # a list of package names
{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing; } \
    >/dev/null || say "apt-get could not install them; the tests that need them are skipped"
