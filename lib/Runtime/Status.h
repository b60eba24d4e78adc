//===- Status.h - failures with a code --------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_STATUS_H
#define LINNET_LIB_RUNTIME_STATUS_H

#include "linnet-c/Runtime.h"
#include "linnet/Bundle/Error.h"

#include <memory>
#include <new>
#include <string>

struct lnt_status {
  lnt_code code;
  std::string message;
};

namespace linnet::runtime {

/// Null on success: `if (Failure failure = f()) return failure;`
using Failure = std::unique_ptr<lnt_status>;

template <typename... Parts> Failure fail(lnt_code code, const Parts &...parts) {
  return Failure(new lnt_status{code, bundle::makeError(parts...).message()});
}

inline Failure fail(lnt_code code, const bundle::Error &error) {
  return error ? Failure(new lnt_status{code, error.message()}) : nullptr;
}

/// Runs a function of the C API: what the standard library throws becomes a status.
template <typename Function> lnt_status *guarded(Function &&function) {
  try {
    return function().release();
  } catch (const std::bad_alloc &) {
    return new (std::nothrow) lnt_status{LNT_OUT_OF_MEMORY, "out of memory"};
  } catch (const std::exception &error) {
    return new (std::nothrow) lnt_status{LNT_OUT_OF_MEMORY, error.what()};
  }
}

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_STATUS_H
