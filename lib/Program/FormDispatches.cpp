//===- FormDispatches.cpp - fuse and group into dispatches ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "DispatchBuilder.h"
#include "Fusion.h"
#include "Grouping.h"
#include "LateReaders.h"
#include "Shapes.h"
#include "Views.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Program/Passes.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace linnet {
#define GEN_PASS_DEF_FORMDISPATCHES
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

/// The blocks whose ops are between dispatches: those of the function and of its control flow.
static SmallVector<Block *> getGraphBlocks(func::FuncOp func) {
  SmallVector<Block *> blocks;
  func->walk<WalkOrder::PreOrder>([&](Block *block) {
    Operation *parent = block->getParentOp();
    if (parent == func || isa<scf::SCFDialect>(parent->getDialect()))
      blocks.push_back(block);
    return WalkResult::advance();
  });
  return blocks;
}

/// Sizes of computed tensors in terms of what is known before they are.
static void resolveSizes(ArrayRef<Block *> blocks, ShapeResolver &shapes) {
  for (Block *block : blocks)
    for (Operation &op : llvm::make_early_inc_range(*block)) {
      auto dim = dyn_cast<tensor::DimOp>(op);
      if (!dim || !dim.getConstantIndex() || !isa<RankedTensorType>(dim.getSource().getType()))
        continue;
      if (auto arg = dyn_cast<BlockArgument>(dim.getSource()))
        if (isa<func::FuncOp>(arg.getOwner()->getParentOp()))
          continue;
      OpFoldResult size = shapes.dim(dim.getSource(), *dim.getConstantIndex());
      OpBuilder b(dim);
      Value value = getValueOrCreateConstantIndexOp(b, dim.getLoc(), size);
      if (value == dim.getResult())
        continue;
      dim.getResult().replaceAllUsesWith(value);
      dim.erase();
    }
}

/// A copy that forms a dispatch of its own.
static Value createCopy(OpBuilder &b, Value source) {
  auto type = cast<RankedTensorType>(source.getType());
  Value empty = tensor::EmptyOp::create(
      b, source.getLoc(), tensor::getMixedSizes(b, source.getLoc(), source), type.getElementType());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> parallel(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, source.getLoc(), type, source, empty,
                                   ArrayRef<AffineMap>{identity, identity}, parallel,
                                   [](OpBuilder &b, Location loc, ValueRange args) {
                                     linalg::YieldOp::create(b, loc, args[0]);
                                   })
      .getResult(0);
}

/// Strided views are read by dispatches only: whatever else uses one gets a copy.
static void materializeViews(ArrayRef<Block *> blocks) {
  for (Block *block : blocks) {
    Stages stages(*block);
    for (Operation &op : llvm::make_early_inc_range(*block)) {
      if (!isView(&op) || isAlias(&op))
        continue;
      SmallVector<OpOperand *> uses;
      for (OpOperand &use : op.getResult(0).getUses()) {
        Operation *user = use.getOwner();
        auto insert = dyn_cast<tensor::InsertSliceOp>(user);
        bool reads = isCompute(user) && (!insert || use.get() == insert.getSource());
        if (isView(user) ? needsMaterializedSource(user) : !reads && !isa<tensor::DimOp>(user))
          uses.push_back(&use);
      }
      if (uses.empty())
        continue;
      OpBuilder b(op.getContext());
      b.setInsertionPointAfter(&op);
      Value copy = createCopy(b, op.getResult(0));
      for (OpOperand *use : uses)
        use->set(copy);
      if (isTranspose(&op))
        readThroughCopy(&op, copy, stages);
    }
  }
}

/// Structured ops read memory: a tensor that holds one value everywhere gets some.
static void materializeFills(ArrayRef<Block *> blocks) {
  for (Block *block : blocks)
    for (Operation &op : llvm::make_early_inc_range(*block)) {
      if (!isStructured(&op))
        continue;
      for (OpOperand &operand : op.getOpOperands())
        if (operand.get().getDefiningOp<linalg::FillOp>()) {
          OpBuilder b(&op);
          operand.set(createCopy(b, operand.get()));
        }
    }
}

//===----------------------------------------------------------------------===//
// Float arithmetic between dispatches
//===----------------------------------------------------------------------===//

/// Programs compute with integers only; what computes with floats and is no tensor op.
static bool isFloatArithmetic(Operation *op) {
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
         !isa<arith::ConstantOp>(op) && op->getNumResults() == 1 &&
         llvm::none_of(op->getOperandTypes(), llvm::IsaPred<ShapedType>) &&
         (llvm::any_of(op->getOperandTypes(), llvm::IsaPred<FloatType>) ||
          isa<FloatType>(op->getResult(0).getType()));
}

/// Dispatches that use a float clone the arithmetic behind it; others need its value.
static bool isNeededOutside(Operation *op, Block *block) {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    Operation *outer = block->findAncestorOpInBlock(*user);
    return !outer || !(isFloatArithmetic(outer) || isCompute(outer));
  });
}

static Value cloneInto(OpBuilder &b, Value v, IRMapping &map) {
  Operation *def = v.getDefiningOp();
  if (map.contains(v) || !def || !(isFloatArithmetic(def) || isa<arith::ConstantOp>(def)))
    return map.lookupOrDefault(v);
  for (Value operand : def->getOperands())
    cloneInto(b, operand, map);
  b.clone(*def, map);
  return map.lookup(v);
}

/// Computes the value as a tensor of rank 0, which is a dispatch, and reads it.
static void computeAsTensor(Operation *op) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Value old = op->getResult(0);
  Value empty = tensor::EmptyOp::create(b, op->getLoc(), ArrayRef<int64_t>{}, old.getType());
  auto generic = linalg::GenericOp::create(
      b, op->getLoc(), empty.getType(), ValueRange(), empty,
      ArrayRef<AffineMap>{b.getMultiDimIdentityMap(0)}, ArrayRef<utils::IteratorType>{},
      [&](OpBuilder &inner, Location loc, ValueRange) {
        IRMapping map;
        linalg::YieldOp::create(inner, loc, cloneInto(inner, old, map));
      });
  Value value = tensor::ExtractOp::create(b, op->getLoc(), generic.getResult(0), ValueRange());
  Block *block = op->getBlock();
  old.replaceUsesWithIf(value, [&](OpOperand &use) {
    Operation *outer = block->findAncestorOpInBlock(*use.getOwner());
    return outer != generic && !isFloatArithmetic(outer) && !isCompute(outer);
  });
}

static void computeFloatsInDispatches(ArrayRef<Block *> blocks) {
  for (Block *block : blocks)
    for (Operation &op : llvm::make_early_inc_range(*block))
      if (isFloatArithmetic(&op) && isNeededOutside(&op, block))
        computeAsTensor(&op);
}

/// Constants with more than one value are globals by now, or cannot be compiled.
static LogicalResult checkConstants(ArrayRef<Block *> blocks) {
  bool ok = true;
  for (Block *block : blocks)
    for (auto constant : block->getOps<arith::ConstantOp>())
      if (isa<ShapedType>(constant.getType()) && !isa<SplatElementsAttr>(constant.getValue()))
        ok = (constant.emitOpError("expects dense constants as globals, see "
                                   "--linnet-globals-to-arguments"),
              false);
  return success(ok);
}

static void eraseDead(ArrayRef<Block *> blocks) {
  for (Block *block : llvm::reverse(blocks))
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
}

/// They kept apart what is computed twice on purpose; dispatches are not merged.
static void dropBarriers(func::FuncOp func) {
  func.walk([](BarrierOp op) {
    op.getResult().replaceAllUsesWith(op.getInput());
    op.erase();
  });
}

static LogicalResult formDispatches(func::FuncOp func) {
  // the order is planned from here on
  func.walk([](BarrierOp op) { op.getAfterMutable().clear(); });
  SmallVector<Block *> blocks = getGraphBlocks(func);
  if (failed(checkConstants(blocks)))
    return failure();
  computeFloatsInDispatches(blocks);
  materializeViews(blocks);
  materializeFills(blocks);
  ShapeResolver shapes(func.getContext());
  resolveSizes(blocks, shapes);
  eraseDead(blocks);
  bool ok = true;
  for (Block *block : blocks) {
    for (const DispatchGroup &group : formGroups(*block))
      ok &= succeeded(buildDispatch(group, shapes));
    sortTopologically(block);
  }
  dropBarriers(func);
  eraseDead(blocks);
  return success(ok);
}

namespace {
struct FormDispatches : linnet::impl::FormDispatchesBase<FormDispatches> {
  void runOnOperation() override {
    if (failed(fuseElementwise(getOperation())))
      return signalPassFailure();
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() && failed(formDispatches(func)))
        return signalPassFailure();
  }
};
} // namespace
