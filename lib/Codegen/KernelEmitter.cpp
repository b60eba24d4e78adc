//===- KernelEmitter.cpp - strategy selection and launch regions ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/KernelEmitter.h"
#include "CPU/Emitters.h"
#include "OneOp.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace linnet::codegen;
using linnet::exec::KernelOp;

KernelEmitter::~KernelEmitter() = default;

//===----------------------------------------------------------------------===//
// PanelLayout
//===----------------------------------------------------------------------===//

DictionaryAttr PanelLayout::toAttr(MLIRContext *ctx) const {
  Builder b(ctx);
  auto entry = [&](StringRef name, int64_t v) {
    return b.getNamedAttr(name, b.getI64IntegerAttr(v));
  };
  return b.getDictionaryAttr({entry("batch", batch), entry("n", n), entry("k", k),
                              entry("batch_stride", batchStride), entry("n_stride", nStride),
                              entry("k_stride", kStride), entry("panel", panel),
                              entry("group", group)});
}

PanelLayout PanelLayout::fromAttr(DictionaryAttr attr) {
  auto get = [&](StringRef name) { return cast<IntegerAttr>(attr.get(name)).getInt(); };
  return {get("batch"),    get("n"),        get("k"),     get("batch_stride"),
          get("n_stride"), get("k_stride"), get("panel"), get("group")};
}

//===----------------------------------------------------------------------===//
// LaunchBuilder
//===----------------------------------------------------------------------===//

LaunchBuilder::LaunchBuilder(KernelOp kernel)
    : ImplicitLocOpBuilder(kernel.getLoc(), kernel.getContext()), kernel(kernel) {
  Region &region = kernel.getLaunch();
  region.getBlocks().clear();
  Block *block = createBlock(&region);
  auto next = [&] { return block->addArgument(getIndexType(), getLoc()); };
  auto sizesOf = [&](Type type) {
    SmallVector<Value> out;
    for (int64_t d : cast<ShapedType>(type).getShape())
      out.push_back(ShapedType::isDynamic(d) ? next() : Value());
    return out;
  };
  auto fill = [&](SmallVector<Value> &out, Type type) {
    setInsertionPointToEnd(block);
    for (auto [v, d] : llvm::zip(out, cast<ShapedType>(type).getShape()))
      if (!v)
        v = constant(d);
  };
  for (BlockArgument arg : kernel.getArguments()) {
    if (isa<ShapedType>(arg.getType()))
      sizes[arg] = sizesOf(arg.getType());
    else
      known[arg] = next();
  }
  SmallVector<Value> yielded(kernel.getYield().getValues());
  SmallVector<SmallVector<Value>> resultSizes;
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
    resultSizes.push_back(kernel.getTiedInput(i) < 0 ? sizesOf(type) : SmallVector<Value>());
  if (kernel.getFaults())
    next();
  for (BlockArgument arg : kernel.getArguments())
    if (auto it = sizes.find(arg); it != sizes.end())
      fill(it->second, arg.getType());
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    if (kernel.getTiedInput(i) >= 0 || sizes.contains(yielded[i]))
      continue;
    fill(resultSizes[i], type);
    sizes[yielded[i]] = resultSizes[i];
  }
  setInsertionPointToEnd(block);
}

Value LaunchBuilder::constant(int64_t v) {
  Value &made = constants[v];
  if (!made)
    made = arith::ConstantIndexOp::create(*this, v);
  return made;
}

static std::optional<int64_t> known64(Value v) { return getConstantIntValue(v); }

Value LaunchBuilder::add(Value a, Value b) { return createOrFold<arith::AddIOp>(a, b); }
Value LaunchBuilder::sub(Value a, Value b) { return createOrFold<arith::SubIOp>(a, b); }
Value LaunchBuilder::mul(Value a, Value b) { return createOrFold<arith::MulIOp>(a, b); }
Value LaunchBuilder::min(Value a, Value b) { return createOrFold<arith::MinSIOp>(a, b); }
Value LaunchBuilder::max(Value a, Value b) { return createOrFold<arith::MaxSIOp>(a, b); }

Value LaunchBuilder::mul(ArrayRef<Value> factors) {
  Value product = constant(1);
  for (Value f : factors)
    product = mul(product, f);
  return product;
}

Value LaunchBuilder::ceilDiv(Value a, Value b) {
  auto x = known64(a), y = known64(b);
  if (x && y && *y)
    return constant((*x + *y - 1) / *y);
  return createOrFold<arith::CeilDivSIOp>(a, b);
}

Value LaunchBuilder::valueOf(Value v) {
  if (auto it = known.find(v); it != known.end())
    return it->second;
  Operation *op = v.getDefiningOp();
  if (!op)
    return {};
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return sizeOf(dim.getSource(), *dim.getConstantIndex());
  IRMapping map;
  for (Value operand : op->getOperands()) {
    Value mapped = valueOf(operand);
    if (!mapped)
      return {};
    map.map(operand, mapped);
  }
  if (op->getNumRegions() || op->getNumResults() != 1 || !isPure(op))
    return {};
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) { // launches are plain arithmetic
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(map.lookup(operand));
    auto expanded = affine::expandAffineMap(*this, getLoc(), apply.getAffineMap(), operands);
    return expanded ? known[v] = expanded->front() : Value();
  }
  Value result = clone(*op, map)->getResult(0);
  known[v] = result;
  return result;
}

// A size of a computed tensor: what its op reifies, said in the launch's terms.
Value LaunchBuilder::sizeOf(Value tensor, unsigned dim) {
  auto type = cast<ShapedType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  if (auto it = sizes.find(tensor); it != sizes.end())
    return it->second[dim];
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return sizeOf(dps.getDpsInitOperand(number)->get(), dim);
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder b(op);
  Operation *before = op->getPrevNode();
  if (failed(reifyResultShapes(b, op, shapes)))
    return {};
  OpFoldResult size = shapes[number][dim];
  Value out;
  if (auto attr = dyn_cast<Attribute>(size))
    out = constant(cast<IntegerAttr>(attr).getInt());
  else
    out = valueOf(cast<Value>(size));
  // reification left its arithmetic in the body; nothing there uses it
  while (Operation *made = op->getPrevNode()) {
    if (made == before || !made->use_empty())
      break;
    for (Value r : made->getResults())
      known.erase(r);
    made->erase();
  }
  return out;
}

void LaunchBuilder::finish(Value chunks, Value scratch, Value flops, Value bytes) {
  exec::LaunchOp::create(*this, chunks, scratch, flops, bytes);
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

ArrayRef<const KernelEmitter *> linnet::codegen::getCPUEmitters() {
  // most particular first; loops takes what is left
  static const llvm::SmallVector<const KernelEmitter *> emitters = {LINNET_CPU_EMITTERS};
  return emitters;
}

LogicalResult linnet::codegen::selectStrategy(KernelOp kernel, const llvm::BitVector &constant) {
  for (const KernelEmitter *emitter : getCPUEmitters()) {
    if (!emitter->match(kernel))
      continue;
    if (failed(emitter->select(kernel, constant)))
      return failure();
    addToStrategy(kernel, "emitter", StringAttr::get(kernel.getContext(), emitter->getName()));
    return success();
  }
  return reportNoEmitter(kernel, "cpu");
}

LogicalResult linnet::codegen::reportNoEmitter(KernelOp kernel, StringRef target) {
  auto diag = kernel.emitError("no code generator");
  if (target != "cpu")
    diag << " of target " << target;
  diag << " takes kernel '" << kernel.getSymName() << "'";
  for (Operation &op : kernel.getBody().front().without_terminator())
    diag.attachNote(op.getLoc()) << "it holds " << op.getName();
  return diag;
}
