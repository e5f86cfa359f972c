// Choosing a token, for JavaScript: sampling.cc.
#pragma once

#include <node_api.h>

namespace ossia {

// sampling(instructionSet) -> { copyFinite, argmax, weigh, pick, gather, blockMaxima, largest }
napi_value Sampling(napi_env env, napi_callback_info info);

}  // namespace ossia
