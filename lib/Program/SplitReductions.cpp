//===- SplitReductions.cpp - large reductions in two steps ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A kernel's chunks are cut from its parallel loops. A reduction to a scalar has none, and one
// of columns would read a whole column at a stride: both are cut along a reduced loop first.
//
//===----------------------------------------------------------------------===//
#include "SplitReductions.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace linnet;

namespace {

constexpr int64_t kUnknown = 64;             ///< what a size that is not known counts as
constexpr int64_t kLarge = int64_t(1) << 17; ///< elements
constexpr int64_t kBlockElements = int64_t(1) << 16;
constexpr int64_t kColumns = 4096; ///< that one unit of a kernel covers
constexpr int64_t kEnoughUnits = 16;
constexpr int64_t kMaxBlocks = 1024;

struct Split {
  unsigned loop = 0;
  int64_t block = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// What to split
//===----------------------------------------------------------------------===//

/// The op that takes result `i`'s accumulator and an element; null when there is more to it.
static Operation *findCombiner(linalg::GenericOp op, unsigned i) {
  BlockArgument acc = op.getRegionOutputArgs()[i];
  Value yielded = op.getBody()->getTerminator()->getOperand(i);
  Operation *combiner = yielded.getDefiningOp();
  if (!combiner || !acc.hasOneUse() || *acc.user_begin() != combiner || !yielded.hasOneUse())
    return nullptr;
  bool known =
      isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
          arith::MinNumFOp, arith::AddIOp, arith::MulIOp, arith::MaxSIOp, arith::MinSIOp,
          arith::MaxUIOp, arith::MinUIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp>(combiner);
  return known && arith::getNeutralElement(combiner) ? combiner : nullptr;
}

static bool canSplit(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0 || isContraction(op) ||
      isConvolution(op))
    return false;
  for (Operation &inner : *op.getBody())
    if (isa<tensor::ExtractOp, cf::AssertOp>(inner))
      return false; // positions of faults
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    if (!findCombiner(op, i) ||
        !op.getIndexingMapMatchingResult(op->getResult(i)).isProjectedPermutation())
      return false;
  auto kinds = op.getIteratorTypesArray();
  return llvm::is_sorted(kinds, [](utils::IteratorType a, utils::IteratorType b) {
    return a == utils::IteratorType::parallel && b == utils::IteratorType::reduction;
  });
}

/// Whether every access of the loop is a dimension of its own.
static bool isPlain(linalg::GenericOp op, unsigned loop) {
  AffineExpr dim = getAffineDimExpr(loop, op.getContext());
  bool read = false;
  for (AffineMap map : op.getIndexingMapsArray()) {
    unsigned count = llvm::count(map.getResults(), dim);
    for (AffineExpr e : map.getResults())
      if (e != dim && e.isFunctionOfDim(loop))
        return false;
    if (count > 1)
      return false;
    read |= count == 1;
  }
  return read;
}

/// The parallel loop that the elements of the largest input lie along; -1: a reduced one.
static int findColumnLoop(linalg::GenericOp op) {
  AffineMap widest;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!widest || map.getNumResults() > widest.getNumResults())
      widest = map;
  }
  if (!widest || widest.getNumResults() == 0)
    return -1;
  auto last = dyn_cast<AffineDimExpr>(widest.getResults().back());
  return last && last.getPosition() < op.getNumParallelLoops() ? int(last.getPosition()) : -1;
}

/// Whether something reads the results again for each element, as a norm does: one kernel.
static bool isReadBack(linalg::GenericOp op) {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    auto reader = dyn_cast<linalg::LinalgOp>(user);
    return reader && reader.getNumLoops() > op.getNumParallelLoops();
  });
}

/// A divisor of n from half of `block` on, or `block`.
static int64_t roundToDivisor(int64_t n, int64_t block) {
  for (int64_t b = std::min(n, block); b >= std::max<int64_t>(block / 2, 1); --b)
    if (n % b == 0)
      return b;
  return block;
}

static std::optional<Split> chooseSplit(linalg::GenericOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto extent = [&](unsigned d) { return ShapedType::isDynamic(ranges[d]) ? kUnknown : ranges[d]; };
  int64_t points = 1, elements = 1;
  std::optional<unsigned> loop;
  for (unsigned d = 0; d < ranges.size(); ++d) {
    int64_t n = extent(d);
    if (n <= 0 || n > (int64_t(1) << 40) / elements)
      return std::nullopt;
    elements *= n;
    if (d < op.getNumParallelLoops())
      points *= n;
    else if (isPlain(op, d) && (!loop || n > extent(*loop)))
      loop = d;
  }
  if (elements < kLarge || !loop)
    return std::nullopt;
  int column = findColumnLoop(op);
  int64_t lanes = column < 0 ? points : std::min(extent(column), kColumns);
  int64_t units = column < 0 ? points : points / lanes, rows = elements / points;
  bool far = column >= 0 && rows >= 128 && !isReadBack(op);
  if (units >= kEnoughUnits && !far)
    return std::nullopt;
  int64_t n = extent(*loop);
  bool dynamic = ShapedType::isDynamic(ranges[*loop]);
  int64_t block = kBlockElements / std::max<int64_t>(1, rows / n * lanes);
  block = std::max({block, int64_t(column < 0 ? 1 : 16), llvm::divideCeilSigned(n, kMaxBlocks)});
  if (!dynamic)
    block = roundToDivisor(n, block);
  if (block >= n && !dynamic)
    return std::nullopt;
  return Split{*loop, block};
}

//===----------------------------------------------------------------------===//
// Splitting
//===----------------------------------------------------------------------===//

namespace {
class Splitter {
public:
  Splitter(linalg::GenericOp op, Split split)
      : b(op.getLoc(), op), op(op), split(split), dim(b.getAffineDimExpr(split.loop)) {}
  void run();

private:
  OpFoldResult sizeOfLoop();
  Value slice(Value tensor, AffineMap map, OpFoldResult from, OpFoldResult count);
  Value cut(Value tensor, AffineMap map);
  AffineMap shifted(AffineMap map, bool isResult);
  SmallVector<Value> emitPartials();
  SmallVector<Value> emitSum(ArrayRef<Value> partials);
  SmallVector<Value> emitRest(ArrayRef<Value> inits);
  Value floorMultiple(OpFoldResult n);

  ImplicitLocOpBuilder b;
  linalg::GenericOp op;
  Split split;
  AffineExpr dim;
  OpFoldResult blocks, whole, rest; ///< of the loop: blocks, elements in them, elements behind
};
} // namespace

OpFoldResult Splitter::sizeOfLoop() {
  for (OpOperand &operand : op->getOpOperands())
    for (auto [r, e] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (e == dim)
        return tensor::getMixedSize(b, op.getLoc(), operand.get(), r);
  llvm_unreachable("isPlain saw one");
}

/// `count` elements of the loop's dimension, from `from` on.
Value Splitter::slice(Value tensor, AffineMap map, OpFoldResult from, OpFoldResult count) {
  auto at = llvm::find(map.getResults(), dim);
  if (at == map.getResults().end())
    return tensor;
  unsigned r = at - map.getResults().begin();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, op.getLoc(), tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0)),
      strides(sizes.size(), b.getIndexAttr(1));
  offsets[r] = from;
  sizes[r] = count;
  return tensor::ExtractSliceOp::create(b, tensor, offsets, sizes, strides);
}

/// The blocks of the loop as a dimension of their own.
Value Splitter::cut(Value tensor, AffineMap map) {
  auto at = llvm::find(map.getResults(), dim);
  if (at == map.getResults().end())
    return tensor;
  unsigned r = at - map.getResults().begin();
  if (getConstantIntValue(rest) != 0)
    tensor = slice(tensor, map, b.getIndexAttr(0), whole);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, op.getLoc(), tensor);
  sizes[r] = b.getIndexAttr(split.block);
  sizes.insert(sizes.begin() + r, blocks);
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0, next = 0; i + 1 < sizes.size(); ++i) {
    groups.push_back({next++});
    if (i == r)
      groups.back().push_back(next++);
  }
  SmallVector<int64_t> shape;
  for (OpFoldResult s : sizes)
    shape.push_back(getConstantIntValue(s).value_or(ShapedType::kDynamic));
  auto type =
      RankedTensorType::get(shape, cast<RankedTensorType>(tensor.getType()).getElementType());
  return tensor::ExpandShapeOp::create(b, type, tensor, groups, sizes);
}

/// Over the loops of the partial reductions: the blocks, then the loops of op.
AffineMap Splitter::shifted(AffineMap map, bool isResult) {
  SmallVector<AffineExpr> exprs;
  if (isResult)
    exprs.push_back(b.getAffineDimExpr(0));
  for (AffineExpr e : map.getResults()) {
    if (e == dim)
      exprs.push_back(b.getAffineDimExpr(0));
    exprs.push_back(e.shiftDims(map.getNumDims(), 1));
  }
  return AffineMap::get(map.getNumDims() + 1, 0, exprs, b.getContext());
}

/// In a clone of the body: `moved` gives a loop's new number, `position` what stands for the
/// split loop's index.
static void replaceIndices(linalg::GenericOp clone, unsigned loop,
                           llvm::function_ref<unsigned(unsigned)> moved,
                           llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> position) {
  for (auto index : llvm::to_vector(clone.getBody()->getOps<linalg::IndexOp>())) {
    ImplicitLocOpBuilder inner(index.getLoc(), index);
    Value at = linalg::IndexOp::create(inner, moved(index.getDim()));
    index.getResult().replaceAllUsesWith(index.getDim() == loop ? position(inner, at) : at);
    index.erase();
  }
}

SmallVector<Value> Splitter::emitPartials() {
  SmallVector<Value> inputs, inits;
  SmallVector<AffineMap> maps;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    bool tensor = isa<RankedTensorType>(input->get().getType());
    inputs.push_back(tensor ? cut(input->get(), map) : input->get());
    maps.push_back(shifted(map, false));
  }
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, op.getLoc(), init);
    sizes.insert(sizes.begin(), blocks);
    Value empty =
        tensor::EmptyOp::create(b, sizes, cast<RankedTensorType>(init.getType()).getElementType());
    Value start = arith::ConstantOp::create(b, *arith::getNeutralElement(findCombiner(op, i)));
    inits.push_back(linalg::FillOp::create(b, start, empty).getResult(0));
    maps.push_back(shifted(op.getIndexingMapMatchingResult(op->getResult(i)), true));
  }
  SmallVector<utils::IteratorType> kinds = {utils::IteratorType::parallel};
  llvm::append_range(kinds, op.getIteratorTypesArray());
  auto partial =
      linalg::GenericOp::create(b, ValueRange(inits).getTypes(), inputs, inits, maps, kinds);
  IRMapping map;
  op.getRegion().cloneInto(&partial.getRegion(), map);
  replaceIndices(
      partial, split.loop, [](unsigned d) { return d + 1; },
      [&](ImplicitLocOpBuilder &inner, Value index) {
        Value block = linalg::IndexOp::create(inner, 0);
        Value size = arith::ConstantIndexOp::create(inner, split.block);
        Value start = arith::MulIOp::create(inner, block, size);
        return Value(arith::AddIOp::create(inner, start, index));
      });
  return SmallVector<Value>(partial.getResults());
}

/// The partial results in the order of the blocks, onto what the op started from.
SmallVector<Value> Splitter::emitSum(ArrayRef<Value> partials) {
  unsigned parallel = op.getNumParallelLoops();
  SmallVector<AffineMap> maps, outputs;
  for (OpResult r : op->getResults()) {
    AffineMap map = op.getIndexingMapMatchingResult(r);
    SmallVector<AffineExpr> exprs(map.getResults());
    outputs.push_back(AffineMap::get(parallel + 1, 0, exprs, b.getContext()));
    exprs.insert(exprs.begin(), b.getAffineDimExpr(parallel));
    maps.push_back(AffineMap::get(parallel + 1, 0, exprs, b.getContext()));
  }
  llvm::append_range(maps, outputs);
  SmallVector<utils::IteratorType> kinds(parallel, utils::IteratorType::parallel);
  kinds.push_back(utils::IteratorType::reduction);
  SmallVector<Value> inits(op.getDpsInits());
  auto sum = linalg::GenericOp::create(b, ValueRange(inits).getTypes(), partials, inits, maps,
                                       kinds, [&](OpBuilder &inner, Location loc, ValueRange args) {
                                         SmallVector<Value> results;
                                         for (unsigned i = 0; i < inits.size(); ++i) {
                                           Operation *combiner = findCombiner(op, i);
                                           OperationState state(
                                               loc, combiner->getName(),
                                               ValueRange{args[inits.size() + i], args[i]},
                                               combiner->getResultTypes(), combiner->getAttrs());
                                           results.push_back(inner.create(state)->getResult(0));
                                         }
                                         linalg::YieldOp::create(inner, loc, results);
                                       });
  return SmallVector<Value>(sum.getResults());
}

/// The elements behind the last whole block.
SmallVector<Value> Splitter::emitRest(ArrayRef<Value> inits) {
  IRMapping none;
  auto clone = cast<linalg::GenericOp>(b.clone(*op, none));
  for (OpOperand *input : clone.getDpsInputOperands())
    if (isa<RankedTensorType>(input->get().getType()))
      input->set(slice(input->get(), op.getMatchingIndexingMap(input), whole, rest));
  clone->moveBefore(op);
  clone.getOutputsMutable().assign(inits);
  replaceIndices(
      clone, split.loop, [](unsigned d) { return d; },
      [&](ImplicitLocOpBuilder &inner, Value index) {
        Value start = getValueOrCreateConstantIndexOp(inner, inner.getLoc(), whole);
        return Value(arith::AddIOp::create(inner, index, start));
      });
  return SmallVector<Value>(clone.getResults());
}

Value Splitter::floorMultiple(OpFoldResult n) {
  Value size = arith::ConstantIndexOp::create(b, split.block);
  return arith::DivUIOp::create(b, getValueOrCreateConstantIndexOp(b, b.getLoc(), n), size);
}

void Splitter::run() {
  OpFoldResult n = sizeOfLoop();
  if (auto known = getConstantIntValue(n)) {
    blocks = b.getIndexAttr(*known / split.block);
    whole = b.getIndexAttr(*known / split.block * split.block);
    rest = b.getIndexAttr(*known % split.block);
  } else {
    Value count = floorMultiple(n), size = arith::ConstantIndexOp::create(b, split.block);
    Value all = arith::MulIOp::create(b, count, size);
    blocks = count;
    whole = all;
    rest = Value(arith::SubIOp::create(b, cast<Value>(n), all));
  }
  SmallVector<Value> results = emitSum(emitPartials());
  if (getConstantIntValue(rest) != 0)
    results = emitRest(results);
  op->replaceAllUsesWith(results);
  op->erase();
}

void linnet::splitReductions(Operation *root) {
  SmallVector<linalg::GenericOp> ops;
  root->walk([&](linalg::GenericOp op) { ops.push_back(op); });
  for (linalg::GenericOp op : ops)
    if (canSplit(op))
      if (std::optional<Split> split = chooseSplit(op))
        Splitter(op, *split).run();
}
