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

/// The emitter of kernels that are one op: `select` decides for the op, `Kernel(op, frame).emit()`
/// writes the code.
template <typename Op, typename Kernel> class OpEmitter final : public KernelEmitter {
public:
  using Select = mlir::LogicalResult (*)(Op op, exec::KernelOp kernel);
  using Accepts = bool (*)(Op op);
  /// `accepts` says which of the ops it takes; null: all.
  explicit OpEmitter(Select choose, Accepts accepts = nullptr) : choose(choose), accepts(accepts) {}
  llvm::StringRef getName() const override { return Op::getOperationName().rsplit('.').second; }
  bool match(exec::KernelOp kernel) const override {
    Op op = findOnly<Op>(kernel);
    return op && (!accepts || accepts(op));
  }
  mlir::LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &) const override {
    return choose(findOnly<Op>(kernel), kernel);
  }
  mlir::LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    return Kernel(findOnly<Op>(kernel), frame).emit();
  }

private:
  Select choose;
  Accepts accepts;
};

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
/// The product of these sizes; 1 of none.
Value product(Emitter &e, llvm::ArrayRef<Value> sizes);
/// The coordinates of element `number` of a tensor of these sizes, in row-major order.
Values unravel(Emitter &e, Value number, llvm::ArrayRef<Value> sizes);
/// One element as f32.
Value loadFloat(Emitter &e, const View &v, Value position);

/// Writes `strategy` from named integers.
void setStrategy(exec::KernelOp kernel,
                 llvm::ArrayRef<std::pair<llvm::StringRef, int64_t>> numbers);
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

#endif // LINNET_LIB_CODEGEN_CPU_OPKERNEL_H
