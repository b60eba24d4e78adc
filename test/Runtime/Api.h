//===- Api.h - the C API in tests -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_RUNTIME_API_H
#define LINNET_TEST_RUNTIME_API_H

#include "../Testing.h"
#include "TestBundle.h"
#include "linnet-c/Runtime.h"

#include <deque>
#include <initializer_list>
#include <type_traits>

namespace linnet::test {

/// A runtime, and checks of statuses.
struct Api {
  explicit Api(int threads, uint64_t memoryLimit = 0, uint64_t maxCommands = 0,
               lnt_device device = LNT_CPU) {
    lnt_runtime_options options = {sizeof options, threads, memoryLimit, maxCommands, device, 0};
    ok(lnt_runtime_create(&options, &runtime));
    CHECK_EQ(lnt_runtime_threads(runtime), threads);
  }
  ~Api() { lnt_runtime_destroy(runtime); }
  Api(const Api &) = delete;

  bool ok(lnt_status *status) {
    bool good = CHECK_MORE(status == nullptr, lnt_status_message(status));
    lnt_status_free(status);
    return good;
  }
  /// The status has this code and this text somewhere in its message.
  void fails(lnt_status *status, lnt_code code, const std::string &text) {
    std::string message = lnt_status_message(status);
    CHECK_EQ(int(lnt_status_code(status)), int(code));
    CHECK_MORE(message.find(text) != std::string::npos, "'" + message + "' has no '" + text + "'");
    lnt_status_free(status);
  }

  lnt_runtime *runtime = nullptr;
};

/// A bundle that was written, loaded and opened.
struct Loaded {
  Loaded(Api &api, const TestBundle &bundle, const char *level = nullptr) {
    std::string path = temporaryPath("test.lnb");
    bundle::Error error = bundle.write(path);
    CHECK_MORE(!error, error.message());
    lnt_load_options options = {};
    options.size = sizeof options;
    options.level = level;
    if (api.ok(lnt_module_load_file(api.runtime, path.c_str(), &options, &module)))
      api.ok(lnt_session_create(module, nullptr, 0, &session));
  }
  ~Loaded() {
    lnt_session_destroy(session);
    lnt_module_destroy(module);
  }
  Loaded(const Loaded &) = delete;

  lnt_module *module = nullptr;
  lnt_session *session = nullptr;
};

template <typename T> constexpr lnt_type typeOf() {
  if constexpr (std::is_same_v<T, float>)
    return LNT_F32;
  else if constexpr (std::is_same_v<T, double>)
    return LNT_F64;
  else if constexpr (sizeof(T) == 1)
    return LNT_I8;
  else if constexpr (sizeof(T) == 2)
    return LNT_I16;
  else if constexpr (sizeof(T) == 4)
    return LNT_I32;
  else
    return LNT_I64;
}

/// A tensor over a vector's memory. Its dims live until the program ends.
template <typename T> lnt_tensor tensor(std::vector<T> &data, std::initializer_list<int64_t> dims) {
  static std::deque<std::vector<int64_t>> kept;
  kept.push_back(dims);
  return {typeOf<T>(),
          uint32_t(dims.size()),
          kept.back().data(),
          {LNT_CPU, data.data(), 0, data.size() * sizeof(T)}};
}

} // namespace linnet::test

#endif // LINNET_TEST_RUNTIME_API_H
