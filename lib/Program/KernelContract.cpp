//===- KernelContract.cpp - what dispatch formation gives an emitter ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Program/KernelContract.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Classes of single ops
//===----------------------------------------------------------------------===//

/// Two inputs, one init, and a body that adds the product of the inputs to the init.
static bool multipliesAndAdds(linalg::LinalgOp op) {
  return op.getNumDpsInputs() == 2 && op.getNumDpsInits() == 1 && op.hasPureTensorSemantics() &&
         linalg::detail::isContractionBody(*op.getBlock(), [](Operation *mul, Operation *add) {
           return (isa<arith::MulFOp>(mul) && isa<arith::AddFOp>(add)) ||
                  (isa<arith::MulIOp>(mul) && isa<arith::AddIOp>(add));
         });
}

static bool hasProjectedPermutationsOnly(linalg::LinalgOp op) {
  return llvm::all_of(op.getIndexingMapsArray(),
                      [](AffineMap m) { return m.isProjectedPermutation(); });
}

bool linnet::isContraction(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !hasProjectedPermutationsOnly(linalgOp) || !multipliesAndAdds(linalgOp) ||
      linalgOp.getNumReductionLoops() == 0)
    return false;
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  bool product = false; // a row or column dimension: else it is a sum of products, for loops
  for (unsigned d = 0; d < linalgOp.getNumLoops(); ++d) {
    bool inA = maps[0].isFunctionOfDim(d), inB = maps[1].isFunctionOfDim(d);
    bool reduced = !maps[2].isFunctionOfDim(d);
    if (reduced ? !(inA && inB) : !(inA || inB))
      return false;
    product |= inA != inB;
  }
  return product;
}

bool linnet::isConvolution(Operation *op) {
  if (op->getName().getStringRef() == "linnet.conv")
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && multipliesAndAdds(linalgOp) && !hasProjectedPermutationsOnly(linalgOp) &&
         succeeded(linalg::inferConvolutionDims(linalgOp));
}

bool linnet::isStructured(Operation *op) {
  return isa_and_nonnull<LinnetDialect>(op->getDialect()) && !isConvolution(op) &&
         !isa<BarrierOp>(op) && op->getNumResults() > 0 &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

bool linnet::isElementwiseEpilogue(linalg::GenericOp op) {
  return op.getNumDpsInits() >= 1 && op.getNumParallelLoops() == op.getNumLoops() &&
         op.hasPureTensorSemantics() && hasProjectedPermutationsOnly(op) &&
         llvm::all_of(op.getDpsInitsMutable(),
                      [&](OpOperand &init) {
                        return op.getMatchingIndexingMap(&init).isIdentity() &&
                               !op.payloadUsesValueFromOperand(&init);
                      }) &&
         llvm::none_of(op.getBody()->getOperations(),
                       llvm::IsaPred<tensor::ExtractOp, linalg::IndexOp, cf::AssertOp>);
}

static bool onlyPermutes(linalg::GenericOp op) {
  return op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 && op.hasPureTensorSemantics() &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         llvm::all_of(op.getIndexingMapsArray(), [](AffineMap m) { return m.isPermutation(); }) &&
         llvm::hasSingleElement(*op.getBody()) &&
         op.getBody()->getTerminator()->getOperand(0) == op.getBody()->getArgument(0) &&
         op.getIndexingMapsArray()[0] != op.getIndexingMapsArray()[1];
}

bool linnet::isTranspose(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return onlyPermutes(generic);
  return isa<linalg::TransposeOp>(op) && op->getNumResults() == 1;
}

SmallVector<int64_t> linnet::getPermutation(Operation *op) {
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return SmallVector<int64_t>(transpose.getPermutation());
  auto generic = cast<linalg::GenericOp>(op);
  AffineMap in = generic.getMatchingIndexingMap(generic.getDpsInputOperand(0));
  AffineMap out = generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
  SmallVector<int64_t> permutation;
  for (AffineExpr e : out.getResults())
    permutation.push_back(*in.getResultPosition(e));
  return permutation;
}

bool linnet::isView(Operation *op) {
  return isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::CastOp>(op) ||
         isTranspose(op);
}

Value linnet::getViewSource(Operation *view) { return view->getOperand(0); }

//===----------------------------------------------------------------------===//
// Outer loops of `loops` bodies
//===----------------------------------------------------------------------===//

static unsigned countIdentityPrefix(AffineMap map, unsigned limit) {
  unsigned n = 0;
  while (n < limit && n < map.getNumResults() &&
         map.getResult(n) == getAffineDimExpr(n, map.getContext()))
    ++n;
  return n;
}

/// Leading dimensions that a slice takes whole.
static unsigned countWholeDims(ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> sliceShape,
                               ArrayRef<int64_t> wholeShape, bool sameRank) {
  unsigned n = 0;
  while (sameRank && n < sliceShape.size() && isConstantIntValue(offsets[n], 0) &&
         !ShapedType::isDynamic(sliceShape[n]) && sliceShape[n] == wholeShape[n])
    ++n;
  return n;
}

unsigned linnet::getLeadingParallelLoops(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    unsigned n = 0;
    for (utils::IteratorType type : linalgOp.getIteratorTypesArray()) {
      if (!linalg::isParallelIterator(type))
        break;
      ++n;
    }
    return n;
  }
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    unsigned n = 0, rank = pad.getType().getRank();
    while (n < rank && isConstantIntValue(pad.getMixedLowPad()[n], 0) &&
           isConstantIntValue(pad.getMixedHighPad()[n], 0))
      ++n;
    return n;
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return concat.getDim();
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    auto source = insert.getSourceType(), dest = insert.getDestType();
    return countWholeDims(insert.getMixedOffsets(), source.getShape(), dest.getShape(),
                          source.getRank() == dest.getRank());
  }
  return 0;
}

unsigned linnet::getIdentityPrefix(OpOperand &operand) {
  unsigned limit = getLeadingParallelLoops(operand.getOwner());
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(operand.getOwner()))
    return countIdentityPrefix(linalgOp.getMatchingIndexingMap(&operand), limit);
  return limit;
}

unsigned linnet::getIdentityPrefix(OpResult result) {
  unsigned limit = getLeadingParallelLoops(result.getOwner());
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(result.getOwner()))
    return countIdentityPrefix(linalgOp.getIndexingMapMatchingResult(result), limit);
  return limit;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// A view whose chain of views ends at an argument of the body.
static bool isViewOfArgument(Operation *op) {
  while (op && isView(op)) {
    Value source = getViewSource(op);
    if (isa<BlockArgument>(source))
      return true;
    op = source.getDefiningOp();
  }
  return false;
}

/// Sizes, constants and destinations: ops that an emitter need not walk.
static bool isAuxiliary(Operation *op) {
  if (isa<tensor::EmptyOp, tensor::DimOp, exec::YieldOp>(op))
    return true;
  if (isa<arith::ConstantOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect, affine::AffineDialect>(
             op->getDialect()) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// An insert_slice into an argument whose result is yielded.
static bool isFinalInsert(Operation *op) {
  auto insert = dyn_cast<tensor::InsertSliceOp>(op);
  return insert && isa<BlockArgument>(insert.getDest()) && insert->hasOneUse() &&
         isa<exec::YieldOp>(*insert->user_begin());
}

unsigned linnet::countOuterLoops(ArrayRef<Operation *> members) {
  llvm::SmallPtrSet<Operation *, 8> inside(members.begin(), members.end());
  unsigned outer = ~0u;
  for (Operation *op : members) {
    outer = std::min(outer, isFinalInsert(op) ? outer : getLeadingParallelLoops(op));
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *def = operand.get().getDefiningOp();
      if (!def || !inside.contains(def) || isa<linalg::FillOp>(def) || isFinalInsert(op))
        continue;
      outer = std::min(
          {outer, getIdentityPrefix(operand), getIdentityPrefix(cast<OpResult>(operand.get()))});
    }
  }
  return outer == ~0u ? 0 : outer;
}

static Operation *findRoot(Block &body, KernelInfo &info) {
  for (Operation &op : body) {
    if (isContraction(&op)) {
      info.kind = KernelClass::Contraction;
      info.name = "contraction";
      return &op;
    }
    if (isConvolution(&op)) {
      info.kind = KernelClass::Conv;
      info.name = "conv";
      return &op;
    }
    if (isStructured(&op)) {
      info.kind = KernelClass::Structured;
      info.name = op.getName().stripDialect();
      return &op;
    }
  }
  return nullptr;
}

KernelInfo linnet::classify(Block &body) {
  KernelInfo info;
  info.root = findRoot(body, info);
  if (!info.root) {
    for (Operation &op : body)
      if (!isAuxiliary(&op) && !isViewOfArgument(&op))
        info.members.push_back(&op);
    // a body that only moves data: its last view is the work
    info.outer = countOuterLoops(info.members);
    return info;
  }
  Operation *last = info.root;
  while (last->getNumResults() == 1 && last->hasOneUse()) {
    auto next = dyn_cast<linalg::GenericOp>(*last->user_begin());
    if (!next || !isElementwiseEpilogue(next))
      break;
    info.epilogue.push_back(next);
    last = next;
  }
  return info;
}

/// The ops of a body that its class does not have, by name: count and first location.
using Leftovers = llvm::MapVector<StringRef, std::pair<unsigned, Location>>;

static Leftovers findLeftovers(Block &body) {
  KernelInfo info = classify(body);
  llvm::SmallPtrSet<Operation *, 8> known(info.epilogue.begin(), info.epilogue.end());
  known.insert(info.root);
  Leftovers leftovers;
  for (Operation &op : body) {
    if (known.contains(&op) || isAuxiliary(&op) || isViewOfArgument(&op) || isFinalInsert(&op))
      continue;
    bool loops = isa<linalg::LinalgOp, tensor::PadOp, tensor::ConcatOp, tensor::InsertSliceOp,
                     tensor::ExtractSliceOp, tensor::FromElementsOp, tensor::ExtractOp>(op);
    if (info.kind == KernelClass::Loops && loops)
      continue;
    if (isa<linalg::FillOp>(op)) // an init
      continue;
    auto &entry = leftovers.try_emplace(op.getName().getStringRef(), 0u, op.getLoc()).first->second;
    ++entry.first;
  }
  return leftovers;
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// Reads of `arg` by the body's members; false when a view or another op stands between.
static bool collectReads(BlockArgument arg, SmallVectorImpl<OpOperand *> &reads) {
  for (OpOperand &use : arg.getUses()) {
    if (isa<tensor::DimOp>(use.getOwner()))
      continue;
    auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
    if (!op || isTranspose(op))
      return false;
    reads.push_back(&use);
  }
  return true;
}

static bool isStateOf(Operation *op, BlockArgument arg, Value result) {
  auto stateful = dyn_cast<StatefulOpInterface>(op);
  return stateful && stateful.getStateBefore() == arg && stateful.getStateAfter() == result &&
         result.getType() == arg.getType() && llvm::all_of(arg.getUsers(), [&](Operation *user) {
           return user == op || isa<tensor::DimOp>(user);
         });
}

bool linnet::mayShareMemory(Block &body, unsigned input, unsigned result) {
  KernelInfo info = classify(body);
  Value yielded = body.getTerminator()->getOperand(result);
  if (info.kind == KernelClass::Structured)
    return isStateOf(info.root, body.getArgument(input), yielded);
  auto writer = yielded.getDefiningOp<linalg::GenericOp>();
  BlockArgument arg = body.getArgument(input);
  SmallVector<OpOperand *> reads;
  if (info.kind != KernelClass::Loops || !writer || yielded.getType() != arg.getType() ||
      !collectReads(arg, reads))
    return false;
  if (writer.getNumReductionLoops())
    return false;
  AffineMap written = writer.getIndexingMapMatchingResult(cast<OpResult>(yielded));
  // a point of the outer loops reads all that it needs before it writes what has a value a point
  bool pointwise = info.outer > 0 && written.isIdentity() && written.getNumResults() == info.outer;
  if (pointwise &&
      llvm::all_of(reads, [&](OpOperand *read) { return getIdentityPrefix(*read) == info.outer; }))
    return true;
  for (OpOperand *read : reads) {
    Operation *reader = read->getOwner();
    if (getIdentityPrefix(*read) < info.outer)
      return false;
    if (reader == writer) {
      if (writer.getMatchingIndexingMap(read) != written)
        return false;
    } else if (!reader->isBeforeInBlock(writer) || info.outer == 0) {
      return false;
    }
  }
  return llvm::all_of(body.getTerminator()->getOperands(), [&](Value other) {
    // other results must not be written from the shared memory later on
    return other == yielded || !other.getDefiningOp() ||
           other.getDefiningOp() == writer.getOperation() ||
           other.getDefiningOp()->isBeforeInBlock(writer);
  });
}

/// Whether a kernel updates argument `input` in place when `result` is tied to it.
static bool isUpdate(Block &body, unsigned input, unsigned result) {
  Value yielded = body.getTerminator()->getOperand(result);
  BlockArgument arg = body.getArgument(input);
  auto insert = yielded.getDefiningOp<tensor::InsertSliceOp>();
  if (insert && insert.getDest() == arg)
    return llvm::all_of(arg.getUsers(), [&](Operation *user) {
      return user == insert || isa<tensor::DimOp>(user);
    });
  return yielded == arg || mayShareMemory(body, input, result);
}

//===----------------------------------------------------------------------===//
// The contract
//===----------------------------------------------------------------------===//

static LogicalResult verifyOps(Operation *owner, Block &body) {
  Leftovers leftovers = findLeftovers(body);
  if (leftovers.empty())
    return success();
  InFlightDiagnostic diag = owner->emitError() << "no kernel class has a place for ";
  llvm::interleaveComma(leftovers, diag, [&](auto &entry) {
    diag << entry.second.first << " x '" << entry.first << "'";
  });
  for (auto &entry : leftovers)
    diag.attachNote(entry.second.second) << "first '" << entry.first << "' here";
  return diag;
}

static LogicalResult verifyTied(Operation *owner, Block &body,
                                std::optional<ArrayRef<int64_t>> tied) {
  if (!tied)
    return success();
  for (auto [result, input] : llvm::enumerate(*tied))
    if (input >= 0 && !isUpdate(body, input, result))
      return owner->emitError() << "result " << result << " is tied to input " << input
                                << ", which the kernel reads elsewhere than where it writes";
  return success();
}

LogicalResult linnet::verifyKernel(exec::DispatchOp dispatch) {
  Block &body = dispatch.getBody().front();
  return success(succeeded(verifyOps(dispatch, body)) &&
                 succeeded(verifyTied(dispatch, body, dispatch.getTied())));
}

LogicalResult linnet::verifyKernel(exec::KernelOp kernel) {
  Block &body = kernel.getBody().front();
  return success(succeeded(verifyOps(kernel, body)) &&
                 succeeded(verifyTied(kernel, body, kernel.getTied())));
}
