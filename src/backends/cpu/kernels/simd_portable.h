// Sixteen lanes in an array, in plain C++: for machines without the instructions, and to check the others against.
#pragma once

OSSIA_BEGIN

struct F32 {
  float v[16];
};
struct I32 {
  int32_t v[16];
};
struct Bytes {
  int8_t v[64];
};

constexpr int kTileRows = 1;
constexpr int kTileTokens = 1;
constexpr int kDotTileTokens = 1;
constexpr int kAloneRows = 1;
constexpr int kQueryTile = 1;
constexpr int kSpanTile = 1;
constexpr int kManyRows = 1;
constexpr int kManyTileTokens = 1;
constexpr bool kAddExponents = false;
constexpr int kFp4Raise = 0;
constexpr int kI8Raise = 0;

OSSIA_END

#include "half.h"

OSSIA_BEGIN

#define OSSIA_EACH for (int i = 0; i < 16; i++)

// a · b + c, rounded once. Without the instruction: the product is exact in a double, the sum is rounded to odd (the lost
// part marks the last bit), and then rounding to float cannot err. A double has more than the 2 · 24 + 2 bits that takes.
OSSIA_INLINE float fused(float a, float b, float c) {
#if defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  const double product = (double)a * b;
  const double total = product + c;
  const double back = total - product;
  const double lost = (product - (total - back)) + (c - back);
  uint64_t bits, lost_bits;
  __builtin_memcpy(&bits, &total, 8);
  __builtin_memcpy(&lost_bits, &lost, 8);
  if (lost != 0 && total - total == 0 && (bits & 1) == 0) bits += (bits ^ lost_bits) >> 63 ? (uint64_t)-1 : 1;
  double odd;
  __builtin_memcpy(&odd, &bits, 8);
  return (float)odd;
#endif
}

OSSIA_INLINE F32 set_f32(float x) {
  F32 r;
  OSSIA_EACH r.v[i] = x;
  return r;
}
OSSIA_INLINE F32 load_f32(const float* p) {
  F32 r;
  __builtin_memcpy(&r, p, 64);
  return r;
}
OSSIA_INLINE void store(float* p, F32 x) { __builtin_memcpy(p, &x, 64); }
OSSIA_INLINE F32 load_i8(const int8_t* p) {
  F32 r;
  OSSIA_EACH r.v[i] = (float)p[i];
  return r;
}
OSSIA_INLINE F32 load_f16(const void* p) {
  uint16_t h[16];
  __builtin_memcpy(h, p, 32);
  F32 r;
  OSSIA_EACH r.v[i] = f16_to_f32(h[i]);
  return r;
}
OSSIA_INLINE F32 load_bf16(const void* p) {
  uint16_t h[16];
  __builtin_memcpy(h, p, 32);
  F32 r;
  OSSIA_EACH r.v[i] = bf16_to_f32(h[i]);
  return r;
}
OSSIA_INLINE void store_f16(void* p, F32 x) {
  uint16_t h[16];
  OSSIA_EACH h[i] = f32_to_f16(x.v[i]);
  __builtin_memcpy(p, h, 32);
}
// p[0] in lanes 0 … 3, p[1] in lanes 4 … 7 and so on.
OSSIA_INLINE F32 load_each4(const float* p) {
  F32 r;
  OSSIA_EACH r.v[i] = p[i / 4];
  return r;
}
// Sixteen scales that were picked up one by one.
OSSIA_INLINE F32 gather_scales(const float v[16]) { return load_f32(v); }
OSSIA_INLINE F32 gather_scales(const uint16_t v[16]) { return load_f16(v); }

#define OSSIA_LANEWISE(type, name, expression) \
  OSSIA_INLINE type name(type a, type b) {     \
    type r;                                    \
    OSSIA_EACH r.v[i] = expression;            \
    return r;                                  \
  }
OSSIA_LANEWISE(F32, add, a.v[i] + b.v[i])
OSSIA_LANEWISE(F32, sub, a.v[i] - b.v[i])
OSSIA_LANEWISE(F32, mul, a.v[i] * b.v[i])
OSSIA_LANEWISE(F32, div, a.v[i] / b.v[i])
OSSIA_LANEWISE(I32, add_i32, (int32_t)((uint32_t)a.v[i] + (uint32_t)b.v[i]))
OSSIA_LANEWISE(I32, sub_i32, (int32_t)((uint32_t)a.v[i] - (uint32_t)b.v[i]))
OSSIA_LANEWISE(I32, and_i32, a.v[i] & b.v[i])
OSSIA_LANEWISE(I32, max_i32, a.v[i] > b.v[i] ? a.v[i] : b.v[i])
#undef OSSIA_LANEWISE

OSSIA_INLINE F32 fma(F32 a, F32 b, F32 c) {
  F32 r;
  OSSIA_EACH r.v[i] = fused(a.v[i], b.v[i], c.v[i]);
  return r;
}
// a < b ? x : y, lane by lane; y where either is NaN.
OSSIA_INLINE F32 less_select(F32 a, F32 b, F32 x, F32 y) {
  F32 r;
  OSSIA_EACH r.v[i] = a.v[i] < b.v[i] ? x.v[i] : y.v[i];
  return r;
}

OSSIA_INLINE I32 set_i32(int32_t x) {
  I32 r;
  OSSIA_EACH r.v[i] = x;
  return r;
}
template <int N> OSSIA_INLINE I32 shift_left(I32 a) {
  OSSIA_EACH a.v[i] = (int32_t)((uint32_t)a.v[i] << N);
  return a;
}
template <int N> OSSIA_INLINE I32 shift_right(I32 a) {
  OSSIA_EACH a.v[i] >>= N;
  return a;
}
OSSIA_INLINE void store_i32(int32_t* p, I32 x) { __builtin_memcpy(p, &x, 64); }
OSSIA_INLINE F32 to_f32(I32 x) {
  F32 r;
  OSSIA_EACH r.v[i] = (float)x.v[i];
  return r;
}
// Nearest even, for |x| < 2^22: adding 1.5 · 2^23 leaves no room for a fraction.
OSSIA_INLINE I32 round_i32(F32 x) {
  I32 r;
  OSSIA_EACH r.v[i] = (int32_t)((x.v[i] + 0x1.8p23f) - 0x1.8p23f);
  return r;
}
OSSIA_INLINE I32 as_i32(F32 x) {
  I32 r;
  __builtin_memcpy(&r, &x, 64);
  return r;
}
OSSIA_INLINE F32 as_f32(I32 x) {
  F32 r;
  __builtin_memcpy(&r, &x, 64);
  return r;
}
// Lane 4i + r holds byte i of word r.
OSSIA_INLINE I32 widen_bytes(const uint32_t words[4]) {
  I32 lanes;
  for (int i = 0; i < 4; i++)
    for (int r = 0; r < 4; r++) lanes.v[4 * i + r] = (int32_t)(words[r] >> (8 * i) & 255);
  return lanes;
}
// Lane 4i + r holds the sum of lanes 4i … 4i + 3 of rows[r].
OSSIA_INLINE I32 merge_rows(const I32 rows[4]) {
  I32 lanes;
  for (int i = 0; i < 4; i++) {
    for (int r = 0; r < 4; r++) {
      const int32_t* v = rows[r].v;
      lanes.v[4 * i + r] = v[4 * i] + v[4 * i + 1] + v[4 * i + 2] + v[4 * i + 3];
    }
  }
  return lanes;
}

// Lanes fold onto their lower half, four times: every set adds in this order.
OSSIA_INLINE float sum(F32 x) {
  float half[8], quarter[4];
  for (int i = 0; i < 8; i++) half[i] = x.v[i] + x.v[i + 8];
  for (int i = 0; i < 4; i++) quarter[i] = half[i] + half[i + 4];
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

// The same with one fold less twice: out[r] adds lanes r, 4 + r, 8 + r and 12 + r.
OSSIA_INLINE void sum_rows(F32 x, float out[4]) {
  for (int r = 0; r < 4; r++) out[r] = (x.v[r] + x.v[8 + r]) + (x.v[4 + r] + x.v[12 + r]);
}

OSSIA_INLINE Bytes load_bytes(const void* p) {
  Bytes r;
  __builtin_memcpy(&r, p, 64);
  return r;
}
// Four pieces of 16 bytes, `stride` apart, of which the first `count` exist; zeros for the others.
OSSIA_INLINE Bytes load_16s(const uint8_t* p, int64_t stride, int64_t count) {
  Bytes r = {};
  for (int64_t i = 0; i < (count < 4 ? count : 4); i++) __builtin_memcpy(r.v + 16 * i, p + i * stride, 16);
  return r;
}
OSSIA_INLINE void store_bytes(void* p, Bytes x) { __builtin_memcpy(p, &x, 64); }
OSSIA_INLINE I32 load_i32(const int32_t* p) {
  I32 r;
  __builtin_memcpy(&r, p, 64);
  return r;
}
// The same four bytes in every lane.
OSSIA_INLINE Bytes repeat_4(const void* p) {
  Bytes r;
  OSSIA_EACH __builtin_memcpy(r.v + 4 * i, p, 4);
  return r;
}
// Sixteen rows of 16 bytes, four to a vector, become four vectors: lane r of out[q] holds bytes 4q … 4q + 3 of row r.
OSSIA_INLINE void lanes_of_rows(const Bytes rows[4], Bytes out[4]) {
  uint8_t in[256], lanes[64];
  for (int j = 0; j < 4; j++) store_bytes(in + 64 * j, rows[j]);
  for (int q = 0; q < 4; q++) {
    for (int r = 0; r < 16; r++) __builtin_memcpy(lanes + 4 * r, in + 16 * r + 4 * q, 4);
    out[q] = load_bytes(lanes);
  }
}

// Lanes 4j … 4j + 3 of v[i] change places with lanes 4i … 4i + 3 of v[j].
OSSIA_INLINE void swap_fours(I32 v[4]) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++)
      for (int k = 0; k < 4; k++) {
        const int32_t lane = v[i].v[4 * j + k];
        v[i].v[4 * j + k] = v[j].v[4 * i + k];
        v[j].v[4 * i + k] = lane;
      }
}

OSSIA_INLINE I32 i8_dot(I32 sum, Bytes w, Bytes x) {
  I32 r;
  OSSIA_EACH {
    int32_t four = 0;
    for (int j = 4 * i; j < 4 * i + 4; j++) four += w.v[j] * x.v[j];
    r.v[i] = sum.v[i] + four;
  }
  return r;
}
OSSIA_INLINE Bytes i8_weights(Bytes w) { return w; }

// MXFP4: doubled values, signed as they are.
OSSIA_INLINE Bytes fp4_low(Bytes b) {
  for (int i = 0; i < 64; i++) b.v[i] = kFp4Doubled[b.v[i] & 15];
  return b;
}
OSSIA_INLINE Bytes fp4_high(Bytes b) {
  for (int i = 0; i < 64; i++) b.v[i] = kFp4Doubled[(uint8_t)b.v[i] >> 4];
  return b;
}
OSSIA_INLINE I32 fp4_dot(I32 sum, Bytes low, Bytes high, Bytes x_low, Bytes x_high) {
  return i8_dot(i8_dot(sum, low, x_low), high, x_high);
}

#undef OSSIA_EACH

OSSIA_END
