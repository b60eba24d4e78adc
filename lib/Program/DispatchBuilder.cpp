//===- DispatchBuilder.cpp - from a group of ops to a dispatch ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "DispatchBuilder.h"
#include "Views.h"
#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace linnet;

namespace {

class DispatchBuilder {
public:
  DispatchBuilder(const DispatchGroup &group, ShapeResolver &shapes)
      : group(group), shapes(shapes), builder(group.ops.front()->getContext()),
        members(group.ops.begin(), group.ops.end()) {}
  LogicalResult run();

private:
  /// The value of the body that stands for `v`; makes an input of it where it must come from
  /// outside.
  Value import(Value v);
  Value addInput(Value v);
  Value cloneOf(Operation *op, Value v);
  void cloneMembers();
  OpFoldResult sizeInBody(Value tensor, unsigned dim);
  void sizesFromInputs();
  exec::DispatchOp create(ArrayRef<Value> results);

  const DispatchGroup &group;
  ShapeResolver &shapes;
  OpBuilder builder;
  llvm::SmallPtrSet<Operation *, 8> members;
  Block *body = nullptr;
  IRMapping map;
  SmallVector<Value> inputs;
};

} // namespace

Value DispatchBuilder::addInput(Value v) {
  inputs.push_back(v);
  Value arg = body->addArgument(v.getType(), v.getLoc());
  map.map(v, arg);
  return arg;
}

Value DispatchBuilder::cloneOf(Operation *op, Value v) {
  if (isTranspose(op)) {
    Value source = import(getViewSource(op));
    auto init = cast<DestinationStyleOpInterface>(op).getDpsInitOperand(0);
    auto transpose = linalg::TransposeOp::create(builder, op->getLoc(), source, import(init->get()),
                                                 getPermutation(op));
    map.map(v, transpose->getResult(0));
    return transpose->getResult(0);
  }
  for (Value operand : op->getOperands())
    import(operand);
  builder.clone(*op, map);
  return map.lookup(v);
}

Value DispatchBuilder::import(Value v) {
  if (Value inside = map.lookupOrNull(v))
    return inside;
  Operation *def = v.getDefiningOp();
  return def && !members.contains(def) && belongsInBodies(def) ? cloneOf(def, v) : addInput(v);
}

void DispatchBuilder::cloneMembers() {
  builder.setInsertionPointToEnd(body);
  for (Operation *op : group.ops) {
    forEachExternalOperand(op, [&](Value v) { import(v); });
    builder.clone(*op, map);
  }
}

/// The dimension of an op's input that is dimension `dim` of its result, if any.
static std::optional<std::pair<Value, unsigned>> sameSize(linalg::LinalgOp op, OpOperand &init,
                                                          unsigned dim) {
  AffineExpr loop = op.getMatchingIndexingMap(&init).getResult(dim);
  if (!isa<AffineDimExpr>(loop))
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands())
    if (auto position = op.getMatchingIndexingMap(input).getResultPosition(loop))
      return std::make_pair(input->get(), *position);
  return std::nullopt;
}

/// Size `dim` of a tensor of the body: that of its destination where an earlier op of the body
/// computes it.
OpFoldResult DispatchBuilder::sizeInBody(Value tensor, unsigned dim) {
  if (auto op = tensor.getDefiningOp<linalg::LinalgOp>()) {
    Value init = op.getDpsInitOperand(cast<OpResult>(tensor).getResultNumber())->get();
    if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
      return empty.getMixedSizes()[dim];
    return sizeInBody(init, dim);
  }
  return tensor::getMixedSize(builder, tensor.getLoc(), tensor, dim);
}

/// Destinations take their sizes from the inputs of the op that fills them, so that equal work
/// has equal bodies; index inputs that are sizes of tensor inputs become tensor.dim.
void DispatchBuilder::sizesFromInputs() {
  for (Operation &op : llvm::make_early_inc_range(*body)) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    for (OpOperand &use : op.getOpOperands()) {
      auto empty = use.get().getDefiningOp<tensor::EmptyOp>();
      if (!linalgOp || !empty || !linalgOp.isDpsInit(&use) || isa<linalg::FillOp>(op))
        continue;
      SmallVector<OpFoldResult> sizes = empty.getMixedSizes();
      builder.setInsertionPoint(&op);
      for (auto [i, size] : llvm::enumerate(sizes))
        if (auto same = isa<Value>(size) ? sameSize(linalgOp, use, i) : std::nullopt)
          size = sizeInBody(same->first, same->second);
      use.set(
          tensor::EmptyOp::create(builder, op.getLoc(), sizes, empty.getType().getElementType()));
      if (empty->use_empty())
        empty->erase();
    }
  }
  builder.setInsertionPointToStart(body);
  for (unsigned i = inputs.size(); i-- > 0;) {
    auto dim = inputs[i].getDefiningOp<tensor::DimOp>();
    auto source = dim ? llvm::find(inputs, dim.getSource()) : inputs.end();
    BlockArgument arg = body->getArgument(i);
    if (source != inputs.end() && dim.getConstantIndex()) {
      Value tensor = body->getArgument(source - inputs.begin());
      arg.replaceAllUsesWith(
          tensor::DimOp::create(builder, dim.getLoc(), tensor, *dim.getConstantIndex()));
    }
    if (arg.use_empty()) {
      body->eraseArgument(i);
      inputs.erase(inputs.begin() + i);
    }
  }
}

exec::DispatchOp DispatchBuilder::create(ArrayRef<Value> results) {
  SmallVector<int64_t> tied(results.size(), -1);
  SmallVector<Value> sizes;
  SmallVector<Type> types;
  for (auto [i, result] : llvm::enumerate(results)) {
    types.push_back(result.getType());
    if (auto insert = result.getDefiningOp<tensor::InsertSliceOp>())
      if (auto it = llvm::find(inputs, insert.getDest()); it != inputs.end())
        tied[i] = it - inputs.begin();
    if (tied[i] < 0)
      llvm::append_range(sizes, shapes.dynamicDims(result));
  }
  SmallVector<Location> locs;
  for (Operation *op : group.ops)
    locs.push_back(op->getLoc());
  builder.setInsertionPoint(group.ops.back());
  bool anyTied = llvm::any_of(tied, [](int64_t t) { return t >= 0; });
  auto dispatch = exec::DispatchOp::create(
      builder, FusedLoc::get(builder.getContext(), locs), types, inputs, sizes, FlatSymbolRefAttr(),
      anyTied ? builder.getDenseI64ArrayAttr(tied) : DenseI64ArrayAttr());
  return dispatch;
}

LogicalResult DispatchBuilder::run() {
  Region region;
  body = &region.emplaceBlock();
  cloneMembers();
  sizesFromInputs();
  SmallVector<Value> results, yielded;
  for (Operation *op : group.ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *u) { return !members.contains(u); })) {
        results.push_back(result);
        yielded.push_back(map.lookup(result));
      }
  exec::DispatchOp dispatch = create(results);
  builder.setInsertionPointToEnd(body);
  exec::YieldOp::create(builder, dispatch.getLoc(), yielded);
  dispatch.getBody().takeBody(region);
  for (auto [old, result] : llvm::zip(results, dispatch.getOutputs()))
    old.replaceUsesWithIf(result,
                          [&](OpOperand &use) { return !members.contains(use.getOwner()); });
  for (Operation *op : llvm::reverse(group.ops)) {
    shapes.forget(op);
    op->dropAllUses();
    op->erase();
  }
  return verifyKernel(dispatch);
}

LogicalResult linnet::buildDispatch(const DispatchGroup &group, ShapeResolver &shapes) {
  return DispatchBuilder(group, shapes).run();
}
