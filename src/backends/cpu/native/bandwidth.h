// How fast this machine reads memory: what `ossia doctor` divides by the bytes of a token.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "arena.h"
#include "thread_pool.h"

namespace ossia {

// GB/s of `threads` threads that each stream parts of one buffer; the median of five rounds. 0 when there is no memory.
inline double read_bandwidth(int threads, int64_t bytes) {
  constexpr int64_t kPart = int64_t{1} << 20;
  const int64_t parts = bytes / kPart;
  uint64_t* buffer = static_cast<uint64_t*>(allocate_aligned(parts * kPart));
  if (buffer == nullptr) return 0;
  ThreadPool pool(threads);
  std::vector<uint64_t> sums(parts);
  pool.run(parts, [&](int64_t part, int) { std::memset(buffer + part * kPart / 8, static_cast<int>(part), kPart); });
  std::vector<double> rates;
  for (int round = 0; round < 5; round++) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(parts, [&](int64_t part, int) {
      const uint64_t* words = buffer + part * kPart / 8;
      uint64_t lanes[8] = {};
      for (int64_t i = 0; i < kPart / 8; i += 8) {
        for (int lane = 0; lane < 8; lane++) lanes[lane] ^= words[i + lane];
      }
      for (uint64_t lane : lanes) sums[part] ^= lane;
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    rates.push_back(static_cast<double>(parts * kPart) / seconds.count() / 1e9);
  }
  volatile uint64_t keep = 0;  // the reads must happen
  for (uint64_t sum : sums) keep = keep ^ sum;
  free_aligned(buffer);
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

}  // namespace ossia
