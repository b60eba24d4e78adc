//===- LateReaders.cpp - what a later stage makes again -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LateReaders.h"
#include "Grouping.h"
#include "Views.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace linnet;

static bool beginsStage(Operation *op) {
  return isContraction(op) || isConvolution(op) || isStructured(op);
}

Stages::Stages(Block &block) {
  for (Operation &op : block) {
    unsigned stage = 0;
    op.walk([&](Operation *inner) {
      for (Value v : inner->getOperands())
        if (Operation *def = v.getDefiningOp(); def && def->getBlock() == &block && def != &op)
          stage = std::max(stage, before.lookup(def) + beginsStage(def));
    });
    before[&op] = stage;
  }
}

//===----------------------------------------------------------------------===//
// Elementwise functions of one tensor
//===----------------------------------------------------------------------===//

namespace {

class LateReaders {
public:
  explicit LateReaders(Block &block) : block(block), stages(block) {}
  void run();

private:
  Value sourceOf(Value v);
  bool isKeptForLaterOnly(Value v);
  Value cloneFor(Operation *reader, Value v, IRMapping &map);

  Block &block;
  Stages stages;
  DenseMap<Value, Value> sources;
};

} // namespace

/// An op whose operands and result have their elements at the same place.
static linalg::GenericOp getElementwise(Value v) {
  auto op = v.getDefiningOp<linalg::GenericOp>();
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumReductionLoops() || op.getNumDpsInputs() == 0 ||
      !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }) ||
      llvm::any_of(*op.getBody(), llvm::IsaPred<cf::AssertOp, linalg::IndexOp>))
    return {};
  return op;
}

/// The tensor that `v` is an elementwise function of; `v` itself where it is of several, or where
/// that one is wider.
Value LateReaders::sourceOf(Value v) {
  if (Value known = sources.lookup(v))
    return known;
  Value source;
  if (linalg::GenericOp op = getElementwise(v); op && op->getBlock() == &block)
    for (Value input : op.getDpsInputs()) {
      Value next = sourceOf(input);
      if (source && next != source) {
        source = {};
        break;
      }
      source = next;
    }
  if (!source || getElementTypeOrSelf(source).getIntOrFloatBitWidth() >
                     getElementTypeOrSelf(v).getIntOrFloatBitWidth())
    source = v;
  return sources[v] = source;
}

/// Whether all readers would rather be fused with the maker, but some are too late for that.
bool LateReaders::isKeptForLaterOnly(Value v) {
  bool late = false;
  for (OpOperand &use : v.getUses()) {
    auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!reader || reader->getBlock() != &block || isContraction(reader) || isConvolution(reader) ||
        reader.isDpsInit(&use) || !reader.getMatchingIndexingMap(&use).isPermutation())
      return false;
    late |= stages.isLater(reader, v.getDefiningOp());
  }
  return late;
}

Value LateReaders::cloneFor(Operation *reader, Value v, IRMapping &map) {
  Value source = sourceOf(v);
  if (source == v || map.contains(v))
    return map.lookupOrDefault(v);
  Operation *op = v.getDefiningOp();
  for (Value input : cast<linalg::GenericOp>(op).getDpsInputs())
    cloneFor(reader, input, map);
  OpBuilder b(reader);
  return b.clone(*op, map)->getResult(0);
}

void LateReaders::run() {
  SmallVector<OpOperand *> late;
  for (Operation &op : block)
    if (op.getNumResults() == 1 && sourceOf(op.getResult(0)) != op.getResult(0) &&
        isKeptForLaterOnly(op.getResult(0)))
      for (OpOperand &use : op.getResult(0).getUses())
        if (stages.isLater(use.getOwner(), &op))
          late.push_back(&use);
  // one copy for each use, so that it can be fused there
  for (OpOperand *use : late) {
    IRMapping map;
    use->set(cloneFor(use->getOwner(), use->get(), map));
  }
}

void linnet::recomputeForLateReaders(Operation *root) {
  root->walk([](func::FuncOp func) {
    if (!func.isExternal())
      for (Block &block : func.getBody())
        LateReaders(block).run();
  });
}

//===----------------------------------------------------------------------===//
// Transposed copies
//===----------------------------------------------------------------------===//

/// The reshape between a tensor and what a transpose views, where the way back is known.
static tensor::CollapseShapeOp getReshape(Value source) {
  auto reshape = source.getDefiningOp<tensor::CollapseShapeOp>();
  return reshape && reshape.getSrcType().hasStaticShape() ? reshape : tensor::CollapseShapeOp();
}

void linnet::readThroughCopy(Operation *transpose, Value copy, const Stages &stages) {
  Value source = getViewSource(transpose);
  tensor::CollapseShapeOp reshape = getReshape(source);
  Value whole = reshape ? reshape.getSrc() : source;
  SmallVector<OpOperand *> late;
  for (OpOperand &use : whole.getUses())
    if (use.getOwner()->getBlock() == transpose->getBlock() && isStructured(use.getOwner()) &&
        stages.isLater(use.getOwner(), transpose))
      late.push_back(&use);
  if (late.empty())
    return;
  OpBuilder b(copy.getContext());
  b.setInsertionPointAfterValue(copy);
  Location loc = transpose->getLoc();
  Value empty = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, source),
                                        getElementTypeOrSelf(source));
  Value back = linalg::TransposeOp::create(b, loc, copy, empty,
                                           invertPermutationVector(getPermutation(transpose)))
                   .getResult()[0];
  if (reshape)
    back = tensor::ExpandShapeOp::create(b, loc, whole.getType(), back,
                                         reshape.getReassociationIndices());
  for (OpOperand *use : late)
    use->set(back);
}
