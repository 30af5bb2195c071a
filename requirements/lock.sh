#!/bin/sh
# Makes the lock files anew from setup.py and the *.in files beside this script: `make lock`.
set -eu
cd "$(dirname "$0")"
uv=${UV:-../.tools/bin/uv}
# Each stack is resolved for the platform that it is meant for.
compile() { "$uv" pip compile --quiet --generate-hashes --no-annotate --no-header "$@"; }
compile ../setup.py portable.in --python-version 3.11 --python-platform x86_64-manylinux_2_28 -o portable.txt
compile ../setup.py current.in --python-version 3.11 --universal -o current.txt
# shared packages are constrained to the product's versions and left out of the test tools' lock
compile test.in portable-test.in -c portable.txt --python-version 3.11 --python-platform x86_64-manylinux_2_28 -o portable-test.txt
compile test.in current-test.in -c current.txt --python-version 3.11 --universal -o current-test.txt
