//===- KernelContract.h - what dispatch formation gives an emitter -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The contract between dispatch formation and the code generators. A body holds
//
//   - index arithmetic (arith, tensor.dim of arguments), constants, index arguments;
//   - views of arguments: extract_slice, expand_shape, collapse_shape that merges only what
//     lies together, cast, linalg.transpose;
//   - the ops of one class, below;
//   - at its end tensor.insert_slice ops into arguments that their results are tied to.
//
// `contraction`: one linalg op that multiplies and adds, with projected permutations only,
//   whose operands share every reduced dimension, and at least one of which has a dimension that
//   the other has not; its init is a linalg.fill of zero or a tensor to accumulate on. Then a chain
//   of elementwise linalg.generic ops over the same output space: each value has one use, an input
//   at the identity map; other operands have projected permutations.
// `conv`: the same with linalg::inferConvolutionDims or `linnet.conv`. Pooling is `loops`.
// structured: one op of the linnet dialect alone; the class has its mnemonic (`attention`,
//   `linear_attention`, `selective_scan`, `causal_conv`, `random`, ...).
// `loops`: linalg ops, tensor.pad, tensor.concat and tensor.insert_slice that share an outer
//   iteration space: the first `outer` loops of every op are parallel, run over equal
//   extents, and index every value that is exchanged inside the body as the identity, first.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PROGRAM_KERNELCONTRACT_H
#define LINNET_PROGRAM_KERNELCONTRACT_H

#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace linnet {

enum class KernelClass { Contraction, Conv, Structured, Loops };

struct KernelInfo {
  KernelClass kind = KernelClass::Loops;
  /// "contraction", "conv", "loops" or the mnemonic of the structured op.
  llvm::StringRef name = "loops";
  /// The contraction, convolution or structured op; null for loops.
  mlir::Operation *root = nullptr;
  /// Contraction and conv: the elementwise ops behind the root, in order.
  llvm::SmallVector<mlir::linalg::GenericOp> epilogue;
  /// Loops: the ops that compute, in order, and how many outer loops they share.
  llvm::SmallVector<mlir::Operation *> members;
  unsigned outer = 0;
};

/// Whether `op` is a product of matrices, or of a matrix and a vector, as said above.
bool isContraction(mlir::Operation *op);
/// Whether `op` is a convolution that multiplies and adds, or `linnet.conv`.
bool isConvolution(mlir::Operation *op);
/// An op of the linnet dialect that has its own kernel class.
bool isStructured(mlir::Operation *op);
/// All loops parallel, results at the identity map, operands at projected permutations.
bool isElementwiseEpilogue(mlir::linalg::GenericOp op);
/// A linalg.transpose, or a linalg.generic that only permutes its one input.
bool isTranspose(mlir::Operation *op);
/// The permutation of a transpose: result dimension i is source dimension permutation[i].
llvm::SmallVector<int64_t> getPermutation(mlir::Operation *transpose);
/// A tensor op that moves no data: slice, reshape, cast or transpose.
bool isView(mlir::Operation *op);
/// The tensor that a view shows.
mlir::Value getViewSource(mlir::Operation *view);

/// How many leading loops of `op` are parallel and could be outer loops of a `loops` body.
unsigned getLeadingParallelLoops(mlir::Operation *op);
/// How many leading dimensions of `operand` the first loops of its owner index as identity.
unsigned getIdentityPrefix(mlir::OpOperand &operand);
/// The same for a result.
unsigned getIdentityPrefix(mlir::OpResult result);

/// How many outer loops the members of a `loops` body share.
unsigned countOuterLoops(llvm::ArrayRef<mlir::Operation *> members);

/// The class of the body of an `exec.kernel` or `exec.dispatch`.
KernelInfo classify(mlir::Block &body);
inline KernelInfo classify(exec::KernelOp kernel) { return classify(kernel.getBody().front()); }

/// Checks the contract. Every op that breaks it is listed in one diagnostic: op, count, location
/// of the first. A result that is tied to an input must be an update of it: an insert_slice into
/// it, a state, or elements that are read where they are written.
mlir::LogicalResult verifyKernel(exec::DispatchOp dispatch);
mlir::LogicalResult verifyKernel(exec::KernelOp kernel);

/// Whether result `result` of a body may lie in the memory of argument `input`, both untied:
/// every element is read for the last time before or as it is overwritten.
bool mayShareMemory(mlir::Block &body, unsigned input, unsigned result);

} // namespace linnet

#endif // LINNET_PROGRAM_KERNELCONTRACT_H
