//===- Repeats.h - tensors that say everything twice -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_REPEATS_H
#define LINNET_IR_REPEATS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace linnet {

/// On a global whose value is not in the program: its Repeats. `linnet-compile` writes it from the
/// weights.
inline constexpr llvm::StringLiteral kRepeatsAttr = "linnet.repeats";

/// Dimensions along which a tensor says everything twice, as tables of cosines per channel do.
struct Repeats {
  llvm::SmallVector<int64_t, 2> halves; ///< the second half is the first, to the bit
  llvm::SmallVector<int64_t, 2> pairs;  ///< every odd entry is the one before it
  bool empty() const { return halves.empty() && pairs.empty(); }

  /// Of a row-major tensor, from its bytes.
  static Repeats find(llvm::ArrayRef<char> bytes, llvm::ArrayRef<int64_t> shape,
                      unsigned elementBytes);
  /// Of what a constant or a load of a constant global gives.
  static Repeats of(mlir::Value constant);
  mlir::DictionaryAttr print(mlir::Builder &b) const;
};

/// Of the attribute on a global.
mlir::LogicalResult verifyRepeats(mlir::Operation *op, mlir::Attribute attr);

} // namespace linnet

#endif // LINNET_IR_REPEATS_H
