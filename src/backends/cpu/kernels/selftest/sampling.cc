// Choosing a token: every kernel over rows of odd lengths, with ties, weights that vanish and infinities below.
#include <algorithm>

#include "selftest.h"

namespace selftest {

// A double as four numbers of 16 bits, which floats hold exactly.
static void append(std::vector<float>& out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  for (int shift = 0; shift < 64; shift += 16) out.push_back((float)(bits >> shift & 0xffff));
}

static std::vector<float> row_of(Random& random, int64_t n, float spread) {
  std::vector<float> x = random_floats(random, n, -spread, spread);
  for (int64_t i = 0; i < n; i += 5) x[i] = std::floor(x[i]);
  for (int64_t i = 2; i < n; i += 7) x[i] = -INFINITY;
  return x;
}

static void add_row(std::vector<Case>& cases, int64_t n, float spread, double scale) {
  auto random = Random(n);
  const std::vector<float> x = row_of(random, n, spread);
  const std::string name = "sampling " + std::to_string(n) + " spread " + std::to_string((int)spread);

  auto weigh = [=](const Kernels& k, Cut) {
    std::vector<float> out;
    std::vector<double> weights(n);
    append(out, k.sampling.weigh(x.data(), n, spread, scale, weights.data()));
    append(out, k.sampling.weigh(x.data(), n, spread, scale, nullptr));
    for (double weight : weights) append(out, weight);
    return out;
  };
  cases.push_back({name + " weigh", weigh, nullptr, false});

  auto rounded = [=](const Kernels& k, Cut) {
    std::vector<double> weights(n);
    k.sampling.weigh(x.data(), n, spread, scale, weights.data());
    return std::vector<float>(weights.begin(), weights.end());
  };
  auto exact = [=] {
    std::vector<Expected> all;
    for (float logit : x) {
      const double weight = std::exp(((double)logit - spread) * scale);
      all.push_back({weight, weight * 0x1p-23 + 0x1p-149});
    }
    return all;
  };
  cases.push_back({name + " exp", rounded, exact, false});

  // Positions, each found again in the plain way.
  std::vector<double> weights(n);
  for (int64_t i = 0; i < n; i++) weights[i] = x[i] < 0 ? 0 : std::floor(x[i] * 4) / 4;
  const double total = [&] {
    double sum = 0;
    for (double weight : weights) sum += weight;
    return sum;
  }();
  constexpr int64_t kTop = 13, kBlock = 24;
  auto found = [=](const Kernels& k, Cut) {
    std::vector<float> copy(n), out;
    std::vector<int32_t> ids(std::max(n, kTop));
    out.push_back((float)k.sampling.argmax(x.data(), n));
    out.push_back((float)k.sampling.copy_finite(x.data(), n, copy.data()));
    for (double share : {0.0, 0.3, 0.7, 1.0}) out.push_back((float)k.sampling.pick(weights.data(), n, share * total));
    const int64_t gathered = k.sampling.gather(weights.data(), n, 0.5, n / 2, ids.data());
    for (int64_t i = 0; i < n; i++) out.push_back(i < gathered ? (float)ids[i] : -1);
    std::vector<double> maxima((n + kBlock - 1) / kBlock);
    k.sampling.block_maxima(weights.data(), n, kBlock, maxima.data());
    out.insert(out.end(), maxima.begin(), maxima.end());
    const int64_t listed = k.sampling.largest(x.data(), n, kTop, ids.data());
    for (int64_t i = 0; i < kTop; i++) out.push_back(i < listed ? (float)ids[i] : -1);
    return out;
  };
  auto plainly = [=] {
    std::vector<Expected> out;
    auto expect = [&](double value) { out.push_back({value, 0}); };
    expect((double)(std::max_element(x.begin(), x.end()) - x.begin()));
    const auto wrong = std::find_if(x.begin(), x.end(), [](float logit) { return !std::isfinite(logit); });
    expect(wrong == x.end() ? -1 : (double)(wrong - x.begin()));
    for (double share : {0.0, 0.3, 0.7, 1.0}) {
      double left = share * total;
      int64_t last = -1, at = -1;
      for (int64_t i = 0; i < n && at < 0; i++) {
        if (!(weights[i] > 0)) continue;
        left -= weights[i];
        if (left < 0) at = i;
        last = i;
      }
      expect((double)(at < 0 ? last : at));
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
      if (weights[i] > 0.5 || (weights[i] == 0.5 && i <= n / 2)) expect((double)i), kept++;
    }
    for (; kept < n; kept++) expect(-1);
    for (int64_t i = 0; i < n; i += kBlock) expect(*std::max_element(&weights[i], &weights[i] + std::min(kBlock, n - i)));
    std::vector<int64_t> order;
    for (int64_t i = 0; i < n; i++) {
      if (x[i] > -INFINITY) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return x[a] > x[b]; });
    for (int64_t i = 0; i < kTop; i++) expect(i < (int64_t)order.size() ? (double)order[i] : -1);
    return out;
  };
  cases.push_back({name + " choice", found, plainly});
}

void add_sampling_cases(std::vector<Case>& cases) {
  for (int64_t n : {1, 2, 15, 16, 31, 32, 33, 64, 1237}) add_row(cases, n, 9, 1);
  add_row(cases, 5001, 20, 1 / 0.7);
  add_row(cases, 5002, 380, 1);
}

}  // namespace selftest
