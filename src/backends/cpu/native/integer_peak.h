// How many int8 operations this machine does in a second: the bound of prefill, as bandwidth is that of decode.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "../kernels/kernels.h"
#include "thread_pool.h"

namespace ossia {

// 10^9 operations a second of `threads` threads together; the median of five rounds of some 20 ms.
inline double integer_peak(const Kernels& kernels, int threads) {
  ThreadPool pool(threads);
  std::atomic<int32_t> keep{0};  // the work must happen
  const auto rate = [&](int64_t rounds, int64_t parts) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(parts, [&](int64_t, int) { keep.fetch_xor(kernels.integer_peak(rounds)); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<double>(rounds * parts * kernels.integer_peak_ops) / seconds.count();
  };
  const int64_t rounds = std::max<int64_t>(1, static_cast<int64_t>(rate(10000, 1) * 1e-3) / kernels.integer_peak_ops);  // a millisecond
  std::vector<double> rates;
  for (int i = 0; i < 5; i++) rates.push_back(rate(rounds, threads * 20));
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2] / 1e9;
}

}  // namespace ossia
