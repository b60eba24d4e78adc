//===- LoopsLaunch.cpp - the launch of a loops kernel -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsLaunch.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

int64_t linnet::codegen::bytesOfElement(Type element) {
  return element.isIndex() ? 8 : std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

Value linnet::codegen::countLoopsFlops(exec::KernelOp kernel, LaunchBuilder &b) {
  Value total = b.constant(0);
  for (Operation &op : kernel.getBody().front()) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp)
      continue;
    int64_t ops = llvm::count_if(*linalgOp.getBlock(), [](Operation &o) {
      return o.getNumOperands() && !o.hasTrait<OpTrait::IsTerminator>();
    });
    Value n = b.constant(ops);
    for (const SizeOf &s : OpLoops(&op).sizes)
      n = b.mul(n, b.sizeOf(s.tensor, s.dim));
    total = b.add(total, n);
  }
  return total;
}

Value linnet::codegen::countLoopsBytes(exec::KernelOp kernel, LaunchBuilder &b) {
  Value total = b.constant(0);
  auto count = [&](Value tensor) {
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    if (!type)
      return;
    Value n = b.constant(bytesOfElement(type.getElementType()));
    for (int64_t d = 0; d < type.getRank(); ++d)
      n = b.mul(n, b.sizeOf(tensor, d));
    total = b.add(total, n);
  };
  for (BlockArgument arg : kernel.getArguments())
    count(arg);
  for (Value v : kernel.getYield().getValues())
    count(v);
  return total;
}

/// What the runtime says of each site, in the order of their numbers.
static ArrayAttr describeFaults(const LoopsPlan &plan, MLIRContext *ctx) {
  Builder b(ctx);
  SmallVector<Attribute> sites(plan.sites.size());
  for (auto [op, site] : plan.sites) {
    auto assertion = dyn_cast<cf::AssertOp>(op);
    StringRef name = op->hasAttr("linnet.checked") ? "linnet.gather" : op->getName().getStringRef();
    StringRef message = assertion ? assertion.getMsg() : "index out of range";
    sites[site] = b.getDictionaryAttr({b.getNamedAttr("op", b.getStringAttr(name)),
                                       b.getNamedAttr("message", b.getStringAttr(message))});
  }
  return b.getArrayAttr(sites);
}

void linnet::codegen::declareFaults(exec::KernelOp kernel, const LoopsPlan &plan) {
  kernel.setFaults(plan.sites.size());
  if (!plan.sites.empty())
    kernel.setFaultSitesAttr(describeFaults(plan, kernel.getContext()));
}
