// int8 inputs times int8 weights (q8_0 or q8). Two blocks of 32 columns make 64 bytes: their integer sums are exact, and lanes
// 0 … 7 take the first block's scales, lanes 8 … 15 the second's. Pairs of blocks in column order, lanes added at the end.
#pragma once

#include "linear.h"

OSSIA_BEGIN

template <DType D> struct EightBitKernel {
  static constexpr int64_t kScaleBytes = D == DType::q8 ? 4 : 2;  // ahead of a block's codes

  OSSIA_INLINE float scale_of(const uint8_t* block) { return load_one(D == DType::q8 ? DType::f32 : DType::f16, block); }

  template <int R, int T> static void tile(const Job<const QuantizedRows*>& job, int64_t first_row, int64_t first_pair) {
    const int64_t blocks = job.weight->cols / kBlock;
    const int64_t stride = job.weight->block_stride;
    const int64_t padded = job.x->padded_cols;
    const uint8_t* w[R];
    const int8_t* codes[T];
    const float* scales[T];
    F32 total[R][T];
    OSSIA_UNROLL
    for (int r = 0; r < R; r++) w[r] = weight_row(job, first_row + r);
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      codes[t] = job.x->codes + x_row(job, first_pair + t) * padded;
      scales[t] = job.x->scales + x_row(job, first_pair + t) * (padded / kBlock);
    }
    OSSIA_UNROLL
    for (int r = 0; r < R; r++)
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) total[r][t] = set_f32(0);

    for (int64_t block = 0; block < blocks; block += 2) {
      const bool two = block + 1 < blocks;  // inputs are padded, weights are not
      Bytes weights[R];
      F32 weight_scales[R];
      OSSIA_UNROLL
      for (int r = 0; r < R; r++) {
        const uint8_t* p = w[r] + block * stride;
        weights[r] = i8_weights(load_32s(p + kScaleBytes, two ? p + stride + kScaleBytes : nullptr));
        weight_scales[r] = set_each8(scale_of(p), two ? scale_of(p + stride) : 0);
        if (T == 1) __builtin_prefetch(p + kPrefetchBytes);
      }
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const Bytes x = load_bytes(codes[t] + block * kBlock);
        const I32 start = i8_start(x);
        const F32 x_scales = set_each8(scales[t][block], scales[t][block + 1]);
        OSSIA_UNROLL
        for (int r = 0; r < R; r++) {
          const F32 products = to_f32(i8_dot(start, weights[r], x));
          total[r][t] = fma(products, mul(weight_scales[r], x_scales), total[r][t]);
        }
      }
    }
    OSSIA_UNROLL
    for (int r = 0; r < R; r++)
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) finish(job, first_row + r, first_pair + t, sum(total[r][t]));
  }
};

static void eight_bit_rows(const Job<const QuantizedRows*>& job, int64_t begin, int64_t end) {
  if (job.weight->dtype == DType::q8) {
    walk<EightBitKernel<DType::q8>, kDotTileRows, kDotTileTokens, kAloneRows>(job, begin, end);
  } else {
    walk<EightBitKernel<DType::q8_0>, kDotTileRows, kDotTileTokens, kAloneRows>(job, begin, end);
  }
}

// x [tokens, cols] -> out [tokens, weight.rows], of which only columns [begin, end) are written.
static void linear(const float* x, const QuantizedRows* quantized, int64_t tokens, const Weight& weight, const Weight* bias,
                   int64_t begin, int64_t end, float* out) {
  if (weight.dtype == DType::q8_0 || weight.dtype == DType::q8) {
    eight_bit_rows({&weight, bias, 0, quantized, nullptr, nullptr, tokens, out}, begin, end);
  } else {
    dense_rows({&weight, bias, 0, x, nullptr, nullptr, tokens, out}, begin, end);
  }
}

OSSIA_END
