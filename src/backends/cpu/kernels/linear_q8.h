// int8 inputs times int8 weights (q8_0 or q8).
//
// Two blocks of 32 columns make 64 bytes, whose products are added exactly, 16 columns to a sum. Four rows share a vector of
// these sums (merge_rows), so that scaling costs once for all four: lane 4i + r belongs to columns 16i … 16i + 15 and row r. Pairs of
// blocks in column order; at the end a row's four lanes are added.
#pragma once

#include "linear.h"

OSSIA_BEGIN

// What lies ahead of a block's codes.
template <DType D> struct ScaleOf {
  using type = float;
};
template <> struct ScaleOf<DType::q8_0> {
  using type = uint16_t;
};

template <DType D> struct EightBitKernel {
  using Scale = typename ScaleOf<D>::type;

  // R = 1 computes the same row four times: rarely, at the end of a part.
  template <int R, int T> static void tile(const Job<const QuantizedRows*>& job, int64_t first_row, int64_t first_pair) {
    const int64_t blocks = job.weight->cols / kBlock;
    const int64_t stride = job.weight->block_stride;
    const uint8_t* w[4];
    const int8_t* codes[T];
    const float* scales[T];
    const int32_t* starts[T];
    F32 total[T];
    OSSIA_UNROLL
    for (int r = 0; r < 4; r++) w[r] = weight_row(job, first_row + (R == 4 ? r : 0));
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      const int64_t row = x_row(job, first_pair + t);
      codes[t] = job.x->codes(row);
      scales[t] = job.x->scales(row);
      starts[t] = job.x->starts(row);
      total[t] = set_f32(0);
    }

    // Inputs are padded, weights are not: behind an odd number of blocks there is nothing to read.
    auto group = [&](int64_t block, bool two) __attribute__((always_inline)) {
      Bytes weights[4];
      Scale first[4], second[4] = {};
      OSSIA_UNROLL
      for (int r = 0; r < 4; r++) {
        const uint8_t* p = w[r] + block * stride;
        weights[r] = i8_weights(load_32s(p + sizeof(Scale), two ? p + stride + sizeof(Scale) : nullptr));
        __builtin_memcpy(&first[r], p, sizeof(Scale));
        if (two) __builtin_memcpy(&second[r], p + stride, sizeof(Scale));
        __builtin_prefetch(p + 4 * job.weight->row_stride);  // the next tile
      }
      const F32 weight_scales = set_rows(first, second);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const Bytes x = load_bytes(codes[t] + block * kBlock);
        I32 sums[4];
        OSSIA_UNROLL
        for (int r = 0; r < 4; r++) sums[r] = i8_dot(set_i32(0), weights[r], x);
        I32 merged = merge_rows(sums);
        if (kI8Raise != 0) merged = add_i32(merged, load_each4(starts[t] + 2 * block));
        const F32 scale = mul(weight_scales, set_each8(scales[t][block], scales[t][block + 1]));
        total[t] = fma(to_f32(merged), scale, total[t]);
      }
    };
    int64_t block = 0;
    for (; block + 2 <= blocks; block += 2) group(block, true);
    if (block < blocks) group(block, false);

    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      float rows[4];
      sum_rows(total[t], rows);
      for (int r = 0; r < R; r++) finish(job, first_row + r, first_pair + t, rows[r]);
    }
  }
};

static void eight_bit_rows(const Job<const QuantizedRows*>& job, int64_t begin, int64_t end) {
  if (job.weight->dtype == DType::q8) {
    walk<EightBitKernel<DType::q8>, 4, kDotTileTokens, 4>(job, begin, end);
  } else {
    walk<EightBitKernel<DType::q8_0>, 4, kDotTileTokens, 4>(job, begin, end);
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
