// e^x within 1 ulp or so, the same in every set: the C library's differs between machines.
#pragma once

#include "simd.h"

OSSIA_BEGIN

// x = n · ln 2 + r with |r| ≤ ln 2 / 2; e^r by a polynomial (the coefficients of Cephes' expf), then times 2^n.
// -inf gives 0, what overflows gives +inf, NaN stays NaN.
OSSIA_INLINE F32 exp(F32 x) {
  const F32 lowest = set_f32(-104.0f);  // below, the result rounds to 0
  const F32 highest = set_f32(89.0f);   // above, it is infinite
  x = smaller(highest, larger(lowest, x));

  const F32 magic = set_f32(0x1.8p23f);  // adding it rounds to an integer, which then stands in the lowest bits
  const F32 shifted = fma(x, set_f32(0x1.715476p+0f), magic);
  const F32 n = sub(shifted, magic);
  F32 r = fma(n, set_f32(-0x1.62e4p-1f), x);  // ln 2 in two parts, the first with few bits so that n times it is exact
  r = fma(n, set_f32(-0x1.7f7d1cp-20f), r);

  F32 p = set_f32(1.9875691500e-4f);
  p = fma(p, r, set_f32(1.3981999507e-3f));
  p = fma(p, r, set_f32(8.3334519073e-3f));
  p = fma(p, r, set_f32(4.1665795894e-2f));
  p = fma(p, r, set_f32(1.6666665459e-1f));
  p = fma(p, r, set_f32(5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), set_f32(1.0f));

  return times_2_to(p, n, sub_i32(as_i32(shifted), as_i32(magic)));
}

OSSIA_INLINE float exp(float x) {
  float lanes[kLanes];
  store(lanes, exp(set_f32(x)));
  return lanes[0];
}

OSSIA_END
