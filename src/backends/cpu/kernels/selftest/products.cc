// linear and expert_linear, in every dtype and layout.
#include <memory>

#include "selftest.h"

namespace selftest {

static const char* const kNames[] = {"f32", "f16", "bf16", "q8_0", "q8", "mxfp4"};

static bool is_eight_bit(DType dtype) { return dtype == DType::q8_0 || dtype == DType::q8; }

static Expected product(const OwnedWeight& w, const OwnedWeight& bias, const std::vector<float>& x, bool quantized, int64_t expert,
                        int64_t row, int64_t x_row) {
  double total = 0, magnitude = 0;
  for (int64_t c = 0; c < w.weight.cols; c++) {
    const double v = quantized ? dequantized(x, w.weight.cols, x_row, c) : x[x_row * w.weight.cols + c];
    const double term = v * w.value(expert, row, c);
    total += term;
    magnitude += std::fabs(term);
  }
  const double b = bias.weight.experts == 1 && bias.weight.rows == 1 ? bias.value(0, 0, row) : bias.value(0, expert, row);
  return {total + b, sum_bound(w.weight.cols, magnitude + std::fabs(b))};
}

static void add_linear(std::vector<Case>& cases, DType dtype, int64_t rows, int64_t cols, int64_t tokens, int64_t gap) {
  auto random = Random(rows * 1000 + cols + (int)dtype);
  auto w = std::make_shared<OwnedWeight>(make_weight(random, dtype, 1, rows, cols, gap));
  auto bias = std::make_shared<OwnedWeight>(make_weight(random, gap ? DType::f32 : DType::bf16, 1, 1, rows));
  auto x = std::make_shared<std::vector<float>>(random_floats(random, tokens * cols));
  Case c;
  c.name = std::string("linear ") + kNames[(int)dtype] + " " + std::to_string(tokens) + " x " + std::to_string(cols) + " -> " +
           std::to_string(rows) + (gap ? ", gaps" : "");
  c.run = [=](const Kernels& k, Cut cut) {
    std::vector<float> out(tokens * rows, -1);
    for (int64_t t = 0; t < tokens; t += cut.tokens) {
      const int64_t count = std::min(cut.tokens, tokens - t);
      const std::vector<float> part(x->begin() + t * cols, x->begin() + (t + count) * cols);
      const Quantized q(k, part, count, cols, ossia::CodeOrder::bytes);
      for (int64_t r = 0; r < rows; r += cut.rows)
        k.linear(part.data(), &q.rows, count, w->weight, &bias->weight, r, std::min(rows, r + cut.rows), out.data() + t * rows);
    }
    return out;
  };
  c.expected = [=] {
    std::vector<Expected> all;
    for (int64_t t = 0; t < tokens; t++)
      for (int64_t r = 0; r < rows; r++) all.push_back(product(*w, *bias, *x, is_eight_bit(dtype), 0, r, t));
    return all;
  };
  cases.push_back(c);
}

static void add_experts(std::vector<Case>& cases, DType dtype, int64_t rows, int64_t cols, int64_t pairs, int64_t gap, bool gguf) {
  auto random = Random(rows * 1000 + cols + gguf);
  const int64_t experts = 3, expert = 2, inputs = 5;
  auto w = std::make_shared<OwnedWeight>(make_weight(random, dtype, experts, rows, cols, gap, gguf));
  auto bias = std::make_shared<OwnedWeight>(make_weight(random, DType::bf16, 1, experts, rows));
  auto x = std::make_shared<std::vector<float>>(random_floats(random, inputs * cols));
  std::vector<int32_t> x_rows, out_rows;
  for (int64_t i = 0; i < pairs; i++) x_rows.push_back((int32_t)random.below(inputs)), out_rows.push_back((int32_t)(pairs - 1 - i));
  Case c;
  c.name = std::string("expert_linear ") + kNames[(int)dtype] + (gguf ? " (gguf) " : " ") + std::to_string(pairs) + " x " +
           std::to_string(cols) + " -> " + std::to_string(rows);
  c.run = [=](const Kernels& k, Cut cut) {
    std::vector<float> out(pairs * rows, -1);
    const auto order = dtype != DType::mxfp4 ? ossia::CodeOrder::bytes : gguf ? ossia::CodeOrder::halves : ossia::CodeOrder::pairs;
    const Quantized q(k, *x, inputs, cols, order);
    for (int64_t p = 0; p < pairs; p += cut.tokens) {
      for (int64_t r = 0; r < rows; r += cut.rows) {
        const int64_t nan_row =
            k.expert_linear({&w->weight, &bias->weight, expert, r, std::min(rows, r + cut.rows), x->data(), &q.rows, x_rows.data() + p,
                             out_rows.data() + p, std::min(cut.tokens, pairs - p), out.data()});
        if (nan_row != -1) out[0] = NAN;
      }
    }
    return out;
  };
  c.expected = [=] {
    std::vector<Expected> all(pairs * rows);
    const bool quantized = dtype == DType::mxfp4 || is_eight_bit(dtype);
    for (int64_t p = 0; p < pairs; p++)
      for (int64_t r = 0; r < rows; r++) all[out_rows[p] * rows + r] = product(*w, *bias, *x, quantized, expert, r, x_rows[p]);
    return all;
  };
  cases.push_back(c);
}

// Rows side by side, where scales are multiplied by adding exponents if nothing speaks against it: with every number of inputs that a
// tile may be left with, and with inputs (zero, tiny, huge) or weights (subnormal, huge) whose exponents cannot be added.
static void add_side_by_side(std::vector<Case>& cases, int64_t pairs, const char* odd) {
  Case c;
  c.name = std::string("expert_linear side by side, ") + std::to_string(pairs) + " inputs, odd: " + odd;
  const int64_t rows = 64, cols = 19 * 32;
  auto random = Random(pairs);
  auto w = std::make_shared<OwnedWeight>(make_weight(random, DType::mxfp4, 1, rows, cols));
  for (uint8_t& e : w->scales) e = (uint8_t)(118 + random.below(18));
  const std::string which = odd;
  if (which == "a subnormal weight") w->scales[40 * 19 + 18] = 0;
  if (which == "a huge weight") w->scales[3 * 19] = 240;
  auto bias = std::make_shared<OwnedWeight>(make_weight(random, DType::f32, 1, 1, rows));
  auto x = std::make_shared<std::vector<float>>(random_floats(random, pairs * cols));
  for (int64_t i = 0; i < 32; i++) {
    float& value = (*x)[(pairs - 1) * cols + 18 * 32 + i];
    if (which == "zeros") value = 0;
    if (which == "tiny") value *= 1e-36f;
    if (which == "huge") value *= 1e34f;
  }
  c.run = [=](const Kernels& k, Cut cut) {
    std::vector<int32_t> identity;
    for (int64_t i = 0; i < pairs; i++) identity.push_back((int32_t)i);
    const Quantized q(k, *x, pairs, cols, ossia::CodeOrder::pairs);
    std::vector<float> out(pairs * rows, -1);
    for (int64_t p = 0; p < pairs; p += cut.tokens)
      for (int64_t r = 0; r < rows; r += cut.rows)
        k.expert_linear({&w->weight, &bias->weight, 0, r, std::min(rows, r + cut.rows), x->data(), &q.rows, identity.data() + p,
                         identity.data() + p, std::min(cut.tokens, pairs - p), out.data()});
    return out;
  };
  c.expected = [=] {
    std::vector<Expected> all;
    for (int64_t p = 0; p < pairs; p++)
      for (int64_t r = 0; r < rows; r++) all.push_back(product(*w, *bias, *x, true, 0, r, p));
    return all;
  };
  cases.push_back(c);
}

// The row of a NaN scale is reported wherever it lies, also beside the largest legal scale.
static void add_nan_scale(std::vector<Case>& cases) {
  Case c;
  c.name = "expert_linear reports the first row with a NaN scale";
  c.run = [](const Kernels& k, Cut) {
    std::vector<float> found;
    for (int64_t row : {-1, 0, 3, 20, 34}) {
      auto random = Random(7);
      OwnedWeight w = make_weight(random, DType::mxfp4, 1, 35, 7 * 32);
      const OwnedWeight bias = make_weight(random, DType::f32, 1, 1, 35);
      for (uint8_t& e : w.scales) e = 254;
      if (row >= 0) w.scales[row * 7 + row % 7] = w.scales[34 * 7 + 6] = 255;
      const auto x = random_floats(random, 9 * 7 * 32);
      const Quantized q(k, x, 9, 7 * 32, ossia::CodeOrder::pairs);
      const int32_t rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
      std::vector<float> out(9 * 35);
      for (int64_t count : {1, 3, 9})
        found.push_back((float)k.expert_linear({&w.weight, &bias.weight, 0, 0, 35, x.data(), &q.rows, rows, rows, count, out.data()}));
    }
    return found;
  };
  c.expected = [] {
    std::vector<Expected> all;
    for (double row : {-1, 0, 3, 20, 34}) all.insert(all.end(), 3, {row, 0});
    return all;
  };
  cases.push_back(c);
}

void add_product_cases(std::vector<Case>& cases) {
  for (DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    add_linear(cases, dtype, 11, 37, 13, 0);
    add_linear(cases, dtype, 7, 333, 5, 3);
    add_linear(cases, dtype, 9, 16, 3, 0);
    add_linear(cases, dtype, 3, 5, 1, 0);
    add_linear(cases, dtype, 5, 48, 71, 0);
  }
  for (DType dtype : {DType::q8_0, DType::q8}) {
    for (int64_t blocks : {1, 2, 5, 22}) add_linear(cases, dtype, 11, blocks * 32, 13, 0);
    add_linear(cases, dtype, 7, 96, 67, 5);
    for (int64_t blocks : {1, 6, 101}) add_linear(cases, dtype, 37, blocks * 32, 31, 0);  // rows side by side
    add_linear(cases, dtype, 32, 160, 77, 5);
  }
  for (bool gguf : {false, true}) {
    for (int64_t blocks : {1, 3, 4, 7, 90}) add_experts(cases, DType::mxfp4, 11, blocks * 32, 19, 0, gguf);
    add_experts(cases, DType::mxfp4, 5, 160, 70, 3, gguf);
    for (int64_t blocks : {1, 6, 101}) add_experts(cases, DType::mxfp4, 37, blocks * 32, 31, 0, gguf);  // rows side by side
    add_experts(cases, DType::mxfp4, 32, 160, 77, 3, gguf);
  }
  // Every number of inputs that a tile takes, and those at which rows begin to lie side by side.
  for (int64_t inputs = 2; inputs <= 8; inputs++) {
    add_linear(cases, DType::bf16, 9, 37, inputs, 0);
    add_linear(cases, DType::q8_0, 11, 160, inputs, 0);
    for (bool gguf : {false, true}) add_experts(cases, DType::mxfp4, 11, 160, inputs, 0, gguf);
  }
  for (int64_t inputs = 14; inputs <= 16; inputs++) add_linear(cases, DType::q8_0, 64, 160, inputs, 0);
  add_experts(cases, DType::bf16, 7, 77, 9, 0, false);
  add_experts(cases, DType::q8_0, 7, 96, 9, 0, false);
  for (int64_t pairs = 9; pairs <= 20; pairs++) add_side_by_side(cases, pairs, "nothing");
  for (const char* odd : {"zeros", "tiny", "huge", "a subnormal weight", "a huge weight"}) add_side_by_side(cases, 11, odd);
  add_side_by_side(cases, 140, "nothing");
  add_nan_scale(cases);
}

}  // namespace selftest
