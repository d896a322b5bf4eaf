#!/bin/bash
# Measures gateways made from one document of 1,000 routes beside nginx and HAProxy: CPU per request, as ratios inside one run.
# usage: tests/bench/run.sh [proxy|throttled|cached]... -- [options of the driver]
# The driver stands beside the checkout (../shared/bench); without it there is nothing to measure with.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
driver="$root/../shared/bench/bench.sh"
[ -x "$driver" ] || [ -f "$driver" ] || { echo "no driver at ../shared/bench" >&2; exit 2; }
modes=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do modes+=("$1"); shift; done
[ "${1:-}" = -- ] && shift
[ ${#modes[@]} -gt 0 ] || modes=(proxy throttled cached)
target=${CARGO_TARGET_DIR:-$root/target}
cargo build --release --locked --quiet -p gateway-codegen --manifest-path "$root/Cargo.toml"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for mode in "${modes[@]}"; do
  python3 "$here/spec.py" "$mode" 127.0.0.1:19000 > "$work/$mode.json"
  "$target/release/gateway-codegen" generate "$work/$mode.json" --out "$work/$mode" --name "bench-$mode" --runtime "path=$root/gateway-runtime" --workspace own
  cp "$root/Cargo.lock" "$work/$mode/Cargo.lock"
  CARGO_TARGET_DIR="$target" cargo build --release --quiet --offline --manifest-path "$work/$mode/Cargo.toml"
  case $mode in cached) peers=cached ;; throttled) peers=limited ;; *) peers=proxy ;; esac
  echo "── $mode ──"
  bash "$driver" --mode "$peers" --json "$work/$mode.figures.json" "$@" -- \
    "$target/release/bench-$mode" --listen 127.0.0.1:{port} --admin 127.0.0.1:18999 --workers 1
done
