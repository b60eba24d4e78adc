//===- OneOp.h - kernels of one structured op -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What the emitters of a single structured op share on all targets: finding the op, where its
// operands lie and its results go, its launch region and strategy.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_ONEOP_H
#define LINNET_LIB_CODEGEN_ONEOP_H

#include "linnet/Codegen/KernelViews.h"

namespace linnet::codegen {

/// The only op of the body that computes, when it is of the kind that `isRoot` accepts, its
/// tensor operands are views of arguments and every result of the kernel is one of its results,
/// whole or put into a slice of a tied argument. Null otherwise.
mlir::Operation *findOnlyOp(exec::KernelOp kernel,
                            llvm::function_ref<bool(mlir::Operation *)> isRoot);

template <typename Op> Op findOnly(exec::KernelOp kernel) {
  return mlir::cast_or_null<Op>(
      findOnlyOp(kernel, [](mlir::Operation *op) { return mlir::isa<Op>(op); }));
}

/// Where the value is stored; nothing when the kernel does not yield it.
mlir::FailureOr<std::optional<View>> destination(KernelViews &frame, Value result);

/// Operands by name, and where results are stored. What the op does not have stays empty.
mlir::LogicalResult bindOperands(KernelViews &frame,
                                 llvm::ArrayRef<std::pair<Value, View *>> operands);
/// The same for all operands, in the order of the op's definition.
template <typename Op>
mlir::LogicalResult bindOperandsOf(Op op, KernelViews &frame, llvm::ArrayRef<View *> views) {
  llvm::SmallVector<std::pair<Value, View *>> operands;
  for (auto [i, view] : llvm::enumerate(views)) {
    auto range = op.getODSOperands(i);
    operands.push_back({range.empty() ? Value() : Value(range.front()), view});
  }
  return bindOperands(frame, operands);
}
mlir::LogicalResult bindResults(KernelViews &frame,
                                llvm::ArrayRef<std::pair<Value, std::optional<View> *>> results);

/// The product of these sizes; 1 of none.
Value product(CodeBuilder &e, llvm::ArrayRef<Value> sizes);
/// The coordinates of element `number` of a tensor of these sizes, in row-major order.
Values unravel(CodeBuilder &e, Value number, llvm::ArrayRef<Value> sizes);
/// One element as f32.
Value loadFloat(CodeBuilder &e, const View &v, Value position);

/// Writes `strategy` from named integers.
void setStrategy(exec::KernelOp kernel,
                 llvm::ArrayRef<std::pair<llvm::StringRef, int64_t>> numbers);
/// Adds an entry to `strategy`, or replaces the one of that name.
void addToStrategy(exec::KernelOp kernel, llvm::StringRef name, mlir::Attribute value);
/// Adds the name of one of an emitter's forms.
void setForm(exec::KernelOp kernel, llvm::StringRef form);
/// Gives the kernel one fault site, which is reported in the name of `op`.
void declareFault(exec::KernelOp kernel, mlir::Operation *op, llvm::StringRef message);
/// The sizes of some dimensions of tensors, for the launch. An error on `op` where one is no
/// expression of the kernel's arguments.
template <size_t N>
mlir::FailureOr<std::array<Value, N>>
launchSizes(LaunchBuilder &b, mlir::Operation *op,
            const std::pair<Value, unsigned> (&dimensions)[N]) {
  std::array<Value, N> sizes;
  for (size_t i = 0; i < N; ++i) {
    sizes[i] = b.sizeOf(dimensions[i].first, dimensions[i].second);
    if (!sizes[i])
      return op->emitOpError("has a size that is no expression of the arguments");
  }
  return sizes;
}
/// The elements of dimensions `first` to `last` - 1 of a tensor; `last` left out: its rank.
Value elementsOf(LaunchBuilder &b, Value tensor, unsigned first = 0,
                 std::optional<unsigned> last = std::nullopt);
/// The bytes of all tensors among the kernel's arguments and untied results.
Value bytesTouched(LaunchBuilder &b, exec::KernelOp kernel);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_ONEOP_H
