// int8 inputs times int8 weights (q8_0 or q8).
//
// Two blocks of 32 columns make 64 bytes, whose products are added exactly, 16 columns to a sum. Four rows share a vector of
// these sums (merge_rows), so that scaling costs once for all four: lane 4i + r belongs to columns 16i … 16i + 15 and row r. Pairs of
// blocks in column order; at the end a row's four lanes are added.
#pragma once

#include "linear.h"
#include "many_tokens.h"

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

    Lookahead ahead = look_ahead(w[0], blocks * stride, job.weight->row_stride);
    // Inputs are padded, weights are not: behind an odd number of blocks there is nothing to read.
    auto group = [&](int64_t block, bool two) __attribute__((always_inline)) {
      fetch<2 * (kBlock + (int64_t)sizeof(Scale))>(ahead, w, block * stride);
      Bytes weights[4];
      Scale first[4], second[4] = {};
      OSSIA_UNROLL
      for (int r = 0; r < 4; r++) {
        const uint8_t* p = w[r] + block * stride;
        weights[r] = i8_weights(load_32s(p + sizeof(Scale), two ? p + stride + sizeof(Scale) : nullptr));
        __builtin_memcpy(&first[r], p, sizeof(Scale));
        if (two) __builtin_memcpy(&second[r], p + stride, sizeof(Scale));
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

// Halves of 8-bit blocks side by side: four words of codes each, and the scale of their block.
template <DType D> struct EightBitLayout {
  using Scale = typename ScaleOf<D>::type;
  static constexpr int kWords = 4, kColumns = 16, kRaise = kI8Raise;

  static int64_t codes_at(int64_t group, int span) { return group * 64 + span * 16; }
  static int64_t scale_of(int64_t group, int span) { return 2 * group + span / 2; }
  static int64_t start_of(int64_t group, int span) { return 4 * group + span; }

  template <int T> OSSIA_INLINE void dots(const uint8_t (*words)[64], const int8_t* const* rows, int64_t at, I32* sums) {
    OSSIA_UNROLL
    for (int q = 0; q < 4; q++) {
      const Bytes weights = load_bytes(words[q]);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) sums[t] = i8_dot_repeated(sums[t], weights, rows[t] + at + 4 * q);
    }
  }

  int64_t lay_out(const Job<const QuantizedRows*>& job, int64_t row, int64_t group, int64_t groups, int span, Piece<kWords>& piece) {
    const Weight& weight = *job.weight;
    int64_t g = 0;
    for (; g < groups && scale_of(group + g, span) < weight.cols / kBlock; g++) {
      const uint8_t* p = weight_row(job, row) + scale_of(group + g, span) * weight.block_stride;
      const uint8_t* codes = p + sizeof(Scale) + span % 2 * 16;
      Bytes rows[4], words[4];
      OSSIA_UNROLL
      for (int j = 0; j < 4; j++) rows[j] = load_16s(codes + 4 * j * weight.row_stride, weight.row_stride, 4);
      lanes_of_rows(rows, words);
      OSSIA_UNROLL
      for (int q = 0; q < 4; q++) store_bytes(piece.codes[span][g][q], i8_weights(words[q]));
      Scale scales[kLanes];
      for (int r = 0; r < kLanes; r++) __builtin_memcpy(scales + r, p + r * weight.row_stride, sizeof(Scale));
      store(piece.scales[span][g], load_scales(scales));
    }
    return g;
  }
  OSSIA_INLINE F32 load_scales(const float* p) { return load_f32(p); }
  OSSIA_INLINE F32 load_scales(const uint16_t* p) { return load_f16(p); }

  void finish(const Job<const QuantizedRows*>& job, int64_t row, int64_t pair, int64_t end, const ManyTotals& totals) {
    finish_many(job, row, pair, end, totals, 1.0f);
  }
};

template <DType D> static void eight_bit_rows_of(const Job<const QuantizedRows*>& job, int64_t row, int64_t end) {
  if (job.count >= kMany) {
    EightBitLayout<D> layout;
    row = many_rows(job, layout, row, end);
  }
  walk<EightBitKernel<D>, 4, kDotTileTokens, 4>(job, row, end);
}

static void eight_bit_rows(const Job<const QuantizedRows*>& job, int64_t begin, int64_t end) {
  if (job.weight->dtype == DType::q8) {
    eight_bit_rows_of<DType::q8>(job, begin, end);
  } else {
    eight_bit_rows_of<DType::q8_0>(job, begin, end);
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
