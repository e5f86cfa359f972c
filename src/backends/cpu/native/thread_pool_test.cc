// Every part of every round runs exactly once, whatever the number of threads. Run by scripts/sanitize.sh.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "thread_pool.h"

int main() {
  for (int threads : {1, 2, 3, 7}) {
    ossia::ThreadPool pool(threads);
    for (int round = 0; round < 3000; round++) {
      const int64_t parts = 1 + round % 37;
      std::vector<int> counts(parts);  // plain: two threads on one part would be a race
      int64_t sum = 0;
      pool.run(parts, [&](int64_t part, int thread) { counts[part] += 1 + thread * 0; });
      for (int count : counts) sum += count;
      if (sum != parts) {
        std::printf("%d threads, round %d: %lld of %lld parts\n", threads, round, (long long)sum, (long long)parts);
        return EXIT_FAILURE;
      }
      if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // let the workers fall asleep
    }
  }
  std::puts("thread pool: every part once");
}
