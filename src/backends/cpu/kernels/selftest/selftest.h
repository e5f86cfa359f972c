// What the checks share: random numbers, weights made of random bytes, and the list of cases.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../kernels.h"

namespace selftest {

using ossia::DType;
using ossia::Kernels;
using ossia::Weight;

struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint32_t next() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 32);
  }
  int64_t below(int64_t n) { return next() % n; }
  float uniform(float low, float high) { return low + (high - low) * (float)(next() >> 8) * 0x1p-24f; }
};

inline std::vector<float> random_floats(Random& random, int64_t n, float low = -2, float high = 2) {
  std::vector<float> x(n);
  for (float& v : x) v = random.uniform(low, high);
  return x;
}

// What a result should be, and how far rounding may take it from there.
struct Expected {
  double value;
  double bound;
};

// Sums of `terms` products in f32, in lanes, each rounding once.
inline double sum_bound(int64_t terms, double sum_of_magnitudes) {
  return ((double)terms / 16 + 8) * 0x1p-24 * sum_of_magnitudes + 0x1p-140;
}

// How an op is cut into calls: rows and tokens at a time.
struct Cut {
  int64_t rows, tokens;
};

struct Case {
  std::string name;
  std::function<std::vector<float>(const Kernels&, Cut)> run;
  std::function<std::vector<Expected>()> expected;  // may be empty: then the sets are only compared with each other
  bool is_universal = true;                         // or the bits belong to the architecture, and are left out of the checksum
};

// A weight that owns its bytes, exactly as many as it says, so that a sanitizer sees a byte read too many.
struct OwnedWeight {
  std::vector<uint8_t> data, scales;
  Weight weight;
  double value(int64_t expert, int64_t row, int64_t col) const;
};

// `gap` bytes lie between neighbouring elements (dense) or blocks.
OwnedWeight make_weight(Random& random, DType dtype, int64_t experts, int64_t rows, int64_t cols, int64_t gap = 0, bool gguf = false);

// Codes and scales of x [rows, cols], aligned as the kernels want them.
struct Quantized {
  std::vector<uint8_t> storage;
  ossia::QuantizedRows rows;
  Quantized(const Kernels& kernels, const std::vector<float>& x, int64_t rows, int64_t cols, ossia::CodeOrder order);
};
// The value that the code of (row, col) stands for.
double dequantized(const std::vector<float>& x, int64_t cols, int64_t row, int64_t col);

void add_product_cases(std::vector<Case>& cases);
void add_attention_cases(std::vector<Case>& cases);
void add_small_cases(std::vector<Case>& cases);
void add_sampling_cases(std::vector<Case>& cases);
bool check_exp();

}  // namespace selftest
