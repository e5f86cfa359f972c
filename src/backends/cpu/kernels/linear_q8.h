// int8 inputs times int8 weights (q8_0 or q8).
//
// As with MXFP4 (expert_linear.h), a row's blocks of 32 columns come in groups of four: 64 bytes are the first halves of the four
// blocks, 64 the second halves, and they meet the inputs' codes in the order that quantize.h gave them. A block's products are added
// exactly. Four rows share a vector of these sums (merge_rows), so that scaling costs once for all four: lane 4i + r belongs to block
// i of the group and row r. Groups in column order; at the end a row's four lanes are added.
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

// Four blocks of codes from `p`, `stride` apart, of which `left` exist: the first halves of them, and the second. Nothing behind a
// row's last byte is read.
template <DType D> OSSIA_INLINE void load_codes(const uint8_t* p, int64_t stride, int64_t left, Bytes& first, Bytes& second) {
  if (D == DType::q8_0 && stride == 34 && left >= 4) {
    load_each34(p, first, second);
  } else {
    p += sizeof(typename ScaleOf<D>::type);
    first = load_16s(p, stride, left);
    second = load_16s(p + 16, stride, left);
  }
  first = i8_weights(first);
  second = i8_weights(second);
}

// Lane 4i + r holds the scale of block i of row r.
template <DType D> OSSIA_INLINE F32 load_scales(const uint8_t* const rows[4], int64_t stride, int64_t left) {
  using Scale = typename ScaleOf<D>::type;
  if (D == DType::q8_0 && stride == 34 && left >= 4) return widen_each34(rows);
  Scale lanes[kLanes] = {};
  OSSIA_UNROLL
  for (int64_t i = 0; i < 4; i++) {
    OSSIA_UNROLL
    for (int r = 0; r < 4; r++)
      if (i < left) __builtin_memcpy(lanes + 4 * i + r, rows[r] + i * stride, sizeof(Scale));
  }
  return gather_scales(lanes);
}

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
    auto group = [&](int64_t block, int64_t left) __attribute__((always_inline)) {
      fetch<4 * (kBlock + (int64_t)sizeof(Scale))>(ahead, w, block * stride);
      const uint8_t* rows[4];
      Bytes first[4], second[4];
      OSSIA_UNROLL
      for (int r = 0; r < 4; r++) {
        rows[r] = w[r] + block * stride;
        load_codes<D>(rows[r], stride, left, first[r], second[r]);
      }
      const F32 weight_scales = load_scales<D>(rows, stride, left);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const Bytes x_first = load_bytes(codes[t] + block * kBlock);
        const Bytes x_second = load_bytes(codes[t] + block * kBlock + 64);
        I32 sums[4];
        OSSIA_UNROLL
        for (int r = 0; r < 4; r++) sums[r] = i8_dot(i8_dot(set_i32(0), first[r], x_first), second[r], x_second);
        I32 merged = merge_rows(sums);
        if (kI8Raise != 0) merged = add_i32(merged, load_each4(starts[t] + block));
        const F32 scale = mul(weight_scales, load_each4(scales[t] + block));
        total[t] = fma(to_f32(merged), scale, total[t]);
      }
    };
    int64_t block = 0;
    for (; block + 4 <= blocks; block += 4) group(block, 4);
    if (block < blocks) group(block, blocks - block);

    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      float rows[4];
      sum_rows(total[t], rows);
      for (int r = 0; r < R; r++) finish(job, first_row + r, first_pair + t, rows[r]);
    }
  }
};

// Blocks of 8 bits side by side: four words of their first halves, then four of the second.
template <DType D> struct EightBitLayout {
  using Scale = typename ScaleOf<D>::type;
  static constexpr int kRaise = kI8Raise;
  static constexpr bool kAddsExponents = false;

  template <bool Ordinary> OSSIA_INLINE F32 scale(F32 of_weights, F32 of_input) {
    return mul(of_weights, of_input);
  }

  template <int T>
  OSSIA_INLINE void dots(const uint8_t (*words)[kManyRows][64], const int8_t* const* rows, int64_t at, I32 (*sums)[kManyRows]) {
    OSSIA_UNROLL
    for (int q = 0; q < 8; q++) {
      Bytes weights[kManyRows];
      OSSIA_UNROLL
      for (int r = 0; r < kManyRows; r++) weights[r] = load_bytes(words[q][r]);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const Bytes x = repeat_4(rows[t] + at + q / 4 * 64 + q % 4 * 4);
        OSSIA_UNROLL
        for (int r = 0; r < kManyRows; r++) sums[t][r] = i8_dot(sums[t][r], weights[r], x);
      }
    }
  }

  // Sixteen rows from `row` become part `part` of the piece.
  void lay_out(const Job<const QuantizedRows*>& job, int64_t row, int part, int64_t group, int64_t groups, Piece& piece) {
    const Weight& weight = *job.weight;
    const int64_t stride = weight.row_stride;
    for (int64_t g = 0; g < groups; g++) {
      const int64_t block = 4 * (group + g), blocks = weight.cols / kBlock;
      const int64_t left = block + 4 < blocks ? 4 : blocks - block;
      const uint8_t* p = weight_row(job, row) + block * weight.block_stride;
      I32 scales[4];  // of four rows each, then of a span each
      OSSIA_UNROLL
      for (int j = 0; j < 4; j++) {
        const uint8_t* const rows[4] = {p + 4 * j * stride, p + (4 * j + 1) * stride, p + (4 * j + 2) * stride, p + (4 * j + 3) * stride};
        scales[j] = as_i32(load_scales<D>(rows, weight.block_stride, left));
      }
      swap_fours(scales);
      for (int span = 0; span < left; span++, p += weight.block_stride) {
        store(piece.scales[span][g][part], as_f32(scales[span]));
        for (int half = 0; half < 2; half++) {
          const uint8_t* codes = p + sizeof(Scale) + 16 * half;
          Bytes rows[4], words[4];
          OSSIA_UNROLL
          for (int j = 0; j < 4; j++) rows[j] = load_16s(codes + 4 * j * stride, stride, 4);
          lanes_of_rows(rows, words);
          OSSIA_UNROLL
          for (int q = 0; q < 4; q++) store_bytes(piece.codes[span][g][4 * half + q][part], i8_weights(words[q]));
        }
      }
    }
  }

  void finish(const Job<const QuantizedRows*>& job, int64_t row, int64_t pair, int64_t end, const ManyTotal* totals) {
    finish_many(job, row, pair, end, totals, 1.0f);
  }
};

template <DType D> static void eight_bit_rows_of(const Job<const QuantizedRows*>& job, int64_t row, int64_t end) {
  if (job.count >= kManyOf8Bits) {
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
