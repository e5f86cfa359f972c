// Compiled with: -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi -mavx2 -mfma -mf16c

#define OSSIA_SET avx512_vbmi
#define OSSIA_SET_NAME "avx512-vbmi"
#define OSSIA_SIMD_AVX512
#define OSSIA_SIMD_VNNI
#define OSSIA_SIMD_VBMI
#include "table.h"
