// Units of work that adjoin in memory, dealt out to threads as one range each. A thread walks its own range unit by unit, so that what
// comes next is already on its way from memory, and takes half of what the most loaded one has left when its own is done: a thread
// that is late, or far from memory, or absent, keeps nobody waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace ossia {

class UnitRanges {
 public:
  explicit UnitRanges(int threads) : threads_(threads), ranges_(new Range[threads]) {}

  // From the thread that runs the pool, while no other takes units.
  void deal(int64_t units) {
    for (int i = 0; i < threads_; i++) ranges_[i].word.store(pack(begin_of(i, units), begin_of(i + 1, units)), std::memory_order_relaxed);
  }

  // Where the range of a thread begins, of so many units; that of `threads` is the end.
  int64_t begin_of(int thread, int64_t units) const { return units * thread / threads_; }

  // The next unit for a thread, or -1 when none is left.
  int64_t take(int thread) {
    std::atomic<uint64_t>& own = ranges_[thread].word;
    uint64_t word = own.load(std::memory_order_relaxed);
    do {
      while (first_of(word) < end_of(word)) {
        if (own.compare_exchange_weak(word, pack(first_of(word) + 1, end_of(word)), std::memory_order_relaxed)) return first_of(word);
      }
    } while (steal(thread, word));
    return -1;
  }

 private:
  struct alignas(64) Range {
    std::atomic<uint64_t> word{0};  // first and end: all there is to know, so that one swap decides
  };

  static uint64_t pack(int64_t first, int64_t end) { return static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(end); }
  static int64_t first_of(uint64_t word) { return static_cast<int64_t>(word >> 32); }
  static int64_t end_of(uint64_t word) { return static_cast<int64_t>(word & 0xffffffff); }

  // Moves the later half of the longest range into this thread's own, which is empty; false when all are.
  bool steal(int thread, uint64_t& own) {
    for (;;) {
      int victim = -1;
      uint64_t most = 0;
      for (int i = 0; i < threads_; i++) {
        const uint64_t word = ranges_[i].word.load(std::memory_order_relaxed);
        if (end_of(word) - first_of(word) > (victim < 0 ? 0 : end_of(most) - first_of(most))) victim = i, most = word;
      }
      if (victim < 0) return false;
      const int64_t first = first_of(most), end = end_of(most), middle = first + (end - first) / 2;
      if (!ranges_[victim].word.compare_exchange_strong(most, pack(first, middle), std::memory_order_relaxed)) continue;
      own = pack(middle, end);
      ranges_[thread].word.store(own, std::memory_order_relaxed);
      return true;
    }
  }

  int threads_;
  std::unique_ptr<Range[]> ranges_;
};

}  // namespace ossia
