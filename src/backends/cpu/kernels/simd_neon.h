// Sixteen lanes in four NEON registers (64-bit ARM). With OSSIA_SIMD_DOTPROD the dots are one instruction a register.
#pragma once

#include <arm_neon.h>

OSSIA_BEGIN

struct F32 {
  float32x4_t v[4];
};
struct I32 {
  int32x4_t v[4];
};
struct Bytes {
  int8x16_t v[4];
};

// Thirty-two registers are eight times sixteen lanes.
constexpr int kTileRows = 2;
constexpr int kTileTokens = 2;
constexpr int kDotTileTokens = 4;
constexpr int kAloneRows = 4;
constexpr int kQueryTile = 4;
constexpr int kSpanTile = 1;
constexpr int kManyRows = 1;
constexpr int kManyTileTokens = 2;
constexpr bool kAddExponents = false;
constexpr int kFp4Raise = 0;
constexpr int kI8Raise = 0;

// r.v[i] = expression, for the four registers.
#define OSSIA_EACH(type, expression)        \
  type r;                                   \
  OSSIA_UNROLL                              \
  for (int i = 0; i < 4; i++) r.v[i] = expression; \
  return r

OSSIA_INLINE F32 set_f32(float x) { OSSIA_EACH(F32, vdupq_n_f32(x)); }
OSSIA_INLINE F32 load_f32(const float* p) { OSSIA_EACH(F32, vld1q_f32(p + 4 * i)); }
OSSIA_INLINE void store(float* p, F32 x) {
  for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, x.v[i]);
}
// As bytes, because weights in a file need no alignment.
OSSIA_INLINE uint16x4_t load_halves(const void* p, int i) { return vreinterpret_u16_u8(vld1_u8((const uint8_t*)p + 8 * i)); }
OSSIA_INLINE F32 load_f16(const void* p) { OSSIA_EACH(F32, vcvt_f32_f16(vreinterpret_f16_u16(load_halves(p, i)))); }
OSSIA_INLINE F32 load_i8(const int8_t* p) {
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t half[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes))};
  OSSIA_EACH(F32, vcvtq_f32_s32(vmovl_s16(i % 2 == 0 ? vget_low_s16(half[i / 2]) : vget_high_s16(half[i / 2]))));
}
OSSIA_INLINE F32 load_bf16(const void* p) { OSSIA_EACH(F32, vreinterpretq_f32_u32(vshll_n_u16(load_halves(p, i), 16))); }
OSSIA_INLINE void store_f16(void* p, F32 x) {
  for (int i = 0; i < 4; i++) vst1_u8((uint8_t*)p + 8 * i, vreinterpret_u8_f16(vcvt_f16_f32(x.v[i])));
}
// p[0] in lanes 0 … 3, p[1] in lanes 4 … 7 and so on.
OSSIA_INLINE F32 load_each4(const float* p) { OSSIA_EACH(F32, vld1q_dup_f32(p + i)); }
// Sixteen scales that were picked up one by one.
OSSIA_INLINE F32 gather_scales(const float v[16]) { return load_f32(v); }
OSSIA_INLINE F32 gather_scales(const uint16_t v[16]) { return load_f16(v); }

OSSIA_INLINE F32 add(F32 a, F32 b) { OSSIA_EACH(F32, vaddq_f32(a.v[i], b.v[i])); }
OSSIA_INLINE F32 sub(F32 a, F32 b) { OSSIA_EACH(F32, vsubq_f32(a.v[i], b.v[i])); }
OSSIA_INLINE F32 mul(F32 a, F32 b) { OSSIA_EACH(F32, vmulq_f32(a.v[i], b.v[i])); }
OSSIA_INLINE F32 div(F32 a, F32 b) { OSSIA_EACH(F32, vdivq_f32(a.v[i], b.v[i])); }
OSSIA_INLINE F32 fma(F32 a, F32 b, F32 c) { OSSIA_EACH(F32, vfmaq_f32(c.v[i], a.v[i], b.v[i])); }
// a < b ? x : y, lane by lane; y where either is NaN.
OSSIA_INLINE F32 less_select(F32 a, F32 b, F32 x, F32 y) {
  OSSIA_EACH(F32, vbslq_f32(vcltq_f32(a.v[i], b.v[i]), x.v[i], y.v[i]));
}

OSSIA_INLINE I32 set_i32(int32_t x) { OSSIA_EACH(I32, vdupq_n_s32(x)); }
OSSIA_INLINE I32 add_i32(I32 a, I32 b) { OSSIA_EACH(I32, vaddq_s32(a.v[i], b.v[i])); }
OSSIA_INLINE I32 sub_i32(I32 a, I32 b) { OSSIA_EACH(I32, vsubq_s32(a.v[i], b.v[i])); }
OSSIA_INLINE I32 and_i32(I32 a, I32 b) { OSSIA_EACH(I32, vandq_s32(a.v[i], b.v[i])); }
OSSIA_INLINE I32 max_i32(I32 a, I32 b) { OSSIA_EACH(I32, vmaxq_s32(a.v[i], b.v[i])); }
template <int N> OSSIA_INLINE I32 shift_left(I32 a) { OSSIA_EACH(I32, vshlq_n_s32(a.v[i], N)); }
template <int N> OSSIA_INLINE I32 shift_right(I32 a) { OSSIA_EACH(I32, vshrq_n_s32(a.v[i], N)); }
OSSIA_INLINE void store_i32(int32_t* p, I32 x) {
  for (int i = 0; i < 4; i++) vst1q_s32(p + 4 * i, x.v[i]);
}
OSSIA_INLINE F32 to_f32(I32 x) { OSSIA_EACH(F32, vcvtq_f32_s32(x.v[i])); }
OSSIA_INLINE I32 round_i32(F32 x) { OSSIA_EACH(I32, vcvtnq_s32_f32(x.v[i])); }
OSSIA_INLINE I32 as_i32(F32 x) { OSSIA_EACH(I32, vreinterpretq_s32_f32(x.v[i])); }
OSSIA_INLINE F32 as_f32(I32 x) { OSSIA_EACH(F32, vreinterpretq_f32_s32(x.v[i])); }
// Lane 4i + r holds byte i of word r.
OSSIA_INLINE I32 widen_bytes(const uint32_t words[4]) {
  const int32x4_t all = vreinterpretq_s32_u32(vld1q_u32(words));
  OSSIA_EACH(I32, vandq_s32(vshlq_s32(all, vdupq_n_s32(-8 * i)), vdupq_n_s32(255)));
}
// Lane 4i + r holds the sum of lanes 4i … 4i + 3 of rows[r].
OSSIA_INLINE I32 merge_rows(const I32 rows[4]) {
  OSSIA_EACH(I32, vpaddq_s32(vpaddq_s32(rows[0].v[i], rows[1].v[i]), vpaddq_s32(rows[2].v[i], rows[3].v[i])));
}

// Lanes fold onto their lower half, four times: every set adds in this order.
OSSIA_INLINE float sum(F32 x) {
  const float32x4_t quarter = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
  const float32x2_t pair = vadd_f32(vget_low_f32(quarter), vget_high_f32(quarter));
  return vget_lane_f32(pair, 0) + vget_lane_f32(pair, 1);
}

// The same with one fold less twice: out[r] adds lanes r, 4 + r, 8 + r and 12 + r.
OSSIA_INLINE void sum_rows(F32 x, float out[4]) {
  vst1q_f32(out, vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3])));
}

OSSIA_INLINE Bytes load_bytes(const void* p) { OSSIA_EACH(Bytes, vld1q_s8((const int8_t*)p + 16 * i)); }
// Four pieces of 16 bytes, `stride` apart, of which the first `count` exist; zeros for the others.
OSSIA_INLINE Bytes load_16s(const uint8_t* p, int64_t stride, int64_t count) {
  OSSIA_EACH(Bytes, i < count ? vld1q_s8((const int8_t*)p + i * stride) : vdupq_n_s8(0));
}
OSSIA_INLINE void store_bytes(void* p, Bytes x) {
  for (int i = 0; i < 4; i++) vst1q_s8((int8_t*)p + 16 * i, x.v[i]);
}
OSSIA_INLINE I32 load_i32(const int32_t* p) { OSSIA_EACH(I32, vld1q_s32(p + 4 * i)); }
// The same four bytes in every lane.
OSSIA_INLINE Bytes repeat_4(const void* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  OSSIA_EACH(Bytes, vreinterpretq_s8_s32(vdupq_n_s32(four)));
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
    for (int j = 0; j < i; j++) {
      const int32x4_t four = v[i].v[j];
      v[i].v[j] = v[j].v[i];
      v[j].v[i] = four;
    }
}

OSSIA_INLINE int32x4_t dot_s8(int32x4_t sum, int8x16_t w, int8x16_t x) {
#if defined(OSSIA_SIMD_DOTPROD)
  return vdotq_s32(sum, w, x);
#else
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)));
  const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(w), vget_high_s8(x)));
  return vaddq_s32(sum, vpaddq_s32(low, high));
#endif
}
OSSIA_INLINE I32 i8_dot(I32 sum, Bytes w, Bytes x) { OSSIA_EACH(I32, dot_s8(sum.v[i], w.v[i], x.v[i])); }
OSSIA_INLINE Bytes i8_weights(Bytes w) { return w; }

// MXFP4: doubled values, signed as they are.
OSSIA_INLINE Bytes fp4_low(Bytes b) {
  const int8x16_t table = vld1q_s8(kFp4Doubled);
  OSSIA_EACH(Bytes, vqtbl1q_s8(table, vandq_u8(vreinterpretq_u8_s8(b.v[i]), vdupq_n_u8(15))));
}
OSSIA_INLINE Bytes fp4_high(Bytes b) {
  const int8x16_t table = vld1q_s8(kFp4Doubled);
  OSSIA_EACH(Bytes, vqtbl1q_s8(table, vshrq_n_u8(vreinterpretq_u8_s8(b.v[i]), 4)));
}
OSSIA_INLINE I32 fp4_dot(I32 sum, Bytes low, Bytes high, Bytes x_low, Bytes x_high) {
  return i8_dot(i8_dot(sum, low, x_low), high, x_high);
}

#undef OSSIA_EACH

OSSIA_END
