// Checks a step before it runs: past this file no kernel meets an index, a shape or a block that does not fit.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "program.h"

namespace ossia {
namespace {

const char* const kNames[] = {"embed",  "rmsNorm", "linear",       "rope",   "writeKv",   "attend",
                              "rows",   "add",     "route",        "expertLinear", "swiglu", "mixExperts"};
constexpr int kOperands[] = {2, 3, 3, 3, 8, 9, 2, 2, 2, 4, 4, 2};
constexpr int kOpCount = sizeof(kOperands) / sizeof(kOperands[0]);

bool dense(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

}  // namespace

// Walks the ops in order, inferring each output's shape. Every method returns false with `why` set when something does not fit.
class Checker {
 public:
  Checker(Backend& backend, Program& program, std::vector<Op>& ops, std::vector<Value>& values)
      : backend_(backend), program_(program), ops_(ops), values_(values) {}

  Failure check() {
    size_t at = 0;
    while (at < program_.code.size()) {
      const int32_t code = program_.code[at];
      if (code < 0 || code >= kOpCount) return fail("the program holds opcode " + std::to_string(code));
      if (at + 1 + kOperands[code] > program_.code.size()) return fail("the program ends inside an op");
      Op op{static_cast<OpCode>(code), &program_.code[at + 1]};
      op_name_ = kNames[code];
      index_ = static_cast<int32_t>(ops_.size());
      op.out = static_cast<int32_t>(values_.size());
      if (!check_op(op)) return fail(why_);
      ops_.push_back(op);
      at += 1 + kOperands[code];
    }
    op_name_ = "read";
    for (int32_t id : program_.reads) {
      if (id < 0 || id >= static_cast<int32_t>(values_.size())) return fail("there is no tensor " + std::to_string(id));
      values_[id].last_use = INT32_MAX;
    }
    return {};
  }

 private:
  Failure fail(const std::string& why) {
    return {"backend/bad-operand", std::string("Cannot run ") + op_name_ + ": " + why};
  }
  bool no(std::string why) {
    why_ = std::move(why);
    return false;
  }

  bool check_op(const Op& op) {
    const int32_t* o = op.operands;
    switch (op.code) {
      case OpCode::embed: return embed(o);
      case OpCode::rms_norm: return rms_norm(o);
      case OpCode::linear: return linear(o);
      case OpCode::rope: return rope(o);
      case OpCode::write_kv: return write_kv(o);
      case OpCode::attend: return attend(o);
      case OpCode::rows: return rows(o);
      case OpCode::add: return add(o);
      case OpCode::route: return route(o);
      case OpCode::expert_linear: return expert_linear(o);
      case OpCode::swiglu: return swiglu(o);
      case OpCode::mix_experts: return mix(o);
    }
    return false;
  }

  bool embed(const int32_t* o) {
    const Weight* table = weight(o[0]);
    const auto* ids = ints(o[1]);
    if (!table || !ids) return false;
    if (table->experts != 1 || table->dtype == DType::mxfp4) return no("an embedding table is a dense or 8-bit matrix");
    for (int32_t id : *ids) {
      if (id < 0 || id >= table->rows) return no("token " + std::to_string(id) + " is outside the table of " + std::to_string(table->rows));
    }
    return define(static_cast<int64_t>(ids->size()), table->cols);
  }

  bool rms_norm(const int32_t* o) {
    const Value* x = use(o[0]);
    if (!x) return false;
    const int64_t rows = x->vectors(), cols = x->cols;
    return vector(o[1], cols, "weight") && constant(o[2]) && define(rows, cols);
  }

  bool linear(const int32_t* o) {
    const Value* x = use(o[0]);
    const Weight* w = weight(o[1]);
    if (!x || !w) return false;
    if (x->has_picks) return no("x must be [tokens, cols]");
    if (w->experts != 1) return no("the weight must be [rows, cols]");
    if (w->dtype == DType::mxfp4) return no("an MXFP4 weight goes into expertLinear");
    if (w->cols != x->cols) return no(mismatch("x and weight", x->cols, w->cols));
    const int64_t rows = x->rows, out = w->rows;
    return (o[2] < 0 || vector(o[2], out, "bias")) && define(rows, out);
  }

  bool rope(const int32_t* o) {
    const Value* x = use(o[0]);
    const auto* cos = floats(o[1]);
    const auto* sin = floats(o[2]);
    if (!x || !cos || !sin) return false;
    if (cos->size() != sin->size()) return no("cos and sin differ in length");
    const int64_t rows = x->rows, cols = x->cols;
    if (rows == 0) return cos->empty() ? define(0, cols) : no("there are angles for no token");
    const int64_t half = static_cast<int64_t>(cos->size()) / rows;
    if (half * rows != static_cast<int64_t>(cos->size()) || half == 0 || cols % (2 * half) != 0 || half % 8 != 0) {
      return no("the angles do not fit x [" + std::to_string(rows) + ", " + std::to_string(cols) + "]");
    }
    return define(rows, cols);
  }

  // operands: pool, layer, k, v, positions, sequences, tables, tableWidth
  bool write_kv(const int32_t* o) {
    const KvSlot* slot = kv(o[0], o[1]);
    const Value* k = slot ? use(o[2]) : nullptr;
    const Value* v = k ? use(o[3]) : nullptr;
    if (!v) return false;
    const int64_t cols = slot->pool.kv_heads * slot->pool.head_dim;
    if (k->cols != cols || v->cols != cols || k->rows != v->rows) return no("k and v do not fit the pool");
    return view(o + 4, k->rows, *slot, 1);
  }

  // operands: q, pool, layer, sinks, positions, sequences, tables, tableWidth, window
  bool attend(const int32_t* o) {
    const KvSlot* slot = kv(o[1], o[2]);
    const Value* q = slot ? use(o[0]) : nullptr;
    if (!q) return false;
    const int64_t rows = q->rows, cols = q->cols;
    const KvPool& pool = slot->pool;
    if (cols % pool.head_dim != 0 || cols / pool.head_dim % pool.kv_heads != 0) return no("q does not fit the pool's heads");
    if (!vector(o[3], cols / pool.head_dim, "sinks")) return false;
    return view(o + 4, rows, *slot, o[8]) && define(rows, cols);
  }

  bool rows(const int32_t* o) {
    const Value* x = use(o[0]);
    const auto* indices = ints(o[1]);
    if (!x || !indices) return false;
    for (int32_t index : *indices) {
      if (index < 0 || index >= x->rows) return no("row " + std::to_string(index) + " is outside the " + std::to_string(x->rows));
    }
    const Value from = *x;
    return define(static_cast<int64_t>(indices->size()), from.cols, from.picks, from.has_picks);
  }

  bool add(const int32_t* o) {
    const Value* a = use(o[0]);
    const Value* b = a ? use(o[1]) : nullptr;
    if (!b) return false;
    if (a->rows != b->rows || a->picks != b->picks || a->cols != b->cols) return no("the shapes of a and b differ");
    const Value like = *a;
    return define(like.rows, like.cols, like.picks, like.has_picks);
  }

  bool route(const int32_t* o) {
    const Value* logits = use(o[0]);
    if (!logits) return false;
    const int64_t rows = logits->rows, choices = logits->cols;
    if (o[1] < 1 || o[1] > choices || o[1] > 64) return no("cannot pick " + std::to_string(o[1]) + " of " + std::to_string(choices));
    if (!define(rows, o[1])) return false;
    values_.back().is_routing = true;
    values_.back().choices = choices;
    return define(rows, o[1]);
  }

  // operands: x, weight, bias, experts
  bool expert_linear(const int32_t* o) {
    const Value* x = use(o[0]);
    const Weight* w = x ? weight(o[1]) : nullptr;
    const Value* experts = w ? use(o[3]) : nullptr;
    const Weight* bias = experts ? weight(o[2]) : nullptr;
    if (!bias) return false;
    if (!experts->is_routing) return no("the experts must come from route");
    if (experts->choices > w->experts) return no(mismatch("router and experts", experts->choices, w->experts));
    if (experts->rows != x->rows || (x->has_picks && x->picks != experts->cols)) return no("x and the routing differ in tokens");
    if (w->cols != x->cols) return no(mismatch("x and weight", x->cols, w->cols));
    if (w->dtype == DType::q8 || w->dtype == DType::q8_0) return no("experts are MXFP4, F32, F16 or BF16");
    if (bias->experts != 1 || bias->rows != w->experts || bias->cols != w->rows || !dense(bias->dtype)) {
      return no("the bias must be [experts, rows] of F32, F16 or BF16");
    }
    const int64_t rows = x->rows;
    return define(rows, w->rows, experts->cols, true);
  }

  bool swiglu(const int32_t* o) {
    const Value* gate = use(o[0]);
    const Value* linear = gate ? use(o[1]) : nullptr;
    if (!linear || !constant(o[2]) || !constant(o[3])) return false;
    if (gate->rows != linear->rows || gate->picks != linear->picks || gate->cols != linear->cols) {
      return no("the shapes of gate and linear differ");
    }
    const Value like = *gate;
    return define(like.rows, like.cols, like.picks, like.has_picks);
  }

  bool mix(const int32_t* o) {
    const Value* answers = use(o[0]);
    const Value* weights = answers ? use(o[1]) : nullptr;
    if (!weights) return false;
    if (!answers->has_picks || weights->rows != answers->rows || weights->cols != answers->picks) {
      return no("the answers do not fit the routing");
    }
    const int64_t rows = answers->rows, cols = answers->cols;
    return define(rows, cols);
  }

  // ---- operands

  const Value* use(int32_t id) {
    if (id < 0 || id >= static_cast<int32_t>(values_.size())) {
      no("there is no tensor " + std::to_string(id));
      return nullptr;
    }
    values_[id].last_use = std::max(values_[id].last_use, index_);
    return &values_[id];
  }

  const Weight* weight(int32_t id) {
    if (id < 0 || id >= static_cast<int32_t>(backend_.weights.size())) {
      no("there is no weight " + std::to_string(id));
      return nullptr;
    }
    return &backend_.weights[id].weight;
  }

  bool vector(int32_t id, int64_t length, const char* what) {
    const Weight* w = weight(id);
    if (!w) return false;
    if (w->experts != 1 || w->rows != 1 || !dense(w->dtype)) return no(std::string(what) + " must be a vector of F32, F16 or BF16");
    return w->cols == length || no(mismatch(what, w->cols, length));
  }

  const std::vector<int32_t>* ints(int32_t id) {
    if (id < 0 || id >= static_cast<int32_t>(program_.ints.size())) {
      no("there is no integer array " + std::to_string(id));
      return nullptr;
    }
    return &program_.ints[id];
  }

  const std::vector<float>* floats(int32_t id) {
    if (id < 0 || id >= static_cast<int32_t>(program_.floats.size())) {
      no("there is no array " + std::to_string(id));
      return nullptr;
    }
    return &program_.floats[id];
  }

  bool constant(int32_t id) {
    return (id >= 0 && id < static_cast<int32_t>(program_.constants.size())) || no("there is no constant " + std::to_string(id));
  }

  const KvSlot* kv(int32_t id, int32_t layer) {
    if (id < 0 || id >= static_cast<int32_t>(backend_.kv.size()) || !backend_.kv[id].live) {
      no("there is no KV pool " + std::to_string(id));
      return nullptr;
    }
    if (layer < 0 || layer >= backend_.kv[id].pool.layers) {
      no("the KV pool has no layer " + std::to_string(layer));
      return nullptr;
    }
    return &backend_.kv[id];
  }

  // Each token may touch `window` positions up to its own (0: all of them); the blocks of all must be there.
  bool view(const int32_t* o, int64_t tokens, const KvSlot& slot, int64_t window) {
    const auto* positions = ints(o[0]);
    const auto* sequences = positions ? ints(o[1]) : nullptr;
    const auto* tables = sequences ? ints(o[2]) : nullptr;
    if (!tables) return false;
    const int64_t width = o[3], size = slot.pool.block_size;
    if (window < 0) return no("the window is negative");
    if (width < 1 || static_cast<int64_t>(tables->size()) % width != 0) return no("the tables do not fit their width");
    if (static_cast<int64_t>(positions->size()) != tokens || static_cast<int64_t>(sequences->size()) != tokens) {
      return no(mismatch("positions and tokens", static_cast<int64_t>(positions->size()), tokens));
    }
    const int64_t num_sequences = static_cast<int64_t>(tables->size()) / width;
    // runs[i]: the first block of the unbroken run that ends at block i.
    std::vector<int32_t> runs(tables->size());
    for (int64_t i = 0; i < static_cast<int64_t>(tables->size()); i++) {
      const int32_t block = (*tables)[i];
      if (block < -1 || block >= static_cast<int64_t>(slot.blocks.size())) {
        return no("block " + std::to_string(block) + " is outside the pool of " + std::to_string(slot.blocks.size()));
      }
      const int32_t column = static_cast<int32_t>(i % width);
      runs[i] = block < 0 ? INT32_MAX : (column > 0 && runs[i - 1] != INT32_MAX ? runs[i - 1] : column);
    }
    for (int64_t t = 0; t < tokens; t++) {
      const int64_t position = (*positions)[t], sequence = (*sequences)[t];
      if (sequence < 0 || sequence >= num_sequences) return no("token " + std::to_string(t) + " is of no sequence");
      if (position < 0 || position / size >= width) return no("position " + std::to_string(position) + " is outside its table");
      const int64_t first = window == 0 ? 0 : std::max<int64_t>(0, position - window + 1);
      if (runs[sequence * width + position / size] > first / size) {
        return no("token " + std::to_string(t) + " at position " + std::to_string(position) + " would see a block that is not there");
      }
    }
    return true;
  }

  bool define(int64_t rows, int64_t cols, int64_t picks = 1, bool has_picks = false) {
    Value value;
    value.rows = rows;
    value.cols = cols;
    value.picks = picks;
    value.has_picks = has_picks;
    value.last_use = index_;
    values_.push_back(value);
    return true;
  }

  static std::string mismatch(const char* what, int64_t a, int64_t b) {
    return std::string(what) + " do not fit: " + std::to_string(a) + " and " + std::to_string(b);
  }

  Backend& backend_;
  Program& program_;
  std::vector<Op>& ops_;
  std::vector<Value>& values_;
  const char* op_name_ = "the step";
  int32_t index_ = 0;
  std::string why_;
};

Failure Run::check() { return Checker(backend_, program_, ops_, values_).check(); }

}  // namespace ossia
