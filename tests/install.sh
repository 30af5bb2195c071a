#!/bin/sh
# Real parts that tests use and the product does not need. What cannot be installed here is skipped by its test, which
# says so; with CI=true nothing may be missing.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'headrace: installing chromium, for the tests of the HTML report\n' >&2
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null
else
    printf 'headrace: no chromium: the tests of the HTML report will skip (sudo apt-get install chromium)\n' >&2
fi
