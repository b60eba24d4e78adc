//===- LowerToStructuredElementwise.cpp - elementwise ops on tensors ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet;

namespace {

/// Any `arith` or `math` op on tensors, by its scalar form. Unlike upstream's pattern this
/// never writes over an operand, which would tie the result to it.
struct ElementwiseToGeneric : RewritePattern {
  explicit ElementwiseToGeneric(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type)
      return failure();
    auto isTensor = [](Value v) { return isa<RankedTensorType>(v.getType()); };
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    AffineMap all = b.getMultiDimIdentityMap(type.getRank());
    AffineMap none = AffineMap::get(type.getRank(), 0, b.getContext());
    SmallVector<Read> reads;
    for (Value operand : op->getOperands())
      if (!splatOf(operand))
        reads.push_back({operand, isTensor(operand) ? all : none});
    Value shape = *llvm::find_if(op->getOperands(), isTensor);
    rewriter.replaceOp(op, mapElements(b, type, sizesOf(b, shape), reads,
                                       [&](ImplicitLocOpBuilder &inner, ValueRange args) {
                                         return cloneOnScalars(inner, op, args);
                                       }));
    return success();
  }

private:
  /// The element of a splat constant: it goes into the body.
  static TypedAttr splatOf(Value v) {
    SplatElementsAttr splat;
    if (!matchPattern(v, m_Constant(&splat)) ||
        !isa<FloatType, IntegerType, IndexType>(splat.getElementType()))
      return {};
    return cast<TypedAttr>(splat.getSplatValue<Attribute>());
  }

  static Value cloneOnScalars(ImplicitLocOpBuilder &b, Operation *op, ValueRange args) {
    SmallVector<Value> operands;
    auto next = args.begin();
    for (Value operand : op->getOperands()) {
      TypedAttr splat = splatOf(operand);
      operands.push_back(splat ? arith::ConstantOp::create(b, splat).getResult() : *next++);
    }
    Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
    return b.create(op->getLoc(), op->getName().getIdentifier(), operands, element, op->getAttrs())
        ->getResult(0);
  }
};

/// `tensor.bitcast` by elements.
struct BitcastToGeneric : OpRewritePattern<tensor::BitcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::BitcastOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || !type.getElementType().isSignlessIntOrFloat())
      return failure();
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, op.getSource());
    return success();
  }
};

} // namespace

void linnet::populateElementwiseToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<ElementwiseToGeneric, BitcastToGeneric>(patterns.getContext());
}
