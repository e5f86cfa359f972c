// e^x in double with the bits of JavaScript's Math.exp, which V8 computes as fdlibm does (cpu/sampling.ts looks before it relies on
// that): the same operations in the same order, but on vectors, with selections in the place of branches. Compilers fuse V8's
// products and sums on 64-bit ARM, where all processors can, and not on x86-64. So the bits belong to the architecture, as Math.exp's do.
//
// After e_exp.c of fdlibm: Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun
// Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
// notice is preserved.
#pragma once

#include "set.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

OSSIA_BEGIN

#if defined(__AVX512F__)
constexpr int kDoubles = 8;
#elif defined(__AVX2__)
constexpr int kDoubles = 4;
#else
constexpr int kDoubles = 2;
#endif

// One register of doubles. How many are in it never changes a bit: lanes do not meet.
typedef double F64 __attribute__((vector_size(8 * kDoubles)));
typedef int64_t I64 __attribute__((vector_size(8 * kDoubles)));
typedef uint64_t U64 __attribute__((vector_size(8 * kDoubles)));
typedef float HalfF32 __attribute__((vector_size(4 * kDoubles)));

OSSIA_INLINE F64 set_f64(double x) {
  F64 lanes;
  for (int i = 0; i < kDoubles; i++) lanes[i] = x;
  return lanes;
}
OSSIA_INLINE F64 load_f64(const double* p) {
  F64 lanes;
  __builtin_memcpy(&lanes, p, sizeof lanes);
  return lanes;
}
OSSIA_INLINE F64 load_widened(const float* p) {
  HalfF32 lanes;
  __builtin_memcpy(&lanes, p, sizeof lanes);
  return __builtin_convertvector(lanes, F64);
}
OSSIA_INLINE void store(double* p, F64 x) { __builtin_memcpy(p, &x, sizeof x); }

// a * b + c as the processor's V8 has it.
OSSIA_INLINE F64 multiply_add(F64 a, F64 b, F64 c) {
#if defined(__aarch64__)
  return (F64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
  return a * b + c;
#endif
}

constexpr double kRoundsF64 = 0x1.8p52;  // adding it rounds to an integer, which then stands in the lowest bits

OSSIA_INLINE F64 with_sign(F64 magnitude, I64 sign) { return (F64)((I64)magnitude | sign); }

// 2^n of whole numbers from -1022 to 1023.
OSSIA_INLINE F64 power_of_2(F64 n) { return (F64)(((U64)(n + kRoundsF64) + 1023) << 52); }

// -inf gives 0, what overflows gives +inf, NaN stays NaN.
OSSIA_INLINE F64 exp64(F64 x) {
  const F64 zero = set_f64(0), one = set_f64(1), least = set_f64(-746), most = set_f64(710);  // beyond: 0, infinity
  F64 inside = x < least ? least : x;
  inside = inside > most ? most : inside;
  const I64 sign = (I64)inside & INT64_MIN;
  const F64 magnitude = (F64)((I64)inside & INT64_MAX);

  // x = k ln 2 + r with |r| <= ln 2 / 2 and r = high - low. ln 2 stands in two parts, the first with so few bits that k times it
  // is exact.
  const F64 raised = multiply_add(magnitude, set_f64(1.44269504088896338700e+00), set_f64(0.5));
  F64 whole = (raised + kRoundsF64) - kRoundsF64;
  whole = whole > raised ? whole - one : whole;
  whole = magnitude < set_f64(0x1.62e43p-2) ? zero : whole;
  const F64 k = with_sign(whole, sign);
  const F64 high = inside - k * 6.93147180369123816490e-01;
  const F64 low = k * 1.90821492927058770002e-10;
  const F64 r = high - low;

  const F64 t = r * r;
  F64 p = multiply_add(t, set_f64(4.13813679705723846039e-08), set_f64(-1.65339022054652515390e-06));
  p = multiply_add(t, p, set_f64(6.61375632143793436117e-05));
  p = multiply_add(t, p, set_f64(-2.77777777770155933842e-03));
  p = multiply_add(t, p, set_f64(1.66666666666666019037e-01));
  const F64 c = multiply_add(-t, p, r);
  F64 y = one - ((low - (r * c) / (2.0 - c)) - high);

  // Times 2^k in two steps, since 2^k alone need not be a normal number; the first is exact.
  const F64 first = with_sign(whole > set_f64(1000) ? set_f64(1000) : whole, sign);
  y = y * power_of_2(first) * power_of_2(k - first);

  y = magnitude < set_f64(0x1p-28) ? one + inside : y;
  return x == one ? set_f64(2.718281828459045) : y;  // which V8 sets right by hand
}

OSSIA_END
