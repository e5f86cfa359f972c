// Activations as int8 codes: 32 columns share scale = amax / 127, code = nearest even(x / scale).
//
// Some sets raise the weights' codes to make them unsigned (kFp4Raise, kI8Raise); their dots then begin at minus that times the
// sum of the inputs' codes, which is worked out here once for all rows of all weights.
#pragma once

#include "simd.h"

OSSIA_BEGIN

// The scale of two vectors of values, NaN if one of them is a NaN or an infinity.
OSSIA_INLINE float scale_of(F32 a, F32 b) {
  // Positive floats order as their bits do, and NaN lies above infinity: one integer maximum sees everything.
  const I32 magnitude = set_i32(0x7fffffff);
  int32_t lanes[kLanes];
  store_i32(lanes, max_i32(and_i32(as_i32(a), magnitude), and_i32(as_i32(b), magnitude)));
  int32_t largest = 0;
  for (int i = 0; i < kLanes; i++) largest = lanes[i] > largest ? lanes[i] : largest;

  return largest < 0x7f800000 ? float_of((uint32_t)largest) / 127.0f : float_of(0x7fc00000);
}

// Codes of two vectors of values, in their order; all zero where the scale is zero or NaN.
OSSIA_INLINE void codes_of(F32 a, F32 b, float scale, int8_t codes[32]) {
  if (!(scale > 0)) {
    __builtin_memset(codes, 0, 32);
    return;
  }
  // A true quotient, not a product with 1 / scale, which overflows for the smallest scales. Those are rounded so coarsely
  // that a quotient can pass 127; the limit is for them.
  const F32 divisor = set_f32(scale);
  const F32 limit = set_f32(127.0f);
  const F32 least = set_f32(-127.0f);
  int32_t rounded[32];
  store_i32(rounded, round_i32(larger(smaller(div(a, divisor), limit), least)));
  store_i32(rounded + kLanes, round_i32(larger(smaller(div(b, divisor), limit), least)));
  for (int i = 0; i < 32; i++) codes[i] = (int8_t)rounded[i];
}

// Both. A NaN or an infinity gives zero codes and a NaN scale, so that every dot that meets the block is NaN.
OSSIA_INLINE float quantize_block(F32 a, F32 b, int8_t codes[32]) {
  const float scale = scale_of(a, b);
  codes_of(a, b, scale, codes);
  return scale;
}

// Where the 32 codes of block `block` go, in a group of four. MXFP4 weights come 64 bytes at a time, whose low nibbles meet the
// first 64 codes of the group and whose high nibbles meet the other 64; of 8-bit weights these are the halves of the blocks.
OSSIA_INLINE void place_codes(const int8_t codes[32], int64_t block, CodeOrder order, int8_t* row) {
  int8_t* low = row + block / 4 * 128 + block % 4 * 16;
  if (order != CodeOrder::pairs) {
    __builtin_memcpy(low, codes, 16);
    __builtin_memcpy(low + 64, codes + 16, 16);
    return;
  }
  for (int j = 0; j < 16; j++) low[j] = codes[2 * j];
  for (int j = 0; j < 16; j++) low[64 + j] = codes[2 * j + 1];
}

// Rows [row_begin, row_end) of x [*, cols]
static void quantize(const float* x, int64_t row_begin, int64_t row_end, int64_t cols, CodeOrder order, const QuantizedRows& out) {
  for (int64_t row = row_begin; row < row_end; row++) {
    const float* values = x + row * cols;
    int8_t* codes = out.codes(row);
    float* scales = out.scales(row);
    int32_t* starts = out.starts(row);
    for (int64_t block = 0; block < out.padded_cols / kBlock; block++) {
      const int64_t c = block * kBlock;
      int8_t natural[32];
      // load_some reads nothing where no column is left, and the padding becomes zero codes with a zero scale.
      scales[block] = quantize_block(load_some(values + c, cols - c), load_some(values + c + kLanes, cols - c - kLanes), natural);
      place_codes(natural, block, order, codes);
      int32_t sum = 0;
      for (int i = 0; i < 32; i++) sum += natural[i];
      starts[block] = -(order == CodeOrder::bytes ? kI8Raise : kFp4Raise) * sum;
    }
  }
}

OSSIA_END
