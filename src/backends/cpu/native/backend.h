// What a backend owns on the native side. JavaScript holds it by an opaque handle; nothing here calls JavaScript.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../kernels/kernels.h"
#include "arena.h"
#include "thread_pool.h"
#include "unit_ranges.h"

namespace ossia {

struct AlignedDeleter {
  void operator()(void* memory) const { free_aligned(memory); }
};
using AlignedBytes = std::unique_ptr<uint8_t, AlignedDeleter>;

struct WeightSlot {
  Weight weight{};
  std::string label;
  AlignedBytes owned;  // when it was converted; otherwise the bytes belong to JavaScript, which keeps them alive
};

// Blocks of keys and values. They come in slabs that never move, so growing leaves earlier blocks where they are.
struct KvSlot {
  KvPool pool{};
  std::vector<uint8_t*> blocks;
  std::vector<AlignedBytes> slabs;
  size_t block_bytes = 0;
  bool live = false;
};

struct Backend {
  Backend(const Kernels& kernels, int threads) : kernels(kernels), pool(threads), ranges(pool.size()) {}

  std::mutex mutex;  // held while a step runs, and while weights or KV blocks are added
  const Kernels& kernels;
  ThreadPool pool;
  UnitRanges ranges;
  Arena arena;
  std::vector<WeightSlot> weights;
  std::vector<KvSlot> kv;
  bool profile = false;             // whether steps are timed op by op
  std::vector<double> op_seconds;   // of the last step that was
  std::vector<AlignedBytes> attend_scratch;  // one per thread
  size_t attend_scratch_floats = 0;
};

}  // namespace ossia
