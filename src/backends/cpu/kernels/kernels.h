// What the runtime asks of an instruction set. The same sources are compiled once per set, each into a table of its own;
// the runtime picks one table when a backend is opened.
//
// A kernel does its part of an op on the calling thread: it knows no threads, takes no locks and allocates nothing.
// Each output element is reduced in one fixed order, so how the runtime cuts an op into parts never changes a bit, and
// every table gives the same bits (see simd.h).
#pragma once

#include <cstdint>

namespace ossia {

enum class DType : int32_t { f32 = 0, f16 = 1, bf16 = 2, q8_0 = 3, q8 = 4, mxfp4 = 5 };

constexpr int64_t kBlock = 32;  // columns that share a scale, in weights and in activations alike

// A weight where it lies in a file or in memory: [experts, rows, cols] with strides in bytes, any alignment.
// A matrix has experts = 1; a vector has experts = rows = 1. Blocked dtypes step by blocks of 32 along cols.
struct Weight {
  DType dtype;
  int64_t experts, rows, cols;
  const uint8_t* data;
  int64_t expert_stride, row_stride, block_stride;
  // MXFP4: the E8M0 bytes, with strides of their own.
  const uint8_t* scales;
  int64_t scale_expert_stride, scale_row_stride, scale_block_stride;
  // MXFP4: byte j of a block holds weights j and j + 16 (GGUF), not 2j and 2j + 1 (Hugging Face).
  bool halves;
};

// In which order a row's int8 codes lie, so that they meet the weights' codes byte by byte.
enum class CodeOrder : int32_t { bytes = 0, pairs = 1, halves = 2 };

inline int64_t padded_cols(int64_t cols) { return (cols + 127) / 128 * 128; }

// Rows of activations as int8 codes with one f32 scale per 32 columns: scale = amax / 127, code = nearest even(x / scale).
// Rows are padded with zero codes and zero scales to whole groups of 128 columns. A row with a NaN or an infinity has NaN scales there.
//
// A row is one record, so that a kernel walks many rows with one pointer each: padded_cols codes, padded_cols / 32 scales, and
// where the dots of its instruction set begin (quantize.h).
struct QuantizedRows {
  int8_t* data;  // [rows, stride()], 64-byte aligned
  int64_t padded_cols;

  // An odd number of cache lines: rows at a power of two would all want the same places of the cache.
  int64_t stride() const { return (padded_cols * 5 / 4 + 63) / 64 * 64 | 64; }
  int64_t scales_at() const { return padded_cols; }
  int64_t starts_at() const { return padded_cols * 9 / 8; }
  int8_t* codes(int64_t row) const { return data + row * stride(); }
  float* scales(int64_t row) const { return (float*)(codes(row) + scales_at()); }
  int32_t* starts(int64_t row) const { return (int32_t*)(codes(row) + starts_at()); }
};

// Keys and values of one pool, as f16 (bits = 16), or as int8 codes with a bf16 scale per 32 dimensions of a position (bits = 8).
// Layer l, kv head h begin (l * kv_heads + h) * head_bytes() bytes into a block. How the keys and values of the block's positions
// are laid out inside is the kernels' own affair (write_kv and attend agree on it, and every instruction set does it alike).
struct KvPool {
  uint8_t* const* blocks;  // [num_blocks] first byte of each block
  int64_t layers, kv_heads, head_dim, block_size;
  int64_t bits;

  // Scales of one key or value.
  int64_t groups() const { return (head_dim + kBlock - 1) / kBlock; }
  int64_t head_bytes() const { return 2 * block_size * (bits == 8 ? head_dim + 2 * groups() : 2 * head_dim); }
  int64_t block_bytes() const { return layers * kv_heads * head_bytes(); }
};

struct KvView {
  const int32_t* positions;  // [tokens]
  const int32_t* sequences;  // [tokens] row of tables
  const int32_t* tables;     // [sequences, table_width] block id, or -1
  int64_t table_width;
};

struct ExpertPart {
  const Weight* weight;
  const Weight* bias;         // [experts, rows], f32, f16 or bf16
  int64_t expert;
  int64_t row_begin, row_end; // rows of this expert to compute
  const float* x;             // [*, cols]; used when the weight's dtype is not blocked
  const QuantizedRows* quantized; // used when it is, in the weight's order
  const int32_t* x_rows;      // [count] row of x for each pair
  const int32_t* out_rows;    // [count] row of out for each pair
  int64_t count;
  float* out;                 // [*, weight->rows]
};

// Choosing a token from one row: logits x [n], -inf where masked, or weights [n] in the order of ids. Without NaN.
struct SamplingKernels {
  // Copies; the index of the first that is not finite, where it stops, or -1.
  int64_t (*copy_finite)(const float* x, int64_t n, float* out);

  // The lowest index among equals.
  int64_t (*argmax)(const float* x, int64_t n);

  // weights[i] = exp((x[i] - max) * scale) in double, with Math.exp's bits; returns their sum, added in order. weights may be null.
  double (*weigh)(const float* x, int64_t n, double max, double scale, double* weights);

  // The first id at which `left`, less all weights up to there, is below zero; or else the last that weighs anything, or -1.
  int64_t (*pick)(const double* weights, int64_t n, double left);

  // The ids that weigh anything and stand before the cut, or at it, in falling order of weight, the lower id first among equals.
  int64_t (*gather)(const double* weights, int64_t n, double cut_weight, int64_t cut_id, int32_t* ids);

  // The largest of each `block` weights -> out [n / block, rounded up]
  void (*block_maxima)(const double* weights, int64_t n, int64_t block, double* out);

  // Ids of the `count` > 0 largest, best first, the lower id first among equals, -inf left out; returns how many there are.
  int64_t (*largest)(const float* x, int64_t n, int64_t count, int32_t* ids);
};

struct Kernels {
  const char* name;

  void (*embed)(const Weight& table, const int32_t* ids, int64_t tokens, float* out);

  // x [rows, cols], weight [cols]
  void (*rms_norm)(const float* x, int64_t rows, int64_t cols, const Weight& weight, float epsilon, float* out);

  // Rows [row_begin, row_end) of x [*, cols] into the same rows of out.
  void (*quantize)(const float* x, int64_t row_begin, int64_t row_end, int64_t cols, CodeOrder order, const QuantizedRows& out);

  // x [tokens, cols] -> out [tokens, weight.rows], of which only columns [row_begin, row_end) are written. Dense dtypes read
  // x, 8-bit ones read quantized (order bytes). bias may be null.
  void (*linear)(const float* x, const QuantizedRows* quantized, int64_t tokens, const Weight& weight, const Weight* bias,
                 int64_t row_begin, int64_t row_end, float* out);

  // One expert's rows for all the pairs (token, pick) that chose it. Returns the first row whose scales hold a NaN (255), or -1.
  int64_t (*expert_linear)(const ExpertPart& part);

  // x [tokens, heads * head_dim]; cos, sin [tokens, head_dim / 2]
  void (*rope)(const float* x, int64_t tokens, int64_t heads, int64_t head_dim, const float* cos, const float* sin, float* out);

  // k, v [tokens, kv_heads * head_dim], into one layer of the pool at the tokens' positions.
  void (*write_kv)(const KvPool& pool, int64_t layer, const float* k, const float* v, int64_t tokens, const KvView& view);

  // Tokens [token_begin, token_end) and the query heads of one kv head. q and out are [tokens, heads * head_dim]. scratch holds
  // attend_scratch(...) floats, 64-byte aligned, one per thread.
  void (*attend)(const float* q, int64_t token_begin, int64_t token_end, int64_t heads, int64_t kv_head, const KvPool& pool,
                 int64_t layer, const Weight& sinks, const KvView& view, int64_t window, float* scratch, float* out);
  int64_t (*attend_scratch)(int64_t heads_per_kv_head, int64_t head_dim, int64_t block_size);

  // logits [tokens, choices] -> experts [tokens, count] (indices as f32), weights [tokens, count]. A NaN logit counts as the
  // largest, so that it is chosen and shows in the weights.
  void (*route)(const float* logits, int64_t tokens, int64_t choices, int64_t count, float* experts, float* weights);

  // Elementwise over n values.
  void (*swiglu)(const float* gate, const float* linear, int64_t n, float limit, float alpha, float* out);
  void (*add)(const float* a, const float* b, int64_t n, float* out);

  // answers [tokens, picked, cols], weights [tokens, picked] -> out [tokens, cols], picks added in order
  void (*mix_experts)(const float* answers, const float* weights, int64_t tokens, int64_t picked, int64_t cols, float* out);

  // Rows [row_begin, row_end) of an f32, f16 or bf16 matrix as q8 blocks: f32 scale then 32 codes, 36 bytes, rows contiguous.
  void (*to_q8)(const Weight& weight, int64_t row_begin, int64_t row_end, uint8_t* out);

  SamplingKernels sampling;

  // Int8 dots of registers, `rounds` times integer_peak_ops operations of them: how fast they can be.
  int32_t (*integer_peak)(int64_t rounds);
  int64_t integer_peak_ops;
};

// Tables of this build, best first, and whether this machine can run them. A set that was not compiled is not listed.
struct InstructionSet {
  const char* name;       // avx512-vbmi, avx512-vnni, avx512, avx2, neon-dotprod, neon, portable
  const Kernels* kernels;
  bool supported;
};
const InstructionSet* instruction_sets(int64_t* count);

}  // namespace ossia
