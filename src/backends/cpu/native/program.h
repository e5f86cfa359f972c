// One step: the ops that JavaScript recorded, checked once, then run on the pool.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "backend.h"

namespace ossia {

// Numbers are shared with program.ts.
enum class OpCode : int32_t {
  embed = 0,
  rms_norm = 1,
  linear = 2,
  rope = 3,
  write_kv = 4,
  attend = 5,
  rows = 6,
  add = 7,
  route = 8,
  expert_linear = 9,
  swiglu = 10,
  mix_experts = 11,
};

// What JavaScript sends: a flat list of opcodes with their operands (indices of weights, pools, tensors and arrays), and the
// arrays themselves, copied. Tensors are numbered as their ops define them.
struct Program {
  std::vector<int32_t> code;
  std::vector<float> constants;
  std::vector<std::vector<int32_t>> ints;
  std::vector<std::vector<float>> floats;
  std::vector<int32_t> reads;  // tensors to return
};

struct Value {
  int64_t rows = 0, picks = 1, cols = 0;  // [rows, cols], or [rows, picks, cols]
  bool has_picks = false;
  int32_t last_use = -1;
  bool is_routing = false;  // came from route: indices below `choices`
  int64_t choices = 0;
  float* data = nullptr;
  // The int8 forms that linears made of it, by CodeOrder.
  QuantizedRows quantized[3] = {};

  int64_t vectors() const { return rows * picks; }
  int64_t count() const { return vectors() * cols; }
};

struct Op {
  OpCode code;
  const int32_t* operands;
  int32_t out = -1;  // first value that it defines
};

struct Failure {
  const char* code = nullptr;  // of OssiaError; null when all is well
  std::string message;
  explicit operator bool() const { return code != nullptr; }
};

class Run {
 public:
  Run(Backend& backend, Program program) : backend_(backend), program_(std::move(program)) {}

  // Checks every operand, shape and index; on the caller's thread, before anything runs.
  Failure check();
  // Carries the ops out. On any thread, one run of a backend at a time.
  Failure execute();
  // After execute: what to return, in the order asked for. Valid until finish().
  const std::vector<int32_t>& reads() const { return program_.reads; }
  const Value& value(int32_t id) const { return values_[id]; }
  void finish() { backend_.arena.end_step(); }

 private:
  friend class Checker;

  bool allocate(Value& value);
  void release_after(size_t index);
  Failure allocate_outputs(const Op& op);
  Failure carry_out(const Op& op);
  void embed(const Op& op);
  void rms_norm(const Op& op);
  void rope(const Op& op);
  void write_kv(const Op& op);
  Failure attend(const Op& op);
  void rows(const Op& op);
  template <typename F>
  void by_rows(int64_t rows, int64_t cost, const F& f);

  // ---- program_products.cc

  // Products that run together, as units for the pool.
  struct Group {
    std::vector<int64_t> starts;  // of each one's units, and the end
    bool reads_once;              // no weight is read for some tokens and again for others
  };

  // Pairs (token, pick) by expert.
  struct Picks {
    int32_t routing = -1;          // the value that they were made of
    std::vector<int32_t> starts;   // [experts + 1] where each one's pairs begin
    std::vector<int32_t> pairs;    // [tokens * picks]
    std::vector<int32_t> tokens;   // [tokens * picks] of each pair
    std::vector<int32_t> busy;     // experts with pairs, those with most first
  };

  // Of one product.
  struct Outcome {
    std::atomic<int64_t> nanoseconds{0};  // of all threads together
    std::atomic<int64_t> nan_at{-1};      // expert * rows + row with a NaN scale
  };

  size_t group_end(size_t begin) const;
  const QuantizedRows* quantize(Value& value, const Weight& weight);
  const Picks& picks_of(int32_t routing);
  Group cut(size_t begin, size_t end);
  int64_t tiles_of(const Op& op) const;
  bool reads_again(const Op& op) const;
  int64_t row_chunk(const Op& op) const;
  Failure products(size_t begin, size_t end);
  void linear_unit(const Op& op, const QuantizedRows* quantized, int64_t unit);
  void expert_unit(const Op& op, const QuantizedRows* quantized, int64_t unit, std::atomic<int64_t>& nan_at);
  Failure nan_failure(const Op& op, int64_t at) const;
  void keep_seconds(size_t ops, double seconds);

  Backend& backend_;
  Program program_;
  std::vector<Op> ops_;
  std::vector<Value> values_;
  std::vector<int32_t> by_last_use_;  // ids of values that no one reads after the step
  size_t released_ = 0;               // how many of them have gone
  Picks picks_;
  std::vector<int64_t> busy_;         // nanoseconds of the products that ran last
};

bool is_product(const Op& op);
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
Failure out_of_memory(size_t bytes);

// Calls f(first, last) for ranges of rows, in parts for all threads when `cost` elements per row make that worth it.
template <typename F>
void Run::by_rows(int64_t rows, int64_t cost, const F& f) {
  constexpr int64_t kSerial = 4096;  // elements below which handing work out costs more than doing it
  const int64_t threads = backend_.pool.size();
  if (rows * cost < kSerial || threads == 1) return f(0, rows);
  const int64_t most = std::max<int64_t>(1, (int64_t{1} << 16) / cost), even = ceil_div(rows, threads * 4);
  const int64_t chunk = std::max<int64_t>(1, std::min(even, most));
  backend_.pool.run(ceil_div(rows, chunk), [&](int64_t part, int) { f(part * chunk, std::min(rows, (part + 1) * chunk)); });
}

}  // namespace ossia
