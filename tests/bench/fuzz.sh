#!/bin/bash
# Holds the engine of HTTP/1.1 against its two other readers for so many minutes, at low priority, each round with other inputs.
# usage: tests/bench/fuzz.sh MINUTES
# Inputs of a kind that no round has seen are kept in the corpus; one that is read in two ways ends the run and is shown. Both
# belong into a commit.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# = 1 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
corpus=gateway-runtime/src/h1/tests/corpus
built=$(cargo test --release -p gateway-runtime --lib --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
[ -x "$built" ] || { cargo test --release -p gateway-runtime --lib --no-run; exit 1; }
# What is built meanwhile is nobody's concern.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$built" "$work/fuzz"
before=$(cat "$corpus"/*.txt | wc -l)
end=$((SECONDS + $1 * 60)) rounds=0 cases=20000
while [ $SECONDS -lt $end ]; do
  (cd gateway-runtime && PROPTEST_CASES=$cases KEEP_CORPUS=1 nice -n 19 "$work/fuzz" --quiet --test-threads 2 h1::tests::differential >"$work/said") || { cat "$work/said"; exit 1; }
  rounds=$((rounds + 1))
done
echo "$rounds rounds of 3 × $cases inputs, no disagreement; the corpus has grown from $before to $(cat "$corpus"/*.txt | wc -l) inputs"
