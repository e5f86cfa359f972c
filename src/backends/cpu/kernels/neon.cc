// Compiled with no flags of its own: every 64-bit ARM has NEON.

#define OSSIA_SET neon
#define OSSIA_SET_NAME "neon"
#define OSSIA_SIMD_NEON
#include "table.h"
