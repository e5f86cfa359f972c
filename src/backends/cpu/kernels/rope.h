// Turns dimension i with dimension i + head_dim / 2 of the same head (the half-split, "NeoX" layout).
// Reference: gpt_oss/torch/model.py, _apply_rotary_emb
#pragma once

#include "simd.h"

OSSIA_BEGIN

// x and out [tokens, heads * head_dim]; cos, sin [tokens, head_dim / 2]
static void rope(const float* x, int64_t tokens, int64_t heads, int64_t head_dim, const float* cos, const float* sin, float* out) {
  const int64_t half = head_dim / 2;
  for (int64_t token = 0; token < tokens; token++, cos += half, sin += half) {
    for (int64_t head = 0; head < heads; head++, x += head_dim, out += head_dim) {
      for (int64_t i = 0; i < half; i += kLanes) {
        const F32 a = load_some(x + i, half - i);
        const F32 b = load_some(x + half + i, half - i);
        const F32 c = load_some(cos + i, half - i);
        const F32 s = load_some(sin + i, half - i);
        store_some(out + i, fma(a, c, sub(set_f32(0), mul(b, s))), half - i);
        store_some(out + half + i, fma(b, c, mul(a, s)), half - i);
      }
    }
  }
}

OSSIA_END
