//===- SplitSums.cpp - long sums with small results in parts --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// sum over k < K  =  sum over parts s of (sum over k < depth at s * depth + k)  +  the rest
//
// The parts are a batch dimension of the first sum, so threads share them; their results are
// added in the order of s. How many there are depends on sizes only.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace linnet {
#define GEN_PASS_DEF_SPLITSUMS
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

// A kernel makes up to one chunk of so many rows and columns; with fewer chunks than kEnough
// threads would idle. Parts are at least kDepth long, and there are about kParts of them.
static constexpr int64_t kRows = 24, kColumns = 64, kEnough = 16, kDepth = 1024, kParts = 16;
/// Below so many products another kernel costs more than it wins.
static constexpr int64_t kLeastWork = int64_t(1) << 22;

//===----------------------------------------------------------------------===//
// Which sums
//===----------------------------------------------------------------------===//

/// Whether the body adds something to the accumulator, which holds what the sum is formed in.
static bool isSum(linalg::LinalgOp op) {
  Type type = getElementTypeOrSelf(op.getDpsInits()[0].getType());
  if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() < 32)
    return false;
  SmallVector<Operation *> combiners;
  return matchReduction(op.getRegionOutputArgs(), 0, combiners) && combiners.size() == 1 &&
         isa<arith::AddFOp, arith::AddIOp>(combiners[0]);
}

/// How many chunks the kernel of a product can have; 0 when a size of its result is not known.
static int64_t chunksOf(linalg::LinalgOp op) {
  int64_t rows = 1, columns = 1, batch = 1;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (auto [d, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (linalg::isReductionIterator(iterators[d]))
      continue;
    if (ShapedType::isDynamic(size))
      return 0;
    bool a = maps[0].isFunctionOfDim(d), b = maps[1].isFunctionOfDim(d);
    (a && b ? batch : a ? rows : columns) *= size;
  }
  // which of them the kernel's rows are is not known here
  auto chunks = [&](int64_t m, int64_t n) {
    return batch * llvm::divideCeil(m, kRows) * llvm::divideCeil(n, kColumns);
  };
  return std::max(chunks(rows, columns), chunks(columns, rows));
}

static bool readsConstant(linalg::LinalgOp op) {
  return llvm::any_of(op.getDpsInputs(), [&](Value v) {
    auto arg = dyn_cast<BlockArgument>(v);
    auto function = arg ? dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp()) : func::FuncOp();
    return function && function.getArgAttr(arg.getArgNumber(), "linnet.constant");
  });
}

static bool isSplit(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() ||
      op.hasIndexSemantics() || !op.getNumReductionLoops() || !isSum(op) || readsConstant(op) ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return false;
  int64_t chunks = chunksOf(op), depth = 1, work = 1;
  if (chunks == 0 || chunks >= kEnough)
    return false;
  bool unknown = false;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (auto [d, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    bool reduced = linalg::isReductionIterator(iterators[d]);
    unknown |= ShapedType::isDynamic(size);
    if (ShapedType::isDynamic(size))
      continue;
    work *= size;
    depth *= reduced ? size : 1;
  }
  return unknown || (depth >= 2 * kDepth && work >= kLeastWork);
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

namespace {

class Splitter {
public:
  Splitter(linalg::GenericOp op, unsigned dim, RewriterBase &rewriter)
      : op(op), dim(dim), rewriter(rewriter), b(op.getLoc(), rewriter) {}
  void run();

private:
  void choose();
  OpFoldResult compute(AffineExpr e, OpFoldResult of);
  /// `count` steps of the sum from `first` on.
  Value slice(Value x, AffineMap map, OpFoldResult first, OpFoldResult count);
  Value inParts(Value x, unsigned position);
  Value sumOfParts();
  Value sumOfRest();
  Value total(Value partial, Value init);

  linalg::GenericOp op;
  unsigned dim;
  RewriterBase &rewriter;
  ImplicitLocOpBuilder b;
  int64_t depth = kDepth;
  OpFoldResult size, parts, covered;
  bool hasRest = true;
};

} // namespace

OpFoldResult Splitter::compute(AffineExpr e, OpFoldResult of) {
  return affine::makeComposedFoldedAffineApply(b, b.getLoc(), AffineMap::get(1, 0, e), {of});
}

void Splitter::choose() {
  for (auto [x, map] : llvm::zip(op.getDpsInputs(), op.getIndexingMapsArray()))
    if (auto position = map.getResultPosition(b.getAffineDimExpr(dim)))
      size = tensor::getMixedSize(b, b.getLoc(), x, *position);
  if (auto known = getConstantIntValue(size)) {
    int64_t count = std::clamp<int64_t>(*known / kDepth, 1, kParts);
    // as many parts as leave no rest, if that is half of what could be
    int64_t even = count;
    while (even > 1 && *known % even)
      --even;
    hasRest = 2 * even <= count;
    depth = hasRest ? std::max<int64_t>(*known / count / 32 * 32, 1) : *known / even;
  }
  AffineExpr k = b.getAffineDimExpr(0);
  parts = compute(k.floorDiv(depth), size);
  covered = compute(k.floorDiv(depth) * depth, size);
}

Value Splitter::slice(Value x, AffineMap map, OpFoldResult first, OpFoldResult count) {
  auto position = map.getResultPosition(b.getAffineDimExpr(dim));
  if (!position || isEqualConstantIntOrValue(count, size))
    return x;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[*position] = first;
  sizes[*position] = count;
  return tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
}

Value Splitter::inParts(Value x, unsigned position) {
  SmallVector<OpFoldResult> shape;
  SmallVector<ReassociationIndices> groups;
  for (auto [d, extent] : llvm::enumerate(tensor::getMixedSizes(b, b.getLoc(), x))) {
    int64_t at = shape.size();
    groups.push_back({at});
    if (d != position) {
      shape.push_back(extent);
      continue;
    }
    shape.append({parts, b.getIndexAttr(depth)});
    groups.back().push_back(at + 1);
  }
  SmallVector<int64_t> known;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(shape, dynamic, known);
  auto type = RankedTensorType::get(known, getElementTypeOrSelf(x.getType()));
  return tensor::ExpandShapeOp::create(b, type, x, groups, shape);
}

// Loop 0 is the part, the others follow as they were.
Value Splitter::sumOfParts() {
  AffineExpr part = b.getAffineDimExpr(0);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  unsigned loops = op.getNumLoops();
  for (auto [x, map] : llvm::zip(op.getDpsInputs(), op.getIndexingMapsArray())) {
    Value input = slice(x, map, b.getIndexAttr(0), covered);
    SmallVector<AffineExpr> exprs(map.shiftDims(1).getResults());
    if (auto position = map.getResultPosition(b.getAffineDimExpr(dim))) {
      input = inParts(input, *position);
      exprs.insert(exprs.begin() + *position, part);
    }
    inputs.push_back(input);
    maps.push_back(AffineMap::get(loops + 1, 0, exprs, b.getContext()));
  }
  Value old = op.getDpsInits()[0];
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), old);
  sizes.insert(sizes.begin(), parts);
  Value zero = fillTensor(b, sizes, b.getZeroAttr(getElementTypeOrSelf(old.getType())));
  SmallVector<AffineExpr> out(op.getIndexingMapsArray().back().shiftDims(1).getResults());
  out.insert(out.begin(), part);
  maps.push_back(AffineMap::get(loops + 1, 0, out, b.getContext()));
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  iterators.insert(iterators.begin(), utils::IteratorType::parallel);
  auto sum =
      linalg::GenericOp::create(b, zero.getType(), inputs, ValueRange{zero}, maps, iterators);
  rewriter.cloneRegionBefore(op.getRegion(), sum.getRegion(), sum.getRegion().begin());
  return sum.getResult(0);
}

Value Splitter::sumOfRest() {
  OpFoldResult count = compute(b.getAffineDimExpr(0) % depth, size);
  IRMapping map;
  for (auto [x, indexing] : llvm::zip(op.getDpsInputs(), op.getIndexingMapsArray()))
    map.map(x, slice(x, indexing, covered, count));
  return b.clone(*op, map)->getResult(0);
}

Value Splitter::total(Value partial, Value init) {
  unsigned rank = cast<RankedTensorType>(init.getType()).getRank();
  SmallVector<AffineExpr> read{b.getAffineDimExpr(rank)};
  for (unsigned d = 0; d < rank; ++d)
    read.push_back(b.getAffineDimExpr(d));
  AffineMap from = AffineMap::get(rank + 1, 0, read, b.getContext());
  AffineMap kept = projectLoops(b.getContext(), rank + 1, [&](unsigned d) { return d < rank; });
  auto add = [](ImplicitLocOpBuilder &inner, ValueRange args) -> SmallVector<Value> {
    if (isa<FloatType>(args[0].getType()))
      return {arith::AddFOp::create(inner, args[1], args[0])};
    return {arith::AddIOp::create(inner, args[1], args[0])};
  };
  return reduceElements(b, {{partial, from}}, init, kept, add)[0];
}

void Splitter::run() {
  choose();
  Value partial = sumOfParts();
  Value init = hasRest ? sumOfRest() : op.getDpsInits()[0];
  rewriter.replaceOp(op, total(partial, init));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// The dimensions that are summed, walked as one where they are neighbours in both operands.
static linalg::LinalgOp collapseSummed(linalg::LinalgOp op, RewriterBase &rewriter) {
  ReassociationIndices summed;
  for (AffineExpr e : op.getIndexingMapsArray()[0].getResults()) {
    unsigned d = cast<AffineDimExpr>(e).getPosition();
    if (linalg::isReductionIterator(op.getIteratorTypesArray()[d]))
      summed.push_back(d);
  }
  if (summed.size() < 2 || summed.size() != op.getNumReductionLoops() ||
      !linalg::areDimSequencesPreserved(op.getIndexingMapsArray(), summed))
    return op;
  FailureOr<linalg::CollapseResult> collapsed =
      linalg::collapseOpIterationDims(op, summed, rewriter);
  if (failed(collapsed))
    return op;
  rewriter.replaceOp(op, collapsed->results);
  return collapsed->collapsedOp;
}

/// The longest dimension that is summed.
static unsigned longestSummed(linalg::LinalgOp op) {
  SmallVector<unsigned> dims;
  op.getReductionDims(dims);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  return *llvm::max_element(dims, [&](unsigned a, unsigned b) {
    auto extent = [&](unsigned d) {
      return ShapedType::isDynamic(ranges[d]) ? std::numeric_limits<int64_t>::max() : ranges[d];
    };
    return extent(a) < extent(b);
  });
}

namespace {
struct SplitSums : linnet::impl::SplitSumsBase<SplitSums> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isSplit(op))
        ops.push_back(op);
    });
    splitAttention(getOperation());
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      op = collapseSummed(op, rewriter);
      rewriter.setInsertionPoint(op);
      FailureOr<linalg::GenericOp> generic = isa<linalg::GenericOp>(op)
                                                 ? cast<linalg::GenericOp>(op)
                                                 : linalg::generalizeNamedOp(rewriter, op);
      if (failed(generic))
        continue;
      rewriter.setInsertionPoint(*generic);
      Splitter(*generic, longestSummed(*generic), rewriter).run();
    }
  }
};
} // namespace
