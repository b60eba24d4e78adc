//===- Handles.h - what the C API's pointers point to -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_HANDLES_H
#define LINNET_LIB_RUNTIME_HANDLES_H

#include "Module.h"
#include "Session.h"

#include <memory>
#include <mutex>

// Shared, so that handles may be destroyed in any order.
struct lnt_runtime {
  std::shared_ptr<linnet::runtime::Runtime> object;
};
struct lnt_module {
  std::shared_ptr<linnet::runtime::Module> object;
};
struct lnt_session {
  std::unique_ptr<linnet::runtime::Session> object;
};
struct lnt_queue {
  std::shared_ptr<linnet::runtime::Runtime> runtime;
  std::mutex mutex; // its work is done in order
};
/// The CPU's queue is done with work when it was submitted: a fence is signalled from the start.
struct lnt_fence {
  linnet::runtime::Failure result;
};

#endif // LINNET_LIB_RUNTIME_HANDLES_H
