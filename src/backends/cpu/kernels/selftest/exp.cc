// exp against the C library's in double, over a dense sample of all floats.
#include <cstdio>

#define OSSIA_SET selftest_exp
#include "../exp.h"
#include "selftest.h"

namespace selftest {

bool check_exp() {
  using ossia::selftest_exp::exp;
  double worst = 0;
  for (uint64_t bits = 0; bits < 0x100000000; bits += 997) {
    float x;
    const uint32_t low = (uint32_t)bits;
    memcpy(&x, &low, 4);
    const float y = exp(x);
    const double truth = std::exp((double)x);
    const float nearest = (float)truth;
    if (nearest != nearest ? y == y : std::isinf(nearest) || nearest == 0 ? y != nearest && std::fabs(x - -103.97f) > 0.01f : false) {
      printf("exp(%a) = %a, not %a\n", x, y, nearest);
      return false;
    }
    if (nearest != nearest || std::isinf(nearest) || nearest == 0) continue;
    const double ulp = std::fmax(std::ldexp(1.0, std::ilogb(truth) - 23), 0x1p-149);
    worst = std::fmax(worst, std::fabs(y - truth) / ulp);
  }
  printf("exp: at most %.3f ulp from the truth\n", worst);
  return worst < 1.5 && exp(0.0f) == 1 && exp(-INFINITY) == 0;
}

}  // namespace selftest
