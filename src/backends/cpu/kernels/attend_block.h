// Attention over one block of keys and values, for the query heads of one token that share a key-value head.
//
// 8-bit keys and values meet the arithmetic as their codes, and a group's scale is multiplied in once for all of its dimensions: into
// the score behind the group's sum, and into the weights before they meet the group's values.
#pragma once

#include "exp.h"
#include "kv.h"

OSSIA_BEGIN

constexpr float kInfinity = __builtin_inff();

// Decode waits for memory: blocks lie apart, and without fetching ahead four threads read 24 GB/s of the 75 that they could (f16, 4,096
// tokens in 12 layers: 4.1 ms; with it 1.9, of 1.3 that the bytes need; 8 bits 2.7 and 1.2). It keeps pace with the sums, a cache line
// for each row of a tile. A prefetch into the second cache only did the same; lines in the order in which this block reads its own, with
// gaps, cost one thread a twentieth more. In prefill a token meets a block in 0.63 µs instead of 0.87, of 0.5 that its multiplications need.
// Tiles of 4 heads x 4 vectors or 8 x 3 did no better with a block in the cache and worse without.

// Positions [low, high) of a block that a token sees, and the whole vectors [from, to) that hold them. `next` is where the block lies
// that comes after: while this one is at work, that one is fetched, line after line.
struct Sight {
  int64_t low, high, from, to;
  const char* next;
};

OSSIA_INLINE int64_t round_to_lanes(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

OSSIA_INLINE F32 load_16(const uint16_t* p) { return load_f16(p); }
OSSIA_INLINE F32 load_16(const int8_t* p) { return load_i8(p); }

// total[h][v] += Σ x[h][i] · row i, vector v, over i in [begin, end), in order. H · V sums and V vectors of a row are in registers.
template <int H, int V, class T>
OSSIA_INLINE void accumulate(const float* x, int64_t x_stride, const T* rows, int64_t stride, int64_t begin, int64_t end, const char* next,
                             F32 (&total)[H][V]) {
  for (int64_t i = begin; i < end; i++) {
    const T* row = rows + i * stride;
    __builtin_prefetch(next + i * (V * kLanes * (int64_t)sizeof(T)));
    F32 span[V];
    OSSIA_UNROLL
    for (int v = 0; v < V; v++) span[v] = load_16(row + v * kLanes);
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) {
      const F32 factor = set_f32(x[h * x_stride + i]);
      OSSIA_UNROLL
      for (int v = 0; v < V; v++) total[h][v] = fma(factor, span[v], total[h][v]);
    }
  }
}

template <int H, int V> OSSIA_INLINE void clear(F32 (&total)[H][V]) {
  OSSIA_UNROLL
  for (int h = 0; h < H; h++) {
    OSSIA_UNROLL
    for (int v = 0; v < V; v++) total[h][v] = set_f32(0);
  }
}

// scores[h][j] = q[h] · key j / √head_dim, for H heads and the V vectors of positions from j on.
template <int H, int V>
static void score_span(const float* q, const Kv16& at, int64_t dim, int64_t size, int64_t j, const char* next, float* scores) {
  F32 total[H][V];
  clear(total);
  accumulate(q, dim, at.keys + j, size, 0, dim, next + j * dim * 2, total);
  const F32 scale = set_f32(1.0f / __builtin_sqrtf((float)dim));
  OSSIA_UNROLL
  for (int h = 0; h < H; h++) {
    OSSIA_UNROLL
    for (int v = 0; v < V; v++) store(scores + h * size + j + v * kLanes, mul(total[h][v], scale));
  }
}

template <int H, int V>
static void score_span(const float* q, const Kv8& at, int64_t dim, int64_t size, int64_t j, const char* next, float* scores) {
  F32 total[H][V];
  clear(total);
  for (int64_t group = 0; group * kBlock < dim; group++) {
    const int64_t end = (group + 1) * kBlock < dim ? (group + 1) * kBlock : dim;
    F32 part[H][V];
    clear(part);
    accumulate(q, dim, at.keys + j, size, group * kBlock, end, next + j * dim, part);
    OSSIA_UNROLL
    for (int v = 0; v < V; v++) {
      const F32 scale = load_bf16(at.key_scales + group * size + j + v * kLanes);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) total[h][v] = fma(part[h][v], scale, total[h][v]);
    }
  }
  const F32 scale = set_f32(1.0f / __builtin_sqrtf((float)dim));
  OSSIA_UNROLL
  for (int h = 0; h < H; h++) {
    OSSIA_UNROLL
    for (int v = 0; v < V; v++) store(scores + h * size + j + v * kLanes, mul(total[h][v], scale));
  }
}

// Scores of all positions of [from, to): those out of sight are overwritten after.
template <int H, int V, class Kv>
OSSIA_INLINE void score(const float* q, const Kv& at, int64_t dim, int64_t size, const Sight& sight, int64_t j, float* scores) {
  for (; j + V * kLanes <= sight.to; j += V * kLanes) score_span<H, V>(q, at, dim, size, j, sight.next, scores);
  if constexpr (V > 1) score<H, V / 2>(q, at, dim, size, sight, j, scores);
}

// mixed[h] += Σ weights[h][j] · value j over the positions in sight, in order, for H heads and dimensions [d, end).
template <int H, int V, class T>
static void mix(const float* weights, const T* values, int64_t d, int64_t end, int64_t dim, int64_t size, const Sight& sight,
                float* mixed) {
  for (; d + V * kLanes <= end; d += V * kLanes) {
    F32 total[H][V];
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) {
      OSSIA_UNROLL
      for (int v = 0; v < V; v++) total[h][v] = load_f32(mixed + h * dim + d + v * kLanes);
    }
    accumulate(weights, size, values + d, dim, sight.low, sight.high, sight.next + (dim + d) * size * (int64_t)sizeof(T), total);
    OSSIA_UNROLL
    for (int h = 0; h < H; h++) {
      OSSIA_UNROLL
      for (int v = 0; v < V; v++) store(mixed + h * dim + d + v * kLanes, total[h][v]);
    }
  }
  if constexpr (V > 1) mix<H, V / 2>(weights, values, d, end, dim, size, sight, mixed);
}

template <int H>
OSSIA_INLINE void mix(const float* weights, float*, const Kv16& at, int64_t dim, int64_t size, const Sight& sight, float* mixed) {
  mix<H, kSpanTile>(weights, at.values, 0, dim, dim, size, sight, mixed);
}

// scaled [H, block_size] is scratch: weights times the scales of a group of values.
template <int H>
OSSIA_INLINE void mix(const float* weights, float* scaled, const Kv8& at, int64_t dim, int64_t size, const Sight& sight, float* mixed) {
  for (int64_t group = 0; group * kBlock < dim; group++) {
    const int64_t end = (group + 1) * kBlock < dim ? (group + 1) * kBlock : dim;
    for (int64_t j = sight.from; j < sight.to; j += kLanes) {
      const F32 scale = load_bf16(at.value_scales + group * size + j);
      OSSIA_UNROLL
      for (int h = 0; h < H; h++) store(scaled + h * size + j, mul(load_f32(weights + h * size + j), scale));
    }
    mix<H, kSpanTile>(scaled, at.values, group * kBlock, end, dim, size, sight, mixed);
  }
}

// Turns a head's scores of one block into weights, relative to a maximum that includes them.
OSSIA_INLINE void weigh(float* scores, const Sight& sight, float* mixed, int64_t dim, float* largest, float* weight) {
  for (int64_t j = sight.from; j < sight.low; j++) scores[j] = -kInfinity;
  for (int64_t j = sight.high; j < sight.to; j++) scores[j] = -kInfinity;

  F32 most = load_f32(scores + sight.from);
  for (int64_t j = sight.from + kLanes; j < sight.to; j += kLanes) most = larger(load_f32(scores + j), most);
  const float max = largest_lane(most);  // a NaN score is passed over here, and kept by exp
  if (max > *largest) {
    const float shrink = exp(*largest - max);
    for (int64_t d = 0; d < dim; d += kLanes) store(mixed + d, mul(load_f32(mixed + d), set_f32(shrink)));
    *weight *= shrink;
    *largest = max;
  }
  const F32 base = set_f32(*largest);
  F32 total = set_f32(0);
  for (int64_t j = sight.from; j < sight.to; j += kLanes) {
    const F32 p = exp(sub(load_f32(scores + j), base));
    store(scores + j, p);
    total = add(total, p);
  }
  *weight += sum(total);
}

// What the heads of one token carry from block to block: the weighted values, the maximum and the sum of weights of each head.
struct AttendState {
  float *mixed, *largest, *weight;  // [heads, head_dim], [heads], [heads]
};

// Scratch for one block.
struct AttendScratch {
  float *scores, *scaled;  // [heads, block_size] each
};

// The positions in sight, for all heads of a token; q [heads, head_dim].
template <int H, class Kv>
static void attend_block(const float* q, int64_t head, int64_t heads, const KvPool& pool, const Kv& at, const Sight& sight,
                         const AttendScratch& scratch, const AttendState& state) {
  const int64_t dim = pool.head_dim, size = pool.block_size;
  for (; head + H <= heads; head += H) {
    float* mixed = state.mixed + head * dim;
    score<H, kSpanTile>(q + head * dim, at, dim, size, sight, sight.from, scratch.scores);
    for (int64_t h = 0; h < H; h++)
      weigh(scratch.scores + h * size, sight, mixed + h * dim, dim, state.largest + head + h, state.weight + head + h);
    mix<H>(scratch.scores, scratch.scaled, at, dim, size, sight, mixed);
  }
  if constexpr (H > 1) attend_block<H / 2>(q, head, heads, pool, at, sight, scratch, state);
}

OSSIA_END
