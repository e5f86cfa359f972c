// Threads that share out the parts of one op at a time.
//
// Parts are taken from a shared counter, so a thread that is late (because another process has its core) leaves its
// parts to the others instead of making them wait. Idle threads spin for a moment, because ops follow each other
// within microseconds during decode, and then sleep, because a spinning thread takes the core from somebody else.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace ossia {

inline void cpu_relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

class ThreadPool {
 public:
  // The thread that calls `run` works too, so this starts one thread less. Returns with fewer when the system gives no more.
  explicit ThreadPool(int threads) {
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { work(i); });
  }

  ~ThreadPool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls f(part, thread) for every part in [0, parts), and returns when all are done. One caller at a time.
  template <typename F>
  void run(int64_t parts, const F& f) {
    if (parts <= 0) return;
    if (parts == 1 || workers_.empty() || parts > kMaxParts) {
      for (int64_t part = 0; part < parts; part++) f(part, 0);
      return;
    }
    context_.store(&f, std::memory_order_relaxed);
    call_.store([](const void* context, int64_t part, int thread) { (*static_cast<const F*>(context))(part, thread); },
                std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    const uint64_t round = (ticket_.load(std::memory_order_relaxed) >> (2 * kPartBits)) + 1;
    {
      std::lock_guard<std::mutex> lock(mutex_);  // a worker about to sleep either sees the new ticket or gets the signal
      ticket_.store(round << (2 * kPartBits) | static_cast<uint64_t>(parts) << kPartBits, std::memory_order_release);
    }
    if (sleeping_.load(std::memory_order_relaxed) > 0) wake_.notify_all();
    take_parts(0);
    for (int spins = 0; done_.load(std::memory_order_acquire) != parts; spins++) {
      if (spins < kSpins) cpu_relax();
      else std::this_thread::yield();  // a worker lost its core in the middle of a part: give it ours
    }
  }

 private:
  // Round, number of parts and next part in one word, so that a part is taken by one compare-and-swap, and a worker that
  // wakes late finds a finished round instead of being waited for.
  static constexpr int kPartBits = 22;
  static constexpr int64_t kMaxParts = (int64_t{1} << kPartBits) - 1;
  static constexpr int kSpins = 4000;  // some tens of microseconds: longer than the gap between two ops of a decode step

  static int64_t next_of(uint64_t ticket) { return static_cast<int64_t>(ticket & kMaxParts); }
  static int64_t parts_of(uint64_t ticket) { return static_cast<int64_t>(ticket >> kPartBits & kMaxParts); }

  bool has_work() const {
    const uint64_t ticket = ticket_.load(std::memory_order_acquire);
    return next_of(ticket) < parts_of(ticket);
  }

  void take_parts(int thread) {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (next_of(ticket) < parts_of(ticket)) {
      // These may belong to a later round by now; then the swap fails.
      const void* context = context_.load(std::memory_order_relaxed);
      Call call = call_.load(std::memory_order_relaxed);
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      call(context, next_of(ticket), thread);
      done_.fetch_add(1, std::memory_order_release);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void work(int thread) {
    while (wait_for_work()) take_parts(thread);
  }

  bool wait_for_work() {
    for (int spins = 0; spins < kSpins; spins++) {
      if (has_work()) return true;
      cpu_relax();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    sleeping_.fetch_add(1, std::memory_order_relaxed);
    wake_.wait(lock, [&] { return stopping_ || has_work(); });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
    return !stopping_;
  }

  using Call = void (*)(const void*, int64_t, int);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<int> sleeping_{0};
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<const void*> context_{nullptr};
  std::atomic<Call> call_{nullptr};
};

}  // namespace ossia
