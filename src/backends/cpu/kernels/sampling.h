// Choosing a token: passes over one row of logits, or over the weights that are made of them, in the order of their ids. What each
// means is written in src/backends/reference/sampling.ts; results are the same to the bit.
#pragma once

#include "exp64.h"
#include "simd.h"

OSSIA_BEGIN

OSSIA_INLINE bool is_finite(float x) { return __builtin_fabsf(x) <= __FLT_MAX__; }

static int64_t copy_finite(const float* x, int64_t n, float* out) {
  for (int64_t begin = 0; begin < n; begin += 4096) {
    const int64_t end = begin + 4096 < n ? begin + 4096 : n;
    uint32_t wrong = 0;
    for (int64_t i = begin; i < end; i++) {
      out[i] = x[i];
      wrong |= (uint32_t)!is_finite(x[i]);
    }
    for (int64_t i = begin; wrong && i < end; i++) {
      if (!is_finite(x[i])) return i;
    }
  }
  return -1;
}

static int64_t argmax(const float* x, int64_t n) {
  F32 best = set_f32(-__builtin_inff());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) best = larger(best, load_f32(x + i));
  float lanes[kLanes];
  store(lanes, best);
  float max = lanes[0];
  for (float lane : lanes) max = lane > max ? lane : max;
  for (; i < n; i++) max = x[i] > max ? x[i] : max;
  for (int64_t id = 0; id < n; id++) {
    if (x[id] == max) return id;
  }
  return 0;
}

// Long enough to fill the registers, short enough that one chunk is added up beside the exponentials of the next.
constexpr int64_t kChunk = 32;

OSSIA_INLINE void weigh_chunk(const float* x, F64 max, F64 scale, double* weights) {
  for (int64_t i = 0; i < kChunk; i += kDoubles) {
    const F64 below = load_widened(x + i) - max;
    // A difference of 0 stays 0 whatever the scale: an infinite one must not make it NaN.
    store(weights + i, below == set_f64(0) ? set_f64(1) : exp64(below * scale));
  }
}

static double weigh(const float* x, int64_t n, double max, double scale, double* weights) {
  const F64 maxes = set_f64(max), scales = set_f64(scale);
  double chunk[kChunk], sum = 0;
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = begin + kChunk < n ? kChunk : n - begin;
    if (count == kChunk) {
      weigh_chunk(x + begin, maxes, scales, chunk);
    } else {
      float rest[kChunk] = {};
      for (int64_t i = 0; i < count; i++) rest[i] = x[begin + i];
      weigh_chunk(rest, maxes, scales, chunk);
    }
    if (weights != nullptr) __builtin_memcpy(weights + begin, chunk, (uint64_t)count * sizeof(double));
    for (int64_t i = 0; i < count; i++) sum += chunk[i];
  }
  return sum;
}

static int64_t pick(const double* weights, int64_t n, double left) {
  int64_t id = 0;
  for (double before = left; id + kChunk <= n; id += kChunk, before = left) {
    for (int64_t i = 0; i < kChunk; i++) left -= weights[id + i];
    if (!(left < 0)) continue;
    left = before;  // here: what is below zero stays there, for no weight is negative
    break;
  }
  for (; id < n; id++) {
    left -= weights[id];
    if (left < 0) return id;
  }
  while (--id >= 0 && !(weights[id] > 0)) {
  }
  return id;
}

OSSIA_INLINE double heaviest(const double* weights, int64_t n) {
  double max = weights[0];
  int64_t i = 0;
  if (n >= kDoubles) {
    F64 lanes = load_f64(weights);
    for (i = kDoubles; i + kDoubles <= n; i += kDoubles) {
      const F64 more = load_f64(weights + i);
      lanes = more > lanes ? more : lanes;
    }
    for (int lane = 0; lane < kDoubles; lane++) max = lanes[lane] > max ? lanes[lane] : max;
  }
  for (; i < n; i++) max = weights[i] > max ? weights[i] : max;
  return max;
}

static int64_t gather(const double* weights, int64_t n, double cut_weight, int64_t cut_id, int32_t* ids) {
  int64_t count = 0;
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t end = begin + kChunk < n ? begin + kChunk : n;
    if (heaviest(weights + begin, end - begin) < cut_weight) continue;
    for (int64_t id = begin; id < end; id++) {
      const double weight = weights[id];
      ids[count] = (int32_t)id;
      count += (weight > 0) & ((weight > cut_weight) | ((weight == cut_weight) & (id <= cut_id)));
    }
  }
  return count;
}

static void block_maxima(const double* weights, int64_t n, int64_t block, double* out) {
  for (int64_t begin = 0; begin < n; begin += block) {
    *out++ = heaviest(weights + begin, begin + block < n ? block : n - begin);
  }
}

static int64_t largest(const float* x, int64_t n, int64_t count, int32_t* ids) {
  int64_t found = 0;
  float floor = -__builtin_inff();  // nothing below enters a full list
  for (int64_t id = 0; id < n; id++) {
    if (!(x[id] > floor)) continue;
    int64_t at = found < count ? found++ : count - 1;
    for (; at > 0 && x[id] > x[ids[at - 1]]; at--) ids[at] = ids[at - 1];
    ids[at] = (int32_t)id;
    if (found == count) floor = x[ids[count - 1]];
  }
  return found;
}

OSSIA_END
