//===- OpKernel.h - kernels of one structured op ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What the emitters of a single structured op share: finding the op, its destinations, and
// f32 lanes along one dimension of a view of any float type and stride.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_OPKERNEL_H
#define LINNET_LIB_CODEGEN_CPU_OPKERNEL_H

#include "linnet/Codegen/KernelFrame.h"

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

/// The views of all tensor operands of `op`, in order; entries of other operands are empty.
mlir::FailureOr<llvm::SmallVector<View>> operandViews(KernelFrame &frame, mlir::Operation *op);

/// Where the value is stored; nothing when the kernel does not yield it.
mlir::FailureOr<std::optional<View>> destination(KernelFrame &frame, Value result);

/// Operands by name, and where results are stored. What the op does not have stays empty.
mlir::LogicalResult bindOperands(KernelFrame &frame,
                                 llvm::ArrayRef<std::pair<Value, View *>> operands);
mlir::LogicalResult bindResults(KernelFrame &frame,
                                llvm::ArrayRef<std::pair<Value, std::optional<View> *>> results);

/// `count` lanes from a position on: null: all kLanes are there.
struct Lanes {
  Value count;
  Value mask;
  /// The lanes of a dimension of `size` elements from `first` on, a multiple of kLanes.
  static Lanes of(Emitter &e, Value size, Value first);
};

/// kLanes elements along dimension `dim` of `v` from `position` on, as f32; absent lanes are 0.
Value loadLanes(Emitter &e, const View &v, Value position, unsigned dim, const Lanes &lanes = {});
void storeLanes(Emitter &e, Value x, const View &v, Value position, unsigned dim,
                const Lanes &lanes = {});
/// A block of kLanes rows and kLanes columns, turned: vector i holds column i, a lane per row.
/// Absent rows and columns read as anything that is finite.
Values loadTurned(Emitter &e, const View &v, Value position, unsigned rowDim, const Lanes &rows,
                  unsigned columnDim, int64_t columns);
void storeTurned(Emitter &e, Values x, const View &v, Value position, unsigned rowDim,
                 const Lanes &rows, unsigned columnDim, int64_t columns);
/// x * sigmoid(x).
Value silu(Emitter &e, Value x);
/// 1 / (1 + e^-x).
Value sigmoid(Emitter &e, Value x);
/// The derivative of silu at x, given sigmoid(x).
Value siluSlope(Emitter &e, Value x, Value sigmoid);
/// log(1 + e^x).
Value softplus(Emitter &e, Value x);
/// Vector i of 16 holds terms of sum i; lane i of the result is that sum, lanes met in halves.
Value sumEachLanes(Emitter &e, Values x);
/// kLanes whole numbers from the index `first` on, as f32.
Value countFrom(Emitter &e, Value first);
/// One element as f32.
Value loadFloat(Emitter &e, const View &v, Value position);

/// Writes `strategy` from named integers.
void setStrategy(exec::KernelOp kernel,
                 llvm::ArrayRef<std::pair<llvm::StringRef, int64_t>> numbers);
/// Gives the kernel one fault site, which is reported in the name of `op`.
void declareFault(exec::KernelOp kernel, mlir::Operation *op, llvm::StringRef message);
/// The bytes of all tensors among the kernel's arguments and untied results.
Value bytesTouched(LaunchBuilder &b, exec::KernelOp kernel);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_OPKERNEL_H
