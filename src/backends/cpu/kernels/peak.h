// What the int8 dots of a set can do when nothing else is in their way: the ceiling that `npm run bench` divides by.
#pragma once

#include "simd.h"

OSSIA_BEGIN

constexpr int kPeakSums = 8;  // as many as hide the latency of a dot, with their operands in registers

// Multiplications and additions of int8 in one round.
constexpr int64_t kPeakOps = int64_t{kPeakSums} * 2 * 64 * 2;

// Runs that many rounds; what it returns only proves that they ran. Every product has operands of its own, so that none can be
// made once for all.
inline int32_t integer_peak(int64_t rounds) {
  alignas(64) int8_t weights[kPeakSums * 2][64], inputs[8][64];
  for (int i = 0; i < kPeakSums * 2 * 64; i++) weights[i / 64][i % 64] = (int8_t)(i * 7 % 25);
  for (int i = 0; i < 8 * 64; i++) inputs[i / 64][i % 64] = (int8_t)(i * 5 % 127 - 63);
  I32 sums[kPeakSums];
  for (I32& sum : sums) sum = set_i32(0);
  for (int64_t round = 0; round < rounds; round++) {
    const Bytes x = load_bytes(inputs[round & 7]), y = load_bytes(inputs[(round + 3) & 7]);
    for (int i = 0; i < kPeakSums; i++) sums[i] = fp4_dot(sums[i], load_bytes(weights[2 * i]), load_bytes(weights[2 * i + 1]), x, y);
  }
  for (int i = 1; i < kPeakSums; i++) sums[0] = add_i32(sums[0], sums[i]);
  int32_t lanes[kLanes];
  store_i32(lanes, sums[0]);
  int32_t total = 0;
  for (int32_t lane : lanes) total ^= lane;
  return total;
}

OSSIA_END
