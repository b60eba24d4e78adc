//===- LowerToStructuredUpstream.cpp - named linalg ops, loops in tensor --===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

namespace {

/// Named ops whose emitters work on the general form. Contractions and convolutions stay:
/// their names say which dimensions are which.
struct GeneralizeNamed : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (isa<linalg::GenericOp, linalg::FillOp, linalg::ContractionOpInterface,
            linalg::ConvolutionOpInterface>(op.getOperation()))
      return failure();
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

/// `linalg.softmax` and its like, by their own definition.
struct DecomposeAggregated : OpInterfaceRewritePattern<linalg::AggregatedOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op,
                                PatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
    if (failed(values))
      return failure();
    rewriter.replaceOp(op, *values);
    return success();
  }
};

struct GenerateToGeneric : OpRewritePattern<tensor::GenerateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::GenerateOp op, PatternRewriter &rewriter) const override {
    return linalg::rewriteInDestinationPassingStyle(rewriter, op);
  }
};

struct SplatToFill : OpRewritePattern<tensor::SplatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::SplatOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Value init = tensor::EmptyOp::create(b, type, op.getDynamicSizes());
    rewriter.replaceOpWithNewOp<linalg::FillOp>(op, op.getInput(), init);
    return success();
  }
};

/// `tensor.gather` is what its name says, but with the index coordinates in a last dimension.
struct TensorGatherToGeneric : OpRewritePattern<tensor::GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::GatherOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType type = op.getResultType(), source = op.getSourceType();
    int64_t batch = op.getIndicesType().getRank() - 1;
    ArrayRef<int64_t> gathered = op.getGatherDims();
    bool dropped = type.getRank() != batch + source.getRank(); // or kept with size 1
    Sizes indexSizes = sizesOf(b, op.getIndices()), sizes(indexSizes);
    sizes.pop_back();
    SmallVector<int64_t> loopOf(source.getRank(), -1);
    for (int64_t i = 0; i < source.getRank(); ++i) {
      bool isGathered = llvm::is_contained(gathered, i);
      if (!isGathered)
        loopOf[i] = sizes.size();
      if (!isGathered || !dropped)
        sizes.push_back(isGathered ? OpFoldResult(b.getIndexAttr(1))
                                   : tensor::getMixedSize(b, b.getLoc(), op.getSource(), i));
    }
    // coordinate k of every batch point, as a tensor of its own
    SmallVector<Read> reads;
    AffineMap readBatch =
        projectLoops(b.getContext(), type.getRank(), [&](int64_t i) { return i < batch; });
    for (size_t k = 0; k < gathered.size(); ++k)
      reads.push_back({coordinate(b, op.getIndices(), indexSizes, k), readBatch});
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange v) -> Value {
      SmallVector<Value> at;
      for (int64_t loop : loopOf)
        at.push_back(loop < 0 ? Value() : linalg::IndexOp::create(inner, loop).getResult());
      for (auto [k, dim] : llvm::enumerate(gathered))
        at[dim] = v[k].getType().isIndex()
                      ? v[k]
                      : arith::IndexCastOp::create(inner, inner.getIndexType(), v[k]).getResult();
      auto element = tensor::ExtractOp::create(inner, op.getSource(), at);
      element->setAttr(kCheckedAttr, inner.getDenseI64ArrayAttr(gathered));
      return element;
    };
    rewriter.replaceOp(op, mapElements(b, type, sizes, reads, body));
    return success();
  }

private:
  static Value coordinate(ImplicitLocOpBuilder &b, Value indices, ArrayRef<OpFoldResult> sizes,
                          int64_t k) {
    auto type = cast<RankedTensorType>(indices.getType());
    int64_t rank = type.getRank();
    Sizes offsets(rank, b.getIndexAttr(0)), shape(sizes), strides(rank, b.getIndexAttr(1));
    offsets.back() = b.getIndexAttr(k);
    shape.back() = b.getIndexAttr(1);
    auto reduced = RankedTensorType::get(type.getShape().drop_back(), type.getElementType());
    return tensor::ExtractSliceOp::create(b, reduced, indices, offsets, shape, strides);
  }
};

/// `tensor.reshape` by way of one dimension.
struct ReshapeToViews : OpRewritePattern<tensor::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ReshapeOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!source || !type)
      return failure();
    auto flatten = [](int64_t rank) {
      SmallVector<ReassociationIndices> groups;
      if (rank > 0)
        groups.emplace_back(llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
      return groups;
    };
    Value flat = op.getSource();
    if (source.getRank() == 0)
      flat = tensor::ExpandShapeOp::create(b, RankedTensorType::get(1, source.getElementType()),
                                           flat, flatten(0));
    else if (source.getRank() > 1)
      flat = tensor::CollapseShapeOp::create(b, flat, flatten(source.getRank()));
    if (type.getRank() == 0) {
      auto one = RankedTensorType::get(1, type.getElementType());
      if (flat.getType() != one)
        flat = tensor::CastOp::create(b, one, flat);
      rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, flat, flatten(0));
      return success();
    }
    Sizes sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      sizes.push_back(type.isDynamicDim(i) ? OpFoldResult(sizeAt(b, op.getShape(), i))
                                           : b.getIndexAttr(type.getDimSize(i)));
    int64_t count = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
    auto flatType = RankedTensorType::get(count, type.getElementType());
    if (flat.getType() != flatType)
      flat = tensor::CastOp::create(b, flatType, flat);
    if (type.getRank() == 1)
      rewriter.replaceOp(op, flat);
    else
      rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, type, flat, flatten(type.getRank()),
                                                         sizes);
    return success();
  }

private:
  static Value sizeAt(ImplicitLocOpBuilder &b, Value shape, int64_t i) {
    Value at = arith::ConstantIndexOp::create(b, i);
    Value size = tensor::ExtractOp::create(b, shape, at);
    if (size.getType().isIndex())
      return size;
    return arith::IndexCastOp::create(b, b.getIndexType(), size);
  }
};

} // namespace

void linnet::populateUpstreamToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<GeneralizeNamed, DecomposeAggregated, GenerateToGeneric, SplatToFill,
               TensorGatherToGeneric, ReshapeToViews>(patterns.getContext());
}
