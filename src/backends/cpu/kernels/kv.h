// Where keys and values lie in a block, and writing them.
//
//   keys          [head_dim, block_size]   a lane is a position: sixteen scores grow at once, without adding lanes
//   values        [block_size, head_dim]   a lane is a dimension: what a position adds lies in one piece
//   key scales    [groups, block_size]     of 8-bit pools only; a group is 32 dimensions
//   value scales  [groups, block_size]
//
// Keys pay with one small store per dimension when written, once; they are read at every later token.
//
// Scales are bf16, rounded up: half the bytes of f32, its whole range, and no value needs a code beyond 127.
#pragma once

#include "half.h"
#include "quantize.h"

OSSIA_BEGIN

// One head in one block of a 16-bit pool.
struct Kv16 {
  uint16_t *keys, *values;
};

// One head in one block of an 8-bit pool.
struct Kv8 {
  int8_t *keys, *values;
  uint16_t *key_scales, *value_scales;
};

OSSIA_INLINE uint8_t* kv_head(const KvPool& pool, int64_t block, int64_t layer, int64_t kv_head) {
  return pool.blocks[block] + (layer * pool.kv_heads + kv_head) * pool.head_bytes();
}

OSSIA_INLINE void locate(const KvPool& pool, int64_t block, int64_t layer, int64_t head, Kv16& at) {
  at.keys = (uint16_t*)kv_head(pool, block, layer, head);
  at.values = at.keys + pool.head_dim * pool.block_size;
}

OSSIA_INLINE void locate(const KvPool& pool, int64_t block, int64_t layer, int64_t head, Kv8& at) {
  at.keys = (int8_t*)kv_head(pool, block, layer, head);
  at.values = at.keys + pool.head_dim * pool.block_size;
  at.key_scales = (uint16_t*)(at.values + pool.head_dim * pool.block_size);
  at.value_scales = at.key_scales + pool.groups() * pool.block_size;
}

// k, v [head_dim] of one position
static void write_head(const KvPool& pool, const float* k, const float* v, int64_t slot, const Kv16& at) {
  const int64_t dim = pool.head_dim;
  for (int64_t d = 0; d < dim; d += kLanes) {
    const int64_t count = dim - d < kLanes ? dim - d : kLanes;
    uint16_t halves[kLanes];
    store_f16(halves, load_some(k + d, count));
    for (int64_t i = 0; i < count; i++) at.keys[(d + i) * pool.block_size + slot] = halves[i];
    store_f16(halves, load_some(v + d, count));
    __builtin_memcpy(at.values + slot * dim + d, halves, sizeof halves[0] * count);
  }
}

// Codes of up to 32 values; returns the scale.
OSSIA_INLINE uint16_t quantize_kv(const float* x, int64_t count, int8_t codes[32]) {
  const F32 a = load_some(x, count), b = load_some(x + kLanes, count - kLanes);
  const float exact = scale_of(a, b);
  const uint16_t scale = exact == exact ? (uint16_t)((bits_of(exact) + 0xffff) >> 16) : 0x7fc0;
  codes_of(a, b, bf16_to_f32(scale), codes);
  return scale;
}

static void write_head(const KvPool& pool, const float* k, const float* v, int64_t slot, const Kv8& at) {
  const int64_t dim = pool.head_dim, size = pool.block_size;
  for (int64_t d = 0; d < dim; d += kBlock) {
    const int64_t count = dim - d < kBlock ? dim - d : kBlock;
    int8_t codes[kBlock];
    at.key_scales[d / kBlock * size + slot] = quantize_kv(k + d, count, codes);
    for (int64_t i = 0; i < count; i++) at.keys[(d + i) * size + slot] = codes[i];
    at.value_scales[d / kBlock * size + slot] = quantize_kv(v + d, count, codes);
    __builtin_memcpy(at.values + slot * dim + d, codes, count);
  }
}

template <class Kv>
static void write_heads(const KvPool& pool, int64_t layer, const float* k, const float* v, int64_t tokens, const KvView& view) {
  const int64_t dim = pool.head_dim;
  for (int64_t token = 0; token < tokens; token++) {
    const int64_t position = view.positions[token];
    const int64_t block = view.tables[view.sequences[token] * view.table_width + position / pool.block_size];
    for (int64_t head = 0; head < pool.kv_heads; head++, k += dim, v += dim) {
      Kv at;
      locate(pool, block, layer, head, at);
      write_head(pool, k, v, position % pool.block_size, at);
    }
  }
}

// k, v [tokens, kv_heads * head_dim]
static void write_kv(const KvPool& pool, int64_t layer, const float* k, const float* v, int64_t tokens, const KvView& view) {
  if (pool.bits == 8) return write_heads<Kv8>(pool, layer, k, v, tokens, view);
  write_heads<Kv16>(pool, layer, k, v, tokens, view);
}

OSSIA_END
