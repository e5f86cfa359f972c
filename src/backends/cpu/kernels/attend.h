// Attention of one key-value head's queries over cached blocks, with a sink in each softmax.
//
//   p_k = exp(s_k − m) / (exp(sink − m) + Σ exp(s_j − m)),  s = q·k / √head_dim,  m = max of all s_j and the sink
//
// Softmax is kept as it goes ("online"): block after block, in order of absolute position, each head holds a maximum m, the sum of
// weights and the weighted values so far, and scales them down when m grows. Blocks begin at multiples of block_size whatever was
// cached or chunked before, so a token's result does not depend on how it came here.
//
// Positions that a token may not see hold anything, NaN too: their scores are dropped and their values are not touched.
//
// 8-bit keys and values meet the arithmetic as their codes, and a group's scale is multiplied in once for all of its dimensions: into
// the score behind the group's sum, and into the weights before they meet the group's values.
//
// Reference: gpt_oss/torch/model.py, sdpa
#pragma once

#include "dense.h"
#include "exp.h"
#include "kv.h"

OSSIA_BEGIN

constexpr float kInfinity = __builtin_inff();

// What the heads of one token carry from block to block, in scratch.
struct AttendState {
  float* scores;    // [heads, block_size], then the weights
  float* scaled;    // [heads, block_size] weights times the scales of a group of values
  float* mixed;     // [heads, head_dim] weighted values
  float* largest;   // [heads]
  float* weight;    // [heads] sum of weights
};

OSSIA_INLINE int64_t round_to_lanes(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Floats of scratch for one thread.
static int64_t attend_scratch(int64_t heads_per_kv_head, int64_t head_dim, int64_t block_size) {
  return heads_per_kv_head * (head_dim + 2 * block_size) + 2 * round_to_lanes(heads_per_kv_head);
}

// scores[h][j] = q[h] · key j / √head_dim, for H heads and all positions j of the block: those out of sight are overwritten after.
template <int H>
static void score(const float* q, const Kv16& at, int64_t dim, int64_t size, float* scores) {
  const F32 scale = set_f32(1.0f / __builtin_sqrtf((float)dim));
  for (int64_t j = 0; j < size; j += kLanes) {
    F32 total[H];
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) total[h] = set_f32(0);
    for (int64_t d = 0; d < dim; d++) {
      const F32 k = load_f16(at.keys + d * size + j);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) total[h] = fma(set_f32(q[h * dim + d]), k, total[h]);
    }
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) store(scores + h * size + j, mul(total[h], scale));
  }
}

template <int H>
static void score(const float* q, const Kv8& at, int64_t dim, int64_t size, float* scores) {
  const F32 scale = set_f32(1.0f / __builtin_sqrtf((float)dim));
  for (int64_t j = 0; j < size; j += kLanes) {
    F32 total[H];
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) total[h] = set_f32(0);
    for (int64_t group = 0; group * kBlock < dim; group++) {
      const int64_t end = (group + 1) * kBlock < dim ? (group + 1) * kBlock : dim;
      F32 part[H];
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) part[h] = set_f32(0);
      for (int64_t d = group * kBlock; d < end; d++) {
        const F32 k = load_i8(at.keys + d * size + j);
        OSSIA_UNROLL
        for (int h = 0; h < H; h++) part[h] = fma(set_f32(q[h * dim + d]), k, part[h]);
      }
      const F32 group_scale = load_bf16(at.key_scales + group * size + j);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) total[h] = fma(part[h], group_scale, total[h]);
    }
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) store(scores + h * size + j, mul(total[h], scale));
  }
}

OSSIA_INLINE F32 load_16(const uint16_t* p) { return load_f16(p); }
OSSIA_INLINE F32 load_16(const int8_t* p) { return load_i8(p); }

// mixed[h] += Σ weights[h][j] · value j over j in [low, high), in order, for H heads and dimensions [begin, end).
template <int H, class T>
static void mix(const float* weights, const T* values, int64_t begin, int64_t end, int64_t dim, int64_t size, int64_t low,
                int64_t high, float* mixed) {
  for (int64_t d = begin; d < end; d += kLanes) {
    F32 total[H];
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) total[h] = load_f32(mixed + h * dim + d);
    for (int64_t j = low; j < high; j++) {
      const F32 v = load_16(values + j * dim + d);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) total[h] = fma(set_f32(weights[h * size + j]), v, total[h]);
    }
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) store(mixed + h * dim + d, total[h]);
  }
}

template <int H>
static void mix(const float* weights, float*, const Kv16& at, int64_t dim, int64_t size, int64_t low, int64_t high, float* mixed) {
  mix<H>(weights, at.values, 0, dim, dim, size, low, high, mixed);
}

template <int H>
static void mix(const float* weights, float* scaled, const Kv8& at, int64_t dim, int64_t size, int64_t low, int64_t high, float* mixed) {
  for (int64_t group = 0; group * kBlock < dim; group++) {
    const int64_t end = (group + 1) * kBlock < dim ? (group + 1) * kBlock : dim;
    for (int64_t j = 0; j < size; j += kLanes) {
      const F32 scale = load_bf16(at.value_scales + group * size + j);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) store(scaled + h * size + j, mul(load_f32(weights + h * size + j), scale));
    }
    mix<H>(scaled, at.values, group * kBlock, end, dim, size, low, high, mixed);
  }
}

// Turns a head's scores of one block into weights, relative to a maximum that includes them.
OSSIA_INLINE void weigh(float* scores, int64_t size, int64_t low, int64_t high, float* mixed, int64_t dim, float* largest, float* weight) {
  for (int64_t j = 0; j < low; j++) scores[j] = -kInfinity;
  for (int64_t j = high; j < size; j++) scores[j] = -kInfinity;

  F32 most = load_f32(scores);
  for (int64_t j = kLanes; j < size; j += kLanes) most = larger(load_f32(scores + j), most);
  float lanes[kLanes];
  store(lanes, most);
  float max = *largest;
  for (int i = 0; i < kLanes; i++) max = lanes[i] > max ? lanes[i] : max;  // a NaN score is passed over here, and kept by exp

  if (max > *largest) {
    const float shrink = exp(*largest - max);
    for (int64_t d = 0; d < dim; d += kLanes) store(mixed + d, mul(load_f32(mixed + d), set_f32(shrink)));
    *weight *= shrink;
    *largest = max;
  }
  F32 total = set_f32(0);
  for (int64_t j = 0; j < size; j += kLanes) {
    const F32 p = exp(sub(load_f32(scores + j), set_f32(max)));
    store(scores + j, p);
    total = add(total, p);
  }
  *weight += sum(total);
}

// Positions [low, high) of one block, for all heads of a token.
template <int H, class Kv>
static void attend_block(const float* q, int64_t head, int64_t heads, const KvPool& pool, const Kv& at, int64_t low, int64_t high,
                         const AttendState& state) {
  const int64_t dim = pool.head_dim;
  const int64_t size = pool.block_size;
  for (; head + H <= heads; head += H) {
    float* scores = state.scores + head * size;
    float* mixed = state.mixed + head * dim;
    score<H>(q + head * dim, at, dim, size, scores);
    for (int64_t h = 0; h < H; h++)
      weigh(scores + h * size, size, low, high, mixed + h * dim, dim, state.largest + head + h, state.weight + head + h);
    mix<H>(scores, state.scaled, at, dim, size, low, high, mixed);
  }
  if constexpr (H > 1) attend_block<H / 2>(q, head, heads, pool, at, low, high, state);
}

template <class Kv>
static void attend_over(const float* q, int64_t token_begin, int64_t token_end, int64_t heads, int64_t kv_head, const KvPool& pool,
                        int64_t layer, const Weight& sinks, const KvView& view, int64_t window, float* scratch, float* out) {
  const int64_t dim = pool.head_dim;
  const int64_t size = pool.block_size;
  const int64_t group = heads / pool.kv_heads;
  AttendState state;
  state.scores = scratch;
  state.scaled = state.scores + group * size;
  state.mixed = state.scaled + group * size;
  state.largest = state.mixed + group * dim;
  state.weight = state.largest + round_to_lanes(group);

  for (int64_t token = token_begin; token < token_end; token++) {
    const int64_t end = (int64_t)view.positions[token] + 1;
    const int64_t begin = window > 0 && end > window ? end - window : 0;
    const int32_t* table = view.tables + view.sequences[token] * view.table_width;
    const int64_t offset = (token * heads + kv_head * group) * dim;
    for (int64_t h = 0; h < group; h++) {
      state.largest[h] = load_one(sinks.dtype, sinks.data + (kv_head * group + h) * sinks.block_stride);
      state.weight[h] = 1 + (state.largest[h] - state.largest[h]);  // the sink's own, exp(sink - sink): NaN if it is infinite
    }
    for (int64_t i = 0; i < group * dim; i++) state.mixed[i] = 0;

    for (int64_t block = begin / size; block * size < end; block++) {
      const int64_t low = begin > block * size ? begin - block * size : 0;
      const int64_t high = end - block * size < size ? end - block * size : size;
      Kv at;
      locate(pool, table[block], layer, kv_head, at);
      attend_block<kQueryTile>(q + offset, 0, group, pool, at, low, high, state);
    }
    for (int64_t h = 0; h < group; h++)
      for (int64_t d = 0; d < dim; d += kLanes)
        store(out + offset + h * dim + d, div(load_f32(state.mixed + h * dim + d), set_f32(state.weight[h])));
  }
}

// Tokens [token_begin, token_end) and the query heads of one kv head. q and out [tokens, heads * head_dim], sinks [heads]
static void attend(const float* q, int64_t token_begin, int64_t token_end, int64_t heads, int64_t kv_head, const KvPool& pool,
                   int64_t layer, const Weight& sinks, const KvView& view, int64_t window, float* scratch, float* out) {
  const auto over = pool.bits == 8 ? attend_over<Kv8> : attend_over<Kv16>;
  over(q, token_begin, token_end, heads, kv_head, pool, layer, sinks, view, window, scratch, out);
}

OSSIA_END
