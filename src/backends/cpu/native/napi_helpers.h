// Reading arguments and raising errors, so that addon.cc can speak of backends and steps.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ossia {

struct Bytes {
  const uint8_t* data = nullptr;
  int64_t length = 0;
};

template <typename T>
struct Span {
  T* data = nullptr;
  int64_t length = 0;
};

class HandleScope {
 public:
  explicit HandleScope(napi_env env) : env_(env) { napi_open_handle_scope(env, &scope_); }
  ~HandleScope() { napi_close_handle_scope(env_, scope_); }
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_;
};

inline napi_value error(napi_env env, const char* code, const std::string& message) {
  napi_value code_value, message_value, result;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value);
  napi_create_string_utf8(env, message.c_str(), message.size(), &message_value);
  napi_create_error(env, code_value, message_value, &result);
  return result;
}

inline napi_value throw_code(napi_env env, const char* code, const std::string& message) {
  napi_throw(env, error(env, code, message));
  return nullptr;
}

inline napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

template <typename T>
struct TypedArrayOf;
template <>
struct TypedArrayOf<int32_t> {
  static constexpr napi_typedarray_type type = napi_int32_array;
};
template <>
struct TypedArrayOf<float> {
  static constexpr napi_typedarray_type type = napi_float32_array;
};
template <>
struct TypedArrayOf<double> {
  static constexpr napi_typedarray_type type = napi_float64_array;
};

// The arguments of a call. The first one that is not what was asked for leaves a TypeError pending, and ok() false.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info, size_t count) : env_(env), values_(count) {
    size_t given = count;
    napi_get_cb_info(env, info, &given, values_.data(), nullptr, nullptr);  // missing ones are undefined
  }

  napi_value operator[](size_t i) const { return values_[i]; }
  bool ok() const { return ok_; }

  std::string string(size_t i) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env_, values_[i], nullptr, 0, &length) != napi_ok) return fail(i, "a string"), "";
    std::string text(length + 1, '\0');
    napi_get_value_string_utf8(env_, values_[i], text.data(), text.size(), &length);
    text.resize(length);
    return text;
  }

  bool boolean(size_t i) {
    bool value = false;
    if (napi_get_value_bool(env_, values_[i], &value) != napi_ok) fail(i, "a boolean");
    return value;
  }

  bool is_null(size_t i) {
    napi_valuetype type;
    return napi_typeof(env_, values_[i], &type) == napi_ok && type == napi_null;
  }

  double real(size_t i) {
    double value = 0;
    if (napi_get_value_double(env_, values_[i], &value) != napi_ok) fail(i, "a number");
    return value;
  }

  int64_t integer(size_t i, int64_t least, int64_t most) { return to_integer(values_[i], i, least, most); }

  void integers(size_t i, int64_t* out, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
      napi_value element = nullptr;
      out[k] = napi_get_element(env_, values_[i], k, &element) == napi_ok
                   ? to_integer(element, i, 0, int64_t{1} << 53)
                   : (fail(i, "an array of integers"), 0);
    }
  }

  // A Uint8Array; null gives no bytes.
  Bytes bytes(size_t i) {
    if (is_null(i)) return {};
    return view(values_[i], i, napi_uint8_array);
  }

  // A typed array where it lies, for as long as the call goes on.
  template <typename T>
  Span<T> span(size_t i, int64_t least, int64_t most) {
    const Bytes bytes = view(values_[i], i, TypedArrayOf<T>::type);
    if (ok_ && (bytes.length < least || bytes.length > most)) {
      fail(i, ("of length " + std::to_string(least) + " or more").c_str());
    }
    return {reinterpret_cast<T*>(const_cast<uint8_t*>(bytes.data)), bytes.length};
  }

  template <typename T>
  std::vector<T> array(size_t i) {
    return copy<T>(values_[i], i);
  }

  template <typename T>
  std::vector<std::vector<T>> arrays(size_t i) {
    std::vector<std::vector<T>> result;
    uint32_t count = 0;
    if (napi_get_array_length(env_, values_[i], &count) != napi_ok) return fail(i, "an array"), result;
    for (uint32_t k = 0; k < count && ok_; k++) {
      HandleScope scope(env_);
      napi_value element;
      if (napi_get_element(env_, values_[i], k, &element) == napi_ok) result.push_back(copy<T>(element, i));
    }
    return result;
  }

  // Keeps the ArrayBuffer behind a typed array alive until the reference is deleted.
  void keep(size_t i, std::vector<napi_ref>& references) {
    napi_value buffer;
    napi_ref reference;
    if (napi_get_typedarray_info(env_, values_[i], nullptr, nullptr, nullptr, &buffer, nullptr) == napi_ok &&
        napi_create_reference(env_, buffer, 1, &reference) == napi_ok) {
      references.push_back(reference);
    }
  }

 private:
  void fail(size_t i, const char* expected) {
    if (ok_) napi_throw_type_error(env_, nullptr, ("Expected argument " + std::to_string(i) + " to be " + expected).c_str());
    ok_ = false;
  }

  int64_t to_integer(napi_value value, size_t i, int64_t least, int64_t most) {
    double number = 0;
    if (napi_get_value_double(env_, value, &number) != napi_ok || !(number >= static_cast<double>(least)) ||
        !(number <= static_cast<double>(most)) || number != static_cast<double>(static_cast<int64_t>(number))) {
      return fail(i, ("an integer from " + std::to_string(least) + " to " + std::to_string(most)).c_str()), least;
    }
    return static_cast<int64_t>(number);
  }


  Bytes view(napi_value value, size_t i, napi_typedarray_type expected) {
    bool typed = false;
    napi_is_typedarray(env_, value, &typed);
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (!typed || napi_get_typedarray_info(env_, value, &type, &length, &data, nullptr, nullptr) != napi_ok || type != expected) {
      return fail(i, "a typed array of the right kind"), Bytes{};
    }
    return Bytes{static_cast<const uint8_t*>(data), static_cast<int64_t>(length)};
  }

  template <typename T>
  std::vector<T> copy(napi_value value, size_t i) {
    const Bytes bytes = view(value, i, TypedArrayOf<T>::type);
    const T* data = reinterpret_cast<const T*>(bytes.data);
    return bytes.length == 0 ? std::vector<T>() : std::vector<T>(data, data + bytes.length);
  }

  napi_env env_;
  std::vector<napi_value> values_;
  bool ok_ = true;
};

}  // namespace ossia
