#!/bin/sh
# Makes .venv from the lock that fits this machine: `install.sh` for the product, `install.sh test` for its tests too.
# Idempotent and quick when nothing changed. Everything it writes is in .venv and .tools.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'headrace: %s\n' "$*" >&2; }
die() { say "$1"; [ -z "${2:-}" ] || say "  -> $2"; exit 1; }

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "runs on Linux x86_64; this is $(uname -s) $(uname -m)"
glibc=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
minor=${glibc#*.}
if [ "$minor" -ge 39 ]; then stack=current; pythons="3.13 3.12 3.11"; else stack=portable; pythons="3.11"; fi
[ "$minor" -ge 28 ] || die "glibc $glibc is too old for TensorFlow's wheels" "Debian 12, Ubuntu 22.04 or later"

python=
for version in $pythons; do
    if command -v "python$version" >/dev/null 2>&1 && "python$version" -c '' 2>/dev/null; then python=python$version; break; fi
done

install_packages() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing the system packages $*"
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
    else
        die "this machine lacks the system packages: $*" "sudo apt-get install $*"
    fi
}

if [ -z "$python" ]; then
    if [ "$stack" = portable ]; then install_packages python3.11 python3.11-venv; python=python3.11
    else install_packages python3 python3-venv; python=python3; fi
fi
"$python" -c 'import ensurepip' 2>/dev/null || install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
# One of TFX's dependencies (pyfarmhash) has no wheel: it is compiled, which needs a compiler and Python's headers.
has_headers() { "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; }
if ! command -v g++ >/dev/null 2>&1 || ! has_headers; then
    install_packages g++ "$("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')"
fi

locks="-r requirements/$stack.txt"
[ "${1:-}" != test ] || locks="$locks -r requirements/$stack-test.txt"
stamp=.venv/.headrace-${1:-product}
want=$(cat setup.py requirements/*.txt "$0" | sha256sum | cut -c1-32)-$stack
[ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || exit 0

if ! .tools/bin/uv --version >/dev/null 2>&1; then
    rm -rf .tools
    "$python" -m venv .tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
fi
export UV_CACHE_DIR="$PWD/.tools/cache" VIRTUAL_ENV="$PWD/.venv" UV_NO_PROGRESS=1
[ -x .venv/bin/python ] || .tools/bin/uv venv --quiet --python "$python" .venv
say "installing the $stack stack into .venv (2 to 3 GB, a minute or two)"
# TFX's metadata says Python <3.11 though it runs on it; uv ignores upper bounds.
# Without byte-compilation the first import of TFX takes half a minute.
# shellcheck disable=SC2086
.tools/bin/uv pip install --quiet --require-hashes --compile-bytecode $locks
.tools/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
printf '%s' "$want" > "$stamp"
[ "${1:-}" != test ] || printf '%s' "$want" > .venv/.headrace-product
