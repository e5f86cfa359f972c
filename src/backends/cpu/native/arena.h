// Memory of activations. Buffers go back when their tensor is used for the last time and are handed out again, within a
// step and from step to step, so that decoding allocates nothing.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>

namespace ossia {

constexpr size_t kAlignment = 64;

inline void* allocate_aligned(size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, kAlignment);
#else
  void* memory = nullptr;
  return posix_memalign(&memory, kAlignment, bytes) == 0 ? memory : nullptr;
#endif
}

inline void free_aligned(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (auto& entry : free_) free_aligned(entry.second);
    for (auto& entry : used_) free_aligned(entry.first);
  }

  // Null when there is no memory.
  void* take(size_t bytes) {
    const size_t size = round_up(bytes);
    auto fit = free_.lower_bound(size);
    void* memory;
    if (fit != free_.end() && fit->first <= 2 * size) {
      memory = fit->second;
      used_[memory] = fit->first;
      kept_ -= fit->first;
      free_.erase(fit);
      return memory;
    }
    memory = allocate_aligned(size);
    if (memory != nullptr) used_[memory] = size;
    return memory;
  }

  void give_back(void* memory) {
    auto entry = used_.find(memory);
    if (entry == used_.end()) return;
    free_.emplace(entry->second, memory);
    kept_ += entry->second;
    used_.erase(entry);
  }

  // After a step: everything is free again, and what goes beyond the bound goes back to the system, largest first.
  void end_step() {
    while (!used_.empty()) give_back(used_.begin()->first);
    while (kept_ > kKeep) {
      auto largest = std::prev(free_.end());
      kept_ -= largest->first;
      free_aligned(largest->second);
      free_.erase(largest);
    }
  }

 private:
  static constexpr size_t kKeep = size_t{256} << 20;

  // To a multiple of an eighth of the power of two below: at most 12 % too much, and few sizes.
  static size_t round_up(size_t bytes) {
    size_t step = 64;
    while (step * 16 <= bytes) step *= 2;
    return (bytes + step - 1) / step * step + (bytes == 0 ? step : 0);
  }

  std::multimap<size_t, void*> free_;
  std::map<void*, size_t> used_;
  size_t kept_ = 0;
};

}  // namespace ossia
