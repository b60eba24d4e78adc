//===- Raise.cpp - primitive ops to the ops that they spell out -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionMatch.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

namespace linnet {
#define GEN_PASS_DEF_RAISE
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

class Raise : public linnet::impl::RaiseBase<Raise> {
public:
  using RaiseBase::RaiseBase;

  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, EinsumOp, ReduceOp, arith::DivFOp, arith::MulFOp>(op) &&
          op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()) &&
          isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
        candidates.push_back(op);
    });
    for (Operation *op : candidates)
      raiseAttention(op->getResult(0));
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }

private:
  void raiseAttention(Value result) {
    Operation *op = result.getDefiningOp();
    Elements elements(&getContext());
    std::string why;
    auto match = rewrites::AttentionMatcher(elements).match(result, why);
    FailureOr<Value> made = failure();
    if (match) {
      OpBuilder b(op);
      made = rewrites::buildAttention(b, op->getLoc(), elements, *match, why);
    }
    if (explain && succeeded(made))
      emitRemark(op->getLoc(), "attention: made linnet.attention");
    if (explain && failed(made) && !why.empty())
      emitRemark(op->getLoc(), "attention, almost: ") << why;
    if (succeeded(made))
      result.replaceAllUsesWith(*made);
  }
};

} // namespace
