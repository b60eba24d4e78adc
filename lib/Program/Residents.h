//===- Residents.h - which values live in which memory ----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_RESIDENTS_H
#define LINNET_LIB_PROGRAM_RESIDENTS_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace linnet {

/// The tensors of a function that lie in each buffer, while commands are emitted in order. New
/// views of a resident are uses of it, so that the residents known at a point say whether the
/// memory is read later.
class Residents {
public:
  void add(mlir::Value root, mlir::Value tensor) { residents[root].push_back(tensor); }

  /// Whether a resident of `root` may be read after `point` is done; reads by `point` itself
  /// and in it do not count.
  bool isReadAfter(mlir::Value root, mlir::Operation *point) const;
  /// The same for reads inside of the region op `op`.
  bool isReadInside(mlir::Value root, mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> residents;
};

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_RESIDENTS_H
