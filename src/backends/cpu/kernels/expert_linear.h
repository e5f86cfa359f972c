// int8 inputs times MXFP4 weights.
//
// Four blocks of 32 columns make 64 bytes; each becomes two vectors of small integers (the values doubled), which meet the inputs'
// codes in the order that quantize.h gave them. A block's products are added exactly. Four rows share a vector of these sums
// (merge_rows), so that scaling costs once for all four: lane 4i + r belongs to block i of the group and row r. Groups in column
// order; at the end a row's four lanes are added, and halved for the doubling.
#pragma once

#include "linear_q8.h"

OSSIA_BEGIN

struct Fp4Input {
  const QuantizedRows* rows;
  int64_t* nan_row;  // gets the first weight row with a NaN scale; untouched when there is none
};

// 2^(e - 127) of E8M0 bytes. Byte 0 is 2^-127, a subnormal; 255 becomes infinity.
OSSIA_INLINE I32 e8m0_bits(I32 bytes) { return max_i32(shift_left<23>(bytes), set_i32(0x00400000)); }

// Whether some byte was 255.
OSSIA_INLINE bool holds_nan(I32 largest_bits) {
  int32_t lanes[kLanes];
  store_i32(lanes, largest_bits);
  bool found = false;
  for (int i = 0; i < kLanes; i++) found |= lanes[i] == 0x7f800000;
  return found;
}

// Four blocks of codes from `p`, of which `left` exist. Nothing behind a row's last byte is read: the file may end there.
template <bool Packed> OSSIA_INLINE Bytes load_fp4_codes(const uint8_t* p, int64_t stride, int64_t left) {
  return Packed && left >= 4 ? load_bytes(p) : load_16s(p, stride, left);
}

// Likewise their scale bytes.
template <bool Packed> OSSIA_INLINE uint32_t load_fp4_scales(const uint8_t* p, int64_t stride, int64_t left) {
  uint32_t four = 0;
  if (Packed && left >= 4) {
    __builtin_memcpy(&four, p, 4);
    return four;
  }
  const int64_t count = left < 4 ? left : 4;
  for (int64_t i = 0; i < count; i++) four |= (uint32_t)p[i * stride] << (8 * i);
  return four;
}

// Some of these rows have a NaN scale: the first of them is `found`, unless an earlier one is.
static void report_nan(const Weight& weight, int64_t expert, int64_t first_row, int64_t count, int64_t* found) {
  for (int64_t row = first_row; row < first_row + count; row++) {
    const uint8_t* e = weight.scales + expert * weight.scale_expert_stride + row * weight.scale_row_stride;
    for (int64_t block = 0; block < weight.cols / kBlock; block++) {
      if (e[block * weight.scale_block_stride] == 255 && (*found < 0 || row < *found)) *found = row;
    }
  }
}

// How the blocks of a row lie: codes and scales without gaps (Hugging Face), each block behind its scale (GGUF), or anyhow.
enum class Fp4Form { packed, scale_first, strided };

OSSIA_INLINE Fp4Form form_of(const Weight& weight) {
  if (weight.block_stride == 16 && weight.scale_block_stride == 1) return Fp4Form::packed;
  const bool adjoin = weight.scales + 1 == weight.data && weight.scale_row_stride == weight.row_stride &&
                      weight.scale_expert_stride == weight.expert_stride;
  return adjoin && weight.block_stride == 17 && weight.scale_block_stride == 17 ? Fp4Form::scale_first : Fp4Form::strided;
}

template <Fp4Form Form> struct Fp4Kernel {
  // R = 1 computes the same row four times: rarely, at the end of a part.
  template <int R, int T> static void tile(const Job<Fp4Input>& job, int64_t first_row, int64_t first_pair) {
    const Weight& weight = *job.weight;
    const int64_t blocks = weight.cols / kBlock;
    const uint8_t* w[4];
    const uint8_t* e[4];
    const int8_t* codes[T];
    const float* scales[T];
    const int32_t* starts[T];
    F32 total[T];
    I32 largest = set_i32(0);
    OSSIA_UNROLL
    for (int r = 0; r < 4; r++) {
      const int64_t row = first_row + (R == 4 ? r : 0);
      w[r] = weight_row(job, row);
      e[r] = weight.scales + job.expert * weight.scale_expert_stride + row * weight.scale_row_stride;
    }
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      const int64_t row = x_row(job, first_pair + t);
      codes[t] = job.x.rows->codes(row);
      scales[t] = job.x.rows->scales(row);
      starts[t] = job.x.rows->starts(row);
      total[t] = set_f32(0);
    }

    constexpr int64_t kBlockBytes = Form == Fp4Form::packed ? 16 : 17;
    Lookahead ahead = look_ahead(Form == Fp4Form::packed ? w[0] : e[0], blocks * kBlockBytes, weight.row_stride);
    auto group = [&](int64_t block, int64_t left) __attribute__((always_inline)) {
      Bytes low[4], high[4];
      I32 scale_bytes;
      fetch<4 * kBlockBytes>(ahead, w, block * weight.block_stride);
      const bool whole = Form == Fp4Form::scale_first && left >= 4;
      if (whole) {
        const uint8_t* const rows[4] = {e[0] + block * 17, e[1] + block * 17, e[2] + block * 17, e[3] + block * 17};
        scale_bytes = widen_each17(rows);
      } else {
        uint32_t words[4];
        for (int r = 0; r < 4; r++) {
          words[r] = load_fp4_scales<Form == Fp4Form::packed>(e[r] + block * weight.scale_block_stride, weight.scale_block_stride, left);
        }
        scale_bytes = widen_bytes(words);
      }
      OSSIA_UNROLL
      for (int r = 0; r < 4; r++) {
        const uint8_t* p = w[r] + block * weight.block_stride;
        const Bytes bytes = whole ? load_each17(e[r] + block * 17) : load_fp4_codes<Form == Fp4Form::packed>(p, weight.block_stride, left);
        low[r] = fp4_low(bytes);
        high[r] = fp4_high(bytes);
      }
      const I32 scale_bits = e8m0_bits(scale_bytes);
      largest = max_i32(largest, scale_bits);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const Bytes x_low = load_bytes(codes[t] + block * kBlock);
        const Bytes x_high = load_bytes(codes[t] + block * kBlock + 64);
        I32 sums[4];
        OSSIA_UNROLL
        for (int r = 0; r < 4; r++) sums[r] = fp4_dot(set_i32(0), low[r], high[r], x_low, x_high);
        I32 merged = merge_rows(sums);
        if (kFp4Raise != 0) merged = add_i32(merged, load_each4(starts[t] + block));
        const F32 scale = mul(as_f32(scale_bits), load_each4(scales[t] + block));
        total[t] = fma(to_f32(merged), scale, total[t]);
      }
    };
    int64_t block = 0;
    for (; block + 4 <= blocks; block += 4) group(block, 4);
    if (block < blocks) group(block, blocks - block);

    if (holds_nan(largest)) report_nan(weight, job.expert, first_row, R, job.x.nan_row);
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      float rows[4];
      sum_rows(total[t], rows);
      for (int r = 0; r < R; r++) finish(job, first_row + r, first_pair + t, 0.5f * rows[r]);
    }
  }
};

// Blocks of MXFP4 side by side: four words of low nibbles, then four of high ones.
//
// A scale is a power of two, so ordinary ones are multiplied by adding exponents: multiplications would compete with the dots for two
// of Zen's four vector pipes (+10 %). Anything else takes the multiplication; both give the same bits.
struct Fp4Layout {
  static constexpr int kRaise = kFp4Raise;
  static constexpr bool kAddsExponents = kAddExponents;
  static constexpr int32_t kOne = kAddsExponents ? 0x3f800000 : 0;  // by so much a piece holds less than the bits of its scales
  int64_t* nan_row;
  I32 largest = set_i32(0);

  template <bool Ordinary> OSSIA_INLINE F32 scale(F32 of_weights, F32 of_input) {
    if (Ordinary) return as_f32(add_i32(as_i32(of_weights), as_i32(of_input)));
    return mul(as_f32(add_i32(as_i32(of_weights), set_i32(kOne))), of_input);
  }

  template <int T>
  OSSIA_INLINE void dots(const uint8_t (*words)[kManyRows][64], const int8_t* const* rows, int64_t at, I32 (*sums)[kManyRows]) {
    OSSIA_UNROLL
    for (int q = 0; q < 4; q++) {
      Bytes low[kManyRows], high[kManyRows];
      OSSIA_UNROLL
      for (int r = 0; r < kManyRows; r++) low[r] = load_bytes(words[q][r]), high[r] = load_bytes(words[4 + q][r]);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        const int8_t* x = rows[t] + at + 4 * q;
        const Bytes x_low = repeat_4(x), x_high = repeat_4(x + 64);
        OSSIA_UNROLL
        for (int r = 0; r < kManyRows; r++) sums[t][r] = fp4_dot(sums[t][r], low[r], high[r], x_low, x_high);
      }
    }
  }

  // Sixteen rows from `row` become part `part` of the piece.
  void lay_out(const Job<const QuantizedRows*>& job, int64_t row, int part, int64_t group, int64_t groups, Piece& piece) {
    const Weight& weight = *job.weight;
    const bool scale_first = form_of(weight) == Fp4Form::scale_first;
    const uint8_t* codes = weight_row(job, row);
    const uint8_t* scales = weight.scales + job.expert * weight.scale_expert_stride + row * weight.scale_row_stride;
    Ordinary ordinary;
    for (int64_t g = 0; g < groups; g++) {
      const int64_t block = 4 * (group + g), blocks = weight.cols / kBlock;
      const int64_t left = block + 4 < blocks ? 4 : blocks - block;
      I32 scale_bytes[4];  // of four rows each, then of a span each
      OSSIA_UNROLL
      for (int j = 0; j < 4; j++) {
        const uint8_t* e[4];
        for (int r = 0; r < 4; r++) e[r] = scales + (4 * j + r) * weight.scale_row_stride + block * weight.scale_block_stride;
        if (scale_first && left == 4) {
          scale_bytes[j] = widen_each17(e);
        } else {
          uint32_t words[4];
          for (int r = 0; r < 4; r++) words[r] = load_fp4_scales<false>(e[r], weight.scale_block_stride, left);
          scale_bytes[j] = widen_bytes(words);
        }
      }
      swap_fours(scale_bytes);
      for (int span = 0; span < left; span++) {
        const I32 bits = e8m0_bits(scale_bytes[span]);
        largest = max_i32(largest, bits);
        ordinary.see(bits);
        store(piece.scales[span][g][part], as_f32(sub_i32(bits, set_i32(kOne))));
        const uint8_t* p = codes + (block + span) * weight.block_stride;
        Bytes rows[4], words[4];
        OSSIA_UNROLL
        for (int j = 0; j < 4; j++) rows[j] = load_16s(p + 4 * j * weight.row_stride, weight.row_stride, 4);
        lanes_of_rows(rows, words);
        OSSIA_UNROLL
        for (int q = 0; q < 4; q++) {
          store_bytes(piece.codes[span][g][q][part], fp4_low(words[q]));
          store_bytes(piece.codes[span][g][4 + q][part], fp4_high(words[q]));
        }
      }
    }
    piece.ordinary &= ordinary.all();
  }

  void finish(const Job<const QuantizedRows*>& job, int64_t row, int64_t pair, int64_t end, const ManyTotal* totals) {
    if (holds_nan(largest)) report_nan(*job.weight, job.expert, row, kSideBySide, nan_row);
    finish_many(job, row, pair, end, totals, 0.5f);
  }
};

// One expert's rows for all pairs that chose it. Returns the first row whose scales hold a NaN, or -1.
static int64_t expert_linear(const ExpertPart& part) {
  const Weight& weight = *part.weight;
  if (weight.dtype != DType::mxfp4) {
    if (weight.dtype == DType::q8_0 || weight.dtype == DType::q8) {
      eight_bit_rows({&weight, part.bias, part.expert, part.quantized, part.x_rows, part.out_rows, part.count, part.out},
                     part.row_begin, part.row_end);
    } else {
      dense_rows({&weight, part.bias, part.expert, part.x, part.x_rows, part.out_rows, part.count, part.out},  //
                 part.row_begin, part.row_end);
    }
    return -1;
  }
  int64_t nan_row = -1;
  const Job<Fp4Input> job = {&weight,     part.bias,     part.expert, {part.quantized, &nan_row},
                             part.x_rows, part.out_rows, part.count,  part.out};
  int64_t row = part.row_begin;
  if (part.count >= kMany) {
    Fp4Layout layout{&nan_row};
    row = many_rows({&weight, part.bias, part.expert, part.quantized, part.x_rows, part.out_rows, part.count, part.out}, layout, row,
                    part.row_end);
  }
  switch (form_of(weight)) {
    case Fp4Form::packed: walk<Fp4Kernel<Fp4Form::packed>, 4, kDotTileTokens, 4>(job, row, part.row_end); break;
    case Fp4Form::scale_first: walk<Fp4Kernel<Fp4Form::scale_first>, 4, kDotTileTokens, 4>(job, row, part.row_end); break;
    case Fp4Form::strided: walk<Fp4Kernel<Fp4Form::strided>, 4, kDotTileTokens, 4>(job, row, part.row_end); break;
  }
  return nan_row;
}

OSSIA_END
