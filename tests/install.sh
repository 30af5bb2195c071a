#!/bin/sh
# Real parts that tests use and the product does not need. What cannot be installed here is skipped by its test, which
# says so; with CI=true nothing may be missing. Idempotent and quick when nothing changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'headrace: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

install_packages() {
    if [ "$(id -u)" = 0 ] && have apt-get; then
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
    else
        return 1
    fi
}

if ! have chromium; then
    say "installing chromium, for the tests of the HTML report"
    install_packages chromium ||
        say "no chromium: the tests of the HTML report will skip (sudo apt-get install chromium)"
fi

for needed in apertium:apertium /usr/share/apertium/modes/eng-spa.mode:apertium-eng-spa \
    /usr/share/wordnet/data.noun:wordnet-base /usr/share/wordnet/index.sense:wordnet-sense-index; do
    place=${needed%%:*} package=${needed#*:}
    have "$place" || [ -e "$place" ] || missing="${missing:-} $package"
done
if [ -n "${missing:-}" ]; then
    say "installing$missing, for the tests of augmented texts"
    # shellcheck disable=SC2086
    install_packages $missing || say "the tests of augmented texts will skip (sudo apt-get install$missing)"
fi

# HDFS: Hadoop's servers from Maven Central.
want=$(sha256sum tests/hadoop/pom.xml | cut -c1-32)
if [ "$(cat .tools/hadoop/stamp 2>/dev/null)" != "$want" ]; then
    have mvn && have java || install_packages openjdk-17-jre-headless maven || install_packages default-jre-headless maven || true
    if have mvn && have java; then
        say "fetching Hadoop's servers (90 MB), for the tests on HDFS"
        rm -rf .tools/hadoop
        mvn --quiet --batch-mode --file tests/hadoop/pom.xml \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$PWD/.tools/hadoop"
        printf '%s' "$want" > .tools/hadoop/stamp
    else
        say "no java or mvn: the tests on HDFS will skip (sudo apt-get install default-jre-headless maven)"
    fi
fi

# S3: versitygw, a server over a directory, from Go's module proxy.
s3=github.com/versity/versitygw/cmd/versitygw@v1.8.0
if [ "$(cat .tools/s3/stamp 2>/dev/null)" != "$s3" ]; then
    have go || install_packages golang-go || true
    if have go; then
        say "building an S3 server (a minute or two), for the tests on S3"
        rm -rf .tools/s3
        if GOBIN="$PWD/.tools/s3" GOFLAGS="-buildvcs=false -trimpath" go install -ldflags="-s -w" "$s3" >.tools/s3.log 2>&1; then
            printf '%s' "$s3" > .tools/s3/stamp
        else
            tail -n 5 .tools/s3.log >&2
            say "the S3 server could not be built: the tests on S3 will skip"
        fi
    else
        say "no go: the tests on S3 will skip (sudo apt-get install golang-go)"
    fi
fi
