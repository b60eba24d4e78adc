//===- Epilogue.cpp - which elementwise work follows a dense kernel -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Epilogue.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Views, as far as types tell
//===----------------------------------------------------------------------===//

Value linnet::codegen::storedTensor(exec::KernelOp kernel, unsigned i) {
  Value yielded = kernel.getYield().getValues()[i];
  auto insert = yielded.getDefiningOp<tensor::InsertSliceOp>();
  int64_t tied = kernel.getTiedInput(i);
  if (insert && tied >= 0 && insert.getDest() == kernel.getArguments()[tied])
    return insert.getSource();
  return yielded;
}

static int64_t times(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) ? ShapedType::kDynamic : a * b;
}

static SmallVector<int64_t> rowMajor(RankedTensorType type) {
  SmallVector<int64_t> out(type.getRank());
  int64_t stride = 1;
  for (size_t d = out.size(); d-- > 0;) {
    out[d] = stride;
    stride = times(stride, type.getDimSize(d));
  }
  return out;
}

static SmallVector<int64_t> sliceStrides(tensor::ExtractSliceOp op, ArrayRef<int64_t> source) {
  SmallVector<int64_t> out;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [d, stride] : llvm::enumerate(op.getStaticStrides()))
    if (!dropped.test(d))
      out.push_back(times(stride, source[d]));
  return out;
}

static SmallVector<int64_t> expandStrides(tensor::ExpandShapeOp op, ArrayRef<int64_t> source) {
  auto type = op.getResultType();
  SmallVector<int64_t> out(type.getRank(), 1);
  for (auto [d, group] : llvm::enumerate(op.getReassociationIndices())) {
    int64_t stride = source[d];
    for (int64_t i : llvm::reverse(group)) {
      out[i] = stride;
      stride = times(stride, type.getDimSize(i));
    }
  }
  return out;
}

static SmallVector<int64_t> collapseStrides(tensor::CollapseShapeOp op, ArrayRef<int64_t> source) {
  SmallVector<int64_t> out;
  for (auto &group : op.getReassociationIndices()) {
    int64_t stride = 1;
    for (int64_t d : llvm::reverse(group))
      if (op.getSrcType().getDimSize(d) != 1) {
        stride = source[d];
        break;
      }
    out.push_back(stride);
  }
  return out;
}

SmallVector<int64_t> linnet::codegen::staticStrides(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return rowMajor(cast<RankedTensorType>(tensor.getType()));
  if (!KernelViews::isView(tensor))
    return {};
  SmallVector<int64_t> source = staticStrides(op->getOperand(0));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return sliceStrides(slice, source);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expandStrides(expand, source);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return collapseStrides(collapse, source);
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return llvm::map_to_vector(transpose.getPermutation(), [&](int64_t d) { return source[d]; });
  return source; // a cast
}

bool linnet::codegen::adjacentMerge(Value tensor, unsigned d) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getDimSize(d) == 1)
    return true;
  SmallVector<int64_t> strides = staticStrides(tensor);
  if (int64_t one = times(strides[d + 1], type.getDimSize(d + 1)); !ShapedType::isDynamic(one))
    return strides[d] == one;
  // dynamic sizes: contiguous as long as no op on the way cuts or permutes
  for (Operation *op = tensor.getDefiningOp(); op; op = op->getOperand(0).getDefiningOp())
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
      return false;
  return true;
}

static bool mergesIn(Value tensor, const DimMap &dims, int outer, int inner) {
  const int *o = llvm::find(dims, outer), *i = llvm::find(dims, inner);
  if (o == dims.end() && i == dims.end())
    return true;
  return o != dims.end() && i == o + 1 && adjacentMerge(tensor, o - dims.begin());
}

bool Epilogue::merges(exec::KernelOp kernel, int outer, int inner) const {
  for (const Node &node : nodes)
    if (node.kind == Node::Load && !mergesIn(node.tensor, node.dims, outer, inner))
      return false;
  for (const Output &out : outputs) {
    const int *o = llvm::find(out.dims, outer);
    // a result has its own contiguous buffer unless it goes into a slice
    bool whole = kernel.getYield().getValues()[out.index] == out.stored;
    if (!whole || o + 1 >= out.dims.end() || o[1] != inner)
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// The walk from the results to the root
//===----------------------------------------------------------------------===//

FailureOr<Epilogue> Epilogue::match(exec::KernelOp kernel, Value root) {
  unsigned rank = cast<RankedTensorType>(root.getType()).getRank();
  Epilogue e;
  e.root = root;
  for (unsigned i = 0, n = kernel.getResultTypes().size(); i < n; ++i) {
    Value stored = storedTensor(kernel, i);
    // first with the result's own dimensions, to learn how the root lies in them
    Epilogue probe;
    probe.root = root;
    auto type = cast<RankedTensorType>(stored.getType());
    if (type.getRank() != static_cast<int64_t>(rank))
      return failure();
    DimMap own = llvm::to_vector(llvm::seq<int>(0, rank));
    if (failed(probe.trace(stored, own)) || !probe.rootDims)
      return failure();
    DimMap dims(rank, kNoDim);
    for (auto [r, d] : llvm::enumerate(*probe.rootDims)) {
      if (d == kNoDim || dims[d] != kNoDim)
        return failure();
      dims[d] = r;
    }
    FailureOr<Use> value = e.trace(stored, dims);
    if (failed(value))
      return failure();
    e.outputs.push_back({i, stored, dims, *value});
  }
  if (e.outputs.empty())
    return failure();
  return e;
}

LogicalResult Epilogue::addInit(Value tensor) {
  DimMap dims =
      llvm::to_vector(llvm::seq<int>(0, cast<RankedTensorType>(tensor.getType()).getRank()));
  firstOfInit = nodes.size();
  FailureOr<Use> use = trace(tensor, dims);
  if (failed(use))
    return failure();
  init = *use;
  return success();
}

Epilogue::Use Epilogue::append(Node node, unsigned result) {
  nodes.push_back(std::move(node));
  return {static_cast<unsigned>(nodes.size() - 1), result};
}

static bool isScalarOfKernel(Value v) {
  if (!v.getType().isIntOrIndexOrFloat())
    return false;
  Operation *op = v.getDefiningOp();
  if (!op || isa<tensor::DimOp>(op))
    return true;
  return isPure(op) && !op->getNumRegions() && llvm::all_of(op->getOperands(), isScalarOfKernel);
}

FailureOr<Epilogue::Use> Epilogue::trace(Value tensor, const DimMap &dims) {
  if (tensor == root) {
    if (rootDims && *rootDims != dims)
      return failure();
    rootDims = dims;
    for (auto [i, node] : llvm::enumerate(nodes))
      if (node.kind == Node::Root)
        return Use{static_cast<unsigned>(i), 0};
    return append({Node::Root, root, dims, {}, {}});
  }
  Operation *op = tensor.getDefiningOp();
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op)) {
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    if (!splat)
      return failure();
    return append({Node::Scalar, tensor, {}, {}, {}});
  }
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op)) {
    if (!isScalarOfKernel(fill.value()))
      return failure();
    return append({Node::Scalar, fill.value(), {}, {}, {}});
  }
  if (KernelViews::isView(tensor)) {
    if (staticStrides(tensor).size() != dims.size())
      return failure();
    return append({Node::Load, tensor, dims, {}, {}});
  }
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || !structured.hasPureTensorSemantics() || structured.getNumReductionLoops())
    return failure();
  return traceOp(structured, cast<OpResult>(tensor).getResultNumber(), dims);
}

// Regions with linalg.index or values computed from tensors have no place here.
static bool hasInlinableRegion(linalg::LinalgOp op) {
  Block &block = op->getRegion(0).front();
  if (!llvm::all_of(block.without_terminator(), [](Operation &o) {
        return isa<arith::ConstantOp>(o) ||
               (o.getNumRegions() == 0 && o.hasTrait<OpTrait::Elementwise>());
      }))
    return false;
  llvm::SetVector<Value> outside;
  getUsedValuesDefinedAbove(op->getRegion(0), outside);
  return llvm::all_of(outside, isScalarOfKernel);
}

FailureOr<Epilogue::Use> Epilogue::traceOp(linalg::LinalgOp op, unsigned result,
                                           const DimMap &dims) {
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(result));
  if (!out.isPermutation() || !hasInlinableRegion(op))
    return failure();
  DimMap loops(op.getNumLoops());
  for (unsigned d = 0; d < dims.size(); ++d)
    loops[out.getDimPosition(d)] = dims[d];
  Node node{Node::Compute, {}, loops, op, {}};
  for (unsigned i = firstOfInit; i < nodes.size(); ++i)
    if (nodes[i].kind == Node::Compute && nodes[i].op == op && nodes[i].dims == loops)
      return Use{i, result};
  for (OpOperand &operand : op->getOpOperands()) {
    if (op.getMatchingBlockArgument(&operand).use_empty()) {
      node.operands.push_back(std::nullopt);
      continue;
    }
    if (!isa<ShapedType>(operand.get().getType()))
      return failure();
    DimMap at;
    for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults()) {
      if (auto d = dyn_cast<AffineDimExpr>(e))
        at.push_back(loops[d.getPosition()]);
      else if (auto c = dyn_cast<AffineConstantExpr>(e); c && c.getValue() == 0)
        at.push_back(kNoDim);
      else
        return failure();
    }
    FailureOr<Use> use = trace(operand.get(), at);
    if (failed(use))
      return failure();
    node.operands.emplace_back(*use);
  }
  return append(std::move(node), result);
}
