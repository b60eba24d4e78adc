//===- Einsum.h - einsum equations ------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_EINSUM_H
#define LINNET_IR_EINSUM_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace linnet {
/// "bhqd,bhkd->bhqk" taken apart.
struct EinsumEquation {
  llvm::SmallVector<std::string> operands;
  std::string result;

  /// Nothing, with `error` saying why, for a text that breaks (C1), (C3) or (C4).
  static std::optional<EinsumEquation> parse(llvm::StringRef text, std::string &error);
};
} // namespace linnet

#endif // LINNET_IR_EINSUM_H
