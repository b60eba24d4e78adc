//===- SizeOrigin.cpp - where a dynamic size comes from ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/SizeOrigin.h"
#include "linnet/IR/Einsum.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet;

static SizeOrigin ofValue(OpFoldResult size) {
  if (auto n = getConstantIntValue(size))
    return {{}, *n};
  auto value = cast<Value>(size);
  if (auto dim = value.getDefiningOp<tensor::DimOp>())
    if (auto d = dim.getConstantIndex(); d && isa<RankedTensorType>(dim.getSource().getType()))
      return {dim.getSource(), *d};
  return {value, -1};
}

/// The other dimensions of a group have size 1.
static bool isAlone(ShapedType type, ArrayRef<int64_t> group, int64_t dim) {
  return llvm::all_of(group, [&](int64_t d) { return d == dim || type.getDimSize(d) == 1; });
}

static SizeOrigin ofEinsum(EinsumOp op, int64_t dim) {
  EinsumEquation names = op.getParsedEquation();
  for (auto [operand, letters] : llvm::zip_equal(op->getOperands(), names.operands))
    if (size_t at = letters.find(names.result[dim]); at != std::string::npos)
      return {operand, int64_t(at)};
  return {op.getResult(), dim};
}

static SizeOrigin ofExpand(tensor::ExpandShapeOp op, int64_t dim) {
  for (auto [from, group] : llvm::enumerate(op.getReassociationIndices()))
    if (llvm::is_contained(group, dim) && isAlone(op.getResultType(), group, dim))
      return {op.getSrc(), int64_t(from)};
  return ofValue(op.getMixedOutputShape()[dim]);
}

static SizeOrigin ofCollapse(tensor::CollapseShapeOp op, int64_t dim) {
  auto group = op.getReassociationIndices()[dim];
  for (int64_t d : group)
    if (isAlone(op.getSrcType(), group, d))
      return {op.getSrc(), d};
  return {op.getResult(), dim};
}

static SizeOrigin ofSlice(tensor::ExtractSliceOp op, int64_t dim) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (unsigned d = 0; d < dropped.size(); ++d)
    if (!dropped[d] && dim-- == 0)
      return ofValue(op.getMixedSizes()[d]);
  llvm_unreachable("a slice has the dimensions that are not dropped");
}

static SizeOrigin ofBroadcast(BroadcastOp op, int64_t dim) {
  if (auto type = dyn_cast<RankedTensorType>(op.getInput().getType()))
    for (auto [d, to] : llvm::enumerate(op.getMappedDims()))
      if (to == dim && type.getDimSize(d) != 1)
        return {op.getInput(), int64_t(d)};
  if (op.getLike())
    return {op.getLike(), dim};
  unsigned at = 0;
  auto type = cast<RankedTensorType>(op.getType());
  for (int64_t d = 0; d < dim; ++d)
    at += type.isDynamicDim(d);
  return op.getSizes().empty() ? SizeOrigin{op.getResult(), dim} : ofValue(op.getSizes()[at]);
}

static SizeOrigin ofReduce(ReduceOp op, int64_t dim) {
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank(), at = 0;
  for (int64_t d = 0; d < rank; ++d) {
    bool reduced = llvm::is_contained(op.getAxes(), d);
    if (!reduced && at == dim)
      return {op.getInput(), d};
    at += !reduced || op.getKeepdims();
  }
  return {op.getResult(), dim};
}

/// Of the dimensions of arguments that have one name, the first. Names are checked where a function
/// is entered from outside: not those of a private one.
static SizeOrigin ofArgument(BlockArgument arg, int64_t dim) {
  auto func = dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp());
  auto named = [&](unsigned i) { return func.getArgAttrOfType<ArrayAttr>(i, kDimsAttr); };
  auto own = func && func.isPublic() ? named(arg.getArgNumber()) : ArrayAttr();
  if (!own || dim >= int64_t(own.size()) || !isa<StringAttr>(own[dim]))
    return {arg, dim};
  for (unsigned i = 0; i <= arg.getArgNumber(); ++i)
    if (auto names = named(i))
      if (const auto *found = llvm::find(names, own[dim]); found != names.end())
        return {func.getArgument(i), found - names.begin()};
  return {arg, dim};
}

/// One step, or the dimension itself.
static SizeOrigin step(Value tensor, int64_t dim) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return ofArgument(arg, dim);
  Operation *op = tensor.getDefiningOp();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return {dps.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim};
  // arith and math on tensors
  if (op->hasTrait<OpTrait::Elementwise>() && op->getNumOperands() &&
      isa<RankedTensorType>(op->getOperands().back().getType()))
    return {op->getOperands().back(), dim};
  return llvm::TypeSwitch<Operation *, SizeOrigin>(op)
      .Case([&](EinsumOp o) { return ofEinsum(o, dim); })
      .Case([&](BroadcastOp o) { return ofBroadcast(o, dim); })
      .Case([&](ReduceOp o) { return ofReduce(o, dim); })
      .Case<LayerNormOp, RmsNormOp, RotaryOp, SoftmaxOp>(
          [&](Operation *o) { return SizeOrigin{o->getOperand(0), dim}; })
      .Case([&](tensor::ExpandShapeOp o) { return ofExpand(o, dim); })
      .Case([&](tensor::CollapseShapeOp o) { return ofCollapse(o, dim); })
      .Case([&](tensor::ExtractSliceOp o) { return ofSlice(o, dim); })
      .Case([&](tensor::CastOp o) { return SizeOrigin{o.getSource(), dim}; })
      .Case([&](tensor::EmptyOp o) { return ofValue(o.getMixedSizes()[dim]); })
      .Default([&](Operation *) { return SizeOrigin{tensor, dim}; });
}

SizeOrigin linnet::sizeOrigin(Value tensor, int64_t dim) {
  SizeOrigin at{tensor, dim};
  while (at.value && at.dim >= 0) {
    auto type = cast<RankedTensorType>(at.value.getType());
    if (!type.isDynamicDim(at.dim))
      return {{}, type.getDimSize(at.dim)};
    SizeOrigin next = step(at.value, at.dim);
    if (next == at)
      break;
    at = next;
  }
  return at;
}

SizeOrigin linnet::sizeOrigin(OpFoldResult size) {
  SizeOrigin at = ofValue(size);
  return at.value && at.dim >= 0 ? sizeOrigin(at.value, at.dim) : at;
}
