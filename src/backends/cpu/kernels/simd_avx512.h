// Sixteen lanes in one AVX-512 register. With OSSIA_SIMD_VNNI the dots are one instruction instead of three; with OSSIA_SIMD_VBMI
// blocks of 17 and 34 bytes are taken apart by a permutation instead of pieces of 16 (one MXFP4 input in the cache: 33 to 46 GB/s).
#pragma once

#include <immintrin.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics, up to version 13 (its bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

OSSIA_BEGIN

using F32 = __m512;
using I32 = __m512i;
struct Bytes {
  __m512i v;
};

// Tiles of weight rows by tokens that fit the 32 registers, sums and operands together.
constexpr int kTileRows = 4;
constexpr int kTileTokens = 4;
constexpr int kDotTileTokens = 8;
constexpr int kAloneRows = 4;
constexpr int kQueryTile = 8;
constexpr int kSpanTile = 2;
constexpr int kManyRows = 2;
#if defined(OSSIA_SIMD_VNNI)
constexpr int kManyTileTokens = 6;
#else
constexpr int kManyTileTokens = 4;  // dots in steps need registers of their own: with 6 inputs 5 % less
#endif
constexpr bool kAddExponents = true;
constexpr int kFp4Raise = 12;
#if defined(OSSIA_SIMD_VNNI)
constexpr int kI8Raise = 128;
#else
constexpr int kI8Raise = 0;
#endif

OSSIA_INLINE F32 set_f32(float x) { return _mm512_set1_ps(x); }
OSSIA_INLINE F32 load_f32(const float* p) { return _mm512_loadu_ps(p); }
OSSIA_INLINE void store(float* p, F32 x) { _mm512_storeu_ps(p, x); }
OSSIA_INLINE F32 load_f16(const void* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
OSSIA_INLINE F32 load_i8(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
OSSIA_INLINE F32 load_bf16(const void* p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16));
}
OSSIA_INLINE void store_f16(void* p, F32 x) {
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// p[0] in lanes 0 … 3, p[1] in lanes 4 … 7 and so on.
OSSIA_INLINE F32 load_each4(const float* p) {
  const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps(lanes, _mm512_castps128_ps512(_mm_loadu_ps(p)));
}
// Sixteen scales that were picked up one by one.
OSSIA_INLINE F32 gather_scales(const float v[16]) {
  return _mm512_setr_ps(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15]);
}
OSSIA_INLINE F32 gather_scales(const uint16_t v[16]) {
  return _mm512_cvtph_ps(_mm256_setr_epi16((short)v[0], (short)v[1], (short)v[2], (short)v[3], (short)v[4], (short)v[5], (short)v[6],
                                           (short)v[7], (short)v[8], (short)v[9], (short)v[10], (short)v[11], (short)v[12],
                                           (short)v[13], (short)v[14], (short)v[15]));
}

OSSIA_INLINE F32 add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
OSSIA_INLINE F32 sub(F32 a, F32 b) { return _mm512_sub_ps(a, b); }
OSSIA_INLINE F32 mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
OSSIA_INLINE F32 div(F32 a, F32 b) { return _mm512_div_ps(a, b); }
OSSIA_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
// a < b ? x : y, lane by lane; y where either is NaN.
OSSIA_INLINE F32 less_select(F32 a, F32 b, F32 x, F32 y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

// a < b ? a : b; b when either is NaN.
OSSIA_INLINE F32 smaller(F32 a, F32 b) { return _mm512_min_ps(a, b); }
OSSIA_INLINE F32 larger(F32 a, F32 b) { return _mm512_max_ps(a, b); }
// The largest lane; anything if one is NaN.
OSSIA_INLINE float largest_lane(F32 x) { return _mm512_reduce_max_ps(x); }
// x · 2^n for a whole n, rounded once.
OSSIA_INLINE F32 times_2_to(F32 x, F32 n, __m512i) { return _mm512_scalef_ps(x, n); }

OSSIA_INLINE I32 set_i32(int32_t x) { return _mm512_set1_epi32(x); }
OSSIA_INLINE I32 add_i32(I32 a, I32 b) { return _mm512_add_epi32(a, b); }
OSSIA_INLINE I32 sub_i32(I32 a, I32 b) { return _mm512_sub_epi32(a, b); }
OSSIA_INLINE I32 and_i32(I32 a, I32 b) { return _mm512_and_si512(a, b); }
OSSIA_INLINE I32 max_i32(I32 a, I32 b) { return _mm512_max_epi32(a, b); }
template <int N> OSSIA_INLINE I32 shift_left(I32 a) { return _mm512_slli_epi32(a, N); }
template <int N> OSSIA_INLINE I32 shift_right(I32 a) { return _mm512_srai_epi32(a, N); }
OSSIA_INLINE void store_i32(int32_t* p, I32 x) { _mm512_storeu_si512(p, x); }
OSSIA_INLINE F32 to_f32(I32 x) { return _mm512_cvtepi32_ps(x); }
OSSIA_INLINE I32 round_i32(F32 x) { return _mm512_cvtps_epi32(x); }
OSSIA_INLINE I32 as_i32(F32 x) { return _mm512_castps_si512(x); }
OSSIA_INLINE F32 as_f32(I32 x) { return _mm512_castsi512_ps(x); }
// Lane 4i + r holds byte i of word r.
OSSIA_INLINE I32 widen_bytes(const uint32_t words[4]) {
  const __m128i transposed = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m128i bytes = _mm_setr_epi32((int)words[0], (int)words[1], (int)words[2], (int)words[3]);
  return _mm512_cvtepu8_epi32(_mm_shuffle_epi8(bytes, transposed));
}
// Lane 4i + r holds byte 17i of row r, of which 64 bytes are read.
OSSIA_INLINE I32 widen_each17(const uint8_t* const rows[4]) {
#if defined(OSSIA_SIMD_VBMI)
  alignas(64) static constexpr uint8_t kFrom[64] = {0,  0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0,  //
                                                    17, 0, 0, 0, 17, 0, 0, 0, 17, 0, 0, 0, 17, 0, 0, 0,  //
                                                    34, 0, 0, 0, 34, 0, 0, 0, 34, 0, 0, 0, 34, 0, 0, 0,  //
                                                    51, 0, 0, 0, 51, 0, 0, 0, 51, 0, 0, 0, 51, 0, 0, 0};
  const __m512i from = _mm512_load_si512(kFrom);
  __m512i v = _mm512_maskz_permutexvar_epi8(0x0001000100010001, from, _mm512_loadu_si512(rows[0]));
  v = _mm512_mask_permutexvar_epi8(v, 0x0010001000100010, from, _mm512_loadu_si512(rows[1]));
  v = _mm512_mask_permutexvar_epi8(v, 0x0100010001000100, from, _mm512_loadu_si512(rows[2]));
  return _mm512_mask_permutexvar_epi8(v, 0x1000100010001000, from, _mm512_loadu_si512(rows[3]));
#else
  auto pieces = [](const uint8_t* p) __attribute__((always_inline)) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i*)p));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i*)(p + 17)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i*)(p + 34)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i*)(p + 51)), 3);
  };
  const __m512i first = _mm512_setzero_si512();
  __m512i v = _mm512_maskz_shuffle_epi8(0x0001000100010001, pieces(rows[0]), first);
  v = _mm512_mask_shuffle_epi8(v, 0x0010001000100010, pieces(rows[1]), first);
  v = _mm512_mask_shuffle_epi8(v, 0x0100010001000100, pieces(rows[2]), first);
  return _mm512_mask_shuffle_epi8(v, 0x1000100010001000, pieces(rows[3]), first);
#endif
}
// Lane 4i + r holds the sum of lanes 4i … 4i + 3 of rows[r].
OSSIA_INLINE I32 merge_rows(const I32 rows[4]) {
  const I32 ab = _mm512_add_epi32(_mm512_unpacklo_epi32(rows[0], rows[1]), _mm512_unpackhi_epi32(rows[0], rows[1]));
  const I32 cd = _mm512_add_epi32(_mm512_unpacklo_epi32(rows[2], rows[3]), _mm512_unpackhi_epi32(rows[2], rows[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

// Lanes fold onto their lower half, four times: every set adds in this order.
OSSIA_INLINE float sum(F32 x) {
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

// The same with one fold less twice: out[r] adds lanes r, 4 + r, 8 + r and 12 + r.
OSSIA_INLINE void sum_rows(F32 x, float out[4]) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

OSSIA_INLINE Bytes load_bytes(const void* p) { return {_mm512_loadu_si512(p)}; }
// Four pieces of 16 bytes, `stride` apart, of which the first `count` exist; zeros for the others.
OSSIA_INLINE Bytes load_16s(const uint8_t* p, int64_t stride, int64_t count) {
  auto piece = [&](int64_t i) { return i < count ? _mm_loadu_si128((const __m128i*)(p + i * stride)) : _mm_setzero_si128(); };
  __m512i v = _mm512_castsi128_si512(piece(0));
  v = _mm512_inserti32x4(v, piece(1), 1);
  v = _mm512_inserti32x4(v, piece(2), 2);
  return {_mm512_inserti32x4(v, piece(3), 3)};
}
// Four pieces of 16 bytes from p + 1, 17 apart: bytes 1 … 67.
OSSIA_INLINE Bytes load_each17(const uint8_t* p) {
#if defined(OSSIA_SIMD_VBMI)
  // The two loads overlap: `from` counts the second one's bytes from 64.
  alignas(64) static constexpr uint8_t kFrom[64] = {
      1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,  28,  29,  30,  31,  32, 33,
      35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 124, 125, 126, 127};
  return {_mm512_permutex2var_epi8(_mm512_loadu_si512(p), _mm512_load_si512(kFrom), _mm512_loadu_si512(p + 4))};
#else
  return load_16s(p + 1, 17, 4);
#endif
}
// Four blocks of 34 bytes, a scale of two and 32 codes: the first 16 codes of each, and the other 16.
OSSIA_INLINE void load_each34(const uint8_t* p, Bytes& first, Bytes& second) {
#if defined(OSSIA_SIMD_VBMI)
  alignas(64) static constexpr uint16_t kFirst[32] = {1,  2,  3,  4,  5,  6,  7,  8,  18, 19, 20, 21, 22, 23, 24, 25,
                                                      35, 36, 37, 38, 39, 40, 41, 42, 52, 53, 54, 55, 56, 57, 58, 59};
  alignas(64) static constexpr uint16_t kSecond[32] = {9,  10, 11, 12, 13, 14, 15, 16, 26, 27, 28, 29, 30, 31, 32, 33,
                                                       43, 44, 45, 46, 47, 48, 49, 50, 0,  0,  0,  0,  0,  0,  0,  0};
  const __m512i a = _mm512_loadu_si512(p), b = _mm512_loadu_si512(p + 64);
  first = {_mm512_permutex2var_epi16(a, _mm512_load_si512(kFirst), b)};
  const __m512i three = _mm512_permutex2var_epi16(a, _mm512_load_si512(kSecond), b);
  second = {_mm512_mask_broadcast_i32x4(three, 0xf000, _mm_loadu_si128((const __m128i*)(p + 120)))};
#else
  first = load_16s(p + 2, 34, 4);
  second = load_16s(p + 18, 34, 4);
#endif
}
// Lane 4i + r holds the f16 at byte 34i of row r, of which 128 bytes are read.
OSSIA_INLINE F32 widen_each34(const uint8_t* const rows[4]) {
  const __m512i from = _mm512_castsi256_si512(_mm256_setr_epi16(0, 0, 0, 0, 17, 17, 17, 17, 2, 2, 2, 2, 19, 19, 19, 19));
  __m512i v = _mm512_setzero_si512();
  OSSIA_UNROLL
  for (int r = 0; r < 4; r++) {
    v = _mm512_mask_permutexvar_epi16(v, 0x0011 << r, from, _mm512_loadu_si512(rows[r]));
    v = _mm512_mask_permutexvar_epi16(v, 0x1100 << r, from, _mm512_loadu_si512(rows[r] + 64));
  }
  return _mm512_cvtph_ps(_mm512_castsi512_si256(v));
}

OSSIA_INLINE void store_bytes(void* p, Bytes x) { _mm512_storeu_si512(p, x.v); }
OSSIA_INLINE I32 load_i32(const int32_t* p) { return _mm512_loadu_si512(p); }
// The same four bytes in every lane.
OSSIA_INLINE Bytes repeat_4(const void* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm512_set1_epi32(four)};
}
// Sixteen rows of 16 bytes, four to a vector, become four vectors: lane r of out[q] holds bytes 4q … 4q + 3 of row r.
OSSIA_INLINE void lanes_of_rows(const Bytes rows[4], Bytes out[4]) {
  const __m512i even = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
  const __m512i odd = _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
  const __m512i a01 = _mm512_permutex2var_epi32(rows[0].v, even, rows[1].v), a23 = _mm512_permutex2var_epi32(rows[0].v, odd, rows[1].v);
  const __m512i b01 = _mm512_permutex2var_epi32(rows[2].v, even, rows[3].v), b23 = _mm512_permutex2var_epi32(rows[2].v, odd, rows[3].v);
  out[0] = {_mm512_shuffle_i64x2(a01, b01, 0x44)};
  out[1] = {_mm512_shuffle_i64x2(a01, b01, 0xee)};
  out[2] = {_mm512_shuffle_i64x2(a23, b23, 0x44)};
  out[3] = {_mm512_shuffle_i64x2(a23, b23, 0xee)};
}

// Lanes 4j … 4j + 3 of v[i] change places with lanes 4i … 4i + 3 of v[j].
OSSIA_INLINE void swap_fours(I32 v[4]) {
  const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
  const __m512i c = _mm512_shuffle_i32x4(v[2], v[3], 0x44), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
  v[0] = _mm512_shuffle_i32x4(a, c, 0x88);
  v[1] = _mm512_shuffle_i32x4(a, c, 0xdd);
  v[2] = _mm512_shuffle_i32x4(b, d, 0x88);
  v[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

// sum + u8 · s8. Without VNNI pairs of products are added in 16 bits first.
OSSIA_INLINE I32 dot_u8(I32 sum, __m512i u8, __m512i s8) {
#if defined(OSSIA_SIMD_VNNI)
  return _mm512_dpbusd_epi32(sum, u8, s8);
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(u8, s8), _mm512_set1_epi16(1)));
#endif
}

// MXFP4 as doubled values. The instruction wants one side unsigned, so they are raised by 12, and a sum starts at -12 times that
// of the inputs (quantize.h). Without VNNI low and high products share 16 bits before they part: 4 · 24 · 127 fits.
OSSIA_INLINE Bytes fp4_low(Bytes b) {
  const __m512i table = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i*)kFp4Raised));
#if defined(OSSIA_SIMD_VBMI)
  return {_mm512_permutexvar_epi8(b.v, table)};  // looks at six bits; the table has every code four times
#endif
  return {_mm512_shuffle_epi8(table, _mm512_and_si512(b.v, _mm512_set1_epi8(15)))};
}
OSSIA_INLINE Bytes fp4_high(Bytes b) { return fp4_low({_mm512_srli_epi16(b.v, 4)}); }
OSSIA_INLINE I32 fp4_dot(I32 sum, Bytes low, Bytes high, Bytes x_low, Bytes x_high) {
#if defined(OSSIA_SIMD_VNNI)
  return dot_u8(dot_u8(sum, low.v, x_low.v), high.v, x_high.v);
#else
  const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(low.v, x_low.v), _mm512_maddubs_epi16(high.v, x_high.v));
  return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#endif
}

// int8 weights, raised by 128 likewise. Without VNNI 2 · 255 · 127 would overflow 16 bits, so the weight's sign moves to the
// input instead, whose codes are within ±127: 2 · 128 · 127 fits.
#if defined(OSSIA_SIMD_VNNI)
OSSIA_INLINE Bytes i8_weights(Bytes w) { return {_mm512_xor_si512(w.v, _mm512_set1_epi8((char)0x80))}; }
OSSIA_INLINE I32 i8_dot(I32 sum, Bytes w, Bytes x) { return dot_u8(sum, w.v, x.v); }
#else
OSSIA_INLINE Bytes i8_weights(Bytes w) { return w; }
OSSIA_INLINE I32 i8_dot(I32 sum, Bytes w, Bytes x) {
  const __m512i signed_x = _mm512_mask_sub_epi8(x.v, _mm512_movepi8_mask(w.v), _mm512_setzero_si512(), x.v);
  return dot_u8(sum, _mm512_abs_epi8(w.v), signed_x);
}
#endif

OSSIA_END
