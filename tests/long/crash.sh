#!/usr/bin/env bash
# Kills and resumes the real binary in many rounds, and ends with one line: tests/long/crash.sh [ROUNDS] [SEED]
#
# The rounds are those of tests/crash, in four kinds. A seed makes the same choices again; the instants at which a
# process dies are never the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${1:-10000}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
export BEADLE_CRASH_ROUNDS=$rounds BEADLE_CRASH_SEED=$seed RUST_BACKTRACE=0

begun=$SECONDS
if cargo test --locked --quiet --test all crash::; then
    result="every change took effect once"
    code=0
else
    result="FAILED: the round is named above"
    code=1
fi
echo "crash: $rounds rounds, seed $seed, $((SECONDS - begun)) s: $result"
exit $code
