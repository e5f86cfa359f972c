// Rows of a table, of any dtype, as f32.
#pragma once

#include "dense.h"

OSSIA_BEGIN

// One block of 32 values.
OSSIA_INLINE void widen_block(const Weight& w, int64_t row, int64_t block, float* out) {
  const uint8_t* p = w.data + row * w.row_stride + block * w.block_stride;
  if (w.dtype == DType::mxfp4) {
    const uint8_t e = w.scales[row * w.scale_row_stride + block * w.scale_block_stride];
    const float scale = e == 255 ? float_of(0x7fc00000) : e == 0 ? 0x1p-127f : float_of((uint32_t)e << 23);
    for (int j = 0; j < 16; j++) {
      // Half of the doubled code is exact, so the one rounding is that of the true product.
      out[w.halves ? j : 2 * j] = 0.5f * kFp4Doubled[p[j] & 15] * scale;
      out[w.halves ? j + 16 : 2 * j + 1] = 0.5f * kFp4Doubled[p[j] >> 4] * scale;
    }
    return;
  }
  const bool wide = w.dtype == DType::q8;
  const float scale = load_one(wide ? DType::f32 : DType::f16, p);
  const int8_t* codes = (const int8_t*)p + (wide ? 4 : 2);
  for (int i = 0; i < kBlock; i++) out[i] = scale * codes[i];
}

// Rows of the table. ids [tokens], out [tokens, cols]
static void embed(const Weight& table, const int32_t* ids, int64_t tokens, float* out) {
  const bool dense = table.dtype == DType::f32 || table.dtype == DType::f16 || table.dtype == DType::bf16;
  for (int64_t token = 0; token < tokens; token++, out += table.cols) {
    const uint8_t* row = table.data + ids[token] * table.row_stride;
    if (dense) {
      for (int64_t c = 0; c < table.cols; c += kLanes)
        store_some(out + c, load_weights(table.dtype, row, table.block_stride, c, table.cols), table.cols - c);
    } else {
      for (int64_t block = 0; block < table.cols / kBlock; block++) widen_block(table, ids[token], block, out + block * kBlock);
    }
  }
}

OSSIA_END
