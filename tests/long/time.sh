#!/usr/bin/env bash
# Compares the due instants of twenty years in every zone with those of others, and holds the ledger to its law
# over many simulated years: tests/long/time.sh. Ends with one line.
set -euo pipefail
cd "$(dirname "$0")/../.."

begun=$SECONDS
if cargo test --locked --release --quiet --lib trigger:: -- --ignored; then
    result="due instants and ledger are right"
    code=0
else
    result="FAILED: what differs is named above"
    code=1
fi
echo "time: $((SECONDS - begun)) s: $result"
exit $code
