// All kernels of one instruction set, as a table. Included once by each set's own source, which says which set.
#pragma once

#include "attend.h"
#include "elementwise.h"
#include "embed.h"
#include "expert_linear.h"
#include "kv.h"
#include "linear_q8.h"
#include "peak.h"
#include "quantize.h"
#include "rms_norm.h"
#include "rope.h"
#include "route.h"
#include "sampling.h"
#include "to_q8.h"

OSSIA_BEGIN

constexpr SamplingKernels sampling = {copy_finite, argmax, weigh, pick, gather, block_maxima, largest};

extern const Kernels kernels;
const Kernels kernels = {
    OSSIA_SET_NAME, embed, rms_norm,       quantize, linear, expert_linear, rope,        write_kv,
    attend,         attend_scratch, route, swiglu,   add,    mix_experts,   to_q8,       sampling,
    integer_peak,   kPeakOps,
};

OSSIA_END
