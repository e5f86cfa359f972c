// Ops in which every value stands alone.
#pragma once

#include "exp.h"

OSSIA_BEGIN

static void add(const float* a, const float* b, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += kLanes) store_some(out + i, add(load_some(a + i, n - i), load_some(b + i, n - i)), n - i);
}

// gate ← min(gate, limit), linear ← clamp(linear, ±limit); gate · sigmoid(alpha · gate) · (linear + 1). Limits keep NaN.
// Reference: gpt_oss/torch/model.py, swiglu
static void swiglu(const float* gate, const float* linear, int64_t n, float limit, float alpha, float* out) {
  const F32 most = set_f32(limit);
  const F32 least = set_f32(-limit);
  const F32 one = set_f32(1);
  for (int64_t i = 0; i < n; i += kLanes) {
    F32 g = load_some(gate + i, n - i);
    F32 l = load_some(linear + i, n - i);
    g = less_select(most, g, most, g);
    l = less_select(most, l, most, l);
    l = less_select(l, least, least, l);
    const F32 swish = div(g, add(one, exp(mul(g, set_f32(-alpha)))));
    store_some(out + i, mul(swish, add(l, one)), n - i);
  }
}

// answers [tokens, picked, cols], weights [tokens, picked] -> out [tokens, cols], picks added in order
static void mix_experts(const float* answers, const float* weights, int64_t tokens, int64_t picked, int64_t cols, float* out) {
  for (int64_t token = 0; token < tokens; token++, answers += picked * cols, weights += picked, out += cols) {
    for (int64_t c = 0; c < cols; c += kLanes) {
      F32 total = set_f32(0);
      for (int64_t pick = 0; pick < picked; pick++)
        total = fma(set_f32(weights[pick]), load_some(answers + pick * cols + c, cols - c), total);
      store_some(out + c, total, cols - c);
    }
  }
}

OSSIA_END
