// A product's rows and inputs, walked in tiles. A tile shares loads between its rows and its inputs; every one of its sums
// runs as it would alone, so the walk never shows in the result.
#pragma once

#include "dense.h"

OSSIA_BEGIN

// Some rows of a weight matrix times `count` inputs. X is float, or the rows of a QuantizedRows.
template <class Input> struct Job {
  const Weight* weight;
  const Weight* bias;  // [rows] or [experts, rows]; may be null
  int64_t expert;
  Input x;
  const int32_t* x_rows;    // [count]; null where pair i reads row i
  const int32_t* out_rows;  // likewise
  int64_t count;
  float* out;  // [*, weight->rows]
};

template <class Input> OSSIA_INLINE int64_t x_row(const Job<Input>& job, int64_t pair) {
  return job.x_rows ? job.x_rows[pair] : pair;
}
template <class Input> OSSIA_INLINE const uint8_t* weight_row(const Job<Input>& job, int64_t row) {
  return job.weight->data + job.expert * job.weight->expert_stride + row * job.weight->row_stride;
}

// Bytes from a tile to what it fetches meanwhile for tiles to come. One thread of a Zen 5 reads MXFP4 with one input at 29, 35, 34,
// 33 GB/s when it looks 6, 12, 18, 24 KB ahead.
constexpr int64_t kAhead = 12 << 10;

// Looking ahead by four rows only, hints for the second-level cache (-15 %), and rows far apart, so that each is a long
// stream (no better), were tried and dropped.
//
// Fetches what tiles of four rows need next, while this one is at work: rows are too short for the processor to guess. Where rows
// adjoin, every line on the way is asked for: a row's blocks of 17 or 34 bytes step over lines, and with only the lines of the
// blocks the same thread read 24 GB/s.
struct Lookahead {
  const uint8_t* next;  // null where rows do not adjoin
  int64_t rows;         // otherwise, bytes to the same place of rows to come
};

OSSIA_INLINE Lookahead look_ahead(const uint8_t* start, int64_t row_bytes, int64_t row_stride) {
  const int64_t tiles = (kAhead + 4 * row_bytes - 1) / (4 * row_bytes);
  return {row_stride == row_bytes ? start + kAhead : nullptr, tiles * 4 * row_stride};
}

// For a group of Bytes in each of four rows, which begin at w[r] + at.
template <int64_t Bytes> OSSIA_INLINE void fetch(Lookahead& ahead, const uint8_t* const w[4], int64_t at) {
  if (!ahead.next) {
    OSSIA_UNROLL
    for (int r = 0; r < 4; r++) __builtin_prefetch(w[r] + at + ahead.rows);
    return;
  }
  OSSIA_UNROLL
  for (int64_t i = 0; i < 4 * Bytes; i += 64) __builtin_prefetch(ahead.next + i);
  ahead.next += 4 * Bytes;
}

// Zero where there is none.
template <class Input> OSSIA_INLINE float bias_of(const Job<Input>& job, int64_t row) {
  if (!job.bias) return 0;
  // [experts, rows] may come as one matrix, or as `experts` vectors.
  const Weight& b = *job.bias;
  const int64_t base = job.expert * (b.experts > 1 ? b.expert_stride : b.row_stride);
  return load_one(b.dtype, b.data + (job.expert ? base : 0) + row * b.block_stride);
}

// out[pair][row] = total + bias
template <class Input> OSSIA_INLINE void finish(const Job<Input>& job, int64_t row, int64_t pair, float total) {
  if (job.bias) total += bias_of(job, row);
  job.out[(job.out_rows ? job.out_rows[pair] : pair) * job.weight->rows + row] = total;
}

// R rows with `count` <= T inputs.
template <class Kernel, int R, int T, class Input>
static void tile_of(int64_t count, const Job<Input>& job, int64_t row, int64_t pair) {
  if constexpr (T > 0) {
    if (count == T) return Kernel::template tile<R, T>(job, row, pair);
    tile_of<Kernel, R, T - 1>(count, job, row, pair);
  }
}

// R rows with the inputs from `pair` to `end`, in as few tiles as there can be, of about the same size: each takes the weights apart anew.
// One thread, µs an input of MXFP4 with 3, 5, 7 inputs: 61, 51, 47; in halves (4 + 2 + 1) 80, 64, 64.
template <class Kernel, int R, int T, class Input>
static void walk_pairs(const Job<Input>& job, int64_t row, int64_t pair, int64_t end) {
  for (int64_t tiles = (end - pair + T - 1) / T; tiles > 0; tiles--) {
    const int64_t count = (end - pair + tiles - 1) / tiles;
    tile_of<Kernel, R, T>(count, job, row, pair);
    pair += count;
  }
}

// Inputs that stay in the second-level cache while all rows pass by.
constexpr int64_t kPairsInCache = 64;

// Rows [begin, end) with all inputs, in tiles of R rows by T inputs; one input alone takes AloneR rows.
template <class Kernel, int R, int T, int AloneR, class Input>
static void walk(const Job<Input>& job, int64_t begin, int64_t end) {
  if (job.count == 1) {
    int64_t row = begin;
    for (; row + AloneR <= end; row += AloneR) Kernel::template tile<AloneR, 1>(job, row, 0);
    for (; row < end; row++) Kernel::template tile<1, 1>(job, row, 0);
    return;
  }
  for (int64_t pair = 0; pair < job.count; pair += kPairsInCache) {
    const int64_t pairs_end = pair + kPairsInCache < job.count ? pair + kPairsInCache : job.count;
    int64_t row = begin;
    for (; row + R <= end; row += R) walk_pairs<Kernel, R, T>(job, row, pair, pairs_end);
    for (; row < end; row++) walk_pairs<Kernel, 1, 1>(job, row, pair, pairs_end);  // R - 1 at most: not worth kernels of their own
  }
}

OSSIA_END
