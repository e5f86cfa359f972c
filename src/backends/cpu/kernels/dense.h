// Reading f32, f16 and bf16 weights, sixteen at a time, wherever they lie.
#pragma once

#include "half.h"
#include "simd.h"

OSSIA_BEGIN

template <DType D> struct Element {
  using Bits = uint16_t;
};
template <> struct Element<DType::f32> {
  using Bits = uint32_t;
};
template <DType D> OSSIA_INLINE constexpr int64_t element_bytes() { return sizeof(typename Element<D>::Bits); }

// Sixteen neighbouring elements; any alignment.
template <DType D> OSSIA_INLINE F32 load_packed(const uint8_t* p) {
  if constexpr (D == DType::f32) return load_f32((const float*)p);
  if constexpr (D == DType::f16) return load_f16(p);
  return load_bf16(p);
}

// `count` elements `stride` bytes apart, zeros behind them. Slow: for the ends of rows, and views that skip elements.
template <DType D> static F32 load_gathered(const uint8_t* p, int64_t stride, int64_t count) {
  typename Element<D>::Bits lanes[kLanes] = {};
  for (int64_t i = 0; i < count && i < kLanes; i++) __builtin_memcpy(&lanes[i], p + i * stride, sizeof lanes[i]);
  return load_packed<D>((const uint8_t*)lanes);
}

// Elements c … c + 15 of a row of `cols`, zeros beyond its end.
template <DType D, bool Packed> OSSIA_INLINE F32 load_weights(const uint8_t* row, int64_t stride, int64_t c, int64_t cols) {
  if (Packed && c + kLanes <= cols) return load_packed<D>(row + c * element_bytes<D>());
  return load_gathered<D>(row + c * stride, stride, cols - c);
}

// The same where the dtype is known only now: for vectors and single rows, where it costs nothing.
OSSIA_INLINE F32 load_weights(DType dtype, const uint8_t* row, int64_t stride, int64_t c, int64_t cols) {
  if (dtype == DType::f32) return load_weights<DType::f32, false>(row, stride, c, cols);
  if (dtype == DType::f16) return load_weights<DType::f16, false>(row, stride, c, cols);
  return load_weights<DType::bf16, false>(row, stride, c, cols);
}

OSSIA_INLINE float load_one(DType dtype, const uint8_t* p) {
  uint32_t word = 0;
  __builtin_memcpy(&word, p, dtype == DType::f32 ? 4 : 2);
  if (dtype == DType::f32) return float_of(word);
  return dtype == DType::f16 ? f16_to_f32((uint16_t)word) : bf16_to_f32((uint16_t)word);
}

OSSIA_END
