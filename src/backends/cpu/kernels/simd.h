// Sixteen virtual lanes. Kernels are written once over the types below, and every instruction set carries out the same
// operations on the same lanes: one AVX-512 register, two of AVX2, four of NEON, or an array. So all sets give the same bits
// (of a NaN only that it is one).
//
//   F32    16 floats          add sub mul div fma less_select to_f32 as_f32 load_i8 sum sum_rows
//   I32    16 integers        add_i32 max_i32 shift_left shift_right round_i32 as_i32 merge_rows
//   Bytes  64 int8 or uint8   met only by the dots: lane i adds the products of bytes 4i … 4i + 3, exactly
//
// Tile sizes (kTileRows and the like) are each set's own: they say how many sums fit its registers, and never change one.
#pragma once

#include "set.h"

OSSIA_BEGIN

constexpr int kLanes = 16;

// MXFP4 codes as doubled values, -12 … 12: small integers whose products int8 dots add exactly.
alignas(16) constexpr int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
// The same plus 12, for the x86 instructions that want one operand unsigned.
alignas(16) constexpr uint8_t kFp4Raised[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

OSSIA_END

#if defined(OSSIA_SIMD_AVX512)
#include "simd_avx512.h"
#elif defined(OSSIA_SIMD_AVX2)
#include "simd_avx2.h"
#elif defined(OSSIA_SIMD_NEON)
#include "simd_neon.h"
#else
#include "simd_portable.h"
#endif

OSSIA_BEGIN

// p[0] in lanes 0 … 3, p[1] in lanes 4 … 7 and so on.
OSSIA_INLINE I32 load_each4(const int32_t* p) { return as_i32(load_each4((const float*)p)); }

#if !defined(OSSIA_SIMD_AVX512)
// Four pieces of 16 bytes from p + 1, 17 apart.
OSSIA_INLINE Bytes load_each17(const uint8_t* p) { return load_16s(p + 1, 17, 4); }
// Lane 4i + r holds byte 17i of row r.
OSSIA_INLINE I32 widen_each17(const uint8_t* const rows[4]) {
  uint32_t words[4];
  for (int r = 0; r < 4; r++) {
    const uint8_t* p = rows[r];
    words[r] = p[0] | (uint32_t)p[17] << 8 | (uint32_t)p[34] << 16 | (uint32_t)p[51] << 24;
  }
  return widen_bytes(words);
}
// Four blocks of 34 bytes, a scale of two and 32 codes: the first 16 codes of each, and the other 16.
OSSIA_INLINE void load_each34(const uint8_t* p, Bytes& first, Bytes& second) {
  first = load_16s(p + 2, 34, 4);
  second = load_16s(p + 18, 34, 4);
}
// Lane 4i + r holds the f16 at byte 34i of row r.
OSSIA_INLINE F32 widen_each34(const uint8_t* const rows[4]) {
  uint16_t lanes[16];
  for (int i = 0; i < 4; i++)
    for (int r = 0; r < 4; r++) __builtin_memcpy(lanes + 4 * i + r, rows[r] + 34 * i, 2);
  return gather_scales(lanes);
}
#endif

// The first `count` floats; zeros in the other lanes.
OSSIA_INLINE F32 load_some(const float* p, int64_t count) {
  if (count >= kLanes) return load_f32(p);
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < count; i++) lanes[i] = p[i];
  return load_f32(lanes);
}

OSSIA_INLINE void store_some(float* p, F32 x, int64_t count) {
  if (count >= kLanes) return store(p, x);
  float lanes[kLanes];
  store(lanes, x);
  for (int64_t i = 0; i < count; i++) p[i] = lanes[i];
}

#if !defined(OSSIA_SIMD_AVX512) && !defined(OSSIA_SIMD_AVX2)
// a < b ? a : b; b when either is NaN.
OSSIA_INLINE F32 smaller(F32 a, F32 b) { return less_select(a, b, a, b); }
OSSIA_INLINE F32 larger(F32 a, F32 b) { return less_select(b, a, a, b); }
#endif

#if !defined(OSSIA_SIMD_AVX512)
// The largest lane; anything if one is NaN.
OSSIA_INLINE float largest_lane(F32 x) {
  float lanes[kLanes];
  store(lanes, x);
  float largest = lanes[0];
  for (int i = 1; i < kLanes; i++) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}
// x · 2^n for a whole n, which may lie beyond what a float can be: in two steps, of which only the second rounds.
OSSIA_INLINE F32 times_2_to(F32 x, F32, I32 n) {
  const I32 half = shift_right<1>(n), bias = set_i32(127);
  x = mul(x, as_f32(shift_left<23>(add_i32(half, bias))));
  return mul(x, as_f32(shift_left<23>(add_i32(sub_i32(n, half), bias))));
}
#endif

OSSIA_END
