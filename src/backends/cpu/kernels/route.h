// The router's choice: the largest logits, and softmax over those alone. Reference: gpt_oss/torch/model.py, MLPBlock.forward
#pragma once

#include "exp.h"

OSSIA_BEGIN

// An integer that orders as the float does: NaN above all, -0 equal to 0.
OSSIA_INLINE int32_t order_of(float x) {
  if (x != x) return INT32_MAX;
  const int32_t bits = (int32_t)bits_of(x + 0.0f);
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}

// logits [tokens, choices] -> experts, weights [tokens, count], best first, lowest index first among equals
static void route(const float* logits, int64_t tokens, int64_t choices, int64_t count, float* experts, float* weights) {
  for (int64_t token = 0; token < tokens; token++, logits += choices, experts += count, weights += count) {
    // Each pick is the largest that comes after the last pick, so nothing needs to be marked as taken.
    int64_t last_order = (int64_t)INT32_MAX + 1;
    int64_t last = -1;
    for (int64_t pick = 0; pick < count; pick++) {
      int64_t best_order = (int64_t)INT32_MIN - 1;
      int64_t best = -1;
      for (int64_t i = 0; i < choices; i++) {
        const int64_t order = order_of(logits[i]);
        const bool later = order < last_order || (order == last_order && i > last);
        if (later && order > best_order) {
          best_order = order;
          best = i;
        }
      }
      experts[pick] = (float)best;
      last_order = best_order;
      last = best;
    }
    const float largest = logits[(int64_t)experts[0]];
    float total = 0;
    for (int64_t pick = 0; pick < count; pick++) {
      weights[pick] = exp(logits[(int64_t)experts[pick]] - largest);
      total += weights[pick];
    }
    for (int64_t pick = 0; pick < count; pick++) weights[pick] /= total;
  }
}

OSSIA_END
