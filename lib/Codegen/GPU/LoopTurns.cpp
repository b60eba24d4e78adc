//===- LoopTurns.cpp - drivers that end loops before their time -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Mesa's lavapipe counts the turns of all loops of a thread together; after 65535 each loop ends
// with the turn that it is in, and results are wrong without a word. A kernel that may get there
// ends with a loop of two turns: where that makes one, the kernel reports a fault. What is left of
// a thread's turns only falls, so that one with two left at its end had them at the end of each
// loop.
//
//===----------------------------------------------------------------------===//
#include "LoopTurns.h"
#include "../OneOp.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr StringLiteral kTurnsSite = "turns_site";
// Elements of all operands and results with which no kernel makes 65535 turns: at worst a
// workgroup of 32 threads or more makes every pair of two tensors, each of half of them.
static constexpr int64_t kFewElements = 2048;

/// Something that a thread does in loops, not once per element.
static bool isLoop(Operation *op) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return structured.getNumReductionLoops() > 0;
  return isa_and_nonnull<LinnetDialect>(op->getDialect());
}

static bool isSmall(exec::KernelOp kernel) {
  int64_t elements = 0;
  for (TypeRange types : {TypeRange(kernel.getArgumentTypes()), TypeRange(kernel.getResultTypes())})
    for (Type t : types)
      if (auto tensor = dyn_cast<RankedTensorType>(t)) {
        if (!tensor.hasStaticShape() || tensor.getNumElements() > kFewElements)
          return false;
        elements += tensor.getNumElements();
      }
  return elements <= kFewElements;
}

void linnet::codegen::declareTurnsSite(exec::KernelOp kernel, const GPUTarget &target) {
  Operation *loop = nullptr;
  kernel.getBody().walk([&](Operation *op) {
    if (!loop && isLoop(op))
      loop = op;
  });
  if (target.isCUDA() || !loop || isSmall(kernel))
    return;
  Builder b(kernel.getContext());
  int64_t site = kernel.getFaults();
  if (!site) // the first fault site becomes a scalar of the launch
    kernel.getLaunch().front().addArgument(b.getIndexType(), kernel.getLoc());
  kernel.setFaults(site + 1);
  SmallVector<Attribute> sites;
  if (ArrayAttr described = kernel.getFaultSitesAttr())
    llvm::append_range(sites, described);
  sites.push_back(b.getDictionaryAttr(
      {b.getNamedAttr("op", b.getStringAttr(loop->getName().getStringRef())),
       b.getNamedAttr("message",
                      b.getStringAttr("the driver ended loops early: sizes are too large for it "
                                      "(lavapipe makes 65535 turns a thread)"))}));
  kernel.setFaultSitesAttr(b.getArrayAttr(sites));
  addToStrategy(kernel, kTurnsSite, b.getI64IntegerAttr(site));
}

void linnet::codegen::checkTurns(GPUKernelFrame &frame) {
  int64_t site = frame.strategyInt(kTurnsSite, -1);
  if (site < 0)
    return;
  GPUEmitter &e = frame.e;
  Value two = e.add(e.min(frame.chunks, e.index(1)), 1); // what compilers do not know
  Value made = e.forLoop(e.index(0), two, e.index(1), Values{e.index(0)},
                         [&](Value, ValueRange in) { return Values{e.add(in[0], 1)}; })[0];
  e.ifThen(e.lt(made, two), [&] { frame.fault(site, frame.group); });
}
