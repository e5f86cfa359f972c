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
// Reference: gpt_oss/torch/model.py, sdpa
#pragma once

#include "attend_block.h"
#include "dense.h"

OSSIA_BEGIN

// Neighbouring tokens of a sequence that meet a block together, so that it comes into the first cache once for all of them.
constexpr int64_t kTokensTogether = 16;

// Floats of scratch for one thread.
static int64_t attend_scratch(int64_t heads_per_kv_head, int64_t, int64_t block_size) {
  return heads_per_kv_head * 2 * block_size + 2 * kTokensTogether * heads_per_kv_head;
}

// Query heads of one kv head, for a few tokens of one sequence.
struct Queries {
  const float* q;            // first token's heads [group, head_dim]
  float* out;                // likewise
  int64_t stride;            // floats from one token to the next
  const int32_t* positions;  // [tokens]
  int64_t tokens, group, window;

  int64_t end(int64_t token) const { return (int64_t)positions[token] + 1; }
  int64_t begin(int64_t token) const { return window > 0 && end(token) > window ? end(token) - window : 0; }
};

// Asks for the first block at once; each block after it is fetched while the one before is at work (4 threads, 4,096 tokens of f16 in
// 12 layers: 2.1 to 1.9 ms).
template <class Kv>
OSSIA_INLINE void fetch(const KvPool& pool, const Kv& at) {
  for (int64_t i = 0; i < pool.head_bytes(); i += 64) __builtin_prefetch((const char*)at.keys + i);
}

template <class Kv>
static void attend_together(const Queries& queries, int64_t kv_head, const KvPool& pool, int64_t layer, const int32_t* table,
                            const AttendScratch& scratch, float* largest, float* weight) {
  const int64_t size = pool.block_size;
  int64_t first = queries.begin(0), last = queries.end(0);
  for (int64_t t = 1; t < queries.tokens; t++) {
    if (queries.begin(t) < first) first = queries.begin(t);
    if (queries.end(t) > last) last = queries.end(t);
  }
  for (int64_t block = first / size; block * size < last; block++) {
    if (table[block] < 0) continue;  // between what two tokens see
    Kv at;
    locate(pool, table[block], layer, kv_head, at);
    if (block == first / size) fetch(pool, at);
    Kv next = at;
    if ((block + 1) * size < last && table[block + 1] >= 0) locate(pool, table[block + 1], layer, kv_head, next);
    for (int64_t t = 0; t < queries.tokens; t++) {
      const int64_t begin = queries.begin(t) - block * size, end = queries.end(t) - block * size;
      const int64_t low = begin > 0 ? begin : 0, high = end < size ? end : size;
      if (low >= high) continue;
      const Sight sight = {low, high, low / kLanes * kLanes, round_to_lanes(high), (const char*)next.keys};
      const AttendState state = {queries.out + t * queries.stride, largest + t * queries.group, weight + t * queries.group};
      attend_block<kQueryTile>(queries.q + t * queries.stride, 0, queries.group, pool, at, sight, scratch, state);
      next = at;
    }
  }
}

// Tokens [token_begin, token_end) and the query heads of one kv head. q and out [tokens, heads * head_dim], sinks [heads]
static void attend(const float* q, int64_t token_begin, int64_t token_end, int64_t heads, int64_t kv_head, const KvPool& pool,
                   int64_t layer, const Weight& sinks, const KvView& view, int64_t window, float* scratch, float* out) {
  const int64_t dim = pool.head_dim, group = heads / pool.kv_heads;
  const AttendScratch blocks = {scratch, scratch + group * pool.block_size};
  float* largest = blocks.scaled + group * pool.block_size;
  float* weight = largest + kTokensTogether * group;
  const auto together = pool.bits == 8 ? attend_together<Kv8> : attend_together<Kv16>;

  int64_t tokens;
  for (int64_t token = token_begin; token < token_end; token += tokens) {
    const int32_t sequence = view.sequences[token];
    tokens = 1;
    while (tokens < kTokensTogether && token + tokens < token_end && view.sequences[token + tokens] == sequence) tokens++;
    const int64_t offset = (token * heads + kv_head * group) * dim;
    const Queries queries = {q + offset, out + offset, heads * dim, view.positions + token, tokens, group, window};

    for (int64_t i = 0; i < tokens * group; i++) {
      const float sink = load_one(sinks.dtype, sinks.data + (kv_head * group + i % group) * sinks.block_stride);
      largest[i] = sink;
      weight[i] = 1 + (sink - sink);  // the sink's own, exp(sink - sink): NaN if it is infinite
    }
    for (int64_t t = 0; t < tokens; t++)
      for (int64_t i = 0; i < group * dim; i += kLanes) store(queries.out + t * queries.stride + i, set_f32(0));

    together(queries, kv_head, pool, layer, view.tables + sequence * view.table_width, blocks, largest, weight);

    for (int64_t t = 0; t < tokens; t++) {
      for (int64_t h = 0; h < group; h++) {
        float* mixed = queries.out + t * queries.stride + h * dim;
        for (int64_t d = 0; d < dim; d += kLanes) store(mixed + d, div(load_f32(mixed + d), set_f32(weight[t * group + h])));
      }
    }
  }
}

OSSIA_END
