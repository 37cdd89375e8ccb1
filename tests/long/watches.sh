#!/usr/bin/env bash
# Drops files into a watched folder while the service is killed four times, and ends with one line:
# tests/long/watches.sh [FILES]
#
# The test is the one of the normal suite, tests/watches.rs, with more files.
set -euo pipefail
cd "$(dirname "$0")/../.."

files=${1:-10000}
export BEADLE_DROP_FILES=$files RUST_BACKTRACE=0

begun=$SECONDS
if cargo test --locked --release --quiet --test all watches::files_dropped; then
    result="each file started one run"
    code=0
else
    result="FAILED: what is wrong is named above"
    code=1
fi
echo "watches: $files files, $((SECONDS - begun)) s: $result"
exit $code
