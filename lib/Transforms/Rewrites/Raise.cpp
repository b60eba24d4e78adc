//===- Raise.cpp - primitive ops to the ops that they spell out -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Raise.h"
#include "AttentionMatch.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {
#define GEN_PASS_DEF_RAISE
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

class Raise : public linnet::impl::RaiseBase<Raise> {
public:
  using RaiseBase::RaiseBase;

  void runOnOperation() override {
    raiseLoops();
    for (Operation *op : allOps())
      if (isa<linalg::LinalgOp, EinsumOp, ReduceOp, arith::DivFOp, arith::MulFOp>(op) &&
          givesFloats(op))
        report(op->getResult(0), "attention", raiseAttention(op->getResult(0)));
    dropAssertions(getOperation());
    removeUnused();
    raiseFromTheEnd("norm", raiseNorm);
    raiseFromTheEnd("rotary", raiseRotary);
    raiseFromTheEnd("cross entropy", raiseLoss);
    raiseFromTheEnd("activation", raiseActivation);
    removeUnused();
  }

private:
  SmallVector<Operation *> allOps() {
    SmallVector<Operation *> all;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      all.push_back(op);
      return isa<linalg::LinalgOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    return all;
  }

  /// The outermost loops first: those over batch and heads go with the one over positions.
  void raiseLoops() {
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      OpBuilder b(loop);
      std::string made, why;
      Location loc = loop.getLoc();
      bool raised = raiseRecurrences(b, loop, made, why);
      if (explain && raised)
        emitRemark(loc, "recurrence: made ") << made;
      if (explain && !raised && !why.empty())
        emitRemark(loc, "recurrence, almost: ") << why;
      return raised ? WalkResult::skip() : WalkResult::advance();
    });
    removeUnused();
  }

  static bool givesFloats(Operation *op) {
    return op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()) &&
           isa<FloatType>(getElementTypeOrSelf(op->getResult(0)));
  }

  /// Whether the result's elements are computed here, not only moved.
  static bool computes(Operation *op) {
    if (!givesFloats(op))
      return false;
    Elements g(op->getContext());
    Operation *source = g.source(g.all(op->getResult(0))).value.getDefiningOp();
    // pairs of channels are interleaved by a concatenation and a reshape
    return source &&
           (op->isAncestor(source) || (isa<tensor::CollapseShapeOp>(op) &&
                                       isa<tensor::ConcatOp, tensor::InsertSliceOp>(source)));
  }

  /// The last value that holds an op's meaning holds most of it: scale and bias.
  void raiseFromTheEnd(StringRef what, Raised (*raise)(OpBuilder &, Value)) {
    llvm::MapVector<Value, std::pair<Location, std::string>> almost;
    SmallVector<Operation *> all = allOps();
    for (Operation *op : llvm::reverse(all)) {
      if (op->use_empty() && isOpTriviallyDead(op)) {
        op->erase();
        continue;
      }
      if (!computes(op))
        continue;
      OpBuilder b(op);
      Raised raised = raise(b, op->getResult(0));
      if (raised.value)
        almost.erase(raised.part);
      else if (!raised.why.empty())
        almost.insert({raised.part, {op->getLoc(), raised.why}});
      raised.why.clear();
      report(op->getResult(0), what, raised);
      if (raised.value && isOpTriviallyDead(op))
        op->erase();
    }
    if (explain)
      for (auto &[part, remark] : almost)
        emitRemark(remark.first, what + ", almost: ") << remark.second;
  }

  void report(Value result, StringRef what, const Raised &raised) {
    Location loc = result.getLoc();
    if (explain && raised.value)
      emitRemark(loc, what + ": made ") << raised.op;
    if (explain && !raised.value && !raised.why.empty())
      emitRemark(loc, what + ", almost: ") << raised.why;
    if (raised.value)
      result.replaceAllUsesWith(raised.value);
  }

  Raised raiseAttention(Value result) {
    Elements elements(&getContext());
    Raised out;
    auto match = AttentionMatcher(elements).match(result, out.why);
    if (!match)
      return out;
    OpBuilder b(result.getDefiningOp());
    auto made = buildAttention(b, result.getLoc(), elements, *match, out.why);
    if (succeeded(made)) {
      out.value = *made;
      out.op = AttentionOp::getOperationName();
    }
    return out;
  }

  void removeUnused() {
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};

} // namespace
