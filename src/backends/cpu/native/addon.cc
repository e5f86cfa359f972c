// The boundary between TypeScript and the kernels: opens backends, takes weights, runs steps.
//
// JavaScript holds a backend by an object with a type tag; a step is one call, answered by a promise, and no kernel sees
// JavaScript. Everything belongs to the environment that made it: there are no globals, so every worker thread may load
// the addon. Errors carry the code of an OssiaError in `code`; addon.ts makes one of them.

#include <node_api.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bandwidth.h"
#include "integer_peak.h"
#include "napi_helpers.h"
#include "program.h"
#include "sampling.h"

namespace ossia {
namespace {

constexpr napi_type_tag kBackendTag = {0x0d6a1c2e9f4b4c7dULL, 0xa1e05b7f33d2c896ULL};
constexpr int64_t kMaxExtent = int64_t{1} << 48;

// What JavaScript holds. Steps in flight share the backend, and keep this object and the weights' buffers alive.
struct Handle {
  std::shared_ptr<Backend> backend;  // null once closed
  std::vector<napi_ref> buffers;     // ArrayBuffers that weights are read from in place
  int in_flight = 0;

  void let_go(napi_env env) {
    for (napi_ref reference : buffers) napi_delete_reference(env, reference);
    buffers.clear();
  }
};

Handle* unwrap(napi_env env, napi_value object) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, object, &kBackendTag, &ours) == napi_ok && ours) napi_unwrap(env, object, &data);
  Handle* handle = static_cast<Handle*>(data);
  if (handle == nullptr) {
    napi_throw_type_error(env, nullptr, "Expected a backend that open() returned");
  } else if (!handle->backend) {
    throw_code(env, "backend/unavailable", "Cannot use a backend after its dispose()");
    return nullptr;
  }
  return handle;
}

// instructionSets() -> [{ name, supported }], best first
napi_value InstructionSets(napi_env env, napi_callback_info) {
  int64_t count = 0;
  const InstructionSet* sets = instruction_sets(&count);
  napi_value list;
  napi_create_array(env, &list);
  for (int64_t i = 0; i < count; i++) {
    napi_value entry, name, supported;
    napi_create_object(env, &entry);
    napi_create_string_utf8(env, sets[i].name, NAPI_AUTO_LENGTH, &name);
    napi_get_boolean(env, sets[i].supported, &supported);
    napi_set_named_property(env, entry, "name", name);
    napi_set_named_property(env, entry, "supported", supported);
    napi_set_element(env, list, static_cast<uint32_t>(i), entry);
  }
  return list;
}

// open(instructionSet, threads) -> backend
napi_value Open(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 2);
  const std::string isa = args.string(0);
  const int64_t threads = args.integer(1, 1, 1024);
  if (!args.ok()) return nullptr;
  int64_t count = 0;
  const InstructionSet* sets = instruction_sets(&count);
  for (int64_t i = 0; i < count; i++) {
    if (isa != sets[i].name || !sets[i].supported) continue;
    napi_value object;
    napi_create_object(env, &object);
    auto* handle = new Handle{std::make_shared<Backend>(*sets[i].kernels, static_cast<int>(threads)), {}, 0};
    napi_type_tag_object(env, object, &kBackendTag);
    napi_wrap(
        env, object, handle,
        [](napi_env env, void* data, void*) {
          static_cast<Handle*>(data)->let_go(env);
          delete static_cast<Handle*>(data);
        },
        nullptr, nullptr);
    return object;
  }
  return throw_code(env, "backend/unavailable", "Cannot open instruction set \"" + isa + "\": this machine does not have it");
}

// One past the last byte of a strided span, or -1 when it leaves the buffer (or the numbers are absurd).
int64_t span_end(int64_t offset, const int64_t counts[3], const int64_t strides[3], int64_t tail) {
  int64_t end = offset;
  if (offset < 0 || offset > kMaxExtent) return -1;
  for (int i = 0; i < 3; i++) {
    if (counts[i] < 1 || counts[i] > kMaxExtent || strides[i] < 0 || strides[i] > kMaxExtent) return -1;
    const int64_t steps = counts[i] - 1;
    if (steps > 0 && strides[i] > (kMaxExtent - end) / steps) return -1;
    end += steps * strides[i];
  }
  return end + tail;
}

int64_t block_bytes(DType dtype) {
  switch (dtype) {
    case DType::f32: return 4;
    case DType::f16:
    case DType::bf16: return 2;
    case DType::q8_0: return 34;
    case DType::q8: return 36;
    case DType::mxfp4: return 16;
  }
  return 0;
}

// Every row as 36-byte q8 blocks in memory of our own.
bool convert_to_q8(Backend& backend, WeightSlot& slot) {
  const Weight from = slot.weight;
  const int64_t row_bytes = from.cols / kBlock * 36, chunk = 16;
  slot.owned.reset(static_cast<uint8_t*>(allocate_aligned(from.rows * row_bytes)));
  if (!slot.owned) return false;
  uint8_t* out = slot.owned.get();
  backend.pool.run((from.rows + chunk - 1) / chunk, [&](int64_t part, int) {
    const int64_t row = part * chunk;
    backend.kernels.to_q8(from, row, row + chunk < from.rows ? row + chunk : from.rows, out + row * row_bytes);
  });
  slot.weight = Weight{DType::q8, 1, from.rows, from.cols, out, from.rows * row_bytes, row_bytes, 36, nullptr, 0, 0, 0, false};
  return true;
}

// upload(backend, label, dtype, shape[3], data, layout[4], scales | null, scaleLayout[4], halves, toQ8) -> weight id
// A layout is offset and strides of experts, rows and blocks, in bytes.
napi_value Upload(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 10);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  WeightSlot slot;
  slot.label = args.string(1);
  const int64_t dtype = args.integer(2, 0, 5);
  int64_t shape[3], layout[4], scale_layout[4];
  args.integers(3, shape, 3);
  Bytes data = args.bytes(4);
  args.integers(5, layout, 4);
  Bytes scales = args.bytes(6);
  args.integers(7, scale_layout, 4);
  const bool halves = args.boolean(8), to_q8 = args.boolean(9);
  if (!args.ok()) return nullptr;

  Weight& w = slot.weight;
  w.dtype = static_cast<DType>(dtype);
  const bool is_blocked = block_bytes(w.dtype) > 4;
  if (is_blocked && shape[2] % kBlock != 0) {
    return throw_code(env, "backend/bad-operand", "Cannot upload \"" + slot.label + "\": its columns are not whole blocks of 32");
  }
  const int64_t counts[3] = {shape[0], shape[1], is_blocked ? shape[2] / kBlock : shape[2]};
  const int64_t end = span_end(layout[0], counts, layout + 1, block_bytes(w.dtype));
  const int64_t scale_end = w.dtype == DType::mxfp4 ? span_end(scale_layout[0], counts, scale_layout + 1, 1) : 0;
  if (end < 0 || end > data.length || scale_end < 0 || scale_end > scales.length) {
    return throw_code(env, "backend/bad-operand", "Cannot upload \"" + slot.label + "\": it reaches beyond its bytes");
  }
  w.experts = shape[0];
  w.rows = shape[1];
  w.cols = shape[2];
  w.data = data.data + layout[0];
  w.expert_stride = layout[1];
  w.row_stride = layout[2];
  w.block_stride = layout[3];
  w.halves = halves;
  if (w.dtype == DType::mxfp4) {
    w.scales = scales.data + scale_layout[0];
    w.scale_expert_stride = scale_layout[1];
    w.scale_row_stride = scale_layout[2];
    w.scale_block_stride = scale_layout[3];
  }

  Backend& backend = *handle->backend;
  std::lock_guard<std::mutex> lock(backend.mutex);
  const bool convert = to_q8 && !is_blocked && w.experts == 1 && w.rows > 1 && w.cols % kBlock == 0;
  if (convert) {
    if (!convert_to_q8(backend, slot)) {
      return throw_code(env, "backend/out-of-memory", "Cannot allocate 8-bit codes for \"" + slot.label + "\"");
    }
  } else {
    args.keep(4, handle->buffers);
    if (w.dtype == DType::mxfp4) args.keep(6, handle->buffers);
  }
  backend.weights.push_back(std::move(slot));
  return number(env, static_cast<double>(backend.weights.size() - 1));
}

// createKv(backend, layers, kvHeads, headDim, blockSize, bits) -> pool id
napi_value CreateKv(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 6);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  const int64_t layers = args.integer(1, 1, 4096), kv_heads = args.integer(2, 1, 1024);
  const int64_t head_dim = args.integer(3, 16, 256), block_size = args.integer(4, 16, 4096), bits = args.integer(5, 8, 16);
  if (!args.ok()) return nullptr;
  if (bits != 8 && bits != 16) return throw_code(env, "backend/bad-operand", "Cannot allocate a KV pool: it has 8 or 16 bits");
  if (head_dim % 16 != 0 || block_size % 16 != 0) {
    return throw_code(env, "backend/bad-operand", "Cannot allocate a KV pool: head size and block size must be multiples of 16");
  }
  Backend& backend = *handle->backend;
  std::lock_guard<std::mutex> lock(backend.mutex);
  backend.kv.emplace_back();
  KvSlot& slot = backend.kv.back();
  slot.pool = KvPool{nullptr, layers, kv_heads, head_dim, block_size, bits};
  slot.block_bytes = static_cast<size_t>(slot.pool.block_bytes());
  slot.live = true;
  return number(env, static_cast<double>(backend.kv.size() - 1));
}

KvSlot* find_kv(napi_env env, Backend& backend, int64_t id) {
  if (id < static_cast<int64_t>(backend.kv.size()) && backend.kv[id].live) return &backend.kv[id];
  throw_code(env, "backend/bad-operand", "Cannot use a KV pool after its dispose()");
  return nullptr;
}

// growKv(backend, pool, numBlocks)
napi_value GrowKv(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 3);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  const int64_t id = args.integer(1, 0, INT32_MAX), blocks = args.integer(2, 0, INT32_MAX);
  if (!args.ok()) return nullptr;
  Backend& backend = *handle->backend;
  std::lock_guard<std::mutex> lock(backend.mutex);
  KvSlot* slot = find_kv(env, backend, id);
  if (slot == nullptr) return nullptr;
  const int64_t added = blocks - static_cast<int64_t>(slot->blocks.size());
  if (added <= 0) return nullptr;
  AlignedBytes slab(static_cast<uint8_t*>(allocate_aligned(added * slot->block_bytes)));
  if (!slab) {
    return throw_code(env, "backend/out-of-memory",
                      "Cannot allocate " + std::to_string(added * slot->block_bytes) + " bytes of KV cache");
  }
  for (int64_t i = 0; i < added; i++) {
    slot->blocks.push_back(slab.get() + i * slot->block_bytes);
  }
  slot->slabs.push_back(std::move(slab));
  slot->pool.blocks = slot->blocks.data();
  return nullptr;
}

// copyKv(backend, pool, from, to): all layers of a block
napi_value CopyKv(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 4);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  const int64_t id = args.integer(1, 0, INT32_MAX), from = args.integer(2, 0, INT32_MAX), to = args.integer(3, 0, INT32_MAX);
  if (!args.ok()) return nullptr;
  Backend& backend = *handle->backend;
  std::lock_guard<std::mutex> lock(backend.mutex);
  KvSlot* slot = find_kv(env, backend, id);
  if (slot == nullptr) return nullptr;
  const int64_t count = static_cast<int64_t>(slot->blocks.size());
  if (from >= count || to >= count) {
    return throw_code(env, "backend/bad-operand",
                      "Cannot copy KV block " + std::to_string(from) + " to " + std::to_string(to) + " of " + std::to_string(count));
  }
  if (from != to) std::memcpy(slot->blocks[to], slot->blocks[from], slot->block_bytes);
  return nullptr;
}

// freeKv(backend, pool)
napi_value FreeKv(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 2);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  const int64_t id = args.integer(1, 0, INT32_MAX);
  if (!args.ok()) return nullptr;
  Backend& backend = *handle->backend;
  std::lock_guard<std::mutex> lock(backend.mutex);
  if (KvSlot* slot = find_kv(env, backend, id)) *slot = KvSlot{};
  return nullptr;
}

// A step on its way: made on the JavaScript thread, run on another, settled on the first.
struct Work {
  std::shared_ptr<Backend> backend;
  Handle* handle = nullptr;
  napi_ref object = nullptr;  // keeps the handle, and with it the weights' buffers
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  Program program;
  Failure failure;
  std::vector<std::pair<float*, int64_t>> results;

  ~Work() {
    for (auto& result : results) free_aligned(result.first);
  }
};

void RunWork(napi_env, void* data) {
  Work& work = *static_cast<Work*>(data);
  std::lock_guard<std::mutex> lock(work.backend->mutex);
  Run run(*work.backend, std::move(work.program));
  work.failure = run.check();
  if (!work.failure) work.failure = run.execute();
  if (!work.failure) {
    for (int32_t id : run.reads()) {
      const Value& value = run.value(id);
      const size_t bytes = value.count() * sizeof(float);
      float* copy = static_cast<float*>(allocate_aligned(bytes == 0 ? kAlignment : bytes));
      if (copy == nullptr) {
        work.failure = {"backend/out-of-memory", "Cannot allocate " + std::to_string(bytes) + " bytes of results"};
        break;
      }
      std::memcpy(copy, value.data, bytes);
      work.results.emplace_back(copy, value.count());
    }
  }
  run.finish();
}

// A Float32Array that takes the memory over (or, where external buffers are not allowed, as in Electron, a copy of it).
// False when the environment is closing and takes nothing any more.
bool to_array(napi_env env, std::pair<float*, int64_t>& result, napi_value* array) {
  const auto [values, count] = result;
  const auto release = [](napi_env, void* memory, void*) { free_aligned(memory); };
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(env, values, count * sizeof(float), release, nullptr, &buffer);
  if (status == napi_ok) {
    result.first = nullptr;
  } else if (status == napi_no_external_buffers_allowed) {
    void* copy = nullptr;
    if (napi_create_arraybuffer(env, count * sizeof(float), &copy, &buffer) != napi_ok) return false;
    if (count > 0) std::memcpy(copy, values, count * sizeof(float));
  } else {
    return false;
  }
  return napi_create_typedarray(env, napi_float32_array, count, buffer, 0, array) == napi_ok;
}

void SettleWork(napi_env env, napi_status, void* data) {
  std::unique_ptr<Work> work(static_cast<Work*>(data));
  HandleScope scope(env);
  napi_value list;
  if (work->failure) {
    napi_reject_deferred(env, work->deferred, error(env, work->failure.code, work->failure.message));
  } else if (napi_create_array_with_length(env, work->results.size(), &list) == napi_ok) {
    bool complete = true;
    for (size_t i = 0; i < work->results.size() && complete; i++) {
      napi_value array;
      complete = to_array(env, work->results[i], &array) &&
                 napi_set_element(env, list, static_cast<uint32_t>(i), array) == napi_ok;
    }
    if (complete) napi_resolve_deferred(env, work->deferred, list);
  }
  if (--work->handle->in_flight == 0 && !work->handle->backend) work->handle->let_go(env);
  napi_delete_async_work(env, work->work);
  napi_delete_reference(env, work->object);
}

// run(backend, code, constants, ints, floats, reads) -> Promise<Float32Array[]>
napi_value RunStep(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 6);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  auto work = std::make_unique<Work>();
  work->program.code = args.array<int32_t>(1);
  work->program.constants = args.array<float>(2);
  work->program.ints = args.arrays<int32_t>(3);
  work->program.floats = args.arrays<float>(4);
  work->program.reads = args.array<int32_t>(5);
  if (!args.ok()) return nullptr;
  work->backend = handle->backend;
  work->handle = handle;
  napi_value promise, name;
  napi_create_promise(env, &work->deferred, &promise);
  napi_create_string_utf8(env, "ossia step", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, args[0], 1, &work->object);
  napi_create_async_work(env, nullptr, name, RunWork, SettleWork, work.get(), &work->work);
  if (napi_queue_async_work(env, work->work) != napi_ok) {
    napi_reject_deferred(env, work->deferred, error(env, "backend/unavailable", "Cannot queue a step: the environment is closing"));
    return promise;
  }
  handle->in_flight++;
  work.release();
  return promise;
}

// close(backend): steps in flight end first
napi_value Close(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 1);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  handle->backend.reset();
  if (handle->in_flight == 0) handle->let_go(env);
  return nullptr;
}

// readBandwidth(threads, bytes) -> GB/s, the median of a few rounds
napi_value ReadBandwidth(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 2);
  const int64_t threads = args.integer(0, 1, 1024), bytes = args.integer(1, 1 << 20, int64_t{1} << 34);
  if (!args.ok()) return nullptr;
  const double rate = read_bandwidth(static_cast<int>(threads), bytes);
  if (rate <= 0) return throw_code(env, "backend/out-of-memory", "Cannot allocate a buffer to measure bandwidth with");
  return number(env, rate);
}

// integerPeak(instructionSet, threads) -> 10^9 int8 operations a second
napi_value IntegerPeak(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 2);
  const std::string isa = args.string(0);
  const int64_t threads = args.integer(1, 1, 1024);
  if (!args.ok()) return nullptr;
  int64_t count = 0;
  const InstructionSet* sets = instruction_sets(&count);
  for (int64_t i = 0; i < count; i++) {
    if (isa == sets[i].name && sets[i].supported) return number(env, integer_peak(*sets[i].kernels, static_cast<int>(threads)));
  }
  return throw_code(env, "backend/unavailable", "Cannot measure instruction set \"" + isa + "\": this machine does not have it");
}

// profile(backend, whether): from the next step on, the time of each op is kept
napi_value Profile(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 2);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  const bool whether = args.boolean(1);
  if (!args.ok()) return nullptr;
  std::lock_guard<std::mutex> lock(handle->backend->mutex);
  handle->backend->profile = whether;
  return nullptr;
}

// opSeconds(backend) -> of the last step, op by op; empty where it was not profiled
napi_value OpSeconds(napi_env env, napi_callback_info info) {
  Arguments args(env, info, 1);
  Handle* handle = unwrap(env, args[0]);
  if (handle == nullptr) return nullptr;
  std::lock_guard<std::mutex> lock(handle->backend->mutex);
  const std::vector<double>& seconds = handle->backend->op_seconds;
  napi_value list;
  napi_create_array_with_length(env, seconds.size(), &list);
  for (size_t i = 0; i < seconds.size(); i++) napi_set_element(env, list, static_cast<uint32_t>(i), number(env, seconds[i]));
  return list;
}

napi_value Init(napi_env env, napi_value exports) {
  const std::pair<const char*, napi_callback> functions[] = {
      {"instructionSets", InstructionSets}, {"open", Open},     {"upload", Upload}, {"createKv", CreateKv}, {"growKv", GrowKv},
      {"copyKv", CopyKv},                   {"freeKv", FreeKv}, {"run", RunStep}, {"close", Close},
      {"readBandwidth", ReadBandwidth},     {"sampling", Sampling}, {"integerPeak", IntegerPeak}, {"profile", Profile},
      {"opSeconds", OpSeconds},
  };
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}

}  // namespace
}  // namespace ossia

NAPI_MODULE_INIT() { return ossia::Init(env, exports); }
