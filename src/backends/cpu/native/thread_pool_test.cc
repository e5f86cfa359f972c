// Every part of every round, and every unit of every deal, runs exactly once, whatever the number of threads. Run by scripts/sanitize.sh.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "thread_pool.h"
#include "unit_ranges.h"

namespace {

// Plain counts: two threads on one part would be a race.
void expect_once(const std::vector<int>& counts, const char* what, int threads, int round) {
  for (size_t i = 0; i < counts.size(); i++) {
    if (counts[i] == 1) continue;
    std::printf("%d threads, round %d: %s %zu ran %d times\n", threads, round, what, i, counts[i]);
    std::exit(EXIT_FAILURE);
  }
}

void parts(ossia::ThreadPool& pool, int round) {
  std::vector<int> counts(1 + round % 37);
  pool.run(static_cast<int64_t>(counts.size()), [&](int64_t part, int) { counts[part]++; });
  expect_once(counts, "part", pool.size(), round);
}

// Now and then a thread is late with a unit, so that the others take the rest of its range.
void units(ossia::ThreadPool& pool, ossia::UnitRanges& ranges, int round) {
  std::vector<int> counts(round % 91);
  ranges.deal(static_cast<int64_t>(counts.size()));
  pool.run(pool.size(), [&](int64_t, int thread) {
    for (int64_t unit; (unit = ranges.take(thread)) >= 0;) {
      counts[unit]++;
      if (round % 50 == 0 && unit % 13 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  expect_once(counts, "unit", pool.size(), round);
}

}  // namespace

int main() {
  for (int threads : {1, 2, 3, 7}) {
    ossia::ThreadPool pool(threads);
    ossia::UnitRanges ranges(pool.size());
    for (int round = 0; round < 3000; round++) {
      parts(pool, round);
      units(pool, ranges, round);
      if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // let the workers fall asleep
    }
  }
  std::puts("thread pool: every part and every unit once");
}
