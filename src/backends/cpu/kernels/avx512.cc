// Compiled with: -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c

#define OSSIA_SET avx512
#define OSSIA_SET_NAME "avx512"
#define OSSIA_SIMD_AVX512
#include "table.h"
