#!/bin/sh
# Makes the peers' environments, one each below .tools/peers, from the locks in requirements/peers: `make bench-setup`.
# Idempotent: what is there from the same lock is left alone. `benchmarks/setup.sh --lock` resolves the locks anew.
# Names after it limit it to these peers.
set -eu
cd "$(dirname "$0")/.."
uv=$PWD/.tools/bin/uv
python=$PWD/.venv/bin/python
[ -x "$uv" ] && [ -x "$python" ] || { echo "headrace: the product is not set up yet -> make setup" >&2; exit 1; }
export UV_CACHE_DIR="$PWD/.tools/cache" UV_NO_PROGRESS=1

lock=
[ "${1:-}" != --lock ] || { lock=yes; shift; }
[ $# -gt 0 ] || set -- $(basename -s .in requirements/peers/*.in)

for peer in "$@"; do
    locked=requirements/peers/$peer.txt
    if [ -n "$lock" ]; then
        "$uv" pip compile --quiet --generate-hashes --no-annotate --no-header --python-version 3.11 \
            --python-platform x86_64-manylinux_2_28 "requirements/peers/$peer.in" -o "$locked"
        continue
    fi
    place=.tools/peers/$peer
    want=$(cat "$locked" "$0" | sha256sum | cut -c1-32)
    [ "$(cat "$place/.headrace" 2>/dev/null)" != "$want" ] || continue
    echo "headrace: installing $peer into $place" >&2
    rm -rf "$place"
    "$uv" venv --quiet --python "$python" "$place"
    "$uv" pip install --quiet --require-hashes --compile-bytecode --python "$place/bin/python" -r "$locked"
    printf '%s' "$want" > "$place/.headrace"
done
