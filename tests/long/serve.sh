#!/usr/bin/env bash
# Serves among accidents, and ends with one line: tests/long/serve.sh [SECONDS] [SEED]
#
# The service and its children are killed, it is restarted, its configuration is broken and mended, its clock
# jumps, while schedules are due every few seconds and files are dropped. At the end every instant and every
# file must be accounted for, and the appliance must have seen each change once.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-600}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
export BEADLE_SOAK_SECONDS=$seconds BEADLE_SOAK_SEED=$seed RUST_BACKTRACE=0

if cargo test --locked --quiet --test all soak:: -- --nocapture; then
    result="every instant and file is accounted for"
    code=0
else
    result="FAILED"
    code=1
fi
echo "serve: $seconds s, seed $seed: $result"
exit $code
