// Sixteen lanes in two AVX2 registers: a holds lanes 0 … 7, b lanes 8 … 15. Needs FMA and F16C too.
#pragma once

#include <immintrin.h>

OSSIA_BEGIN

struct F32 {
  __m256 a, b;
};
struct I32 {
  __m256i a, b;
};
struct Bytes {
  __m256i a, b;
};

// Sixteen registers are eight times sixteen lanes.
constexpr int kTileRows = 2;
constexpr int kTileTokens = 2;
constexpr int kDotTileTokens = 4;
constexpr int kAloneRows = 4;
constexpr int kQueryTile = 4;
constexpr int kSpanTile = 1;
constexpr int kManyRows = 1;
constexpr int kManyTileTokens = 2;
constexpr bool kAddExponents = false;
constexpr int kFp4Raise = 12;
constexpr int kI8Raise = 0;

OSSIA_INLINE F32 set_f32(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
OSSIA_INLINE F32 load_f32(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
OSSIA_INLINE void store(float* p, F32 x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
OSSIA_INLINE F32 load_f16(const void* p) {
  const __m128i* h = (const __m128i*)p;
  return {_mm256_cvtph_ps(_mm_loadu_si128(h)), _mm256_cvtph_ps(_mm_loadu_si128(h + 1))};
}
OSSIA_INLINE __m256 widen_i8(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }
OSSIA_INLINE F32 load_i8(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128((const __m128i*)p);
  return {widen_i8(bytes), widen_i8(_mm_srli_si128(bytes, 8))};
}
OSSIA_INLINE __m256 widen_bf16(__m128i h) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
OSSIA_INLINE F32 load_bf16(const void* p) {
  const __m128i* h = (const __m128i*)p;
  return {widen_bf16(_mm_loadu_si128(h)), widen_bf16(_mm_loadu_si128(h + 1))};
}
OSSIA_INLINE void store_f16(void* p, F32 x) {
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  _mm_storeu_si128((__m128i*)p + 1, _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// p[0] in lanes 0 … 3, p[1] in lanes 4 … 7 and so on.
OSSIA_INLINE F32 load_each4(const float* p) {
  return {_mm256_set_m128(_mm_set1_ps(p[1]), _mm_set1_ps(p[0])), _mm256_set_m128(_mm_set1_ps(p[3]), _mm_set1_ps(p[2]))};
}
// Sixteen scales that were picked up one by one.
OSSIA_INLINE F32 gather_scales(const float v[16]) {
  return {_mm256_setr_ps(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]),
          _mm256_setr_ps(v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15])};
}
OSSIA_INLINE __m256 gather_f16(const uint16_t v[8]) {
  return _mm256_cvtph_ps(_mm_setr_epi16((short)v[0], (short)v[1], (short)v[2], (short)v[3],  //
                                        (short)v[4], (short)v[5], (short)v[6], (short)v[7]));
}
OSSIA_INLINE F32 gather_scales(const uint16_t v[16]) { return {gather_f16(v), gather_f16(v + 8)}; }

OSSIA_INLINE F32 add(F32 x, F32 y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
OSSIA_INLINE F32 sub(F32 x, F32 y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
OSSIA_INLINE F32 mul(F32 x, F32 y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
OSSIA_INLINE F32 div(F32 x, F32 y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
OSSIA_INLINE F32 fma(F32 x, F32 y, F32 z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
// u < v ? x : y, lane by lane; y where either is NaN.
OSSIA_INLINE F32 less_select(F32 u, F32 v, F32 x, F32 y) {
  return {_mm256_blendv_ps(y.a, x.a, _mm256_cmp_ps(u.a, v.a, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.b, x.b, _mm256_cmp_ps(u.b, v.b, _CMP_LT_OQ))};
}

// a < b ? a : b; b when either is NaN.
OSSIA_INLINE F32 smaller(F32 x, F32 y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
OSSIA_INLINE F32 larger(F32 x, F32 y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }

OSSIA_INLINE I32 set_i32(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
OSSIA_INLINE I32 add_i32(I32 x, I32 y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
OSSIA_INLINE I32 sub_i32(I32 x, I32 y) { return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)}; }
OSSIA_INLINE I32 and_i32(I32 x, I32 y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
OSSIA_INLINE I32 max_i32(I32 x, I32 y) { return {_mm256_max_epi32(x.a, y.a), _mm256_max_epi32(x.b, y.b)}; }
template <int N> OSSIA_INLINE I32 shift_left(I32 x) { return {_mm256_slli_epi32(x.a, N), _mm256_slli_epi32(x.b, N)}; }
template <int N> OSSIA_INLINE I32 shift_right(I32 x) { return {_mm256_srai_epi32(x.a, N), _mm256_srai_epi32(x.b, N)}; }
OSSIA_INLINE void store_i32(int32_t* p, I32 x) {
  _mm256_storeu_si256((__m256i*)p, x.a);
  _mm256_storeu_si256((__m256i*)(p + 8), x.b);
}
OSSIA_INLINE F32 to_f32(I32 x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
OSSIA_INLINE I32 round_i32(F32 x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
OSSIA_INLINE I32 as_i32(F32 x) { return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
OSSIA_INLINE F32 as_f32(I32 x) { return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
// Lane 4i + r holds byte i of word r.
OSSIA_INLINE I32 widen_bytes(const uint32_t words[4]) {
  const __m128i transposed = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m128i words4 = _mm_setr_epi32((int)words[0], (int)words[1], (int)words[2], (int)words[3]);
  const __m128i bytes = _mm_shuffle_epi8(words4, transposed);
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
// Lane 4i + r holds the sum of lanes 4i … 4i + 3 of rows[r].
OSSIA_INLINE I32 merge_rows(const I32 rows[4]) {
  return {_mm256_hadd_epi32(_mm256_hadd_epi32(rows[0].a, rows[1].a), _mm256_hadd_epi32(rows[2].a, rows[3].a)),
          _mm256_hadd_epi32(_mm256_hadd_epi32(rows[0].b, rows[1].b), _mm256_hadd_epi32(rows[2].b, rows[3].b))};
}

// Lanes fold onto their lower half, four times: every set adds in this order.
OSSIA_INLINE float sum(F32 x) {
  const __m256 half = _mm256_add_ps(x.a, x.b);
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

// The same with one fold less twice: out[r] adds lanes r, 4 + r, 8 + r and 12 + r.
OSSIA_INLINE void sum_rows(F32 x, float out[4]) {
  const __m256 half = _mm256_add_ps(x.a, x.b);
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

OSSIA_INLINE Bytes load_bytes(const void* p) {
  return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)p + 1)};
}
// Four pieces of 16 bytes, `stride` apart, of which the first `count` exist; zeros for the others.
OSSIA_INLINE Bytes load_16s(const uint8_t* p, int64_t stride, int64_t count) {
  auto piece = [&](int64_t i) { return i < count ? _mm_loadu_si128((const __m128i*)(p + i * stride)) : _mm_setzero_si128(); };
  return {_mm256_set_m128i(piece(1), piece(0)), _mm256_set_m128i(piece(3), piece(2))};
}
OSSIA_INLINE void store_bytes(void* p, Bytes x) {
  _mm256_storeu_si256((__m256i*)p, x.a);
  _mm256_storeu_si256((__m256i*)p + 1, x.b);
}
OSSIA_INLINE I32 load_i32(const int32_t* p) {
  return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 8))};
}
// The same four bytes in every lane.
OSSIA_INLINE Bytes repeat_4(const void* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  const __m256i all = _mm256_set1_epi32(four);
  return {all, all};
}
// Eight rows of 16 bytes, two to a register: out[q] holds bytes 4q … 4q + 3 of each.
OSSIA_INLINE void lanes_of_rows(__m256i r01, __m256i r23, __m256i r45, __m256i r67, __m256i out[4]) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i a = _mm256_permutevar8x32_epi32(r01, order), b = _mm256_permutevar8x32_epi32(r23, order);
  const __m256i c = _mm256_permutevar8x32_epi32(r45, order), d = _mm256_permutevar8x32_epi32(r67, order);
  const __m256i ab02 = _mm256_unpacklo_epi64(a, b), ab13 = _mm256_unpackhi_epi64(a, b);
  const __m256i cd02 = _mm256_unpacklo_epi64(c, d), cd13 = _mm256_unpackhi_epi64(c, d);
  out[0] = _mm256_permute2x128_si256(ab02, cd02, 0x20);
  out[1] = _mm256_permute2x128_si256(ab13, cd13, 0x20);
  out[2] = _mm256_permute2x128_si256(ab02, cd02, 0x31);
  out[3] = _mm256_permute2x128_si256(ab13, cd13, 0x31);
}
// Sixteen rows of 16 bytes, four to a vector, become four vectors: lane r of out[q] holds bytes 4q … 4q + 3 of row r.
OSSIA_INLINE void lanes_of_rows(const Bytes rows[4], Bytes out[4]) {
  __m256i first[4], second[4];
  lanes_of_rows(rows[0].a, rows[0].b, rows[1].a, rows[1].b, first);
  lanes_of_rows(rows[2].a, rows[2].b, rows[3].a, rows[3].b, second);
  for (int q = 0; q < 4; q++) out[q] = {first[q], second[q]};
}

// Lanes 4j … 4j + 3 of v[i] change places with lanes 4i … 4i + 3 of v[j].
OSSIA_INLINE void swap_fours(I32 v[4]) {
  const __m256i a = v[0].a, b = v[0].b, c = v[1].a, d = v[1].b;
  const I32 e = v[2], f = v[3];
  v[0] = {_mm256_permute2x128_si256(a, c, 0x20), _mm256_permute2x128_si256(e.a, f.a, 0x20)};
  v[1] = {_mm256_permute2x128_si256(a, c, 0x31), _mm256_permute2x128_si256(e.a, f.a, 0x31)};
  v[2] = {_mm256_permute2x128_si256(b, d, 0x20), _mm256_permute2x128_si256(e.b, f.b, 0x20)};
  v[3] = {_mm256_permute2x128_si256(b, d, 0x31), _mm256_permute2x128_si256(e.b, f.b, 0x31)};
}

// sum + u8 · s8, whose pairs of products are added in 16 bits first.
OSSIA_INLINE __m256i dot_u8(__m256i sum, __m256i u8, __m256i s8) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(u8, s8), _mm256_set1_epi16(1)));
}

// MXFP4 as doubled values. The instruction wants one side unsigned, so they are raised by 12, and a sum starts at -12 times that
// of the inputs (quantize.h). Low and high products share 16 bits before they part: 4 · 24 · 127 fits.
OSSIA_INLINE Bytes fp4_low(Bytes b) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)kFp4Raised));
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_shuffle_epi8(table, _mm256_and_si256(b.a, mask)), _mm256_shuffle_epi8(table, _mm256_and_si256(b.b, mask))};
}
OSSIA_INLINE Bytes fp4_high(Bytes b) { return fp4_low({_mm256_srli_epi16(b.a, 4), _mm256_srli_epi16(b.b, 4)}); }
OSSIA_INLINE __m256i fp4_dot(__m256i sum, __m256i low, __m256i high, __m256i x_low, __m256i x_high) {
  const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(low, x_low), _mm256_maddubs_epi16(high, x_high));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
OSSIA_INLINE I32 fp4_dot(I32 sum, Bytes low, Bytes high, Bytes x_low, Bytes x_high) {
  return {fp4_dot(sum.a, low.a, high.a, x_low.a, x_high.a), fp4_dot(sum.b, low.b, high.b, x_low.b, x_high.b)};
}

// int8 weights: the weight's sign moves to the input, whose codes are within ±127: 2 · 128 · 127 fits 16 bits.
OSSIA_INLINE Bytes i8_weights(Bytes w) { return w; }
OSSIA_INLINE I32 i8_dot(I32 sum, Bytes w, Bytes x) {
  return {dot_u8(sum.a, _mm256_abs_epi8(w.a), _mm256_sign_epi8(x.a, w.a)),
          dot_u8(sum.b, _mm256_abs_epi8(w.b), _mm256_sign_epi8(x.b, w.b))};
}

OSSIA_END
