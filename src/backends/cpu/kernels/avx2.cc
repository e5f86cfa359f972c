// Compiled with: -mavx2 -mfma -mf16c

#define OSSIA_SET avx2
#define OSSIA_SET_NAME "avx2"
#define OSSIA_SIMD_AVX2
#include "table.h"
