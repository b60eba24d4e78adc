//===- GPUEmitter.h - writes the code of one workgroup ----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What every kernel emitter of GPUs shares beyond CodeBuilder: threads, workgroup memory and its
// barriers, the exchange of values within a subgroup, access to 16 bytes at once.
//
// Code is written for one thread. A barrier has to be reached by all threads of a workgroup: only
// conditions and loops that are the same for all of them (on sizes, on the group) may hold one.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_GPUEMITTER_H
#define LINNET_LIB_CODEGEN_GPU_GPUEMITTER_H

#include "linnet/Codegen/CodeBuilder.h"
#include "linnet/Codegen/GPU.h"

namespace mlir::gpu {
class GPUFuncOp;
} // namespace mlir::gpu

namespace linnet::codegen {

using Combine = llvm::function_ref<Value(Value, Value)>;
using CombineMany = llvm::function_ref<Values(ValueRange, ValueRange)>;

class GPUEmitter : public CodeBuilder {
public:
  GPUEmitter(mlir::Location loc, const GPUTarget &target, bool widePositions = false)
      : CodeBuilder(loc), target(target), widePositions(widePositions) {}
  const GPUTarget &target;
  const bool widePositions; ///< indices have 64 bits
  /// What an index is in workgroup memory and in exchanges.
  Type positionType() { return widePositions ? getI64Type() : getI32Type(); }
  Value thread;        ///< of the workgroup, as an index
  int64_t threads = 0; ///< of the workgroup

  /// Body for i = thread, thread + threads, ... below hi. Holds no barrier.
  void forThreads(Value hi, llvm::function_ref<void(Value)> body);

  /// Of CUDA: values of a thread stay in registers, though fewer workgroups run at once then. The
  /// assembler would rather spill some, where it is to guess.
  void keepInRegisters();

  //--- workgroup memory -------------------------------------------------------------------------
  /// n elements for the kernel's whole life. Where lives do not overlap, share them.
  Value shared(Type element, int64_t n);
  /// All threads of the workgroup arrive; what they wrote to workgroup memory is seen by all.
  void barrier();
  int64_t sharedBytes() const { return bytes; }

  //--- subgroups --------------------------------------------------------------------------------
  /// A power of two that divides the number of threads.
  int64_t subgroup() const { return std::min(target.subgroup, threads); }
  /// The value of the lane whose number differs in the bits of `mask`, below subgroup(). Every
  /// lane takes part. Floats and integers of 32 bits go as they are, others in pieces or widened.
  Value shuffleXor(Value v, int64_t mask);
  /// Combines `width` neighbours (a power of two, up to subgroup()) in a fixed butterfly: all of
  /// them get the result, which has the same bits in each if `combine` is commutative.
  Value reduceLanesOf(Value v, int64_t width, Combine combine);
  /// Combines the values of all threads; all get the result. `width` (a power of two that divides
  /// `threads`) neighbours form a team of their own. Workgroup memory is used where a team is
  /// wider than a subgroup, behind a barrier at the start and at the end.
  Value reduceTeam(Value v, int64_t width, Combine combine);
  /// The same for tuples of values.
  Values reduceTeam(Values v, int64_t width, CombineMany combine);
  /// The same for a width that is known when the kernel runs, the same for all threads. What
  /// subgroups have made is combined in their order.
  Values reduceTeam(Values v, Value width, CombineMany combine);
  /// The sum of an index over the threads before this one, and over all. Two barriers.
  std::pair<Value, Value> sumBefore(Value v);

  //--- 16 bytes at once -------------------------------------------------------------------------
  /// Elements of a stored type that one access may move.
  static int64_t wide(Type stored);
  /// At a position that is a multiple of n, in memory that starts at a multiple of 16 bytes.
  /// Without masks.
  Value vload(Value memory, Value i, int64_t n, Value mask = {}) override;
  void vstore(Value v, Value memory, Value i, Value mask = {}) override;
  /// The same at any position, by several accesses where it is no multiple; n = 1: a scalar.
  Value loadTogether(Value memory, Value i, int64_t n);
  void storeTogether(Value v, Value memory, Value i);
  Value extract(Value vector, int64_t i);
  Value pack(ValueRange scalars); ///< to a vector

private:
  mlir::gpu::GPUFuncOp function();
  Values shuffle(Values v, int64_t mask);
  Value scratchFor(Type element);
  Values publish(ValueRange v, int64_t lanes);
  Values readSlot(ValueRange memory, mlir::TypeRange types, Value slot);
  llvm::DenseMap<Type, Value> exchange; ///< workgroup memory of reduceTeam
  int64_t bytes = 0;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_GPUEMITTER_H
