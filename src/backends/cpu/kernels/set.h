// What holds for everything that is compiled once per instruction set.
//
// Such code lies in a namespace of the set's own (OSSIA_SET), or the linker
// would merge equal names, and a machine without AVX-512 could meet its instructions. For the same reason no C++ library
// template is used on this side of kernels.h.
#pragma once

#include <cstdint>

#include "kernels.h"

#if defined(__FAST_MATH__)
#error "Kernels need exact arithmetic: compile with -fno-fast-math -ffp-contract=off"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF  // GCC knows it as the flag -ffp-contract=off only
#endif

#define OSSIA_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define OSSIA_UNROLL _Pragma("clang loop unroll(full)")
#else
#define OSSIA_UNROLL _Pragma("GCC unroll 16")
#endif

#define OSSIA_BEGIN namespace ossia { namespace OSSIA_SET {
#define OSSIA_END } }

OSSIA_BEGIN

OSSIA_INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}
OSSIA_INLINE float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

OSSIA_END
