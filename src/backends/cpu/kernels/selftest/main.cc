// Runs every op in every instruction set that this machine has, cut in different ways, on odd sizes: the bits must be the same, and
// the values those of plain double-precision formulas within the rounding that each allows. Prints one checksum over all results,
// which is the same on every machine. Built and run by run.sh.
#include <cstdio>

#include "selftest.h"

using namespace selftest;

static bool same_bits(float a, float b) { return memcmp(&a, &b, 4) == 0 || (a != a && b != b); }

static int64_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  for (size_t i = 0; i < a.size(); i++)
    if (!same_bits(a[i], b[i])) return (int64_t)i;
  return -1;
}

static bool close_enough(const Case& c, const std::vector<float>& got) {
  if (!c.expected) return true;
  const std::vector<Expected> expected = c.expected();
  for (size_t i = 0; i < expected.size(); i++) {
    const auto [value, bound] = expected[i];
    const bool fine = value != value ? got[i] != got[i] : std::isinf(value) ? got[i] == value : std::fabs(got[i] - value) <= bound;
    if (fine) continue;
    printf("FAIL %s: result %zu is %.9g, expected %.9g within %.3g\n", c.name.c_str(), i, got[i], value, bound);
    return false;
  }
  return expected.size() == got.size();
}

static uint64_t mix_into(uint64_t hash, float x) {
  uint32_t bits = 0x7fc00000;
  if (x == x) memcpy(&bits, &x, 4);
  return (hash ^ bits) * 0x100000001b3;
}

int main() {
  std::vector<Case> cases;
  add_product_cases(cases);
  add_attention_cases(cases);
  add_small_cases(cases);
  add_sampling_cases(cases);

  int64_t num_sets;
  const ossia::InstructionSet* sets = ossia::instruction_sets(&num_sets);
  const Cut cuts[] = {{1 << 20, 1 << 20}, {1, 1}, {3, 5}, {1 << 20, 1}, {5, 1 << 20}, {2, 64}};
  int failures = check_exp() ? 0 : 1;
  uint64_t hash = 0xcbf29ce484222325;
  for (const Case& c : cases) {
    const std::vector<float> truth = c.run(*sets[num_sets - 1].kernels, cuts[0]);  // the last set is the portable one
    failures += !close_enough(c, truth);
    for (float x : truth) hash = c.is_universal ? mix_into(hash, x) : hash;
    for (int64_t set = 0; set < num_sets; set++) {
      if (!sets[set].supported) continue;
      for (const Cut& cut : cuts) {
        const std::vector<float> got = c.run(*sets[set].kernels, cut);
        const int64_t i = first_difference(got, truth);
        if (i < 0) continue;
        printf("FAIL %s: %s cut %lld x %lld gives %a at %lld, portable %a\n", c.name.c_str(), sets[set].name, (long long)cut.rows,
               (long long)cut.tokens, got[i], (long long)i, truth[i]);
        failures++;
        break;
      }
    }
  }
  for (int64_t set = 0; set < num_sets; set++) printf("%s%s", sets[set].name, sets[set].supported ? "  " : " (not here)  ");
  printf("\n%zu cases, %d failures, checksum %016llx\n", cases.size(), failures, (unsigned long long)hash);
  return failures ? 1 : 0;
}
