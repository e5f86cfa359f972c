// Read-only memory maps for Node: map(fd) -> handle, view(handle, offset, length) -> Uint8Array, close(handle).
//
// A map lives as long as its handle is open or a view of it exists: each holds a reference, which a finalizer drops.
// There are no globals, and references are counted atomically, so every worker thread may load the addon.

#include <node_api.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

namespace {

struct Map {
  std::atomic<int64_t> references{1};
  uint8_t* bytes = nullptr;
  size_t size = 0;
};

// What JavaScript holds. `map` becomes null when the handle is closed.
struct Handle {
  Map* map;
};

// Tells our handles from other objects. Made once at random.
constexpr napi_type_tag kHandleTag = {0x6c1f0c0a2f5d4e11ULL, 0x9b3a7de4805cf276ULL};

void Release(Map* map) {
  if (map == nullptr || map->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (map->size > 0) munmap(map->bytes, map->size);
  delete map;
}

napi_value Throw(napi_env env, const char* action, const char* reason) {
  char message[256];
  snprintf(message, sizeof message, "%s: %s", action, reason);
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

// The handle behind a JavaScript object, or null with a TypeError pending.
Handle* Unwrap(napi_env env, napi_value object) {
  bool ours = false;
  void* handle = nullptr;
  if (napi_check_object_type_tag(env, object, &kHandleTag, &ours) == napi_ok && ours) {
    napi_unwrap(env, object, &handle);
  }
  if (handle == nullptr) napi_throw_type_error(env, nullptr, "Expected a handle that map() returned");
  return static_cast<Handle*>(handle);
}

void FinalizeHandle(napi_env, void* data, void*) {
  Handle* handle = static_cast<Handle*>(data);
  Release(handle->map);
  delete handle;
}

void FinalizeView(napi_env, void*, void* hint) { Release(static_cast<Map*>(hint)); }

napi_value MapFile(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t fd = -1;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_int32(env, argument, &fd) != napi_ok) {
    napi_throw_type_error(env, nullptr, "Expected a file descriptor");
    return nullptr;
  }
  struct stat stats;
  if (fstat(fd, &stats) != 0) return Throw(env, "fstat", strerror(errno));
  if (!S_ISREG(stats.st_mode)) return Throw(env, "mmap", "not a regular file");

  Map* map = new (std::nothrow) Map;
  Handle* handle = new (std::nothrow) Handle{map};
  if (map == nullptr || handle == nullptr) {
    delete map;
    delete handle;
    return Throw(env, "mmap", "out of memory");
  }
  if (stats.st_size > 0) { // a map of no bytes is an error to mmap
    void* bytes = mmap(nullptr, static_cast<size_t>(stats.st_size), PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
      const int reason = errno;
      FinalizeHandle(env, handle, nullptr);
      return Throw(env, "mmap", strerror(reason));
    }
    map->bytes = static_cast<uint8_t*>(bytes);
    map->size = static_cast<size_t>(stats.st_size);
  }

  napi_value object;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle, FinalizeHandle, nullptr, nullptr) != napi_ok) {
    FinalizeHandle(env, handle, nullptr);
    return Throw(env, "map", "cannot create a handle");
  }
  // From here on the object owns the handle; without its tag it is of no use, but nothing leaks.
  if (napi_type_tag_object(env, object, &kHandleTag) != napi_ok) return Throw(env, "map", "cannot tag a handle");
  return object;
}

// A whole number in [0, 2^53), or false.
bool GetSize(napi_env env, napi_value value, size_t* out) {
  double number = -1;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= 0 && number < 9007199254740992.0) || std::floor(number) != number) return false;
  *out = static_cast<size_t>(number);
  return true;
}

napi_value View(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  size_t offset = 0, length = 0;
  if (count < 3 || !GetSize(env, arguments[1], &offset) || !GetSize(env, arguments[2], &length)) {
    napi_throw_type_error(env, nullptr, "Expected a handle, an offset and a length");
    return nullptr;
  }
  Handle* handle = Unwrap(env, arguments[0]);
  if (handle == nullptr) return nullptr;
  Map* map = handle->map;
  if (map == nullptr) return Throw(env, "view", "the map was closed");
  if (offset > map->size || length > map->size - offset) {
    napi_throw_range_error(env, nullptr, "Expected a view within the file");
    return nullptr;
  }

  napi_value buffer, view;
  if (length == 0) { // no bytes to share, and an external buffer at a shared address would be
    void* unused;
    if (napi_create_arraybuffer(env, 0, &unused, &buffer) != napi_ok) return Throw(env, "view", "cannot create a buffer");
  } else {
    map->references.fetch_add(1, std::memory_order_relaxed);
    if (napi_create_external_arraybuffer(env, map->bytes + offset, length, FinalizeView, map, &buffer) != napi_ok) {
      // Node may or may not call the finalizer after this, so the reference is left to it: a map that stays is
      // harmless, one that goes too early is not. Too long a view has its own exception pending already.
      bool pending = false;
      napi_is_exception_pending(env, &pending);
      return pending ? nullptr : Throw(env, "view", "external buffers are not available here");
    }
  }
  if (napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &view) != napi_ok) {
    return Throw(env, "view", "cannot create a typed array");
  }
  return view;
}

napi_value Close(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  Handle* handle = count < 1 ? nullptr : Unwrap(env, argument);
  if (handle == nullptr) return nullptr;
  Release(handle->map);
  handle->map = nullptr;
  return nullptr;
}

} // namespace

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"map", nullptr, MapFile, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"view", nullptr, View, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"close", nullptr, Close, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
