#!/bin/sh
# Make .venv with the locked requirements: everything that checks, tests and freezes cco.
#
#     build/bootstrap.sh            PYTHON=/path/to/python3.11 to choose the interpreter
#
# PyInstaller needs an interpreter with a shared libpython. Debian's own python3.11 comes first: its
# libpython is stripped, and the frozen program a third smaller than with one compiled by hand.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*" >&2; }

# Prints nothing if the interpreter will do, else what is wrong with it.
fault_of() {
    "$1" - <<'PYTHON' 2>/dev/null || echo "does not run"
import importlib.util, os, sys, sysconfig

def fault():
    if sys.version_info < (3, 11):
        return "is older than 3.11"
    if importlib.util.find_spec("ensurepip") is None:
        return "has no venv module (Debian: python3.11-venv)"
    folder, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    if sys.platform == "linux" and not os.path.exists(os.path.join(folder or "", name or "libpython.so")):
        return "has no shared libpython (Debian: libpython3.11; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)"
    if sys.platform == "linux" and not str(name).count(".so"):
        return "was built without --enable-shared"
    return ""

print(fault())
PYTHON
}

debian_packages() { # what this needs of Debian's packages and the machine lacks
    command -v dpkg-query >/dev/null || return 0
    for package in python3.11 python3.11-venv libpython3.11 binutils gcc libc6-dev; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
            *" installed") ;;
            *) printf '%s ' "$package" ;;
        esac
    done
}

if [ -z "${PYTHON:-}" ] && [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null; then
    missing=$(debian_packages)
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
        say "installing $missing"
        # shellcheck disable=SC2086  # a list of package names
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing; } \
            >/dev/null || say "apt-get could not install them; going on with what there is"
    fi
fi

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- /usr/bin/python3.11 python3.11 python3.12 python3.13 python3
fi
chosen='' faults=''
for candidate; do
    path=$(command -v "$candidate") || continue
    fault=$(fault_of "$path")
    if [ -z "$fault" ]; then
        chosen=$path
        break
    fi
    faults="$faults
    $path $fault"
done
if [ -z "$chosen" ]; then
    say "found no Python that cco can be built with:${faults:- ${PYTHON:-none} is not there}"
    say "On Debian or Ubuntu, as root: apt-get install python3.11 python3.11-venv libpython3.11 binutils gcc libc6-dev"
    say "Elsewhere: install Python 3.11 with a shared library, and name it: PYTHON=/path/to/python3.11 make bootstrap"
    exit 1
fi
for tool in cc objdump strip; do
    [ "$(uname -s)" != Linux ] || command -v "$tool" >/dev/null || {
        say "$tool is missing. On Debian or Ubuntu, as root: apt-get install binutils gcc libc6-dev"
        exit 1
    }
done

say "making .venv with $("$chosen" --version) ($chosen)"
rm -rf .venv
"$chosen" -m venv .venv
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes \
    -r build/requirements/runtime.txt -r build/requirements/freeze.txt -r build/requirements/dev.txt \
    -r build/requirements/release.txt -r build/requirements/workflows.txt

# The checkout itself, for `python -m cco` from any folder.
pwd > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/cco-checkout.pth"
