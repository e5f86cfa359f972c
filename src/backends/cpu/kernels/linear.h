// f32 inputs times f32, f16 or bf16 weights: lane = column mod 16, columns in order, lanes added at the end.
#pragma once

#include "tiles.h"

OSSIA_BEGIN

template <DType D, bool Packed> struct DenseKernel {
  template <int R, int T> static void tile(const Job<const float*>& job, int64_t first_row, int64_t first_pair) {
    const int64_t cols = job.weight->cols;
    const int64_t stride = job.weight->block_stride;
    const uint8_t* w[R];
    const float* x[T];
    F32 total[R][T];
    OSSIA_UNROLL
    for (int r = 0; r < R; r++) w[r] = weight_row(job, first_row + r);
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) x[t] = job.x + x_row(job, first_pair + t) * cols;
    OSSIA_UNROLL
    for (int r = 0; r < R; r++)
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) total[r][t] = set_f32(0);

    auto step = [&](int64_t c, auto load_x) __attribute__((always_inline)) {
      F32 weights[R];
      OSSIA_UNROLL
      for (int r = 0; r < R; r++) {
        weights[r] = load_weights<D, Packed>(w[r], stride, c, cols);
        __builtin_prefetch(w[r] + c * element_bytes<D>() + R * job.weight->row_stride);  // the next tile
      }
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const F32 values = load_x(x[t] + c);
        OSSIA_UNROLL
        for (int r = 0; r < R; r++) total[r][t] = fma(values, weights[r], total[r][t]);
      }
    };
    int64_t c = 0;
    for (; c + kLanes <= cols; c += kLanes) step(c, [](const float* p) { return load_f32(p); });
    if (c < cols) step(c, [&](const float* p) { return load_some(p, cols - c); });

    OSSIA_UNROLL
    for (int r = 0; r < R; r++)
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) finish(job, first_row + r, first_pair + t, sum(total[r][t]));
  }
};

template <DType D> static void dense_rows(const Job<const float*>& job, int64_t begin, int64_t end) {
  if (job.weight->block_stride == element_bytes<D>()) {
    walk<DenseKernel<D, true>, kTileRows, kTileTokens, kAloneRows>(job, begin, end);
  } else {
    walk<DenseKernel<D, false>, kTileRows, kTileTokens, kAloneRows>(job, begin, end);
  }
}

static void dense_rows(const Job<const float*>& job, int64_t begin, int64_t end) {
  switch (job.weight->dtype) {
    case DType::f32: return dense_rows<DType::f32>(job, begin, end);
    case DType::f16: return dense_rows<DType::f16>(job, begin, end);
    default: return dense_rows<DType::bf16>(job, begin, end);
  }
}

OSSIA_END
