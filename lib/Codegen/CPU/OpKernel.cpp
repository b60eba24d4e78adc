//===- OpKernel.cpp - kernels of one structured op ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OpKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// The op of a kernel
//===----------------------------------------------------------------------===//

static bool isTensor(Value v) { return isa<RankedTensorType>(v.getType()); }

// Views, sizes and the slices that results go to are no computation.
static bool isPlumbing(Operation &op) {
  if (isa<tensor::EmptyOp, tensor::DimOp, tensor::InsertSliceOp>(op))
    return true;
  if (op.getNumResults() != 1)
    return false;
  return isTensor(op.getResult(0)) ? KernelFrame::isView(op.getResult(0)) : isPure(&op);
}

Operation *linnet::codegen::findOnlyOp(exec::KernelOp kernel,
                                       llvm::function_ref<bool(Operation *)> isRoot) {
  Operation *root = nullptr;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isRoot(&op) && !root)
      root = &op;
    else if (!isPlumbing(op))
      return nullptr;
  }
  if (!root)
    return nullptr;
  for (Value v : root->getOperands())
    if (isTensor(v) && !KernelFrame::isView(v))
      return nullptr;
  for (auto [i, v] : llvm::enumerate(kernel.getYield().getValues())) {
    if (auto insert = v.getDefiningOp<tensor::InsertSliceOp>()) {
      int64_t tied = kernel.getTiedInput(i);
      if (tied < 0 || insert.getDest() != kernel.getArguments()[tied])
        return nullptr;
      v = insert.getSource();
    }
    if (v.getDefiningOp() != root)
      return nullptr;
  }
  return root;
}

FailureOr<SmallVector<View>> linnet::codegen::operandViews(KernelFrame &frame, Operation *op) {
  SmallVector<View> views(op->getNumOperands());
  SmallVector<std::pair<Value, View *>> tensors;
  for (auto [view, operand] : llvm::zip(views, op->getOperands()))
    if (isTensor(operand))
      tensors.push_back({operand, &view});
  if (failed(bindOperands(frame, tensors)))
    return failure();
  return views;
}

FailureOr<std::optional<View>> linnet::codegen::destination(KernelFrame &frame, Value result) {
  for (unsigned i = 0, n = frame.kernel.getResultTypes().size(); i < n; ++i) {
    FailureOr<KernelFrame::Output> out = frame.output(i);
    if (failed(out))
      return failure();
    if (out->stored == result)
      return std::optional<View>(out->view);
  }
  return std::optional<View>();
}

LogicalResult linnet::codegen::bindOperands(KernelFrame &frame,
                                            ArrayRef<std::pair<Value, View *>> operands) {
  for (auto [operand, view] : operands) {
    if (!operand)
      continue;
    FailureOr<View> found = frame.view(operand);
    if (failed(found))
      return failure();
    *view = *found;
  }
  return success();
}

LogicalResult
linnet::codegen::bindResults(KernelFrame &frame,
                             ArrayRef<std::pair<Value, std::optional<View> *>> results) {
  for (auto [result, view] : results) {
    if (!result)
      continue;
    FailureOr<std::optional<View>> found = destination(frame, result);
    if (failed(found))
      return failure();
    *view = *found;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

Lanes Lanes::of(Emitter &e, Value size, Value first) {
  auto n = Emitter::constantOf(size);
  if (n && *n % kLanes == 0)
    return {};
  Value count = e.sub(size, first);
  return {count, e.mask(count)};
}

static bool isUnit(const View &v, unsigned dim) { return Emitter::constantOf(v.strides[dim]) == 1; }

Value linnet::codegen::loadLanes(Emitter &e, const View &v, Value position, unsigned dim,
                                 const Lanes &lanes) {
  if (isUnit(v, dim))
    return e.convert(e.vload(v.memory, position, kLanes, lanes.mask), e.f32());
  // absent lanes read the last element that there is; an empty dimension is never visited
  Values elements;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value lane = e.index(i);
    if (lanes.count)
      lane = e.min(lane, e.sub(lanes.count, 1)); // negative when no lane is there
    elements.push_back(loadFloat(e, v, e.add(position, e.mul(lane, v.strides[dim]))));
  }
  Value x = vector::FromElementsOp::create(e, e.vec(e.f32()), elements);
  return lanes.mask ? e.select(lanes.mask, x, e.vf(0)) : x;
}

void linnet::codegen::storeLanes(Emitter &e, Value x, const View &v, Value position, unsigned dim,
                                 const Lanes &lanes) {
  if (isUnit(v, dim))
    return e.vstore(e.convert(x, v.element), v.memory, position, lanes.mask);
  for (int64_t i = 0; i < kLanes; ++i) {
    auto put = [&] {
      Value at = e.add(position, e.mul(e.index(i), v.strides[dim]));
      Value lane = vector::ExtractOp::create(e, x, i);
      e.store(e.convert(lane, v.element), v.memory, at);
    };
    e.ifThen(lanes.count ? e.lt(e.index(i), lanes.count) : e.boolean(true), put);
  }
}

// Bit d of a vector's number goes to bit d of its lanes: lanes of `a` without and of `b` with it
// in one result, the others in the other.
static std::pair<Value, Value> exchange(Emitter &e, Value a, Value b, int64_t d) {
  SmallVector<int64_t> upper, lower;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    upper.push_back(lane & d ? kLanes + (lane ^ d) : lane);
    lower.push_back(lane & d ? kLanes + lane : lane ^ d);
  }
  return {vector::ShuffleOp::create(e, a, b, upper), vector::ShuffleOp::create(e, a, b, lower)};
}

// A butterfly of shuffles: after step d, bit d of a lane's row and of its place are exchanged.
static Values turn(Emitter &e, Values x) {
  for (int64_t d = kLanes / 2; d >= 1; d /= 2)
    for (int64_t i = 0; i < kLanes; ++i)
      if (!(i & d))
        std::tie(x[i], x[i | d]) = exchange(e, x[i], x[i | d], d);
  return x;
}

Value linnet::codegen::sumEachLanes(Emitter &e, Values x) {
  for (int64_t d = kLanes / 2; d >= 1; d /= 2)
    for (int64_t i = 0; i < d; ++i) {
      auto [upper, lower] = exchange(e, x[i], x[i + d], d);
      x[i] = e.addf(upper, lower);
    }
  return x[0];
}

Values linnet::codegen::loadTurned(Emitter &e, const View &v, Value position, unsigned rowDim,
                                   const Lanes &rows, unsigned columnDim, int64_t columns) {
  Values x;
  Value width = e.index(columns);
  for (int64_t i = 0; i < kLanes; ++i) {
    Value row = e.index(i);
    if (rows.count)
      row = e.min(row, e.sub(rows.count, 1));
    Value at = e.add(position, e.mul(row, v.strides[rowDim]));
    x.push_back(loadLanes(e, v, at, columnDim, Lanes::of(e, width, e.index(0))));
  }
  x = turn(e, x);
  x.resize(columns);
  return x;
}

void linnet::codegen::storeTurned(Emitter &e, Values x, const View &v, Value position,
                                  unsigned rowDim, const Lanes &rows, unsigned columnDim,
                                  int64_t columns) {
  x.resize(kLanes, e.vf(0));
  x = turn(e, x);
  Value width = e.index(columns);
  for (int64_t i = 0; i < kLanes; ++i) {
    auto put = [&] {
      Value at = e.add(position, e.mul(e.index(i), v.strides[rowDim]));
      storeLanes(e, x[i], v, at, columnDim, Lanes::of(e, width, e.index(0)));
    };
    e.ifThen(rows.count ? e.lt(e.index(i), rows.count) : e.boolean(true), put);
  }
}

// Below -87 silu is -1e-36 on every CPU, sigmoid 2e-38; the clamp lets NaN pass.
static Value clampBelow(Emitter &e, Value x) {
  Value least = e.fconst(x.getType(), -87.0);
  return e.select(e.gtf(least, x), least, x);
}

// 1 + e^-x.
static Value sigmoidDivisor(Emitter &e, Value x) {
  Type t = x.getType();
  return e.addf(e.fconst(t, 1.0), e.exp2Fast(e.mulf(x, e.fconst(t, -1.4426950408889634))));
}

Value linnet::codegen::silu(Emitter &e, Value x) {
  x = clampBelow(e, x);
  return e.divf(x, sigmoidDivisor(e, x));
}

Value linnet::codegen::sigmoid(Emitter &e, Value x) {
  return e.divf(e.fconst(x.getType(), 1.0), sigmoidDivisor(e, clampBelow(e, x)));
}

Value linnet::codegen::siluSlope(Emitter &e, Value x, Value s) {
  // beyond 87 the product below is 0, also of infinity
  Value one = e.fconst(x.getType(), 1.0), most = e.fconst(x.getType(), 87.0);
  x = clampBelow(e, e.select(e.gtf(x, most), most, x));
  return e.mulf(s, e.fma(x, e.subf(one, s), one));
}

// max(x, 0) + log1p(e) with e = exp(-|x|): log1p(e) = 2 artanh(e / (2 + e)), whose argument is at
// most 1/3, so that eight terms of the series reach f32's precision.
Value linnet::codegen::softplus(Emitter &e, Value x) {
  Value down = e.mulf(math::AbsFOp::create(e, x), e.vf(-1.4426950408889634));
  Value small = e.exp2Fast(down), z = e.divf(small, e.addf(small, e.vf(2.0)));
  Value square = e.mulf(z, z), series = e.vf(2.0 / 15);
  for (int64_t k : {13, 11, 9, 7, 5, 3, 1})
    series = e.fma(series, square, e.vf(2.0 / k));
  return e.fma(series, z, e.maxf(x, e.vf(0)));
}

Value linnet::codegen::countFrom(Emitter &e, Value first) {
  SmallVector<float> steps;
  for (int64_t i = 0; i < kLanes; ++i)
    steps.push_back(i);
  Value lanes = arith::ConstantOp::create(
      e, DenseElementsAttr::get(cast<VectorType>(e.vec(e.f32())), ArrayRef<float>(steps)));
  Value start = arith::SIToFPOp::create(e, e.f32(), e.toInt(first, e.i64()));
  return e.addf(e.splat(start), lanes);
}

Value linnet::codegen::product(Emitter &e, ArrayRef<Value> sizes) {
  Value count = e.index(1);
  for (Value size : sizes)
    count = e.mul(count, size);
  return count;
}

Values linnet::codegen::unravel(Emitter &e, Value number, ArrayRef<Value> sizes) {
  Values at(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    at[d] = d ? e.rem(number, sizes[d]) : number;
    number = d ? e.div(number, sizes[d]) : number;
  }
  return at;
}

Value linnet::codegen::loadFloat(Emitter &e, const View &v, Value position) {
  return e.convert(e.load(v.memory, position), e.f32());
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

void linnet::codegen::setStrategy(exec::KernelOp kernel,
                                  ArrayRef<std::pair<StringRef, int64_t>> numbers) {
  Builder b(kernel.getContext());
  NamedAttrList strategy;
  for (auto [name, value] : numbers)
    strategy.set(name, b.getI64IntegerAttr(value));
  kernel.setStrategyAttr(strategy.getDictionary(kernel.getContext()));
}

void linnet::codegen::declareFault(exec::KernelOp kernel, Operation *op, StringRef message) {
  Builder b(kernel.getContext());
  kernel.setFaults(1);
  Attribute site =
      b.getDictionaryAttr({b.getNamedAttr("op", b.getStringAttr(op->getName().getStringRef())),
                           b.getNamedAttr("message", b.getStringAttr(message))});
  kernel->setAttr(kFaultSitesAttr, b.getArrayAttr(site));
}

Value linnet::codegen::elementsOf(LaunchBuilder &b, Value tensor, unsigned first,
                                  std::optional<unsigned> last) {
  unsigned end = last.value_or(cast<RankedTensorType>(tensor.getType()).getRank());
  Value count = b.constant(1);
  for (unsigned d = first; d < end; ++d)
    count = b.mul(count, b.sizeOf(tensor, d));
  return count;
}

Value linnet::codegen::bytesTouched(LaunchBuilder &b, exec::KernelOp kernel) {
  Value total = b.constant(0);
  auto count = [&](Value tensor) {
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    if (!type)
      return;
    Type element = type.getElementType();
    int64_t bytes = element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
    total = b.add(total, b.mul(b.constant(bytes), elementsOf(b, tensor)));
  };
  for (BlockArgument arg : kernel.getArguments())
    count(arg);
  for (auto [i, v] : llvm::enumerate(kernel.getYield().getValues()))
    if (kernel.getTiedInput(i) < 0)
      count(v);
  return total;
}
