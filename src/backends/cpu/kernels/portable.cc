// Compiled with no flags of its own: for machines that no other set fits.

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 lets arrays of lanes share a place on the stack and then reorders their stores (seen on ARM at -O3, gone with either
// -fstack-reuse=none or this). The other sets keep lanes in registers.
#pragma GCC optimize("no-strict-aliasing")
#endif

#define OSSIA_SET portable
#define OSSIA_SET_NAME "portable"

#include "table.h"
