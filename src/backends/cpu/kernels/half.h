// 16-bit floats. The software conversions round and treat NaN exactly as the hardware's do: to nearest even, with
// subnormals, a NaN kept as a quiet NaN with its topmost payload bits.
#pragma once

#include "set.h"

OSSIA_BEGIN

OSSIA_INLINE float bf16_to_f32(uint16_t h) { return float_of((uint32_t)h << 16); }

OSSIA_INLINE float f16_to_f32(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  const uint32_t rest = h & 0x7fff;
  if (rest >= 0x7c00) return float_of(sign | 0x7f800000 | ((rest & 0x3ff) << 13) | (rest > 0x7c00 ? 0x00400000 : 0));
  if (rest >= 0x0400) return float_of(sign | ((rest << 13) + ((127 - 15) << 23)));
  const float tiny = (float)rest * 0x1p-24f;  // a subnormal is a whole number of 2^-24: exact
  return float_of(sign | bits_of(tiny));
}

OSSIA_INLINE uint16_t f32_to_f16(float x) {
  const uint32_t bits = bits_of(x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return (uint16_t)(sign | 0x7e00 | ((rest >> 13) & 0x3ff));
  if (rest >= 0x477ff000) return (uint16_t)(sign | 0x7c00);  // from 65520 on, nearest is infinity
  if (rest < 0x38800000) {                                   // below 2^-14: adding 0.5 leaves multiples of 2^-24, rounded
    const float shifted = float_of(rest) + 0.5f;
    return (uint16_t)(sign | (bits_of(shifted) - 0x3f000000));
  }
  const uint32_t even = (rest >> 13) & 1;
  return (uint16_t)(sign | ((rest - ((127 - 15) << 23) + 0xfff + even) >> 13));
}

OSSIA_END
