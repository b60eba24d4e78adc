//===- KernelFrame.cpp - a kernel's function and its operands -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/KernelFrame.h"
#include "linnet/Bundle/KernelABI.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace linnet::codegen;

// Elements as they lie in memory: booleans are bytes, indices 64-bit.
static Type storageType(Type element) {
  Builder b(element.getContext());
  if (element.isInteger(1))
    return b.getI8Type();
  return element.isIndex() ? b.getI64Type() : element;
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

KernelFrame::KernelFrame(exec::KernelOp kernel, ModuleOp module, Emitter &e)
    : kernel(kernel), e(e) {
  e.setInsertionPointToEnd(module.getBody());
  Type p = e.pointer(), i64 = e.i64();
  auto type = e.getFunctionType({p, p, p, i64, i64, e.getI32Type()}, {});
  function = func::FuncOp::create(e, kernel.getSymName(), type);
  e.setInsertionPointToStart(function.addEntryBlock());
  env = function.getArgument(0);
  buffers = function.getArgument(1);
  scalars = function.getArgument(2);
  begin = e.toIndex(function.getArgument(3));
  end = e.toIndex(function.getArgument(4));
  worker = function.getArgument(5);

  unsigned buffer = 0, scalar = 0;
  auto nextScalar = [&](Type t) { return e.loadField(scalars, 8 * scalar++, t); };
  auto nextBuffer = [&](RankedTensorType type) {
    return e.flat(e.loadField(buffers, 8 * buffer++, p), storageType(type.getElementType()));
  };
  auto sizesOf = [&](RankedTensorType type) {
    Values out;
    for (int64_t d = 0, n = type.getNumDynamicDims(); d < n; ++d)
      out.push_back(e.toIndex(nextScalar(i64)));
    return out;
  };
  for (BlockArgument arg : kernel.getArguments()) {
    auto tensor = dyn_cast<RankedTensorType>(arg.getType());
    if (!tensor) {
      Type t = arg.getType();
      known[arg] = t.isIndex() ? e.toIndex(nextScalar(i64)) : nextScalar(t);
      argMemory.push_back({});
      args.push_back({});
      continue;
    }
    argMemory.push_back(nextBuffer(tensor));
    args.push_back(contiguous(argMemory.back(), tensor, sizesOf(tensor)));
    views[arg] = args.back();
  }
  for (auto [i, t] : llvm::enumerate(kernel.getResultTypes())) {
    if (int64_t tied = kernel.getTiedInput(i); tied >= 0) {
      results.push_back(args[tied]);
      continue;
    }
    auto tensor = cast<RankedTensorType>(t);
    Value memory = nextBuffer(tensor);
    results.push_back(contiguous(memory, tensor, sizesOf(tensor)));
  }
  if (kernel.getFaults())
    faultSite = nextScalar(i64);
}

void KernelFrame::finish() { func::ReturnOp::create(e); }

View KernelFrame::contiguous(Value memory, RankedTensorType type, ValueRange dynamic) {
  View v{memory, type.getElementType(), e.index(0), {}, {}};
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

Value KernelFrame::ofFold(OpFoldResult r) {
  if (auto attr = dyn_cast<Attribute>(r))
    return e.index(cast<IntegerAttr>(attr).getInt());
  return scalar(cast<Value>(r));
}

// Computed anew at each use (CSE merges them): a cached value might not dominate the next one.
Value KernelFrame::scalar(Value v) {
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

Value KernelFrame::size(Value tensor, unsigned dim) {
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

bool KernelFrame::isView(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::CastOp>(op) &&
        !isTranspose(op))
      return false;
    tensor = op->getOperand(0);
  }
  return true;
}

View KernelFrame::slice(const View &source, ArrayRef<OpFoldResult> offsets,
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

View KernelFrame::expand(const View &source, Operation *op) {
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

FailureOr<View> KernelFrame::collapse(const View &source, Operation *op) {
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  View v{source.memory, source.element, source.offset, {}, {}};
  for (auto &group : collapse.getReassociationIndices()) {
    Value size = e.index(1), stride;
    for (int64_t d : llvm::reverse(group)) {
      if (Emitter::constantOf(source.sizes[d]) == 1)
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

FailureOr<View> KernelFrame::view(Value tensor) {
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

FailureOr<KernelFrame::Output> KernelFrame::output(unsigned i) {
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

std::optional<PanelLayout> KernelFrame::layout(unsigned i) {
  auto layouts = kernel->getAttrOfType<ArrayAttr>(kLayoutsAttr);
  if (!layouts)
    return std::nullopt;
  if (auto entry = dyn_cast<DictionaryAttr>(layouts[i]))
    return PanelLayout::fromAttr(entry);
  return std::nullopt;
}

Value KernelFrame::flatArgument(unsigned i) { return argMemory[i]; }

//===----------------------------------------------------------------------===//
// Scratch, faults, elements
//===----------------------------------------------------------------------===//

Value KernelFrame::scratch(Value at, Type element) {
  Value table = e.loadField(env, offsetof(lnt_env, scratch), e.pointer());
  Value slot = e.offsetPointer(table, e.mul(e.toIndex(worker), 8));
  Value base = LLVM::LoadOp::create(e, e.pointer(), slot);
  return e.flat(e.offsetPointer(base, at), storageType(element));
}

void KernelFrame::fault(unsigned site, Value position) {
  assert(faultSite && "select() must count the fault sites");
  Value number = arith::AddIOp::create(e, faultSite, e.iconst(e.i64(), site));
  Value high = arith::ShLIOp::create(e, number, e.iconst(e.i64(), LNT_ERROR_POSITION_BITS));
  Value word = arith::OrIOp::create(e, high, e.toInt(position, e.i64()));
  Value target = e.loadField(env, offsetof(lnt_env, error), e.pointer());
  LLVM::AtomicRMWOp::create(e, LLVM::AtomicBinOp::umin, target, word,
                            LLVM::AtomicOrdering::monotonic);
}

Value KernelFrame::load(const View &v, Value position) {
  Value x = e.load(v.memory, position);
  return v.element.isInteger(1) ? Value(arith::TruncIOp::create(e, e.getI1Type(), x)) : x;
}

void KernelFrame::store(Value x, const View &v, Value position) {
  if (v.element.isInteger(1))
    x = arith::ExtUIOp::create(e, e.getI8Type(), x);
  e.store(x, v.memory, position);
}

Value KernelFrame::position(const View &v, ValueRange coordinates) {
  Value at = v.offset;
  for (auto [c, stride] : llvm::zip(coordinates, v.strides))
    at = e.add(at, e.mul(c, stride));
  return at;
}

//===----------------------------------------------------------------------===//
// Writing past the caches
//===----------------------------------------------------------------------===//

/// From this size on a result is not expected to be in a cache when it is read next.
static constexpr int64_t kStreamBytes = int64_t(32) << 20;

int64_t linnet::codegen::bytesOf(const View &view) {
  Type element = cast<MemRefType>(view.memory.getType()).getElementType();
  return element.isIndex() ? 8 : std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

Value KernelFrame::mayStream(const View &view) {
  Value size = e.index(bytesOf(view));
  for (Value n : view.sizes)
    size = e.mul(size, n);
  Value ok = e.ge(size, e.index(kStreamBytes));
  if (Emitter::constantOf(ok) == 0)
    return ok;
  Value start = e.addressOf(view.memory);
  for (BlockArgument arg : kernel.getArguments()) {
    if (!isa<RankedTensorType>(arg.getType()))
      continue;
    Value other = e.addressOf(flatArgument(arg.getArgNumber()));
    ok = e.both(ok, arith::CmpIOp::create(e, arith::CmpIPredicate::ne, start, other));
  }
  return ok;
}

//===----------------------------------------------------------------------===//
// Strategy
//===----------------------------------------------------------------------===//

int64_t KernelFrame::strategyInt(StringRef name, int64_t otherwise) const {
  auto dict = exec::KernelOp(kernel).getStrategyAttr();
  auto v = dict ? dict.getAs<IntegerAttr>(name) : IntegerAttr();
  return v ? v.getInt() : otherwise;
}
