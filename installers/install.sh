#!/bin/sh
# Install cco for this user: no root, no sudo, nothing outside the prefix and this user's home.
#
#     curl -fsSL https://github.com/cco-dev/cco/releases/latest/download/install.sh | sh
#     sh install.sh [--version X.Y.Z] [--prefix DIR] [--modify-path] [--dry-run]
#     sh install.sh --file ./cco-X.Y.Z-linux-x86_64 [--sha256 HEX]
#     sh install.sh --uninstall [--prefix DIR]
#
# The program is downloaded into a private folder and compared with the release's SHA256SUMS before
# anything of it runs. Nothing happens before the last line of this file has arrived.
#
# Exit codes: 0 done · 1 the program could not install itself · 2 the command line makes no sense
# 3 no release for this system · 4 a tool is missing · 5 the download failed · 6 wrong or missing
# checksum · 7 a folder cannot be written · 8 the program does not run here · 130 or 143 interrupted

set -u

cco_usage() {
    cat <<'EOF'
usage: install.sh [options]

  --version X.Y.Z   this version instead of the newest
  --prefix DIR      install as DIR/bin/cco instead of ~/.local/bin/cco
  --modify-path     let your shell's start-up file put that folder on PATH
  --file PATH       install this downloaded file; SHA256SUMS must lie beside it, or --sha256 be given
  --sha256 HEX      the checksum to demand, with --file or --version
  --uninstall       stop the daemon and remove everything that was installed or made
  --purge           with --uninstall: your settings and specialists, too
  --dry-run         only say what would be done
  --help            this text

CCO_RELEASE_BASE names another place to download from than https://github.com/cco-dev/cco/releases.
EOF
}

cco_say() { printf 'install.sh: %s\n' "$*" >&2; }

cco_fail() { # STATUS MESSAGE…
    cco_status=$1
    shift
    cco_say "error: $*"
    exit "$cco_status"
}

cco_have() { command -v "$1" >/dev/null 2>&1; }

cco_need() {
    for cco_tool; do
        cco_have "$cco_tool" || cco_fail 4 "$cco_tool is missing; install it (it is in coreutils) and try again"
    done
}

cco_clean_up() {
    [ -z "${cco_temp:-}" ] || rm -rf "$cco_temp"
    [ -z "${cco_candidate:-}" ] || rm -f "$cco_candidate"
}

# --- what is asked for ---

cco_value() { # OPTION COUNT VALUE
    [ "$2" -ge 2 ] && [ -n "$3" ] || cco_fail 2 "$1 needs a value; see --help"
}

cco_read_arguments() {
    cco_version='' cco_prefix='' cco_file='' cco_sha256=''
    cco_uninstall='' cco_purge='' cco_modify_path='' cco_dry_run=''
    while [ $# -gt 0 ]; do
        case $1 in
            --version) cco_value "$1" $# "${2:-}" && cco_version=${2#v} && shift ;;
            --prefix) cco_value "$1" $# "${2:-}" && cco_prefix=$2 && shift ;;
            --file) cco_value "$1" $# "${2:-}" && cco_file=$2 && shift ;;
            --sha256) cco_value "$1" $# "${2:-}" && cco_sha256=$2 && shift ;;
            --version=* | --prefix=* | --file=* | --sha256=*)
                cco_option=${1%%=*} cco_text=${1#*=}
                shift
                set -- "$cco_option" "$cco_text" "$@"
                continue
                ;;
            --modify-path) cco_modify_path=1 ;;
            --uninstall) cco_uninstall=1 ;;
            --purge) cco_purge=1 ;;
            --dry-run) cco_dry_run=1 ;;
            -h | --help) cco_usage && exit 0 ;;
            *) cco_fail 2 "unknown option $1; see --help" ;;
        esac
        shift
    done
    case $cco_version in
        *[!0-9A-Za-z.-]*) cco_fail 2 "--version takes a version such as 1.2.3" ;;
    esac
    [ -z "$cco_sha256" ] || cco_is_checksum "$cco_sha256" || cco_fail 2 "--sha256 takes 64 hexadecimal digits"
    [ -z "$cco_purge" ] || [ -n "$cco_uninstall" ] || cco_fail 2 "--purge goes with --uninstall"
    [ -z "$cco_file" ] || [ -z "$cco_version" ] || cco_fail 2 "--file and --version exclude each other"
    [ -z "$cco_sha256" ] || [ -n "$cco_file$cco_version" ] || cco_fail 2 "--sha256 goes with --file or --version"
    if [ -n "$cco_uninstall" ] && [ -n "$cco_version$cco_file$cco_modify_path" ]; then
        cco_fail 2 "--uninstall takes no options but --prefix, --purge and --dry-run"
    fi
}

cco_is_checksum() {
    case $1 in *[!0-9a-fA-F]*) return 1 ;; esac
    [ ${#1} -eq 64 ]
}

cco_choose_prefix() {
    cco_prefix_named=$cco_prefix
    if [ -z "$cco_prefix" ]; then
        case ${HOME:-} in
            /*) cco_prefix=${HOME%/}/.local ;;
            '') cco_fail 7 "HOME is not set; set it, or name a folder with --prefix DIR" ;;
            *) cco_fail 7 "HOME is not a whole path: $HOME; set it, or name a folder with --prefix DIR" ;;
        esac
    fi
    [ -n "$cco_prefix_named" ] || cco_check_home
    case $cco_prefix in
        /*) ;;
        *) cco_prefix=$PWD/$cco_prefix ;;
    esac
}

cco_check_home() { # whoever owns the folder could put a program of theirs in the place of ours
    cco_uid=$(id -u 2>/dev/null) || cco_uid=''
    set -f
    # shellcheck disable=SC2046  # split on purpose: mode, links, owner
    set -- $(ls -ldn "$HOME/." 2>/dev/null)
    set +f
    case ${3:-0} in
        0 | "${cco_uid:-${3:-0}}") ;;
        *) cco_fail 7 "HOME ($HOME) belongs to another account: run this as that account, without sudo; or name a folder with --prefix DIR" ;;
    esac
}

# --- this system ---

cco_find_platform() {
    cco_need uname
    case $(uname -s) in
        Linux) cco_os=linux ;;
        Darwin) cco_os=macos ;;
        MINGW* | MSYS* | CYGWIN*) cco_fail 3 "this is Windows: use install.ps1 in PowerShell" ;;
        *) cco_fail 3 "there is no cco for $(uname -s)" ;;
    esac
    case $(uname -m) in
        x86_64 | amd64) cco_arch=x86_64 ;;
        aarch64 | arm64) cco_arch=aarch64 ;;
        *) cco_fail 3 "there is no cco for $(uname -m) processors, only for x86_64 and arm64" ;;
    esac
    if [ $cco_os = macos ]; then
        # a shell under Rosetta says x86_64 on Apple silicon
        if [ $cco_arch = aarch64 ] || [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
            cco_arch=arm64
        fi
    else
        cco_check_libc
    fi
}

cco_check_libc() {
    cco_bits=$(getconf LONG_BIT 2>/dev/null) || cco_bits=64
    [ "$cco_bits" != 32 ] || cco_fail 3 "this is a 32-bit system; cco needs a 64-bit one"
    cco_libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || cco_libc=''
    case $cco_libc in
        'glibc '[0-9]*.[0-9]*)
            cco_libc=${cco_libc#glibc } cco_minor=${cco_libc#*.}
            cco_minor=${cco_minor%%[!0-9]*}
            if [ "${cco_libc%%.*}" -lt 2 ] || { [ "${cco_libc%%.*}" -eq 2 ] && [ "$cco_minor" -lt 31 ]; }; then
                cco_fail 3 "this system has glibc $cco_libc; cco needs 2.31 or newer (Debian 11, Ubuntu 20.04, RHEL 9)"
            fi
            return 0
            ;;
    esac
    case $(ldd --version 2>&1) in
        *musl*) cco_fail 3 "this system has musl; cco needs glibc 2.31 or newer" ;;
    esac
    for cco_loader in /lib/ld-musl-*; do
        [ ! -e "$cco_loader" ] || cco_fail 3 "this system has musl; cco needs glibc 2.31 or newer"
    done
}

# --- getting the file ---

cco_choose_base() {
    cco_base=${CCO_RELEASE_BASE:-https://github.com/cco-dev/cco/releases}
    cco_base=${cco_base%/}
    case $cco_base in
        *[!A-Za-z0-9._~:/%\[\]-]*) cco_fail 2 "CCO_RELEASE_BASE has characters in it that no address needs" ;;
        https://?*) cco_protocol='=https' ;;
        http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]* | \
            'http://[::1]' | 'http://[::1]'[:/]*)
            cco_protocol='=http'
            ;;
        *) cco_fail 2 "CCO_RELEASE_BASE must be an https address" ;;
    esac
}

cco_find_downloader() {
    if cco_have curl; then
        cco_downloader=curl
    elif cco_have wget; then
        case $(wget --version 2>/dev/null) in
            'GNU Wget'*) cco_downloader=wget ;;
            *) cco_fail 4 "this wget does not check certificates reliably; install curl or GNU wget" ;;
        esac
    else
        cco_fail 4 "neither curl nor wget is here; install one of them, or download by hand and use --file"
    fi
}

cco_download() { # NAME URL FILE MAX_BYTES
    cco_log=$cco_temp/log
    if [ $cco_downloader = curl ]; then
        curl -fsSL --proto "$cco_protocol" --tlsv1.2 --connect-timeout 20 --speed-limit 1000 --speed-time 60 \
            --retry 2 --max-redirs 5 --max-filesize "$4" -o "$3" "$2" 2>"$cco_log"
    else
        wget -q --secure-protocol=TLSv1_2 --timeout=60 --tries=2 --max-redirect=5 -O "$3" "$2" 2>"$cco_log"
    fi && return 0
    cco_code=$?
    case $cco_downloader$cco_code in
        curl22 | wget8) cco_fail 5 "$2 is not there (or refused): is there such a version, for ${cco_os}-${cco_arch}?" ;;
        curl23 | wget3) cco_fail 7 "$cco_temp cannot be written, or is full; name another folder with TMPDIR" ;;
    esac
    cco_reason=''
    read -r cco_reason <"$cco_log" || :
    cco_fail 5 "$1 could not be downloaded from $2${cco_reason:+: $cco_reason}"
}

cco_hash() { # FILE; prints the SHA-256
    if cco_have sha256sum; then
        cco_line=$(sha256sum <"$1")
    elif cco_have shasum; then
        cco_line=$(shasum -a 256 <"$1")
    elif cco_have openssl; then
        cco_line=$(openssl dgst -sha256 -r <"$1")
    else
        cco_fail 4 "no tool for checksums is here; install sha256sum (coreutils), shasum or openssl"
    fi || cco_fail 4 "the tool for checksums failed on $1"
    printf '%s\n' "${cco_line%%[ *]*}"
}

cco_listed() { # SHA256SUMS NAME; prints the checksum of the one line with this name
    cco_found=''
    while IFS=' ' read -r cco_sum cco_name || [ -n "$cco_sum" ]; do
        [ "${cco_name#\*}" = "$2" ] || continue
        cco_is_checksum "$cco_sum" && [ -z "$cco_found" ] || return 1
        cco_found=$cco_sum
    done <"$1"
    [ -n "$cco_found" ] && printf '%s\n' "$cco_found"
}

cco_newest() { # SHA256SUMS; prints the version of the release that it belongs to
    cco_found=''
    while IFS=' ' read -r cco_sum cco_name || [ -n "$cco_sum" ]; do
        case $cco_name in
            cco-*"-$cco_os-$cco_arch")
                [ -z "$cco_found" ] || return 1
                cco_name=${cco_name#cco-}
                cco_found=${cco_name%"-$cco_os-$cco_arch"}
                ;;
        esac
    done <"$1"
    case $cco_found in
        '' | *[!0-9A-Za-z.-]*) return 1 ;;
    esac
    printf '%s\n' "$cco_found"
}

cco_make_temp() {
    cco_old_umask=$(umask)
    umask 077
    cco_temp=$(mktemp -d "${TMPDIR:-/tmp}/cco-install.XXXXXXXXXX" 2>/dev/null) || {
        cco_temp=''
        cco_fail 7 "no folder can be made in ${TMPDIR:-/tmp}; name another one with TMPDIR"
    }
    umask "$cco_old_umask"
}

cco_get_release() {
    cco_choose_base
    cco_find_downloader
    cco_make_temp
    cco_sums=$cco_temp/SHA256SUMS
    if [ -z "$cco_version" ]; then
        cco_download SHA256SUMS "$cco_base/latest/download/SHA256SUMS" "$cco_sums" 1000000
        cco_version=$(cco_newest "$cco_sums") ||
            cco_fail 3 "the newest release has no cco for $cco_os-$cco_arch, or its SHA256SUMS makes no sense"
    elif [ -z "$cco_sha256" ]; then
        cco_download SHA256SUMS "$cco_base/download/v$cco_version/SHA256SUMS" "$cco_sums" 1000000
    fi
    cco_title=cco-$cco_version-$cco_os-$cco_arch
    cco_url=$cco_base/download/v$cco_version/$cco_title
    cco_expected=$cco_sha256
    if [ -z "$cco_expected" ]; then
        cco_expected=$(cco_listed "$cco_sums" "$cco_title") ||
            cco_fail 6 "SHA256SUMS of version $cco_version has no checksum, or more than one, for $cco_title"
    fi
    [ -z "$cco_dry_run" ] || return 0
    cco_say "downloading $cco_url"
    cco_source=$cco_temp/$cco_title
    cco_download "$cco_title" "$cco_url" "$cco_source" 200000000
}

cco_take_file() {
    [ -f "$cco_file" ] && [ -r "$cco_file" ] || cco_fail 2 "--file: $cco_file is not a file that can be read"
    case $cco_file in -*) cco_file=./$cco_file ;; esac
    cco_source=$cco_file cco_title=${cco_file##*/}
    cco_expected=$cco_sha256
    [ -z "$cco_expected" ] || return 0
    case $cco_file in
        */*) cco_sums=${cco_file%/*}/SHA256SUMS ;;
        *) cco_sums=./SHA256SUMS ;;
    esac
    [ -f "$cco_sums" ] || cco_fail 6 "$cco_sums is missing: download it from the same release, or give --sha256 HEX"
    cco_expected=$(cco_listed "$cco_sums" "$cco_title") ||
        cco_fail 6 "$cco_sums has no checksum, or more than one, for $cco_title; has the file been renamed?"
}

cco_verify() { # FILE
    cco_actual=$(cco_hash "$1") || exit $?
    cco_expected=$(printf '%s' "$cco_expected" | tr ABCDEF abcdef)
    [ "$cco_actual" = "$cco_expected" ] ||
        cco_fail 6 "$cco_title is not what was released (SHA-256 $cco_actual, expected $cco_expected); nothing was installed"
}

# --- installing ---

cco_install() {
    # Beside its place and not in the temp folder, where programs may not be allowed to run; folders
    # that are missing are left to the program itself, which remembers what it made.
    cco_folder=$cco_prefix/bin
    while [ ! -d "$cco_folder" ] && [ "$cco_folder" != "${cco_folder%/*}" ]; do
        [ ! -e "$cco_folder" ] || cco_fail 7 "$cco_folder is not a folder; name another place with --prefix DIR"
        cco_folder=${cco_folder%/*}
    done
    cco_candidate=$(mktemp "${cco_folder:-/}/.cco-install.XXXXXXXXXX" 2>/dev/null) || cco_candidate=''
    { [ -n "$cco_candidate" ] && cp "$cco_source" "$cco_candidate" && chmod 700 "$cco_candidate"; } 2>/dev/null ||
        cco_fail 7 "${cco_folder:-/} cannot be written, or is full; name another folder with --prefix DIR"
    cco_verify "$cco_candidate" # what runs is what was verified, whatever happened to it on the way
    cco_told=$("$cco_candidate" version 2>&1) ||
        cco_fail 8 "$cco_title does not run here: $cco_told"
    set -- install
    [ -z "$cco_prefix_named" ] || set -- "$@" --prefix "$cco_prefix"
    [ -z "$cco_modify_path" ] || set -- "$@" --modify-path
    "$cco_candidate" "$@" || cco_fail 1 "$cco_title could not install itself (exit status $?)"
    rm -f "$cco_candidate"
    cco_candidate=''
}

cco_remove() {
    cco_program=$cco_prefix/bin/cco
    [ -x "$cco_program" ] || cco_fail 1 "there is no $cco_program; name the folder that you installed to: --prefix DIR"
    set -- install --uninstall
    [ -z "$cco_prefix_named" ] || set -- "$@" --prefix "$cco_prefix"
    [ -z "$cco_purge" ] || set -- "$@" --purge
    [ -z "$cco_dry_run" ] || set -- "$@" --dry-run
    "$cco_program" "$@" || cco_fail 1 "$cco_program could not uninstall itself (exit status $?)"
}

cco_main() {
    cco_temp='' cco_candidate=''
    trap cco_clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    cco_read_arguments "$@"
    cco_choose_prefix
    if [ -n "$cco_uninstall" ]; then
        cco_remove
        return 0
    fi
    cco_need rm cp chmod mktemp tr
    cco_find_platform
    if [ -n "$cco_file" ]; then
        cco_take_file
        cco_verify "$cco_source"
    else
        cco_get_release
        [ -n "$cco_dry_run" ] || cco_verify "$cco_source"
    fi
    if [ -n "$cco_dry_run" ]; then
        printf 'would install %s as %s/bin/cco\n' "$cco_title" "$cco_prefix"
        [ -n "$cco_file" ] || printf 'from %s\n' "$cco_url"
        printf 'with SHA-256 %s\n' "$cco_expected"
        return 0
    fi
    cco_install
}

{ cco_main "$@"; }
