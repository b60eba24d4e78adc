//===- CheckInternal.h - what the checks share ------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_BUNDLE_CHECKINTERNAL_H
#define LINNET_LIB_BUNDLE_CHECKINTERNAL_H

#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/Check.h"

#include <cstring>
#include <string>
#include <vector>

namespace linnet::bundle {

/// Length of an optional vector.
template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

/// The FlatBuffers verifier looks at the alignment of a vector's length, not of its elements. A
/// writer need not align what has no elements.
template <typename T> bool alignedElements(const flatbuffers::Vector<T> *list) {
  return !list || list->size() == 0 || reinterpret_cast<uintptr_t>(list->Data()) % 8 == 0;
}

/// Without a NUL: c_str() shows all of it.
inline bool cleanString(const flatbuffers::String *text) {
  return !text || std::memchr(text->c_str(), 0, text->size()) == nullptr;
}

inline bool validElement(uint64_t type) {
  return type > uint64_t(fb::ElementType::Invalid) && type <= uint64_t(fb::ElementType::MAX);
}

using Kernels = flatbuffers::Vector<flatbuffers::Offset<fb::Kernel>>;

/// A function while it is checked.
struct FunctionContext {
  const fb::Bundle &bundle;
  const Kernels *kernels; ///< of the function's target
  const fb::Function &function;
  uint32_t symbols, registers, commands, views, buffers, entry;
  /// Registers that a command behind the entry prefix writes, and those that are defined at
  /// entry: symbols and what the prefix writes.
  std::vector<bool> written, defined;

  /// The size in it is known at entry and never changes.
  bool isSize(uint32_t reg) const { return reg < registers && defined[reg] && !written[reg]; }
};

Error checkFunction(const fb::Bundle &bundle, const Kernels *kernels, const fb::Function &function);
/// Names and counts, and that all kernels or none are a GPU's.
Error checkKernels(const Kernels *kernels, bool gpu);
Error checkFunctions(const fb::Bundle &bundle,
                     const flatbuffers::Vector<flatbuffers::Offset<fb::Function>> *functions,
                     const Kernels *kernels);
Error checkTargets(const fb::Bundle &bundle, uint64_t codeLength);
Error checkCommands(FunctionContext &context);

} // namespace linnet::bundle

#endif // LINNET_LIB_BUNDLE_CHECKINTERNAL_H
