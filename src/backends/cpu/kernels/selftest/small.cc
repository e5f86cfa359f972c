// The small ops, with values that tempt them: NaN, infinities, ties, subnormals.
#include <algorithm>
#include <memory>

#include "selftest.h"

namespace selftest {

static const float kOdd[] = {0,       -0.0f,   NAN,     INFINITY, -INFINITY, 1e-45f,  -1e-45f, 1e-40f, 65504,  65519.996f, 65520,
                             1e30f,   -1e30f,  6e-8f,   2.98e-8f, 2.99e-8f,  6.1e-5f, 88.72f,  -87.4f, -103.9f, 7.0f,      -7.0f};

static std::vector<float> odd_floats(Random& random, int64_t n) {
  std::vector<float> x = random_floats(random, n, -9, 9);
  for (int64_t i = 0; i < n; i += 3) x[i] = kOdd[i / 3 % (int64_t)(sizeof kOdd / sizeof kOdd[0])];
  return x;
}

static void add_swiglu(std::vector<Case>& cases) {
  auto random = Random(3);
  auto gate = std::make_shared<std::vector<float>>(odd_floats(random, 1237));
  auto linear = std::make_shared<std::vector<float>>(odd_floats(random, 1237));
  std::rotate(linear->begin(), linear->begin() + 100, linear->end());
  auto run = [=](const Kernels& k, Cut cut) {
    std::vector<float> out(1237);
    for (int64_t i = 0; i < 1237; i += cut.rows)
      k.swiglu(gate->data() + i, linear->data() + i, std::min<int64_t>(cut.rows, 1237 - i), 7.0f, 1.702f, out.data() + i);
    return out;
  };
  auto expected = [=] {
    std::vector<Expected> all;
    for (int i = 0; i < 1237; i++) {
      const double g = (*gate)[i] > 7 ? 7 : (*gate)[i];
      const double l = (*linear)[i] > 7 ? 7 : (*linear)[i] < -7 ? -7 : (*linear)[i];
      const double y = g / (1 + std::exp(-1.702f * g)) * (l + 1);
      // exp is off by ulps, and by |alpha · gate| · 2^-24 for the rounding of its argument.
      all.push_back({y, (6 + 2 * std::fabs(g)) * 0x1p-23 * std::fabs(y) + 0x1p-120});
    }
    return all;
  };
  cases.push_back({"swiglu", run, expected});
}

static void add_rms_norm(std::vector<Case>& cases, int64_t cols, DType dtype, int64_t gap) {
  auto random = Random(cols);
  auto x = std::make_shared<std::vector<float>>(random_floats(random, 5 * cols));
  auto w = std::make_shared<OwnedWeight>(make_weight(random, dtype, 1, 1, cols, gap));
  auto run = [=](const Kernels& k, Cut cut) {
    std::vector<float> out(5 * cols);
    for (int64_t t = 0; t < 5; t += cut.tokens)
      k.rms_norm(x->data() + t * cols, std::min<int64_t>(cut.tokens, 5 - t), cols, w->weight, 1e-5f, out.data() + t * cols);
    return out;
  };
  auto expected = [=] {
    std::vector<Expected> all;
    for (int64_t t = 0; t < 5; t++) {
      double squares = 0;
      for (int64_t c = 0; c < cols; c++) squares += std::pow((*x)[t * cols + c], 2);
      for (int64_t c = 0; c < cols; c++) {
        const double y = (*x)[t * cols + c] / std::sqrt(squares / cols + 1e-5f) * w->value(0, 0, c);
        all.push_back({y, sum_bound(cols, std::fabs(y))});
      }
    }
    return all;
  };
  cases.push_back({"rms_norm " + std::to_string(cols), run, expected});
}

static void add_rope(std::vector<Case>& cases, int64_t dim) {
  auto random = Random(dim);
  auto x = std::make_shared<std::vector<float>>(random_floats(random, 3 * 5 * dim));
  auto angles = std::make_shared<std::vector<float>>(random_floats(random, 3 * dim));
  const int64_t half = dim / 2;
  auto run = [=](const Kernels& k, Cut cut) {
    std::vector<float> out(x->size());
    for (int64_t t = 0; t < 3; t += cut.tokens)
      k.rope(x->data() + t * 5 * dim, std::min<int64_t>(cut.tokens, 3 - t), 5, dim, angles->data() + t * half,
             angles->data() + (3 + t) * half, out.data() + t * 5 * dim);
    return out;
  };
  auto expected = [=] {
    std::vector<Expected> all;
    for (int64_t i = 0; i < 3 * 5 * dim; i++) {
      const int64_t token = i / (5 * dim), d = i % dim;
      const double c = (*angles)[token * half + d % half], s = (*angles)[(3 + token) * half + d % half];
      const double other = (*x)[d < half ? i + half : i - half];
      all.push_back({(*x)[i] * c + (d < half ? -other : other) * s, 0x1p-22 * (std::fabs((*x)[i] * c) + std::fabs(other * s))});
    }
    return all;
  };
  cases.push_back({"rope " + std::to_string(dim), run, expected});
}

static void add_route(std::vector<Case>& cases) {
  // Ties, a zero of either sign, minus infinity, and one NaN.
  static const std::vector<float> logits = {1, 3, 3, 2, 3, 0, -0.0f, 0, -1, -2, -3, -INFINITY, 5, -INFINITY, 5, 6, NAN, 7};
  auto run = [](const Kernels& k, Cut cut) {
    std::vector<float> out(18);
    for (int64_t t = 0; t < 3; t += cut.tokens) {
      const int64_t count = std::min<int64_t>(cut.tokens, 3 - t);
      k.route(logits.data() + t * 6, count, 6, 3, out.data() + t * 3, out.data() + 9 + t * 3);
    }
    return out;
  };
  auto expected = [] {
    std::vector<Expected> all = {{1, 0}, {2, 0}, {4, 0}, {0, 0}, {1, 0}, {2, 0}, {4, 0}, {5, 0}, {3, 0}};
    const double e = std::exp(-1.0), bound = 0x1p-22;
    for (double weight : {1.0 / 3, 1.0 / 3, 1.0 / 3, 1 / (2 + e), 1 / (2 + e), e / (2 + e)}) all.push_back({weight, bound});
    all.insert(all.end(), 3, {NAN, 0});
    return all;
  };
  cases.push_back({"route", run, expected});
}

static void add_elementwise(std::vector<Case>& cases) {
  auto random = Random(11);
  auto a = std::make_shared<std::vector<float>>(odd_floats(random, 3 * 4 * 37));
  auto b = std::make_shared<std::vector<float>>(random_floats(random, 3 * 4 * 37));
  cases.push_back({"add",
                   [=](const Kernels& k, Cut cut) {
                     std::vector<float> out(a->size());
                     const int64_t n = (int64_t)a->size();
                     for (int64_t i = 0; i < n; i += cut.rows)
                       k.add(a->data() + i, b->data() + i, std::min(cut.rows, n - i), out.data() + i);
                     return out;
                   },
                   [=] {
                     std::vector<Expected> all;
                     for (size_t i = 0; i < a->size(); i++) all.push_back({(double)((*a)[i] + (*b)[i]), 0});
                     return all;
                   }});
  cases.push_back({"mix_experts",
                   [=](const Kernels& k, Cut cut) {
                     std::vector<float> out(3 * 37);
                     for (int64_t t = 0; t < 3; t += cut.tokens)
                       k.mix_experts(b->data() + t * 4 * 37, b->data() + t * 4, std::min<int64_t>(cut.tokens, 3 - t), 4, 37, out.data() + t * 37);
                     return out;
                   },
                   [=] {
                     std::vector<Expected> all;
                     for (int t = 0; t < 3; t++)
                       for (int c = 0; c < 37; c++) {
                         double total = 0;
                         for (int p = 0; p < 4; p++) total += (double)(*b)[t * 4 + p] * (*b)[(t * 4 + p) * 37 + c];
                         all.push_back({total, 0x1p-20});
                       }
                     return all;
                   }});
}

// Codes and scales of awkward blocks, in every order, and 8-bit weights of every dtype; all bytes count.
static void add_quantize(std::vector<Case>& cases) {
  auto random = Random(13);
  auto x = std::make_shared<std::vector<float>>(random_floats(random, 7 * 160));
  for (int i = 0; i < 32; i++) (*x)[32 + i] = 0, (*x)[160 + i] *= 1e-44f, (*x)[192 + i] *= 1e-38f, (*x)[224 + i] *= 1e38f;
  (*x)[330] = NAN, (*x)[700] = INFINITY;
  for (int order = 0; order < 3; order++) {
    cases.push_back({"quantize order " + std::to_string(order),
                     [=](const Kernels& k, Cut) {
                       const Quantized q(k, *x, 7, 160, (ossia::CodeOrder)order);
                       std::vector<float> out;  // starts are each set's own
                       for (int64_t row = 0; row < 7; row++) {
                         out.insert(out.end(), q.rows.codes(row), q.rows.codes(row) + 256);
                         out.insert(out.end(), q.rows.scales(row), q.rows.scales(row) + 8);
                       }
                       return out;
                     },
                     nullptr});
  }
  for (DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    auto w = std::make_shared<OwnedWeight>(make_weight(random, dtype, 1, 5, 96, 2));
    cases.push_back({"to_q8 " + std::to_string((int)dtype),
                     [=](const Kernels& k, Cut cut) {
                       std::vector<uint8_t> bytes(5 * 3 * 36);
                       for (int64_t r = 0; r < 5; r += cut.tokens)
                         k.to_q8(w->weight, r, std::min<int64_t>(5, r + cut.tokens), bytes.data() + r * 108);
                       OwnedWeight q8;
                       q8.data = bytes;
                       q8.weight = {DType::q8, 1, 5, 96, q8.data.data(), 540, 108, 36, nullptr, 0, 0, 0, false};
                       std::vector<float> out;
                       for (int i = 0; i < 5 * 96; i++) out.push_back((float)q8.value(0, i / 96, i % 96));
                       return out;
                     },
                     [=] {
                       std::vector<Expected> all;
                       for (int i = 0; i < 5 * 96; i++) {
                         double largest = 0;
                         for (int j = 0; j < 32; j++) largest = std::fmax(largest, std::fabs(w->value(0, i / 96, i % 96 / 32 * 32 + j)));
                         all.push_back({w->value(0, i / 96, i % 96), largest / 127 * 0.5001});
                       }
                       return all;
                     }});
  }
}

static void add_embed(std::vector<Case>& cases) {
  for (int dtype = 0; dtype < 6; dtype++) {
    auto random = Random(17 + dtype);
    const int64_t cols = dtype < 3 ? 77 : 96;
    auto table = std::make_shared<OwnedWeight>(make_weight(random, (DType)dtype, 1, 13, cols));
    cases.push_back({"embed " + std::to_string(dtype),
                     [=](const Kernels& k, Cut) {
                       const int32_t ids[] = {12, 0, 7};
                       std::vector<float> out(3 * cols);
                       k.embed(table->weight, ids, 3, out.data());
                       return out;
                     },
                     [=] {
                       std::vector<Expected> all;
                       for (int64_t id : {12, 0, 7})
                         for (int64_t c = 0; c < cols; c++) all.push_back({(double)(float)table->value(0, id, c), 0});
                       return all;
                     }});
  }
}

// Every f16 there is to f32, and f32 to f16 around every rounding point.
static void add_halves(std::vector<Case>& cases) {
  cases.push_back({"f16 to f32",
                   [](const Kernels& k, Cut) {
                     std::vector<uint16_t> all(65536);
                     for (int i = 0; i < 65536; i++) all[i] = (uint16_t)i;
                     const Weight table = {DType::f16, 1, 1, 65536, (const uint8_t*)all.data(), 0, 131072, 2, nullptr, 0, 0, 0, false};
                     const int32_t id = 0;
                     std::vector<float> out(65536);
                     k.embed(table, &id, 1, out.data());
                     return out;
                   },
                   nullptr});
  cases.push_back({"f32 to f16",
                   [](const Kernels& k, Cut) {
                     std::vector<float> x;
                     for (uint32_t high = 0; high < 65536; high++)
                       for (uint32_t low : {0x0000u, 0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x2fffu, 0x3000u, 0x3001u}) {
                         const uint32_t bits = high << 16 | low;
                         x.push_back(0);
                         memcpy(&x.back(), &bits, 4);
                       }
                     const int64_t n = (int64_t)x.size();
                     std::vector<uint16_t> storage(2 * n);
                     uint8_t* block = (uint8_t*)storage.data();
                     const ossia::KvPool pool = {&block, 1, 1, n, 1, 16};
                     const int32_t zero = 0;
                     k.write_kv(pool, 0, x.data(), x.data(), 1, {&zero, &zero, &zero, 1});
                     return std::vector<float>(storage.begin(), storage.end());
                   },
                   nullptr});
}

void add_small_cases(std::vector<Case>& cases) {
  add_swiglu(cases);
  add_rms_norm(cases, 37, DType::f32, 0);
  add_rms_norm(cases, 2880, DType::bf16, 0);
  add_rms_norm(cases, 16, DType::f16, 2);
  add_rope(cases, 64);
  add_rope(cases, 22);
  add_route(cases);
  add_elementwise(cases);
  add_quantize(cases);
  add_embed(cases);
  add_halves(cases);
}

}  // namespace selftest
