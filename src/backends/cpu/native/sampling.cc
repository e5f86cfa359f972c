// The kernels that choose a token, as plain functions: each is one pass over a row, on the calling thread. Arrays are checked here,
// and are used where they lie; src/backends/sampling.ts says what each function means.
#include "sampling.h"

#include <string>
#include <utility>

#include "../kernels/kernels.h"
#include "napi_helpers.h"

namespace ossia {
namespace {

constexpr int64_t kMaxRow = INT32_MAX;  // ids are 32 bits

// The arguments of a call to a kernel of one instruction set.
struct Call : Arguments {
  Call(napi_env env, napi_callback_info info, size_t count) : Arguments(env, info, count) {
    void* data = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
    kernels = static_cast<const SamplingKernels*>(data);
  }
  const SamplingKernels* kernels;
};

// copyFinite(logits, out) -> index | -1
napi_value CopyFinite(napi_env env, napi_callback_info info) {
  Call call(env, info, 2);
  const Span<float> x = call.span<float>(0, 0, kMaxRow), out = call.span<float>(1, x.length, kMaxRow);
  if (!call.ok()) return nullptr;
  return number(env, static_cast<double>(call.kernels->copy_finite(x.data, x.length, out.data)));
}

// argmax(row) -> index
napi_value Argmax(napi_env env, napi_callback_info info) {
  Call call(env, info, 1);
  const Span<float> x = call.span<float>(0, 0, kMaxRow);
  if (!call.ok()) return nullptr;
  return number(env, static_cast<double>(call.kernels->argmax(x.data, x.length)));
}

// weigh(row, max, scale, weights | null) -> sum
napi_value Weigh(napi_env env, napi_callback_info info) {
  Call call(env, info, 4);
  const Span<float> x = call.span<float>(0, 0, kMaxRow);
  const double max = call.real(1), scale = call.real(2);
  const Span<double> weights = call.is_null(3) ? Span<double>() : call.span<double>(3, x.length, kMaxRow);
  if (!call.ok()) return nullptr;
  return number(env, call.kernels->weigh(x.data, x.length, max, scale, weights.data));
}

// pick(weights, left) -> id | -1
napi_value Pick(napi_env env, napi_callback_info info) {
  Call call(env, info, 2);
  const Span<double> weights = call.span<double>(0, 0, kMaxRow);
  const double left = call.real(1);
  if (!call.ok()) return nullptr;
  return number(env, static_cast<double>(call.kernels->pick(weights.data, weights.length, left)));
}

// gather(weights, cutWeight, cutId, ids) -> count
napi_value Gather(napi_env env, napi_callback_info info) {
  Call call(env, info, 4);
  const Span<double> weights = call.span<double>(0, 0, kMaxRow);
  const double cut_weight = call.real(1);
  const int64_t cut_id = call.integer(2, 0, kMaxRow);
  const Span<int32_t> ids = call.span<int32_t>(3, weights.length, kMaxRow);
  if (!call.ok()) return nullptr;
  return number(env, static_cast<double>(call.kernels->gather(weights.data, weights.length, cut_weight, cut_id, ids.data)));
}

// blockMaxima(weights, block, out)
napi_value BlockMaxima(napi_env env, napi_callback_info info) {
  Call call(env, info, 3);
  const Span<double> weights = call.span<double>(0, 0, kMaxRow);
  const int64_t block = call.integer(1, 1, kMaxRow);
  const Span<double> out = call.span<double>(2, (weights.length + block - 1) / block, kMaxRow);
  if (call.ok()) call.kernels->block_maxima(weights.data, weights.length, block, out.data);
  return nullptr;
}

// largest(row, ids) -> count: as many as ids has room for
napi_value Largest(napi_env env, napi_callback_info info) {
  Call call(env, info, 2);
  const Span<float> x = call.span<float>(0, 0, kMaxRow);
  const Span<int32_t> ids = call.span<int32_t>(1, 1, kMaxRow);
  if (!call.ok()) return nullptr;
  return number(env, static_cast<double>(call.kernels->largest(x.data, x.length, ids.length, ids.data)));
}

}  // namespace

napi_value Sampling(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 1);
  const std::string isa = args.string(0);
  if (!args.ok()) return nullptr;
  const SamplingKernels* kernels = nullptr;
  int64_t count = 0;
  const InstructionSet* sets = instruction_sets(&count);
  for (int64_t i = 0; i < count; i++) {
    if (isa == sets[i].name && sets[i].supported) kernels = &sets[i].kernels->sampling;
  }
  if (kernels == nullptr) {
    return throw_code(env, "backend/unavailable", "Cannot open instruction set \"" + isa + "\": this machine does not have it");
  }
  const std::pair<const char*, napi_callback> functions[] = {
      {"copyFinite", CopyFinite}, {"argmax", Argmax},           {"weigh", Weigh},     {"pick", Pick},
      {"gather", Gather},         {"blockMaxima", BlockMaxima}, {"largest", Largest},
  };
  napi_value object;
  napi_create_object(env, &object);
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, const_cast<SamplingKernels*>(kernels), &function);
    napi_set_named_property(env, object, name, function);
  }
  return object;
}

}  // namespace ossia
