// Carries the ops out: cuts each into parts for the pool. How an op is cut never changes a bit of the result (kernels.h).
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>

#include "program.h"

namespace ossia {

Failure out_of_memory(size_t bytes) {
  return {"backend/out-of-memory", "Cannot allocate " + std::to_string(bytes) + " bytes for a step"};
}

Failure Run::execute() {
  using Clock = std::chrono::steady_clock;
  backend_.op_seconds.clear();
  for (int32_t id = 0; id < static_cast<int32_t>(values_.size()); id++) {
    if (values_[id].last_use != INT32_MAX) by_last_use_.push_back(id);
  }
  std::stable_sort(by_last_use_.begin(), by_last_use_.end(),
                   [&](int32_t a, int32_t b) { return values_[a].last_use < values_[b].last_use; });
  for (size_t begin = 0, end; begin < ops_.size(); begin = end) {
    const Clock::time_point before = Clock::now();
    end = group_end(begin);
    for (size_t i = begin; i < end; i++) {
      if (Failure failure = allocate_outputs(ops_[i])) return failure;
    }
    if (Failure failure = is_product(ops_[begin]) ? products(begin, end) : carry_out(ops_[begin])) return failure;
    for (size_t i = begin; i < end; i++) release_after(i);
    if (backend_.profile) keep_seconds(end - begin, std::chrono::duration<double>(Clock::now() - before).count());
  }
  return {};
}

Failure Run::allocate_outputs(const Op& op) {
  const int outputs = op.code == OpCode::write_kv ? 0 : op.code == OpCode::route ? 2 : 1;
  for (int k = 0; k < outputs; k++) {
    if (!allocate(values_[op.out + k])) return out_of_memory(values_[op.out + k].count() * sizeof(float));
  }
  return {};
}

bool Run::allocate(Value& value) {
  value.data = static_cast<float*>(backend_.arena.take(value.count() * sizeof(float)));
  return value.data != nullptr;
}

// Gives back what this op used for the last time, and what it made for nobody.
void Run::release_after(size_t index) {
  while (released_ < by_last_use_.size() && values_[by_last_use_[released_]].last_use <= static_cast<int32_t>(index)) {
    Value& value = values_[by_last_use_[released_++]];
    backend_.arena.give_back(value.data);
    value.data = nullptr;
    for (auto& rows : value.quantized) {
      if (rows.data != nullptr) backend_.arena.give_back(rows.data);
      rows.data = nullptr;
    }
  }
}

Failure Run::carry_out(const Op& op) {
  const int32_t* o = op.operands;
  const Kernels& kernels = backend_.kernels;
  switch (op.code) {
    case OpCode::embed: embed(op); break;
    case OpCode::rms_norm: rms_norm(op); break;
    case OpCode::rope: rope(op); break;
    case OpCode::write_kv: write_kv(op); break;
    case OpCode::attend: return attend(op);
    case OpCode::rows: rows(op); break;
    case OpCode::linear:
    case OpCode::expert_linear: break;  // program_products.cc
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

}  // namespace ossia
