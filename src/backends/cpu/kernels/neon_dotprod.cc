// Compiled with: -march=armv8.2-a+dotprod

#define OSSIA_SET neon_dotprod
#define OSSIA_SET_NAME "neon-dotprod"
#define OSSIA_SIMD_NEON
#define OSSIA_SIMD_DOTPROD
#include "table.h"
