// Carries the ops out: cuts each into parts for the pool. How an op is cut never changes a bit of the result (kernels.h).
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>

#include "program.h"

namespace ossia {
namespace {

constexpr int64_t kRowChunk = 32;    // output rows of a linear in one part: some 100 KB of weights at the 20b shape
// Tokens of a linear in one part: their activations stay in a core's L2, and 8-bit weights are laid out once for them.
constexpr int64_t kTokenChunk = 32, kQuantizedTokenChunk = 128;
constexpr int64_t kFewPairs = 128;   // (token, expert) pairs up to which reading the experts takes longer than computing
constexpr int64_t kSerial = 4096;    // elements below which handing work out costs more than doing it

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool blocked(DType dtype) { return dtype == DType::q8_0 || dtype == DType::q8 || dtype == DType::mxfp4; }

Failure out_of_memory(size_t bytes) {
  return {"backend/out-of-memory", "Cannot allocate " + std::to_string(bytes) + " bytes for a step"};
}

}  // namespace

Failure Run::execute() {
  using Clock = std::chrono::steady_clock;
  backend_.op_seconds.clear();
  Clock::time_point before = Clock::now();
  for (size_t i = 0; i < ops_.size(); i++) {
    const Op& op = ops_[i];
    if (op.code != OpCode::write_kv) {
      const int outputs = op.code == OpCode::route ? 2 : 1;
      for (int k = 0; k < outputs; k++) {
        if (!allocate(values_[op.out + k])) return out_of_memory(values_[op.out + k].count() * sizeof(float));
      }
    }
    if (Failure failure = carry_out(op)) return failure;
    release_after(static_cast<int32_t>(i));
    if (backend_.profile) {
      const Clock::time_point after = Clock::now();
      backend_.op_seconds.push_back(std::chrono::duration<double>(after - before).count());
      before = after;
    }
  }
  return {};
}

bool Run::allocate(Value& value) {
  value.data = static_cast<float*>(backend_.arena.take(value.count() * sizeof(float)));
  return value.data != nullptr;
}

// Gives back what this op used for the last time, and what it made for nobody.
void Run::release_after(int32_t index) {
  for (auto& value : values_) {
    if (value.data == nullptr || value.last_use > index) continue;
    backend_.arena.give_back(value.data);
    value.data = nullptr;
    for (auto& rows : value.quantized) {
      if (rows.data != nullptr) backend_.arena.give_back(rows.data);
      rows.data = nullptr;
    }
  }
}

// Calls f(first, last) for ranges of rows, in parts for all threads when `cost` elements per row make that worth it.
template <typename F>
void Run::by_rows(int64_t rows, int64_t cost, const F& f) {
  const int64_t threads = backend_.pool.size();
  if (rows * cost < kSerial || threads == 1) return f(0, rows);
  const int64_t chunk = std::max<int64_t>(1, std::min(ceil_div(rows, threads * 4), std::max<int64_t>(1, (int64_t{1} << 16) / cost)));
  backend_.pool.run(ceil_div(rows, chunk), [&](int64_t part, int) { f(part * chunk, std::min(rows, (part + 1) * chunk)); });
}

// Calls f(first, last) for ranges of units, each of which reads the weights that follow the last one's. Shares shrink from an eighth
// (with four threads) to single units: long ones let the fetching of what comes next go on, and the short ones of the end are
// there for whoever is early.
template <typename F>
void Run::in_shares(int64_t units, const F& f) {
  const int64_t threads = backend_.pool.size();
  shares_.clear();
  for (int64_t at = 0; at < units; at += std::max<int64_t>(1, (units - at) / (2 * threads))) shares_.push_back(at);
  const int64_t count = static_cast<int64_t>(shares_.size());
  shares_.push_back(units);
  backend_.pool.run(count, [&](int64_t part, int) { f(shares_[part], shares_[part + 1]); });
}

Failure Run::carry_out(const Op& op) {
  const int32_t* o = op.operands;
  const Kernels& kernels = backend_.kernels;
  switch (op.code) {
    case OpCode::embed: embed(op); break;
    case OpCode::rms_norm: rms_norm(op); break;
    case OpCode::linear: return linear(op);
    case OpCode::rope: rope(op); break;
    case OpCode::write_kv: write_kv(op); break;
    case OpCode::attend: return attend(op);
    case OpCode::rows: rows(op); break;
    case OpCode::expert_linear: return expert_linear(op);
    case OpCode::add: {
      const Value &a = values_[o[0]], &b = values_[o[1]], &out = values_[op.out];
      by_rows(out.vectors(), out.cols, [&](int64_t first, int64_t last) {
        kernels.add(a.data + first * a.cols, b.data + first * a.cols, (last - first) * a.cols, out.data + first * a.cols);
      });
      break;
    }
    case OpCode::route: {
      const Value &logits = values_[o[0]], &experts = values_[op.out], &weights = values_[op.out + 1];
      by_rows(logits.rows, logits.cols * o[1], [&](int64_t first, int64_t last) {
        kernels.route(logits.data + first * logits.cols, last - first, logits.cols, o[1], experts.data + first * o[1],
                      weights.data + first * o[1]);
      });
      break;
    }
    case OpCode::swiglu: {
      const Value &gate = values_[o[0]], &linear = values_[o[1]], &out = values_[op.out];
      const float limit = program_.constants[o[2]], alpha = program_.constants[o[3]];
      by_rows(out.vectors(), out.cols * 4, [&](int64_t first, int64_t last) {
        const int64_t from = first * out.cols;
        kernels.swiglu(gate.data + from, linear.data + from, (last - first) * out.cols, limit, alpha, out.data + from);
      });
      break;
    }
    case OpCode::mix_experts: {
      const Value &answers = values_[o[0]], &weights = values_[o[1]], &out = values_[op.out];
      by_rows(out.rows, out.cols * answers.picks, [&](int64_t first, int64_t last) {
        kernels.mix_experts(answers.data + first * answers.picks * answers.cols, weights.data + first * answers.picks, last - first,
                            answers.picks, answers.cols, out.data + first * out.cols);
      });
      break;
    }
  }
  return {};
}

void Run::embed(const Op& op) {
  const Weight& table = backend_.weights[op.operands[0]].weight;
  const int32_t* ids = program_.ints[op.operands[1]].data();
  const Value& out = values_[op.out];
  by_rows(out.rows, out.cols, [&](int64_t first, int64_t last) {
    backend_.kernels.embed(table, ids + first, last - first, out.data + first * out.cols);
  });
}

void Run::rms_norm(const Op& op) {
  const Value &x = values_[op.operands[0]], &out = values_[op.out];
  const Weight& weight = backend_.weights[op.operands[1]].weight;
  const float epsilon = program_.constants[op.operands[2]];
  by_rows(out.rows, out.cols, [&](int64_t first, int64_t last) {
    backend_.kernels.rms_norm(x.data + first * x.cols, last - first, x.cols, weight, epsilon, out.data + first * x.cols);
  });
}

void Run::rope(const Op& op) {
  const Value &x = values_[op.operands[0]], &out = values_[op.out];
  const auto &cos = program_.floats[op.operands[1]], &sin = program_.floats[op.operands[2]];
  if (x.rows == 0) return;
  const int64_t half = static_cast<int64_t>(cos.size()) / x.rows;
  by_rows(x.rows, x.cols, [&](int64_t first, int64_t last) {
    backend_.kernels.rope(x.data + first * x.cols, last - first, x.cols / (2 * half), 2 * half, cos.data() + first * half,
                          sin.data() + first * half, out.data + first * x.cols);
  });
}

void Run::rows(const Op& op) {
  const Value &x = values_[op.operands[0]], &out = values_[op.out];
  const int32_t* indices = program_.ints[op.operands[1]].data();
  const int64_t size = x.picks * x.cols;
  for (int64_t i = 0; i < out.rows; i++) std::memcpy(out.data + i * size, x.data + indices[i] * size, size * sizeof(float));
}

// The int8 form of a value in the order that this weight wants; made once, shared by the linears that read the same value.
// Null when there is no memory.
const QuantizedRows* Run::quantize(Value& x, const Weight& weight) {
  const CodeOrder order = weight.dtype != DType::mxfp4 ? CodeOrder::bytes : weight.halves ? CodeOrder::halves : CodeOrder::pairs;
  QuantizedRows& rows = x.quantized[static_cast<int>(order)];
  if (rows.data != nullptr) return &rows;
  rows.padded_cols = padded_cols(x.cols);
  rows.data = static_cast<int8_t*>(backend_.arena.take(x.vectors() * rows.stride()));
  if (rows.data == nullptr) return nullptr;
  by_rows(x.vectors(), x.cols, [&](int64_t first, int64_t last) {
    backend_.kernels.quantize(x.data, first, last, x.cols, order, rows);
  });
  return &rows;
}

Failure Run::linear(const Op& op) {
  const int32_t* o = op.operands;
  Value& x = values_[o[0]];
  const Value& out = values_[op.out];
  const Weight& weight = backend_.weights[o[1]].weight;
  const Weight* bias = o[2] < 0 ? nullptr : &backend_.weights[o[2]].weight;
  if (x.rows == 0) return {};
  const QuantizedRows* quantized = nullptr;
  if (blocked(weight.dtype)) {
    quantized = quantize(x, weight);
    if (quantized == nullptr) return out_of_memory(x.count());
  }
  const int64_t token_chunk = quantized != nullptr ? kQuantizedTokenChunk : kTokenChunk;
  const int64_t chunks = ceil_div(weight.rows, kRowChunk), tiles = ceil_div(x.rows, token_chunk);
  if (tiles == 1) {
    in_shares(chunks, [&](int64_t first, int64_t last) {
      backend_.kernels.linear(x.data, quantized, x.rows, weight, bias, first * kRowChunk, std::min(weight.rows, last * kRowChunk), out.data);
    });
    return {};
  }
  backend_.pool.run(chunks * tiles, [&](int64_t part, int) {
    const int64_t row = part / tiles * kRowChunk, token = part % tiles * token_chunk;
    const int64_t tokens = std::min(token_chunk, x.rows - token);
    QuantizedRows tile{};
    if (quantized != nullptr) {
      tile = {quantized->codes(token), quantized->padded_cols};
    }
    backend_.kernels.linear(x.data + token * x.cols, quantized != nullptr ? &tile : nullptr, tokens, weight, bias, row,
                            std::min(weight.rows, row + kRowChunk), out.data + token * weight.rows);
  });
  return {};
}

void Run::write_kv(const Op& op) {
  const int32_t* o = op.operands;
  const Value &k = values_[o[2]], &v = values_[o[3]];
  const KvPool& pool = backend_.kv[o[0]].pool;
  const auto &positions = program_.ints[o[4]], &sequences = program_.ints[o[5]];
  by_rows(k.rows, k.cols, [&](int64_t first, int64_t last) {
    const KvView view{positions.data() + first, sequences.data() + first, program_.ints[o[6]].data(), o[7]};
    backend_.kernels.write_kv(pool, o[1], k.data + first * k.cols, v.data + first * v.cols, last - first, view);
  });
}

Failure Run::attend(const Op& op) {
  const int32_t* o = op.operands;
  const Value &q = values_[o[0]], &out = values_[op.out];
  const KvPool& pool = backend_.kv[o[1]].pool;
  const Weight& sinks = backend_.weights[o[3]].weight;
  const KvView view{program_.ints[o[4]].data(), program_.ints[o[5]].data(), program_.ints[o[6]].data(), o[7]};
  const int64_t heads = q.cols / pool.head_dim;
  const size_t floats = backend_.kernels.attend_scratch(heads / pool.kv_heads, pool.head_dim, pool.block_size);
  if (backend_.attend_scratch.size() < static_cast<size_t>(backend_.pool.size()) || backend_.attend_scratch_floats < floats) {
    backend_.attend_scratch.clear();
    for (int i = 0; i < backend_.pool.size(); i++) {
      backend_.attend_scratch.emplace_back(static_cast<uint8_t*>(allocate_aligned(floats * sizeof(float))));
      if (!backend_.attend_scratch.back()) return out_of_memory(floats * sizeof(float));
    }
    backend_.attend_scratch_floats = floats;
  }
  // Late tokens see more keys: with few tokens a part, whoever finishes early takes another.
  const int64_t chunk = std::max<int64_t>(1, std::min<int64_t>(16, q.rows / (backend_.pool.size() * 4)));
  const int64_t tiles = ceil_div(q.rows, chunk);
  backend_.pool.run(tiles * pool.kv_heads, [&](int64_t part, int thread) {
    const int64_t token = (tiles - 1 - part / pool.kv_heads) * chunk;
    backend_.kernels.attend(q.data, token, std::min(q.rows, token + chunk), heads, part % pool.kv_heads, pool, o[2], sinks, view, o[8],
                            reinterpret_cast<float*>(backend_.attend_scratch[thread].get()), out.data);
  });
  return {};
}

Failure Run::expert_linear(const Op& op) {
  const int32_t* o = op.operands;
  Value& x = values_[o[0]];
  const Value &experts = values_[o[3]], &out = values_[op.out];
  const WeightSlot& slot = backend_.weights[o[1]];
  const Weight& weight = slot.weight;
  const Weight& bias = backend_.weights[o[2]].weight;
  const int64_t pairs = experts.count();
  if (pairs == 0) return {};
  const QuantizedRows* quantized = nullptr;
  if (blocked(weight.dtype)) {
    quantized = quantize(x, weight);
    if (quantized == nullptr) return out_of_memory(x.count());
  }

  // Pairs (token, pick) by expert, in order, so that an expert's rows are read once for all who asked it.
  std::vector<int32_t> starts(weight.experts + 1), x_rows(pairs), out_rows(pairs);
  for (int64_t i = 0; i < pairs; i++) starts[static_cast<int64_t>(experts.data[i]) + 1]++;
  for (int64_t e = 0; e < weight.experts; e++) starts[e + 1] += starts[e];
  std::vector<int32_t> next(starts.begin(), starts.end() - 1), busy;
  for (int64_t i = 0; i < pairs; i++) {
    const int32_t at = next[static_cast<int64_t>(experts.data[i])]++;
    out_rows[at] = static_cast<int32_t>(i);
    x_rows[at] = static_cast<int32_t>(x.has_picks ? i : i / experts.cols);
  }
  for (int32_t e = 0; e < weight.experts; e++) {
    if (starts[e + 1] > starts[e]) busy.push_back(e);
  }
  std::stable_sort(busy.begin(), busy.end(), [&](int32_t a, int32_t b) { return starts[a + 1] - starts[a] > starts[b + 1] - starts[b]; });

  const int64_t chunks = ceil_div(weight.rows, kRowChunk);
  std::atomic<int64_t> nan_at{-1};  // expert * rows + row
  const int64_t units = static_cast<int64_t>(busy.size()) * chunks;
  const auto work = [&](int64_t first, int64_t last) {  // which may reach over several experts
    while (first < last) {
      const int32_t expert = busy[first / chunks];
      const int64_t chunk = first % chunks, end = std::min(chunks, chunk + last - first);
      ExpertPart job{&weight, &bias, expert, chunk * kRowChunk, std::min(weight.rows, end * kRowChunk), x.data, quantized,
                     &x_rows[starts[expert]], &out_rows[starts[expert]], starts[expert + 1] - starts[expert], out.data};
      const int64_t bad = backend_.kernels.expert_linear(job);
      if (bad >= 0) nan_at.store(expert * weight.rows + bad, std::memory_order_relaxed);
      first += end - chunk;
    }
  };
  if (pairs <= kFewPairs) {
    in_shares(units, work);
  } else {
    backend_.pool.run(units, [&](int64_t part, int) { work(part, part + 1); });
  }
  const int64_t bad = nan_at.load(std::memory_order_relaxed);
  if (bad < 0) return {};
  return {"checkpoint/nan-scale", "Cannot use \"" + slot.label + "\": the scale of expert " + std::to_string(bad / weight.rows) +
                                      ", row " + std::to_string(bad % weight.rows) + " is NaN (E8M0 255)"};
}

}  // namespace ossia
