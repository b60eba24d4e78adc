//===- OpKernel.h - kernels of one structured op ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What the emitters of a single structured op share on CPUs: f32 lanes along one dimension of a
// view of any float type and stride.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_OPKERNEL_H
#define LINNET_LIB_CODEGEN_CPU_OPKERNEL_H

#include "../OneOp.h"
#include "linnet/Codegen/KernelFrame.h"

namespace linnet::codegen {

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
/// Vector i of 16 holds terms of sum i; lane i of the result is that sum, lanes met in halves.
Value sumEachLanes(Emitter &e, Values x);
/// kLanes whole numbers from the index `first` on, as f32.
Value countFrom(Emitter &e, Value first);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_OPKERNEL_H
