// Where keys and values lie in a block, and writing them.
//
//   keys    [head_dim, block_size]   a lane is a position: sixteen scores grow at once, without adding lanes
//   values  [block_size, head_dim]   a lane is a dimension: what a position adds lies in one piece
//
// Keys pay with one 2-byte store per dimension when written, once; they are read at every later token.
#pragma once

#include "half.h"
#include "simd.h"

OSSIA_BEGIN

// The keys of one head in one block; its values follow, head_dim * block_size elements on.
OSSIA_INLINE uint16_t* kv_block(const KvPool& pool, int64_t block, int64_t layer, int64_t kv_head) {
  return pool.blocks[block] + (layer * pool.kv_heads + kv_head) * 2 * pool.head_dim * pool.block_size;
}

// k, v [tokens, kv_heads * head_dim]
static void write_kv(const KvPool& pool, int64_t layer, const float* k, const float* v, int64_t tokens, const KvView& view) {
  const int64_t dim = pool.head_dim;
  const int64_t size = pool.block_size;
  for (int64_t token = 0; token < tokens; token++) {
    const int64_t position = view.positions[token];
    const int64_t slot = position % size;
    const int64_t block = view.tables[view.sequences[token] * view.table_width + position / size];
    for (int64_t head = 0; head < pool.kv_heads; head++, k += dim, v += dim) {
      uint16_t* keys = kv_block(pool, block, layer, head) + slot;
      uint16_t* values = kv_block(pool, block, layer, head) + dim * size + slot * dim;
      for (int64_t d = 0; d < dim; d += kLanes) {
        const int64_t count = dim - d < kLanes ? dim - d : kLanes;
        uint16_t halves[kLanes];
        store_f16(halves, load_some(k + d, count));
        for (int64_t i = 0; i < count; i++) keys[(d + i) * size] = halves[i];
        store_f16(halves, load_some(v + d, count));
        __builtin_memcpy(values + d, halves, sizeof halves[0] * count);
      }
    }
  }
}

OSSIA_END
