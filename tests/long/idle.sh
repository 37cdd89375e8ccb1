#!/usr/bin/env bash
# Counts the wake-ups of a service with a thousand schedules and a hundred watches, and nothing due:
# tests/long/idle.sh [SECONDS]. As root, with BEADLE_SET_CLOCK=1, it also sets the system's clock, to what it shows, and
# looks whether whoever sleeps is woken. Ends with one line.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-180}
export BEADLE_IDLE_SECONDS=$seconds RUST_BACKTRACE=0

result="not woken once"
code=0
cargo test --locked --quiet --test all idle::a_service_with_nothing_due || code=1
if [ "${BEADLE_SET_CLOCK:-}" = 1 ]; then
    cargo test --locked --quiet --lib alarm:: -- --ignored || code=1
    result="$result, and woken by a clock that was set"
fi
[ $code = 0 ] || result="FAILED: what is wrong is named above"
echo "idle: $seconds s: $result"
exit $code
