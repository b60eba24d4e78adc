//===- LateReaders.cpp - what a later stage makes again -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LateReaders.h"
#include "ElementBytes.h"
#include "Grouping.h"
#include "Views.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
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

static int64_t bytesOf(Type type) { return getElementBytes(getElementTypeOrSelf(type)); }

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
  if (!source || bytesOf(source.getType()) > bytesOf(v.getType()))
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
// What late products read
//===----------------------------------------------------------------------===//

namespace {

/// A product reads its operands from memory. One that is a function of a tensor that the epilogue
/// of another product of that stage reads anyway is a second result of that epilogue: a train step
/// then keeps what goes into an activation from forward to backward, and not what comes out too.
class LateProducts {
public:
  explicit LateProducts(Block &block) : block(block), stages(block) {}
  void run();

private:
  linalg::GenericOp findEpilogue(linalg::GenericOp op, Operation *reader);
  bool dependsOn(Operation *op, Operation *maker);
  void makeIn(linalg::GenericOp epilogue, linalg::GenericOp op, OpOperand &use);

  Block &block;
  Stages stages;
};

} // namespace

/// An elementwise op of one tensor that is no wider than the op's result.
static linalg::GenericOp getFunctionOfOne(Operation &op) {
  linalg::GenericOp generic =
      op.getNumResults() == 1 ? getElementwise(op.getResult(0)) : linalg::GenericOp();
  if (!generic || !llvm::all_equal(generic.getDpsInputs()))
    return {};
  Type from = generic.getDpsInputs()[0].getType(), to = generic.getResult(0).getType();
  return bytesOf(from) <= bytesOf(to) ? generic : linalg::GenericOp();
}

static bool followsProduct(linalg::GenericOp op) {
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    Operation *def = input->get().getDefiningOp();
    return def && (isContraction(def) || isConvolution(def)) && def->hasOneUse() &&
           op.getMatchingIndexingMap(input).isIdentity();
  });
}

bool LateProducts::dependsOn(Operation *op, Operation *maker) {
  SmallVector<Operation *> work = {maker};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Operation *next = work.pop_back_val();
    if (next == op)
      return true;
    for (Operation *user : next->getUsers())
      if (Operation *outer = block.findAncestorOpInBlock(*user); outer && seen.insert(outer).second)
        work.push_back(outer);
  }
  return false;
}

/// An epilogue that reads the same tensor at about the time of `reader`, and does not need it.
linalg::GenericOp LateProducts::findEpilogue(linalg::GenericOp op, Operation *reader) {
  for (OpOperand &use : op.getDpsInputs()[0].getUses()) {
    auto epilogue = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (epilogue && epilogue != op && epilogue->getBlock() == &block &&
        epilogue->getNumResults() == 1 && isElementwiseEpilogue(epilogue) &&
        !epilogue.isDpsInit(&use) && epilogue.getMatchingIndexingMap(&use).isIdentity() &&
        stages.isLater(epilogue, op) && !stages.isMuchLater(epilogue, reader) &&
        followsProduct(epilogue) && !dependsOn(epilogue, reader))
      return epilogue;
  }
  return {};
}

/// Clones a body but for its terminator, of which it gives the first operand.
static Value inlineBody(OpBuilder &b, linalg::GenericOp op, ValueRange args) {
  IRMapping map;
  map.map(op.getBody()->getArguments(), args);
  for (Operation &inner : op.getBody()->without_terminator())
    b.clone(inner, map);
  return map.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0));
}

void LateProducts::makeIn(linalg::GenericOp epilogue, linalg::GenericOp op, OpOperand &use) {
  OpBuilder b(epilogue);
  Location loc = epilogue.getLoc();
  Value source = op.getDpsInputs()[0], made = op.getResult(0);
  // the epilogue may read the value itself: then it need not either
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto isMade = [&](OpOperand &operand) {
    return operand.get() == made && epilogue.getMatchingIndexingMap(&operand).isIdentity();
  };
  for (OpOperand *input : epilogue.getDpsInputOperands())
    if (!isMade(*input)) {
      inputs.push_back(input->get());
      maps.push_back(epilogue.getMatchingIndexingMap(input));
    }
  AffineMap identity = b.getMultiDimIdentityMap(epilogue.getNumLoops());
  maps.append(2, identity);
  Type types[] = {epilogue.getResult(0).getType(), made.getType()};
  Value inits[] = {epilogue.getDpsInits()[0],
                   tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, source),
                                           getElementTypeOrSelf(made))};
  auto body = [&](OpBuilder &inner, Location innerLoc, ValueRange args) {
    size_t at = 0;
    while (inputs[at] != source || !maps[at].isIdentity())
      ++at;
    SmallVector<Value> own(op->getNumOperands(), args[at]), others;
    Value value = inlineBody(inner, op, own);
    auto next = args.begin();
    for (OpOperand &operand : epilogue->getOpOperands())
      others.push_back(isMade(operand) ? value : *next++);
    linalg::YieldOp::create(inner, innerLoc, {inlineBody(inner, epilogue, others), value});
  };
  auto both = linalg::GenericOp::create(b, loc, types, inputs, inits, maps,
                                        epilogue.getIteratorTypesArray(), body);
  epilogue.getResult(0).replaceAllUsesWith(both.getResult(0));
  use.set(both.getResult(1));
  epilogue.erase();
}

void LateProducts::run() {
  SmallVector<OpOperand *> late;
  for (Operation &op : block)
    if (getFunctionOfOne(op))
      for (OpOperand &use : op.getResult(0).getUses())
        if (Operation *reader = use.getOwner();
            reader->getBlock() == &block && isContraction(reader) && stages.isLater(reader, &op))
          late.push_back(&use);
  // what replaces an epilogue has two results, and is not asked for more
  for (OpOperand *use : late)
    if (auto op = cast<linalg::GenericOp>(use->get().getDefiningOp()); op->getNumResults() == 1)
      if (linalg::GenericOp epilogue = findEpilogue(op, use->getOwner()))
        makeIn(epilogue, op, *use);
}

void linnet::recomputeInEpilogues(Operation *root) {
  root->walk([](func::FuncOp func) {
    if (!func.isExternal())
      for (Block &block : func.getBody()) {
        LateProducts(block).run();
        sortTopologically(&block);
      }
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
