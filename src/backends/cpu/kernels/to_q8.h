// Dense weights to 8-bit codes with one f32 scale per 32 columns.
#pragma once

#include "dense.h"
#include "quantize.h"

OSSIA_BEGIN

constexpr int64_t kQ8Bytes = 36;  // an f32 scale, then 32 codes

// Rows [row_begin, row_end) of an f32, f16 or bf16 matrix; out holds these rows, one after the other.
static void to_q8(const Weight& weight, int64_t row_begin, int64_t row_end, uint8_t* out) {
  const int64_t stride = weight.block_stride;
  for (int64_t row = row_begin; row < row_end; row++) {
    const uint8_t* p = weight.data + row * weight.row_stride;
    for (int64_t c = 0; c < weight.cols; c += kBlock, out += kQ8Bytes) {
      const F32 a = load_weights(weight.dtype, p, stride, c, weight.cols);
      const F32 b = load_weights(weight.dtype, p, stride, c + kLanes, weight.cols);
      const float scale = quantize_block(a, b, (int8_t*)out + 4);
      __builtin_memcpy(out, &scale, 4);
    }
  }
}

OSSIA_END
