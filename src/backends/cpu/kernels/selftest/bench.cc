// Speed of the products on one thread, per instruction set: GB/s of weights with one token (decode: memory is the limit, so experts
// are drawn from more than a gigabyte), GOP/s with 64 tokens (prefill: arithmetic is). Medians of five rounds.
//   run.sh --bench [name of a set]
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cstdio>

#include "selftest.h"

using namespace selftest;

constexpr int64_t kSize = 2880;

// Of this thread's own time, so that other work on the machine disturbs less.
static double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double median_seconds(const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int round = 0; round < 5; round++) {
    const double begin = now();
    work();
    seconds.push_back(now() - begin);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[2];
}

struct Shape {
  const char* name;
  DType dtype;
  int64_t block, scale_step, row_bytes;  // of one row with its scales
  bool halves;
};

// A weight of `experts` matrices over the big buffer.
static Weight over(const Shape& shape, const uint8_t* buffer, int64_t experts) {
  const int64_t codes = kSize * kSize / 2, blocks = kSize / 32;
  if (shape.dtype != DType::mxfp4) {
    return {shape.dtype, experts, kSize, kSize, buffer, kSize * shape.row_bytes, shape.row_bytes, shape.block, nullptr, 0, 0, 0, false};
  }
  if (shape.halves) {
    const int64_t row = blocks * 17;
    return {shape.dtype, experts, kSize, kSize, buffer + 1, kSize * row, row, 17, buffer, kSize * row, row, 17, true};
  }
  return {shape.dtype, experts, kSize,  kSize, buffer, codes, kSize / 2, 16, buffer + experts * codes, kSize * blocks, blocks, 1, false};
}

int main(int argc, char** argv) {
  const int64_t bytes = 1400ll << 20;
  uint8_t* buffer = (uint8_t*)mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED) return 1;
  // Bytes that make ordinary numbers of any dtype: subnormal scales and the like would be slow.
  Random random(1);
  for (int64_t i = 0; i < bytes; i += 4) {
    const uint32_t word = (random.next() & 0x0f0f0f0f) | 0x30303030;
    memcpy(buffer + i, &word, 4);
  }
  const Shape shapes[] = {
      {"mxfp4", DType::mxfp4, 16, 1, kSize / 2 + kSize / 32, false},
      {"mxfp4 gguf", DType::mxfp4, 17, 17, kSize / 2 + kSize / 32, true},
      {"q8_0", DType::q8_0, 34, 0, kSize / 32 * 34, false},
      {"q8", DType::q8, 36, 0, kSize / 32 * 36, false},
      {"bf16", DType::bf16, 2, 0, kSize * 2, false},
      {"f32", DType::f32, 4, 0, kSize * 4, false},
  };
  const int64_t tokens = 64;
  const auto x = random_floats(random, tokens * kSize);
  std::vector<float> out(tokens * kSize), zeros(kSize);
  std::vector<int32_t> identity(tokens);
  for (int64_t i = 0; i < tokens; i++) identity[i] = (int32_t)i;
  const Weight bias = {DType::f32, 1, 1, kSize, (const uint8_t*)zeros.data(), 0, 0, 4, nullptr, 0, 0, 0, false};

  int64_t num_sets;
  const ossia::InstructionSet* sets = ossia::instruction_sets(&num_sets);
  for (int64_t s = 0; s < num_sets; s++) {
    if (!sets[s].supported || (argc > 1 && strcmp(argv[1], sets[s].name) != 0)) continue;
    const Kernels& k = *sets[s].kernels;
    const bool slow = strcmp(sets[s].name, "portable") == 0;
    for (const Shape& shape : shapes) {
      const int64_t experts = bytes / (kSize * shape.row_bytes);
      const Weight weight = over(shape, buffer, experts);
      const auto order = shape.dtype != DType::mxfp4 ? ossia::CodeOrder::bytes : shape.halves ? ossia::CodeOrder::halves : ossia::CodeOrder::pairs;
      const Quantized q(k, x, tokens, kSize, order);
      auto run = [&](int64_t calls, int64_t count) {
        for (int64_t i = 0; i < calls; i++) {
          k.expert_linear({&weight, &bias, random.below(experts), 0, kSize, x.data(), &q.rows, identity.data(), identity.data(), count, out.data()});
        }
      };
      if (shape.dtype == DType::mxfp4 && !shape.halves) memset(buffer + experts * kSize * kSize / 2, 120, experts * kSize * kSize / 32);
      const int64_t calls = slow ? 1 : 60, batches = slow ? 1 : 4;
      const double one = median_seconds([&] { run(calls, 1); }) / (double)calls;
      const double many = median_seconds([&] { run(batches, tokens); }) / (double)batches;
      const double few = median_seconds([&] { run(batches, 4); }) / (double)batches;
      const double gb = (double)(kSize * shape.row_bytes) / 1e9, gop = 2.0 * kSize * kSize / 1e9;
      printf("%-12s %-11s  1 token %6.1f GB/s %6.0f GOP/s   4 tokens %6.0f   64 tokens %6.0f GOP/s = %.1f x per token\n", sets[s].name,
             shape.name, gb / one, gop / one, 4 * gop / few, (double)tokens * gop / many, one / (many / (double)tokens));
      fflush(stdout);
    }
  }
  return 0;
}
