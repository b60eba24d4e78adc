//===- Assertions.cpp - assertions that hold by how a value is made ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Importers guard reciprocals against zero. Such a guard has an effect, so it would keep alive what
// an op has replaced.
//
//===----------------------------------------------------------------------===//
#include "Raise.h"
#include "linnet/Analysis/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

static bool isAtLeastZero(Elements &g, const Element &element, bool positive, int depth) {
  Element e = g.source(element);
  if (auto c = g.constant(e))
    return positive ? *c > 0 : *c >= 0;
  for (auto kind : {Elements::Reduction::Sum, Elements::Reduction::Mean})
    if (auto reduced = positive || depth == 0 ? std::nullopt : g.reduced(e, kind))
      return !reduced->start && isAtLeastZero(g, reduced->element, false, depth - 1);
  Operation *op = g.op(e);
  if (!op || depth == 0)
    return false;
  auto operand = [&](unsigned i, bool aboveZero) {
    return isAtLeastZero(g, g.operand(e, i), aboveZero, depth - 1);
  };
  if (isa<math::SqrtOp>(op))
    return operand(0, positive);
  if (isa<arith::AddFOp>(op))
    return operand(0, false) && operand(1, false) &&
           (!positive || operand(0, true) || operand(1, true));
  if (positive)
    return false;
  if (isa<arith::MulFOp>(op))
    return g.same(g.operand(e, 0), g.operand(e, 1)) || (operand(0, false) && operand(1, false));
  if (isa<arith::DivFOp>(op))
    return operand(0, false) && operand(1, false);
  if (isa<math::FPowIOp, math::PowFOp>(op))
    return g.constant(g.operand(e, 1)) == 2.0;
  return isa<math::ExpOp, math::AbsFOp>(op);
}

void linnet::rewrites::dropAssertions(Operation *root) {
  SmallVector<cf::AssertOp> proved;
  root->walk([&](cf::AssertOp op) {
    auto compare = op.getArg().getDefiningOp<arith::CmpFOp>();
    auto loops = dyn_cast<linalg::LinalgOp>(op->getParentOp());
    if (!compare || !loops || loops.getNumReductionLoops() ||
        (compare.getPredicate() != arith::CmpFPredicate::ONE &&
         compare.getPredicate() != arith::CmpFPredicate::UNE))
      return;
    Elements g(op.getContext());
    Element value{compare.getLhs(), {}};
    for (unsigned i = 0; i < loops.getNumLoops(); ++i) // places need not be known
      value.at.push_back(g.variable(g.addVariable(ShapedType::kDynamic)));
    if (g.constant({compare.getRhs(), value.at}) == 0.0 &&
        isAtLeastZero(g, value, /*positive=*/true, 12))
      proved.push_back(op);
  });
  for (cf::AssertOp op : proved)
    op->erase();
}
