// The products for many inputs at once: sixteen weight rows side by side, a lane each.
//
// Tiles of four rows (tiles.h) fit weights as files have them, and pay for it with a merge of lanes for every block and input. With
// many inputs it is cheaper to lay sixteen rows side by side first, once for all of them: a word of four codes per row makes a
// vector, it meets the same four codes of the input in every lane, and a lane's sum is its row's. Measured on one thread of a
// Zen 5 with 64 inputs: MXFP4 320 to 740 GOP/s.
//
// Every row still adds the same numbers in the same order as in the tiles: four running totals, which take the blocks of a group
// in turn, and come together as (0 + 2) + (1 + 3). So both kernels give the same bits, and which one runs is only a matter of
// speed.
//
// Tried and dropped: twelve inputs at a time instead of eight (+1 %), two times sixteen rows, so that an input's code is loaded once
// for both (+6 %, for a second kernel), totals kept in memory to free registers (-7 %).
#pragma once

#include "tiles.h"

OSSIA_BEGIN

constexpr int kSideBySide = kLanes;  // rows
constexpr int64_t kMany = 9;         // inputs from which laying out pays
constexpr int64_t kPieceGroups = 8;  // groups of four blocks that are laid out at a time: 18 KB, within the first-level cache
// Inputs that meet a laid out piece before the next one. With 128 inputs 64 made 542 GOP/s, 128 and 192 made 570.
constexpr int64_t kManyPairs = 128;

// A span is the blocks of one of the four totals: 32 columns each (8 words), and a scale.
template <int Words> struct alignas(64) Piece {
  uint8_t codes[4][kPieceGroups][Words][64];
  float scales[4][kPieceGroups][kLanes];
  int64_t groups[4];  // how many hold this span: the last one of a row may not
};

// Totals of one row tile: of each input, the four of each row.
using ManyTotals = float[kManyPairs][4][kLanes];

// T inputs with one span of a laid out piece: total[t][span] += Σ over its groups.
template <class Layout, int T>
OSSIA_INLINE void many_tile(const Job<const QuantizedRows*>& job, int64_t pair, const Piece<Layout::kWords>& piece, int span,
                            int64_t group, float (*totals)[4][kLanes]) {
  const QuantizedRows& x = *job.x;
  const int8_t* rows[T];
  F32 total[T];
  OSSIA_UNROLL
  for (int t = 0; t < T; t++) {
    rows[t] = x.codes(x_row(job, pair + t));
    total[t] = load_f32(totals[t][span]);
  }
  for (int64_t g = 0; g < piece.groups[span]; g++) {
    const int64_t codes = (group + g) * 128 + span * 16;
    const int64_t scale = x.scales_at() + 4 * (4 * (group + g) + span);
    const int64_t start = x.starts_at() + 4 * (4 * (group + g) + span);
    I32 sums[T];
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      int32_t first = 0;
      if (Layout::kRaise != 0) __builtin_memcpy(&first, rows[t] + start, 4);
      sums[t] = set_i32(first);
    }
    Layout::template dots<T>(piece.codes[span][g], rows, codes, sums);
    const F32 weights = load_f32(piece.scales[span][g]);
    OSSIA_UNROLL
    for (int t = 0; t < T; t++) {
      float of_input;
      __builtin_memcpy(&of_input, rows[t] + scale, 4);
      total[t] = fma(to_f32(sums[t]), mul(weights, set_f32(of_input)), total[t]);
    }
  }
  OSSIA_UNROLL
  for (int t = 0; t < T; t++) store(totals[t][span], total[t]);
}

template <class Layout, int T>
static void many_inputs(const Job<const QuantizedRows*>& job, int64_t pair, int64_t end, const Piece<Layout::kWords>& piece,
                        int64_t group, float (*totals)[4][kLanes]) {
  for (; pair + T <= end; pair += T, totals += T) {
    // All spans in turn, while the inputs' codes are near.
    for (int span = 0; span < 4; span++) many_tile<Layout, T>(job, pair, piece, span, group, totals);
  }
  if constexpr (T > 1) many_inputs<Layout, T / 2>(job, pair, end, piece, group, totals);
}

OSSIA_INLINE void prefetch_rows(const Job<const QuantizedRows*>& job, int64_t row, int64_t group) {
  const int64_t bytes = 4 * job.weight->block_stride;
  for (int64_t r = 0; r < kSideBySide; r++) {
    const uint8_t* p = weight_row(job, row + r) + group * bytes;
    for (int64_t i = 0; i < kPieceGroups * bytes + 63; i += 64) __builtin_prefetch(p + i);
  }
}

// Whole tiles of sixteen rows from `row`; returns the first row that is left. `layout` lays weights out, a piece at a time.
template <class Layout>
static int64_t many_rows(const Job<const QuantizedRows*>& job, Layout& layout, int64_t row, int64_t end) {
  const int64_t groups = (job.weight->cols / kBlock + 3) / 4;
  for (int64_t first = 0; first < job.count; first += kManyPairs) {
    const int64_t pairs_end = first + kManyPairs < job.count ? first + kManyPairs : job.count;
    for (int64_t r = row; r + kSideBySide <= end; r += kSideBySide) {
      alignas(64) ManyTotals totals;
      __builtin_memset(totals, 0, (pairs_end - first) * sizeof(totals[0]));
      for (int64_t group = 0; group < groups; group += kPieceGroups) {
        const int64_t count = group + kPieceGroups < groups ? kPieceGroups : groups - group;
        Piece<Layout::kWords> piece;
        for (int span = 0; span < 4; span++) piece.groups[span] = layout.lay_out(job, r, group, count, span, piece);
        // The next piece comes from memory while this one is at work.
        const bool more = group + kPieceGroups < groups;
        if (more || r + 2 * kSideBySide <= end) prefetch_rows(job, more ? r : r + kSideBySide, more ? group + kPieceGroups : 0);
        many_inputs<Layout, kManyTileTokens>(job, first, pairs_end, piece, group, totals);
      }
      layout.finish(job, r, first, pairs_end, totals);
    }
  }
  return row + (end - row) / kSideBySide * kSideBySide;
}

// out = factor · total + bias, sixteen rows at a time.
template <class Input>
OSSIA_INLINE void finish_many(const Job<Input>& job, int64_t row, int64_t pair, int64_t end, const float (*totals)[4][kLanes],
                              float factor) {
  float bias[kLanes] = {};
  for (int r = 0; r < kLanes; r++) bias[r] = bias_of(job, row + r);
  for (; pair < end; pair++, totals++) {
    const float(*total)[kLanes] = *totals;
    F32 sum = add(add(load_f32(total[0]), load_f32(total[2])), add(load_f32(total[1]), load_f32(total[3])));
    if (factor != 1) sum = mul(set_f32(factor), sum);
    if (job.bias) sum = add(sum, load_f32(bias));
    store(job.out + (job.out_rows ? job.out_rows[pair] : pair) * job.weight->rows + row, sum);
  }
}

OSSIA_END
