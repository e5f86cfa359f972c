#!/usr/bin/env bash
# The C++ under sanitizers, on small inputs: kernels and addon under address and undefined behaviour, the pool under threads.
# Usage: scripts/sanitize.sh [--quick]   (needs the compiler's sanitizer libraries, as g++ and clang bring them)
# --quick, for CI: not the kernels' own checks, since the addon's tests, with the embedded model's answers, go through all kernels too.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/.bin:$PATH
cxx=${CXX:-g++}
headers=${NODE_HEADERS:-$(node -p 'require("node-api-headers").include_dir')}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cpu=src/backends/cpu
flags=(-std=c++17 -O1 -g -ffp-contract=off -fno-math-errno -fno-strict-aliasing -fno-omit-frame-pointer -Wall -Wextra -DNAPI_VERSION=8 -fPIC -pthread)
memory=(-fsanitize=address,undefined -fno-sanitize-recover=undefined)

declare -A sets=([portable]='')
if [ "$(uname -m)" = x86_64 ]; then
  sets[avx2]='-mavx2 -mfma -mf16c'
  sets[avx512]='-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c'
  sets[avx512_vnni]="${sets[avx512]} -mavx512vnni"
  sets[avx512_vbmi]="${sets[avx512_vnni]} -mavx512vbmi"
else
  sets[neon]='' sets[neon_dotprod]='-march=armv8.2-a+dotprod'
fi

# All compilers at once, as far as there are cores.
jobs=()
compile() {
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do sleep 0.1; done
  "$cxx" "${flags[@]}" "$@" &
  jobs+=($!)
}
built() { for job in "${jobs[@]}"; do wait "$job"; done; }

compile -fsanitize=thread $cpu/native/thread_pool_test.cc -o "$out/pool"
objects=()
for set in "${!sets[@]}"; do
  # shellcheck disable=SC2086
  compile "${memory[@]}" ${sets[$set]} -c "$cpu/kernels/$set.cc" -o "$out/$set.o"
  objects+=("$out/$set.o")
done
for source in $cpu/native/*.cc; do
  part=$(basename "$source" .cc)
  [ "$part" = thread_pool_test ] && continue
  compile "${memory[@]}" -I"$headers" -c "$source" -o "$out/native_$part.o"
  objects+=("$out/native_$part.o")
done
compile "${memory[@]}" -c $cpu/kernels/instruction_sets.cc -o "$out/sets.o"
built

echo '== thread pool under ThreadSanitizer'
"$out/pool"

if [ "${1:-}" != --quick ]; then
  echo '== kernels under AddressSanitizer and UndefinedBehaviorSanitizer'
  $cpu/kernels/selftest/run.sh --sanitize
fi

echo '== addon under AddressSanitizer and UndefinedBehaviorSanitizer: its own tests'
mkdir -p "$out/tree/build/Release"
"$cxx" "${flags[@]}" "${memory[@]}" -shared "${objects[@]}" "$out/sets.o" -o "$out/tree/build/Release/ossia_cpu.node"
for entry in src test models package.json node_modules; do ln -s "$PWD/$entry" "$out/tree/$entry"; done
preload=$("$cxx" -print-file-name=libasan.so):$("$cxx" -print-file-name=libubsan.so)
# Node's own leaks are not ours; a preserved path makes the addon beside the links the one that is loaded.
ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$preload OSSIA_REQUIRE_ADDON=1 \
  node --preserve-symlinks --preserve-symlinks-main --test "$out/tree/src/backends/cpu/"{cpu,bits,products,sampling}.test.ts "$out/tree/test/same-answer.test.ts"
echo 'sanitizers: clean'
