// Compiled with no flags of its own: for machines that no other set fits.

#define OSSIA_SET portable
#define OSSIA_SET_NAME "portable"

#include "table.h"
