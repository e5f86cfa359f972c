#!/usr/bin/env bash
# Builds the kernels of every instruction set with their checks, and runs these.
#   run.sh                 the checks
#   run.sh --sanitize      the checks under AddressSanitizer and UndefinedBehaviorSanitizer
#   run.sh --bench [set]   speed on one thread
# For another machine: CXX=aarch64-linux-gnu-g++ RUN='qemu-aarch64 -L /usr/aarch64-linux-gnu' run.sh. The checksum is the same everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
cxx=${CXX:-g++}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags=(-std=c++17 -O3 -ffp-contract=off -fno-math-errno -fno-strict-aliasing -Wall -Wextra)
main=main
if [ "${1:-}" = --sanitize ]; then flags+=(-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all); shift; fi
if [ "${1:-}" = --bench ]; then main=bench; shift; fi

declare -A sets=([portable]='' [instruction_sets]='')
case $("$cxx" -dumpmachine) in
  x86_64*)
    sets[avx2]='-mavx2 -mfma -mf16c'
    sets[avx512]='-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c'
    sets[avx512_vnni]="${sets[avx512]} -mavx512vnni"
    sets[avx512_vbmi]="${sets[avx512_vnni]} -mavx512vbmi"
    ;;
  aarch64* | arm64*) sets[neon]='' sets[neon_dotprod]='-march=armv8.2-a+dotprod' ;;
esac
jobs=()
compile() {
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do sleep 0.1; done
  "$cxx" "${flags[@]}" "$@" &
  jobs+=($!)
}
for set in "${!sets[@]}"; do
  # shellcheck disable=SC2086
  compile ${sets[$set]} -c "$set.cc" -o "$out/$set.o"
done
for part in $main weights products attention small sampling exp; do compile -c "selftest/$part.cc" -o "$out/selftest_$part.o"; done
for job in "${jobs[@]}"; do wait "$job"; done
"$cxx" "${flags[@]}" "$out"/*.o -o "$out/selftest"
${RUN:-} "$out/selftest" "$@"
