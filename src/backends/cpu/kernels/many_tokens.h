// The products for many inputs at once: rows of weights side by side, a lane each.
//
// Tiles of four rows (tiles.h) fit weights as files have them, and pay for it with a merge of lanes for every block and input. With
// many inputs it is cheaper to lay rows side by side first, once for all of them: a word of four codes of sixteen rows makes a
// vector, it meets the same four codes of the input in every lane, and a lane's sum is its row's. Where there are registers for it,
// two such vectors (thirty-two rows) share each load of an input's codes. Sums in a loop, on one thread of a Zen 5 whose dots alone do
// 950 GOP/s: 16 rows x 8 inputs 680, 32 x 4 780, 32 x 5 800, 32 x 6 785, 48 x 4 790, 64 x 3 675; MXFP4 with exponents added
// (Fp4Layout) 32 x 5 875, 32 x 6 865. With the laying out, 64 inputs and weights from memory: MXFP4 515 to 690, Q8_0 455 to 555.
//
// Every row still adds the same numbers in the same order as in the tiles: four running totals, which take the blocks of a group
// in turn, and come together as (0 + 2) + (1 + 3). So both kernels give the same bits, and which one runs is only a matter of
// speed.
//
// Tried and dropped: totals kept in memory to free registers (-7 %), the next piece fetched into the first-level cache instead of the
// second (no better).
#pragma once

#include "tiles.h"

OSSIA_BEGIN

constexpr int kSideBySide = kManyRows * kLanes;  // rows
constexpr int kWords = 8;                        // of four columns in a block
// Inputs from which laying out pays, with weights of 4 bits and of 8. 8-bit ones in two vectors of rows (one thread, µs an input of 2,880
// rows) with 9, 12, 14, 16, 20 inputs: 76, 62, 55, 51, 46 laid out; 59, 54, 53, 51, 54 in tiles.
constexpr int64_t kMany = 9, kManyOf8Bits = kManyRows > 1 ? 15 : 9;
// Groups of four blocks that are laid out at a time: 18 KB, so that inputs and totals have room beside them in the first-level cache.
// With twice as much, four threads did 5 % less.
constexpr int64_t kPieceGroups = 8 / kManyRows;
// Inputs that meet a laid out piece before the next one. With 128 inputs 64 made 542 GOP/s, 128 and 192 made 570.
constexpr int64_t kManyPairs = 128;

// Scales whose product is had by adding exponents, where one is a power of two: all from 2^-60 to 2^60, so that none of them or of their
// products is zero, subnormal, infinite or NaN.
struct Ordinary {
  static constexpr int32_t kLeast = (127 - 60) << 23, kLargest = (127 + 60) << 23;
  I32 beyond = set_i32(0);  // how far outside

  // Bits of floats without a sign
  void see(I32 bits) { beyond = max_i32(beyond, max_i32(sub_i32(set_i32(kLeast), bits), sub_i32(bits, set_i32(kLargest)))); }
  bool all() const {
    int32_t lanes[kLanes];
    store_i32(lanes, beyond);
    int32_t most = 0;
    for (int32_t lane : lanes) most = lane > most ? lane : most;
    return most == 0;
  }
};

// A span is the blocks of one of the four totals: 32 columns each (8 words), and a scale.
struct alignas(64) Piece {
  uint8_t codes[4][kPieceGroups][kWords][kManyRows][64];
  float scales[4][kPieceGroups][kManyRows][kLanes];
  int64_t groups[4];  // how many hold this span: the last one of a row may not
  bool ordinary;      // its scales
};

// Of one input: the four of each row.
using ManyTotal = float[4][kManyRows][kLanes];

// T inputs with a laid out piece: totals[t][span] += Σ over the span's groups. The first piece of a row starts the totals.
template <class Layout, bool Ordinary, int T>
static __attribute__((noinline)) void many_tile(const Job<const QuantizedRows*>& job, int64_t pair, const Piece& piece, int64_t group,
                                                ManyTotal* totals) {
  const QuantizedRows& x = *job.x;
  const int8_t* rows[T];
  OSSIA_UNROLL
  for (int t = 0; t < T; t++) rows[t] = x.codes(x_row(job, pair + t));
  // All spans in turn, while the inputs' codes are near.
  for (int span = 0; span < 4; span++) {
    F32 total[T][kManyRows];
    OSSIA_UNROLL
    for (int t = 0; t < T; t++)
      OSSIA_UNROLL
      for (int r = 0; r < kManyRows; r++) total[t][r] = group > 0 ? load_f32(totals[t][span][r]) : set_f32(0);
    for (int64_t g = 0; g < piece.groups[span]; g++) {
      const int64_t codes = (group + g) * 128 + span * 16;
      const int64_t scale = x.scales_at() + 4 * (4 * (group + g) + span);
      const int64_t start = x.starts_at() + 4 * (4 * (group + g) + span);
      I32 sums[T][kManyRows];
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        int32_t first = 0;
        if (Layout::kRaise != 0) __builtin_memcpy(&first, rows[t] + start, 4);
        OSSIA_UNROLL
        for (int r = 0; r < kManyRows; r++) sums[t][r] = set_i32(first);
      }
      Layout::template dots<T>(piece.codes[span][g], rows, codes, sums);
      OSSIA_UNROLL
      for (int t = 0; t < T; t++) {
        float of_input;
        __builtin_memcpy(&of_input, rows[t] + scale, 4);
        OSSIA_UNROLL
        for (int r = 0; r < kManyRows; r++) {
          const F32 both = Layout::template scale<Ordinary>(load_f32(piece.scales[span][g][r]), set_f32(of_input));
          total[t][r] = fma(to_f32(sums[t][r]), both, total[t][r]);
        }
      }
    }
    OSSIA_UNROLL
    for (int t = 0; t < T; t++)
      OSSIA_UNROLL
      for (int r = 0; r < kManyRows; r++) store(totals[t][span][r], total[t][r]);
  }
}

// The same for `count` <= T.
template <class Layout, bool Ordinary, int T>
static void many_tile_of(int64_t count, const Job<const QuantizedRows*>& job, int64_t pair, const Piece& piece, int64_t group,
                         ManyTotal* totals) {
  if constexpr (T > 0) {
    if (count == T) return many_tile<Layout, Ordinary, T>(job, pair, piece, group, totals);
    many_tile_of<Layout, Ordinary, T - 1>(count, job, pair, piece, group, totals);
  }
}

// Rows that are laid out next: where the first begins, bytes from one to the next, and bytes of each.
struct Ahead {
  const uint8_t* first;  // null where nothing follows
  int64_t stride, bytes;

  void fetch(int64_t begin, int64_t end) const {
    for (int64_t r = begin; r < end; r++) {
      const uint8_t* p = first + r * stride;
      for (int64_t i = 0; i < bytes + 63; i += 64) __builtin_prefetch(p + i, 0, 2);
    }
  }
};

// Tiles of about the same size, so that there is no slow one at the end. Each fetches some of what comes next.
template <class Layout, bool Ordinary>
static void many_inputs(const Job<const QuantizedRows*>& job, int64_t pair, int64_t end, const Piece& piece, int64_t group,
                        const Ahead& ahead, ManyTotal* totals) {
  int64_t fetched = 0;
  for (int64_t tiles = (end - pair + kManyTileTokens - 1) / kManyTileTokens; tiles > 0; tiles--) {
    const int64_t count = (end - pair + tiles - 1) / tiles, rows = (kSideBySide - fetched + tiles - 1) / tiles;
    if (ahead.first) ahead.fetch(fetched, fetched + rows);
    many_tile_of<Layout, Ordinary, kManyTileTokens>(count, job, pair, piece, group, totals);
    fetched += rows, pair += count, totals += count;
  }
}

// Whether the scales of all inputs are.
static bool ordinary_inputs(const Job<const QuantizedRows*>& job, int64_t blocks) {
  Ordinary ordinary;
  for (int64_t pair = 0; pair < job.count; pair++) {
    const float* scales = job.x->scales(x_row(job, pair));
    int64_t b = 0;
    for (; b + kLanes <= blocks; b += kLanes) ordinary.see(as_i32(load_f32(scales + b)));
    for (; b < blocks; b++) ordinary.see(as_i32(set_f32(scales[b])));
  }
  return ordinary.all();
}

// Whole tiles of rows from `row`; returns the first row that is left. `layout` lays weights out, sixteen rows of a piece at a time.
template <class Layout>
static int64_t many_rows(const Job<const QuantizedRows*>& job, Layout& layout, int64_t row, int64_t end) {
  if (row + kSideBySide > end) return row;
  const int64_t blocks = job.weight->cols / kBlock, groups = (blocks + 3) / 4;
  const int64_t group_bytes = 4 * job.weight->block_stride;
  Ahead ahead = {weight_row(job, row), job.weight->row_stride, kPieceGroups * group_bytes};
  ahead.fetch(0, kSideBySide);  // nobody has, and together they come sooner
  const bool ordinary = Layout::kAddsExponents && ordinary_inputs(job, blocks);
  for (int64_t first = 0; first < job.count; first += kManyPairs) {
    const int64_t pairs_end = first + kManyPairs < job.count ? first + kManyPairs : job.count;
    for (int64_t r = row; r + kSideBySide <= end; r += kSideBySide) {
      alignas(64) ManyTotal totals[kManyPairs];
      for (int64_t group = 0; group < groups; group += kPieceGroups) {
        const int64_t count = group + kPieceGroups < groups ? kPieceGroups : groups - group;
        Piece piece;
        piece.ordinary = ordinary;
        for (int span = 0; span < 4; span++) piece.groups[span] = 4 * (group + count - 1) + span < blocks ? count : count - 1;
        for (int part = 0; part < kManyRows; part++) layout.lay_out(job, r + part * kLanes, part, group, count, piece);
        // The next piece comes from memory while this one is at work.
        const int64_t next_row = group + count < groups ? r : r + kSideBySide, next_group = group + count < groups ? group + count : 0;
        ahead.first = next_row + kSideBySide <= end ? weight_row(job, next_row) + next_group * group_bytes : nullptr;
        if (piece.ordinary) {
          many_inputs<Layout, Layout::kAddsExponents>(job, first, pairs_end, piece, group, ahead, totals);
        } else {
          many_inputs<Layout, false>(job, first, pairs_end, piece, group, ahead, totals);
        }
      }
      layout.finish(job, r, first, pairs_end, totals);
    }
  }
  return row + (end - row) / kSideBySide * kSideBySide;
}

// out = factor · total + bias, for a tile of rows.
template <class Input>
OSSIA_INLINE void finish_many(const Job<Input>& job, int64_t row, int64_t pair, int64_t end, const ManyTotal* totals, float factor) {
  float bias[kSideBySide] = {};
  for (int r = 0; r < kSideBySide; r++) bias[r] = bias_of(job, row + r);
  for (; pair < end; pair++, totals++) {
    const ManyTotal& total = *totals;
    float* out = job.out + (job.out_rows ? job.out_rows[pair] : pair) * job.weight->rows + row;
    for (int r = 0; r < kManyRows; r++) {
      F32 sum = add(add(load_f32(total[0][r]), load_f32(total[2][r])), add(load_f32(total[1][r]), load_f32(total[3][r])));
      if (factor != 1) sum = mul(set_f32(factor), sum);
      if (job.bias) sum = add(sum, load_f32(bias + r * kLanes));
      store(out + r * kLanes, sum);
    }
  }
}

OSSIA_END
