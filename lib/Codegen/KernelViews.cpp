//===- KernelViews.cpp - where the tensors of a kernel lie -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace linnet::codegen;

KernelViews::~KernelViews() = default;

Type linnet::codegen::storageType(Type element) {
  Builder b(element.getContext());
  if (element.isInteger(1))
    return b.getI8Type();
  return element.isIndex() ? b.getI64Type() : element;
}

int64_t linnet::codegen::bytesOf(const View &view) {
  Type element = cast<MemRefType>(view.memory.getType()).getElementType();
  return element.isIndex() ? 8 : std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

void KernelViews::bind(const Inputs &inputs) {
  auto sizesOf = [&](RankedTensorType type) {
    Values out;
    for (int64_t d = 0, n = type.getNumDynamicDims(); d < n; ++d)
      out.push_back(inputs.scalar(e.getIndexType()));
    return out;
  };
  auto next = [&](RankedTensorType type) {
    auto [memory, offset] = inputs.buffer(storageType(type.getElementType()));
    return contiguous(memory, offset, type, sizesOf(type));
  };
  for (BlockArgument arg : kernel.getArguments()) {
    auto tensor = dyn_cast<RankedTensorType>(arg.getType());
    if (!tensor) {
      known[arg] = inputs.scalar(arg.getType());
      args.push_back({});
      continue;
    }
    args.push_back(views[arg] = next(tensor));
  }
  for (auto [i, t] : llvm::enumerate(kernel.getResultTypes())) {
    int64_t tied = kernel.getTiedInput(i);
    results.push_back(tied >= 0 ? args[tied] : next(cast<RankedTensorType>(t)));
  }
}

View KernelViews::contiguous(Value memory, Value offset, RankedTensorType type,
                             ValueRange dynamic) {
  View v{memory, type.getElementType(), offset, {}, {}};
  unsigned next = 0;
  for (int64_t d : type.getShape())
    v.sizes.push_back(ShapedType::isDynamic(d) ? dynamic[next++] : e.index(d));
  v.strides.resize(v.sizes.size());
  Value stride = e.index(1);
  for (size_t i = v.sizes.size(); i-- > 0;) {
    v.strides[i] = stride;
    stride = e.mul(stride, v.sizes[i]);
  }
  return v;
}

//===----------------------------------------------------------------------===//
// Sizes and scalars
//===----------------------------------------------------------------------===//

Value KernelViews::ofFold(OpFoldResult r) {
  if (auto attr = dyn_cast<Attribute>(r))
    return e.index(cast<IntegerAttr>(attr).getInt());
  return scalar(cast<Value>(r));
}

// Computed anew at each use (CSE merges them): a cached value might not dominate the next one.
Value KernelViews::scalar(Value v) {
  if (auto it = known.find(v); it != known.end())
    return it->second;
  Operation *op = v.getDefiningOp();
  assert(op && "scalar arguments are known");
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return size(dim.getSource(), *dim.getConstantIndex());
  if (auto constant = getConstantIntValue(v); constant && v.getType().isIndex())
    return e.index(*constant);
  IRMapping map;
  for (Value operand : op->getOperands())
    map.map(operand, scalar(operand));
  return e.clone(*op, map)->getResult(cast<OpResult>(v).getResultNumber());
}

Value KernelViews::size(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return e.index(type.getDimSize(dim));
  if (auto it = views.find(tensor); it != views.end())
    return it->second.sizes[dim];
  for (auto [i, v] : llvm::enumerate(kernel.getYield().getValues()))
    if (v == tensor && results[i].rank() == type.getRank())
      return results[i].sizes[dim];
  Operation *op = tensor.getDefiningOp();
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return size(dps.getDpsInitOperand(number)->get(), dim);
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder b(op);
  if (succeeded(reifyResultShapes(b, op, shapes)))
    return ofFold(shapes[number][dim]);
  if (isView(tensor))
    if (auto v = view(tensor); succeeded(v))
      return v->sizes[dim];
  op->emitOpError("has a size that the code generator cannot say");
  return e.index(0);
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

static bool isTranspose(Operation *op) { return isa<linalg::TransposeOp>(op); }

bool KernelViews::isView(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::CastOp>(op) &&
        !isTranspose(op))
      return false;
    tensor = op->getOperand(0);
  }
  return true;
}

View KernelViews::slice(const View &source, ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> strides,
                        const llvm::SmallBitVector &dropped) {
  View v{source.memory, source.element, source.offset, {}, {}};
  for (unsigned d = 0; d < source.rank(); ++d) {
    v.offset = e.add(v.offset, e.mul(ofFold(offsets[d]), source.strides[d]));
    if (dropped.test(d))
      continue;
    v.strides.push_back(e.mul(ofFold(strides[d]), source.strides[d]));
    v.sizes.push_back(ofFold(sizes[d]));
  }
  return v;
}

View KernelViews::expand(const View &source, Operation *op) {
  auto expand = cast<tensor::ExpandShapeOp>(op);
  View v{source.memory, source.element, source.offset, {}, {}};
  SmallVector<OpFoldResult> shape = expand.getMixedOutputShape();
  for (OpFoldResult s : shape)
    v.sizes.push_back(ofFold(s));
  v.strides.resize(v.sizes.size());
  for (auto [d, group] : llvm::enumerate(expand.getReassociationIndices())) {
    Value stride = source.strides[d];
    for (int64_t i : llvm::reverse(group)) {
      v.strides[i] = stride;
      stride = e.mul(stride, v.sizes[i]);
    }
  }
  // a rank-0 source has no group: every size is 1
  for (Value &stride : v.strides)
    if (!stride)
      stride = e.index(1);
  return v;
}

static bool sameProduct(Value stride, Value inner, Value size) {
  auto s = getConstantIntValue(stride), i = getConstantIntValue(inner),
       n = getConstantIntValue(size);
  if (s && i && n)
    return *s == *i * *n;
  if (i && *i == 1 && stride == size)
    return true;
  auto product = stride.getDefiningOp<arith::MulIOp>();
  return product && ((product.getLhs() == inner && product.getRhs() == size) ||
                     (product.getRhs() == inner && product.getLhs() == size));
}

FailureOr<View> KernelViews::collapse(const View &source, Operation *op) {
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  View v{source.memory, source.element, source.offset, {}, {}};
  for (auto &group : collapse.getReassociationIndices()) {
    Value size = e.index(1), stride;
    for (int64_t d : llvm::reverse(group)) {
      if (CodeBuilder::constantOf(source.sizes[d]) == 1)
        continue;
      if (stride && !sameProduct(source.strides[d], stride, size))
        return op->emitOpError("merges dimensions of a view that are not contiguous");
      if (!stride)
        stride = source.strides[d];
      size = e.mul(size, source.sizes[d]);
    }
    v.sizes.push_back(size);
    v.strides.push_back(stride ? stride : e.index(1));
  }
  return v;
}

FailureOr<View> KernelViews::view(Value tensor) {
  if (auto it = views.find(tensor); it != views.end())
    return it->second;
  Operation *op = tensor.getDefiningOp();
  if (!op || !isView(tensor))
    return (op ? op : kernel.getOperation())->emitError("expects a view of an argument here");
  FailureOr<View> source = view(op->getOperand(0));
  if (failed(source))
    return failure();
  View v = *source;
  if (auto s = dyn_cast<tensor::ExtractSliceOp>(op)) {
    v = slice(*source, s.getMixedOffsets(), s.getMixedSizes(), s.getMixedStrides(),
              s.getDroppedDims());
  } else if (isa<tensor::ExpandShapeOp>(op)) {
    v = expand(*source, op);
  } else if (isa<tensor::CollapseShapeOp>(op)) {
    FailureOr<View> merged = collapse(*source, op);
    if (failed(merged))
      return failure();
    v = *merged;
  } else if (auto t = dyn_cast<linalg::TransposeOp>(op)) {
    for (auto [i, d] : llvm::enumerate(t.getPermutation())) {
      v.sizes[i] = source->sizes[d];
      v.strides[i] = source->strides[d];
    }
  }
  return v;
}

FailureOr<KernelViews::Output> KernelViews::output(unsigned i) {
  Value yielded = kernel.getYield().getValues()[i];
  View target = results[i];
  if (auto insert = yielded.getDefiningOp<tensor::InsertSliceOp>();
      insert && kernel.getTiedInput(i) >= 0 &&
      insert.getDest() == kernel.getArguments()[kernel.getTiedInput(i)]) {
    View v = slice(target, insert.getMixedOffsets(), insert.getMixedSizes(),
                   insert.getMixedStrides(), insert.getDroppedDims());
    return Output{v, insert.getSource()};
  }
  return Output{target, yielded};
}

std::optional<PanelLayout> KernelViews::layout(unsigned i) {
  ArrayAttr layouts = exec::KernelOp(kernel).getLayoutsAttr();
  if (!layouts)
    return std::nullopt;
  if (auto entry = dyn_cast<DictionaryAttr>(layouts[i]))
    return PanelLayout::fromAttr(entry);
  return std::nullopt;
}

Value KernelViews::flatArgument(unsigned i) { return args[i].memory; }

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value KernelViews::load(const View &v, Value position) {
  Value x = e.load(v.memory, position);
  return v.element.isInteger(1) ? Value(arith::TruncIOp::create(e, e.getI1Type(), x)) : x;
}

void KernelViews::store(Value x, const View &v, Value position) {
  if (v.element.isInteger(1))
    x = arith::ExtUIOp::create(e, e.getI8Type(), x);
  e.store(x, v.memory, position);
}

Value KernelViews::position(const View &v, ValueRange coordinates) {
  Value at = v.offset;
  for (auto [c, stride] : llvm::zip(coordinates, v.strides))
    at = e.add(at, e.mul(c, stride));
  return at;
}

//===----------------------------------------------------------------------===//
// Strategy
//===----------------------------------------------------------------------===//

int64_t KernelViews::strategyInt(StringRef name, int64_t otherwise) const {
  auto dict = exec::KernelOp(kernel).getStrategyAttr();
  auto v = dict ? dict.getAs<IntegerAttr>(name) : IntegerAttr();
  return v ? v.getInt() : otherwise;
}
