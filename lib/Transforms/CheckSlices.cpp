//===- CheckSlices.cpp - slices at positions that are known when running ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Upstream leaves a slice beyond its tensor undefined, and a kernel would read or write the memory
// behind it: a decode step beyond the end of its cache, say. So a condition stands before every
// slice whose position is a value, and the call ends with the slice's location where it fails.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace linnet;

namespace {

/// `size` elements, `stride` apart, from `offset` on in a dimension of `extent` elements.
struct Span {
  Value offset;
  OpFoldResult size, extent;
  int64_t stride;
};

/// Whether a loop's counter is the offset and its bounds say that the span fits.
bool fitsByLoop(const Span &span) {
  auto counter = dyn_cast<BlockArgument>(span.offset);
  auto loop = counter ? dyn_cast<scf::ForOp>(counter.getOwner()->getParentOp()) : scf::ForOp();
  if (!loop || loop.getInductionVar() != counter)
    return false;
  std::optional<int64_t> from = getConstantIntValue(loop.getLowerBound()),
                         size = getConstantIntValue(span.size);
  if (!from || *from < 0 || !size)
    return false;
  if (*size == 1 && OpFoldResult(loop.getUpperBound()) == span.extent)
    return true;
  std::optional<int64_t> to = getConstantIntValue(loop.getUpperBound()),
                         step = getConstantIntValue(loop.getStep()),
                         extent = getConstantIntValue(span.extent);
  if (!to || !step || *step <= 0 || !extent || *to <= *from)
    return false;
  int64_t last = *from + (*to - 1 - *from) / *step * *step;
  return *size == 0 || last + (*size - 1) * span.stride < *extent;
}

class SliceChecks {
public:
  explicit SliceChecks(Operation *op) : b(op->getLoc(), op) {}

  void check(tensor::ExtractSliceOp op) { check(op, op.getSource(), "reads beyond its tensor"); }
  void check(tensor::InsertSliceOp op) { check(op, op.getDest(), "writes beyond its tensor"); }

private:
  void check(OffsetSizeAndStrideOpInterface op, Value tensor, StringRef what);
  Value inside(const Span &span);
  Value value(OpFoldResult v) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), v); }

  ImplicitLocOpBuilder b;
};

} // namespace

/// 0 <= offset and offset <= extent - 1 - (size - 1) * stride: nothing overflows.
Value SliceChecks::inside(const Span &span) {
  auto ge = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, x, y);
  };
  Value one = value(b.getIndexAttr(1));
  Value reach = arith::MulIOp::create(b, arith::SubIOp::create(b, value(span.size), one),
                                      value(b.getIndexAttr(span.stride)));
  Value last = arith::SubIOp::create(b, arith::SubIOp::create(b, value(span.extent), one), reach);
  return arith::AndIOp::create(b, ge(span.offset, value(b.getIndexAttr(0))), ge(last, span.offset));
}

void SliceChecks::check(OffsetSizeAndStrideOpInterface op, Value tensor, StringRef what) {
  Value all;
  SmallVector<OpFoldResult> sizes = op.getMixedSizes(), strides = op.getMixedStrides();
  for (auto [d, offset] : llvm::enumerate(op.getMixedOffsets())) {
    auto position = dyn_cast<Value>(offset);
    std::optional<int64_t> stride = getConstantIntValue(strides[d]);
    if (!position || getConstantIntValue(position) || !stride || *stride <= 0)
      continue;
    Span span{position, sizes[d], tensor::getMixedSize(b, b.getLoc(), tensor, d), *stride};
    if (fitsByLoop(span))
      continue;
    Value one = inside(span);
    all = all ? Value(arith::AndIOp::create(b, all, one)) : one;
  }
  if (!all)
    return;
  auto assertion = cf::AssertOp::create(b, all, what);
  assertion->setAttr(exec::kCheckedOpAttr, op->getName().getIdentifier());
}

void linnet::checkSlices(Operation *root) {
  SmallVector<Operation *> slices;
  root->walk([&](Operation *op) {
    if (isa<tensor::ExtractSliceOp, tensor::InsertSliceOp>(op))
      slices.push_back(op);
  });
  for (Operation *op : slices) {
    SliceChecks checks(op);
    if (auto read = dyn_cast<tensor::ExtractSliceOp>(op))
      checks.check(read);
    else
      checks.check(cast<tensor::InsertSliceOp>(op));
  }
}
