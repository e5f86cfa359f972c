// x / sqrt(mean of squares + epsilon) · weight, per row. Reference: gpt_oss/torch/model.py, RMSNorm.forward
#pragma once

#include "dense.h"

OSSIA_BEGIN

// x and out [rows, cols], weight [cols]
static void rms_norm(const float* x, int64_t rows, int64_t cols, const Weight& weight, float epsilon, float* out) {
  for (int64_t row = 0; row < rows; row++, x += cols, out += cols) {
    F32 squares = set_f32(0);
    for (int64_t c = 0; c < cols; c += kLanes) {
      const F32 v = load_some(x + c, cols - c);
      squares = fma(v, v, squares);
    }
    // The processor's approximate 1/sqrt is faster, and another one on every maker's chips.
    const F32 scale = set_f32(1.0f / __builtin_sqrtf(sum(squares) / (float)cols + epsilon));
    for (int64_t c = 0; c < cols; c += kLanes) {
      const F32 w = load_weights(weight.dtype, weight.data, weight.block_stride, c, cols);
      store_some(out + c, mul(mul(load_some(x + c, cols - c), scale), w), cols - c);
    }
  }
}

OSSIA_END
