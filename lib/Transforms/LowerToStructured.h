//===- LowerToStructured.h - pieces of the structured lowering --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_LOWERTOSTRUCTURED_H
#define LINNET_LIB_TRANSFORMS_LOWERTOSTRUCTURED_H

#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace linnet {

void populateElementwiseToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateEinsumToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateNormToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populatePlainToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateBatchNormToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateConvToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateLossToStructuredPatterns(mlir::RewritePatternSet &patterns);
void populateAttentionToStructuredPatterns(mlir::RewritePatternSet &patterns);
/// Sums of what gradients of scans give in parts.
void populateScanToStructuredPatterns(mlir::RewritePatternSet &patterns);
/// Optimizers, as arithmetic on tensors.
void populateOptimizerToStructuredPatterns(mlir::RewritePatternSet &patterns);
/// linalg's named ops and the tensor ops that are loops.
void populateUpstreamToStructuredPatterns(mlir::RewritePatternSet &patterns);

/// Attention of a handful of rows over long caches, in parts that threads share.
void splitAttention(mlir::Operation *root);

/// Whether what the kernel sums up in memory is f32: the gradients of queries and bias.
bool sumsInF32(AttentionGradOp op);
/// Whether no gradient is a sum over heads.
bool sumsPerHead(LinearAttentionGradOp op);

/// Float arithmetic on scalars outside of bodies becomes arithmetic on tensors of rank 0.
void liftScalarFloats(mlir::Operation *root);

/// A `cf.assert` before every slice of a tensor whose position is a value and need not lie inside.
void checkSlices(mlir::Operation *root);
/// Sizes of 1 that a generic op reads or writes at 0, out of its maps.
void populateDropUnitDimsPatterns(mlir::RewritePatternSet &patterns);

/// On a `tensor.extract`: the positions of the indices that may be out of range.
inline constexpr llvm::StringLiteral kCheckedAttr = "linnet.checked";

//===----------------------------------------------------------------------===//
// Building linalg.generic
//===----------------------------------------------------------------------===//

/// A tensor or scalar that a body reads through a map from the loops.
struct Read {
  mlir::Value value;
  mlir::AffineMap map;
};

using Sizes = llvm::SmallVector<mlir::OpFoldResult>;
/// From the values that were read (then the accumulators) to the values to write.
using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ImplicitLocOpBuilder &,
                                                               mlir::ValueRange)>;
using ScalarBody = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// A value per point of `type`, of sizes `sizes`.
mlir::Value mapElements(mlir::ImplicitLocOpBuilder &b, mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes, llvm::ArrayRef<Read> reads,
                        ScalarBody body);

/// Reduces over the loops that `kept` does not have. The body gets the values read, then the
/// accumulators, which start as `inits`.
llvm::SmallVector<mlir::Value> reduceElements(mlir::ImplicitLocOpBuilder &b,
                                              llvm::ArrayRef<Read> reads, mlir::ValueRange inits,
                                              mlir::AffineMap kept, Body body);

/// A tensor of one value.
mlir::Value fillTensor(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::TypedAttr value);
mlir::Value fillTensor(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::Value value);

/// The map from `rank` loops to those that `keep` says, in order.
mlir::AffineMap projectLoops(mlir::MLIRContext *context, unsigned rank,
                             llvm::function_ref<bool(unsigned)> keep);

/// The sizes of a ranked tensor value.
Sizes sizesOf(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor);
/// The sizes of the only result of an op that reifies them.
Sizes resultSizes(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op);

/// Groups of dimensions with one that is not `unit` each; nothing when all are.
llvm::SmallVector<mlir::ReassociationIndices> groupUnitDims(llvm::ArrayRef<bool> unit);

//===----------------------------------------------------------------------===//
// Scalars in bodies
//===----------------------------------------------------------------------===//

/// f32 for 16-bit floats, else the type itself.
mlir::Type computeType(mlir::Type element);
/// From and to a wider type of the same kind; nothing where the types are equal.
mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Value v, mlir::Type to);
mlir::Value narrow(mlir::ImplicitLocOpBuilder &b, mlir::Value v, mlir::Type to);
/// A float or integer constant of scalar type `type`.
mlir::TypedAttr numberAttr(mlir::Type type, double value);
mlir::Value number(mlir::ImplicitLocOpBuilder &b, mlir::Type type, double value);
/// The product of sizes, an index.
mlir::Value productOf(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::OpFoldResult> sizes);
/// An index as a float; in bodies only, there is no float arithmetic between kernels.
mlir::Value indexToFloat(mlir::ImplicitLocOpBuilder &b, mlir::Value index, mlir::Type type);

} // namespace linnet

#endif // LINNET_LIB_TRANSFORMS_LOWERTOSTRUCTURED_H
