// The products of a step, where its time goes. Products that follow each other and do not read each other (queries, keys and values;
// gate and up) are one piece of work for the pool: fewer moments in which threads wait for the last one.
#include <algorithm>
#include <chrono>
#include <string>

#include "program.h"

namespace ossia {
namespace {

// Output rows of a unit: 50 to 100 KB of weights at the 20b shape. With many int8 inputs more, as nobody has fetched a unit's first rows
// ahead: one thread with 64 inputs did 612, 683, 697 GOP/s with 32, 96, 288 rows.
constexpr int64_t kRowChunk = 32, kManyRowChunk = 96;
// Tokens of a linear's unit: their activations stay in a core's L2, and 8-bit weights are laid out once for them.
constexpr int64_t kTokenChunk = 32, kQuantizedTokenChunk = 128;
constexpr int64_t kFewPairs = 128;   // (token, expert) pairs up to which reading the experts takes longer than computing

using Clock = std::chrono::steady_clock;

bool blocked(DType dtype) { return dtype == DType::q8_0 || dtype == DType::q8 || dtype == DType::mxfp4; }

}  // namespace

bool is_product(const Op& op) { return op.code == OpCode::linear || op.code == OpCode::expert_linear; }

// The op behind those that run together from `begin`.
size_t Run::group_end(size_t begin) const {
  const Op& first = ops_[begin];
  size_t end = begin + 1;
  if (!is_product(first)) return end;
  const auto joins = [&](const Op& op) {
    if (op.code != first.code || op.operands[0] >= first.out) return false;
    return op.code == OpCode::linear || op.operands[3] == first.operands[3];
  };
  while (end < ops_.size() && joins(ops_[end])) end++;
  return end;
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

// Pairs (token, pick) by expert, in order, so that an expert's rows are read once for all who asked it. Kept for the products that
// follow with the same routing.
const Run::Picks& Run::picks_of(int32_t routing) {
  if (picks_.routing == routing) return picks_;
  const Value& experts = values_[routing];
  const int64_t pairs = experts.count(), num_experts = experts.choices;
  picks_.routing = routing;
  picks_.starts.assign(num_experts + 1, 0);
  picks_.pairs.resize(pairs);
  picks_.tokens.resize(pairs);
  picks_.busy.clear();
  std::vector<int32_t>& starts = picks_.starts;
  for (int64_t i = 0; i < pairs; i++) starts[static_cast<int64_t>(experts.data[i]) + 1]++;
  for (int64_t e = 0; e < num_experts; e++) starts[e + 1] += starts[e];
  std::vector<int32_t> next(starts.begin(), starts.end() - 1);
  for (int64_t i = 0; i < pairs; i++) {
    const int32_t at = next[static_cast<int64_t>(experts.data[i])]++;
    picks_.pairs[at] = static_cast<int32_t>(i);
    picks_.tokens[at] = static_cast<int32_t>(i / experts.cols);
  }
  for (int32_t e = 0; e < num_experts; e++) {
    if (starts[e + 1] > starts[e]) picks_.busy.push_back(e);
  }
  std::stable_sort(picks_.busy.begin(), picks_.busy.end(),
                   [&](int32_t a, int32_t b) { return starts[a + 1] - starts[a] > starts[b + 1] - starts[b]; });
  return picks_;
}

// Products [begin, end) as units for the pool: chunks of rows, with many tokens each chunk with some of them, an expert's chunks behind
// another's. Where every weight is read once, threads walk ranges of units that adjoin; otherwise each takes the next unit.
//
// Tried and dropped: letting threads that wait, while one thread does a norm or a rotation, fetch the first quarter or whole megabyte of
// their range of the next products (+1 % of decoding at most).
Run::Group Run::cut(size_t begin, size_t end) {
  Group group{{0}, true};
  for (size_t i = begin; i < end; i++) {
    const Op& op = ops_[i];
    const Weight& weight = backend_.weights[op.operands[1]].weight;
    const bool is_linear = op.code == OpCode::linear;
    const int64_t times = is_linear ? tiles_of(op) : static_cast<int64_t>(picks_of(op.operands[3]).busy.size());
    group.reads_once &= !reads_again(op);
    group.starts.push_back(group.starts.back() + ceil_div(weight.rows, row_chunk(op)) * times);
  }
  return group;
}

int64_t Run::tiles_of(const Op& op) const {
  const bool is_blocked = blocked(backend_.weights[op.operands[1]].weight.dtype);
  return ceil_div(values_[op.operands[0]].rows, is_blocked ? kQuantizedTokenChunk : kTokenChunk);
}

// Whether there are more inputs than one pass over the weights serves, or more than reading the weights takes time for.
bool Run::reads_again(const Op& op) const {
  return op.code == OpCode::linear ? tiles_of(op) > 1 : values_[op.operands[3]].count() > kFewPairs;
}

int64_t Run::row_chunk(const Op& op) const {
  return reads_again(op) && blocked(backend_.weights[op.operands[1]].weight.dtype) ? kManyRowChunk : kRowChunk;
}

Failure Run::products(size_t begin, size_t end) {
  std::vector<const QuantizedRows*> quantized(end - begin, nullptr);
  for (size_t i = begin; i < end; i++) {
    const Weight& weight = backend_.weights[ops_[i].operands[1]].weight;
    Value& x = values_[ops_[i].operands[0]];
    if (x.vectors() == 0 || !blocked(weight.dtype)) continue;
    quantized[i - begin] = quantize(x, weight);
    if (quantized[i - begin] == nullptr) return out_of_memory(x.count());
  }
  const Group group = cut(begin, end);
  std::vector<Outcome> outcomes(end - begin);
  const auto work = [&](int64_t unit) {
    size_t i = 0;
    while (group.starts[i + 1] <= unit) i++;
    unit -= group.starts[i];
    const Op& op = ops_[begin + i];
    const Clock::time_point before = Clock::now();
    if (op.code == OpCode::linear) linear_unit(op, quantized[i], unit);
    else expert_unit(op, quantized[i], unit, outcomes[i].nan_at);
    if (backend_.profile) outcomes[i].nanoseconds += std::chrono::nanoseconds(Clock::now() - before).count();
  };
  if (group.reads_once) {
    backend_.ranges.deal(group.starts.back());
    backend_.pool.run(backend_.pool.size(), [&](int64_t, int thread) {
      for (int64_t unit; (unit = backend_.ranges.take(thread)) >= 0;) work(unit);
    });
  } else {
    backend_.pool.run(group.starts.back(), [&](int64_t part, int) { work(part); });
  }
  busy_.clear();
  for (size_t i = 0; i < outcomes.size(); i++) {
    busy_.push_back(outcomes[i].nanoseconds);
    if (Failure failure = nan_failure(ops_[begin + i], outcomes[i].nan_at)) return failure;
  }
  return {};
}

// x [tokens, cols] -> [tokens, rows]
void Run::linear_unit(const Op& op, const QuantizedRows* quantized, int64_t unit) {
  const int32_t* o = op.operands;
  const Value &x = values_[o[0]], &out = values_[op.out];
  const Weight& weight = backend_.weights[o[1]].weight;
  const Weight* bias = o[2] < 0 ? nullptr : &backend_.weights[o[2]].weight;
  const int64_t tiles = tiles_of(op), token_chunk = quantized != nullptr ? kQuantizedTokenChunk : kTokenChunk;
  const int64_t row = unit / tiles * row_chunk(op), token = unit % tiles * token_chunk;
  QuantizedRows tile{};
  if (quantized != nullptr) tile = {quantized->codes(token), quantized->padded_cols};
  backend_.kernels.linear(x.data + token * x.cols, quantized != nullptr ? &tile : nullptr, std::min(token_chunk, x.rows - token), weight,
                          bias, row, std::min(weight.rows, row + row_chunk(op)), out.data + token * weight.rows);
}

// x [tokens, cols] or [tokens, picks, cols] -> [tokens, picks, rows]
void Run::expert_unit(const Op& op, const QuantizedRows* quantized, int64_t unit, std::atomic<int64_t>& nan_at) {
  const int32_t* o = op.operands;
  const Value &x = values_[o[0]], &out = values_[op.out];
  const Weight &weight = backend_.weights[o[1]].weight, &bias = backend_.weights[o[2]].weight;
  const int64_t chunk = row_chunk(op), chunks = ceil_div(weight.rows, chunk), row = unit % chunks * chunk;
  const int32_t expert = picks_.busy[unit / chunks], start = picks_.starts[expert];
  const int32_t* x_rows = (x.has_picks ? picks_.pairs : picks_.tokens).data() + start;
  const int64_t bad = backend_.kernels.expert_linear({&weight, &bias, expert, row, std::min(weight.rows, row + chunk), x.data, quantized,
                                                      x_rows, picks_.pairs.data() + start, picks_.starts[expert + 1] - start, out.data});
  if (bad >= 0) nan_at.store(expert * weight.rows + bad, std::memory_order_relaxed);
}

// For the profile: products that ran together share the time as they shared the threads.
void Run::keep_seconds(size_t ops, double seconds) {
  double all = 0;
  for (size_t i = 0; ops > 1 && i < ops; i++) all += static_cast<double>(busy_[i]);
  for (size_t i = 0; i < ops; i++) {
    backend_.op_seconds.push_back(all > 0 ? seconds * static_cast<double>(busy_[i]) / all : seconds / static_cast<double>(ops));
  }
}

Failure Run::nan_failure(const Op& op, int64_t at) const {
  if (at < 0) return {};
  const WeightSlot& slot = backend_.weights[op.operands[1]];
  return {"checkpoint/nan-scale", "Cannot use \"" + slot.label + "\": the scale of expert " + std::to_string(at / slot.weight.rows) +
                                      ", row " + std::to_string(at % slot.weight.rows) + " is NaN (E8M0 255)"};
}

}  // namespace ossia
