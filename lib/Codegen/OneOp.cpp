//===- OneOp.cpp - kernels of one structured op ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OneOp.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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
  return isTensor(op.getResult(0)) ? KernelViews::isView(op.getResult(0)) : isPure(&op);
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
    if (isTensor(v) && !KernelViews::isView(v))
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

FailureOr<std::optional<View>> linnet::codegen::destination(KernelViews &frame, Value result) {
  for (unsigned i = 0, n = frame.kernel.getResultTypes().size(); i < n; ++i) {
    FailureOr<KernelViews::Output> out = frame.output(i);
    if (failed(out))
      return failure();
    if (out->stored == result)
      return std::optional<View>(out->view);
  }
  return std::optional<View>();
}

LogicalResult linnet::codegen::bindOperands(KernelViews &frame,
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
linnet::codegen::bindResults(KernelViews &frame,
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
// Elements
//===----------------------------------------------------------------------===//

Value linnet::codegen::product(CodeBuilder &e, ArrayRef<Value> sizes) {
  Value count = e.index(1);
  for (Value size : sizes)
    count = e.mul(count, size);
  return count;
}

Values linnet::codegen::unravel(CodeBuilder &e, Value number, ArrayRef<Value> sizes) {
  Values at(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    at[d] = d ? e.rem(number, sizes[d]) : number;
    number = d ? e.div(number, sizes[d]) : number;
  }
  return at;
}

Value linnet::codegen::loadFloat(CodeBuilder &e, const View &v, Value position) {
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

void linnet::codegen::addToStrategy(exec::KernelOp kernel, StringRef name, Attribute value) {
  NamedAttrList strategy(kernel.getStrategyAttr());
  strategy.set(name, value);
  kernel.setStrategyAttr(strategy.getDictionary(kernel.getContext()));
}

void linnet::codegen::setForm(exec::KernelOp kernel, StringRef form) {
  addToStrategy(kernel, "form", StringAttr::get(kernel.getContext(), form));
}

void linnet::codegen::declareFault(exec::KernelOp kernel, Operation *op, StringRef message) {
  Builder b(kernel.getContext());
  kernel.setFaults(1);
  Attribute site =
      b.getDictionaryAttr({b.getNamedAttr("op", b.getStringAttr(op->getName().getStringRef())),
                           b.getNamedAttr("message", b.getStringAttr(message))});
  kernel.setFaultSitesAttr(b.getArrayAttr(site));
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
