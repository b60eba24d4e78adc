//===- Windows.h - strides, dilations and padding in verifiers --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_WINDOWS_H
#define LINNET_LIB_IR_WINDOWS_H

#include "mlir/IR/Operation.h"
#include <optional>

namespace linnet {

/// An attribute of `count` entries, each at least `least`; absent is fine.
inline mlir::LogicalResult verifyEntries(mlir::Operation *op, llvm::StringRef name,
                                         std::optional<llvm::ArrayRef<int64_t>> values,
                                         int64_t count, int64_t least) {
  if (!values)
    return mlir::success();
  if (static_cast<int64_t>(values->size()) != count)
    return op->emitOpError() << "expects " << count << " entries in '" << name << "', found "
                             << values->size();
  for (int64_t value : *values)
    if (value < least)
      return op->emitOpError() << "expects entries of at least " << least << " in '" << name
                               << "', found " << value;
  return mlir::success();
}

/// One positive stride and dilation, and two non-negative paddings per spatial dimension.
inline mlir::LogicalResult verifyWindows(mlir::Operation *op, int64_t spatial,
                                         std::optional<llvm::ArrayRef<int64_t>> strides,
                                         std::optional<llvm::ArrayRef<int64_t>> dilations,
                                         std::optional<llvm::ArrayRef<int64_t>> padding) {
  if (mlir::failed(verifyEntries(op, "strides", strides, spatial, 1)) ||
      mlir::failed(verifyEntries(op, "dilations", dilations, spatial, 1)))
    return mlir::failure();
  return verifyEntries(op, "padding", padding, 2 * spatial, 0);
}

} // namespace linnet

#endif // LINNET_LIB_IR_WINDOWS_H
