// One step: the ops that JavaScript recorded, checked once, then run on the pool.
#pragma once

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
  const QuantizedRows* quantize(Value& value, const Weight& weight);
  void release_after(int32_t index);
  Failure carry_out(const Op& op);
  void embed(const Op& op);
  void rms_norm(const Op& op);
  Failure linear(const Op& op);
  void rope(const Op& op);
  void write_kv(const Op& op);
  Failure attend(const Op& op);
  void rows(const Op& op);
  Failure expert_linear(const Op& op);
  template <typename F>
  void by_rows(int64_t rows, int64_t cost, const F& f);
  template <typename F>
  void in_shares(int64_t units, const F& f);

  Backend& backend_;
  Program program_;
  std::vector<Op> ops_;
  std::vector<Value> values_;
  std::vector<int64_t> shares_;
};

}  // namespace ossia
