// Compiled with no flags of its own: for machines that no other set fits.

// Needs -fno-strict-aliasing, as binding.gyp gives it: without, GCC 12 was seen to reorder stores of lanes (on ARM, at -O3).

#define OSSIA_SET portable
#define OSSIA_SET_NAME "portable"

#include "table.h"
