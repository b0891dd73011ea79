#!/usr/bin/env bash
# Makes .venv hold what uv.lock says; does nothing when it already does.
#
#   scripts/bootstrap.sh              set up the environment
#   scripts/bootstrap.sh --print-uv   only make sure of uv, and print its path
#
# Needs bash and any Python from 3.8 with pip or venv; everything else comes from the package index
# that pip and uv are configured for.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
uv_version=0.13.9
tools="$repository/.tools/uv-$uv_version"
stamp="$repository/.venv/.papergarden-set-up"
say() { echo "papergarden: $*" >&2; }
fail() { say "$*"; exit 1; }

# Every python3 of the PATH, newest names last: a shim may refuse, the next one may not.
list_pythons() {
    local name
    for name in python3 python3.10 python3.11 python3.12 python3.13 python; do
        type -ap "$name" || true
    done
}

install_uv() {
    local python
    mkdir -p "$repository/.tools"
    while read -r python; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null || continue
        rm -rf "$tools"
        # Debian ships Python without venv, others without pip: either will do.
        if "$python" -m venv "$tools" >/dev/null 2>&1; then
            python="$tools/bin/python"
            "$python" -m pip install --quiet "uv==$uv_version" && return
        elif rm -rf "$tools" && "$python" -m pip --version >/dev/null 2>&1; then
            "$python" -m pip install --quiet --target "$tools" "uv==$uv_version" && return
        fi
    done < <(list_pythons)
    rm -rf "$tools"
    fail "uv $uv_version could not be installed: it takes a Python from 3.8 with pip or venv" \
        "(Debian: apt-get install python3-venv) and a package index that pip can reach."
}

# Prints the path of uv: the pinned one, unless the PATH has it already.
find_uv() {
    local found
    found=$(command -v uv || true)
    if [[ -n $found && $("$found" --version 2>/dev/null) == "uv $uv_version"* ]]; then
        echo "$found"
        return
    fi
    "$tools/bin/uv" --version >/dev/null 2>&1 || install_uv
    echo "$tools/bin/uv"
}

# Prints the Python to use: that of .python-version, which takes TFX 1.16; on glibc 2.39 and newer
# TFX 1.21 installs as well, so 3.11 to 3.13 do.
find_python() {
    local uv=$1 wanted glibc version
    wanted=$(<"$repository/.python-version")
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2 || true)
    "$uv" python find --system --no-python-downloads "$wanted" 2>/dev/null && return
    # pyenv's, where its shims are not on the PATH.
    find "${PYENV_ROOT:-$HOME/.pyenv}/versions/" -path "*/$wanted*/bin/python" 2>/dev/null |
        grep -m 1 . && return
    if [[ -n $glibc && $(printf '%s\n' 2.39 "$glibc" | sort -V | head -n 1) == 2.39 ]]; then
        for version in 3.13 3.12 3.11; do
            "$uv" python find --system --no-python-downloads "$version" 2>/dev/null || continue
            return
        done
    fi
    say "looking for a Python $wanted to download"
    if "$uv" python install --quiet "$wanted" >/dev/null 2>&1; then
        "$uv" python find --system "$wanted" && return
    fi
    fail "no Python $wanted was found or could be downloaded, and TFX needs exactly that with" \
        "glibc ${glibc:-of unknown version} (Python 3.11 to 3.13 take glibc 2.39, as in Debian 13 and" \
        "Ubuntu 24.04): install it, for example with 'pyenv install $wanted', and run this again."
}

fingerprint() {
    cd "$repository" && cat uv.lock pyproject.toml .python-version \
        pipelines/kfp_command/papergarden_kfp.pth scripts/bootstrap.sh | sha256sum
}

if [[ ${1:-} == --print-uv ]]; then
    find_uv
    exit
fi
current=$(fingerprint)
if [[ -f $stamp && $(<"$stamp") == "$current" && -x $repository/.venv/bin/papergarden ]]; then
    exit
fi
mkdir -p "$repository/.tools"
exec 9>"$repository/.tools/lock"
if command -v flock >/dev/null; then flock 9; fi
uv=$(find_uv)
python=$(find_python "$uv")
if [[ -f $stamp ]]; then
    say "bringing .venv up to date"
else
    say "setting up .venv with $("$python" --version): 3 GB, some minutes, this once"
fi
# Inexact: what somebody added to the environment by hand stays in it.
"$uv" sync --project "$repository" --frozen --all-extras --inexact --quiet --python "$python" ||
    fail "the packages of uv.lock could not be installed; uv's message is above."
echo "$current" >"$stamp"
