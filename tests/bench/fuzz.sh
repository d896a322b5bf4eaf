#!/bin/bash
# Holds the engine of HTTP/1.1 against its two other readers for so many minutes, at low priority, each round with other inputs.
# usage: tests/bench/fuzz.sh MINUTES
# Inputs of a kind that no round has seen are kept in the corpus; one that is read in two ways ends the run and is shown. Both
# belong into a commit.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# = 1 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
corpus=gateway-runtime/src/h1/tests/corpus
cargo test --release --quiet -p gateway-runtime --lib --no-run
before=$(cat "$corpus"/*.txt | wc -l)
end=$((SECONDS + $1 * 60)) rounds=0 cases=20000
while [ $SECONDS -lt $end ]; do
  PROPTEST_CASES=$cases KEEP_CORPUS=1 nice -n 19 cargo test --release --quiet -p gateway-runtime --lib h1::tests::differential -- --test-threads 2 >/dev/null
  rounds=$((rounds + 1))
done
echo "$rounds rounds of 3 × $cases inputs, no disagreement; the corpus has grown from $before to $(cat "$corpus"/*.txt | wc -l) inputs"
