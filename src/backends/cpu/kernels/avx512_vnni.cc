// Compiled with: -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c

#define OSSIA_SET avx512_vnni
#define OSSIA_SET_NAME "avx512-vnni"
#define OSSIA_SIMD_AVX512
#define OSSIA_SIMD_VNNI
#include "table.h"
