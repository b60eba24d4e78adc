//===- Plain.cpp - derivatives of the plain family ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// einsum
//===----------------------------------------------------------------------===//

/// The gradient of operand `i`: the others and the result's, over the letters of the operand
/// that they have; the letters that only the operand has are repeated.
static Value einsumGradient(EinsumOp op, const EinsumEquation &equation, unsigned i, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value operand = op.getOperands()[i], dy = a.of(op.getResult());
  std::string inputs = equation.result;
  SmallVector<Value> values = {roundLike(b, dy, operand)};
  for (auto [j, letters] : llvm::enumerate(equation.operands)) {
    if (j == i)
      continue;
    inputs += "," + letters;
    values.push_back(op.getOperands()[j]);
  }
  std::string kept;
  SmallVector<int64_t> dims, shape;
  auto type = cast<RankedTensorType>(operand.getType());
  for (auto [dim, letter] : llvm::enumerate(equation.operands[i])) {
    if (inputs.find(letter) == std::string::npos)
      continue;
    kept += letter;
    dims.push_back(dim);
    shape.push_back(type.getDimSize(dim));
  }
  Value gradient = EinsumOp::create(b, RankedTensorType::get(shape, type.getElementType()),
                                    b.getStringAttr(inputs + "->" + kept), values);
  if (kept.size() == equation.operands[i].size())
    return gradient;
  return broadcastLike(b, gradient, operand, dims);
}

static LogicalResult differentiateEinsum(EinsumOp op, Adjoints &a) {
  EinsumEquation equation = op.getParsedEquation();
  for (auto [i, operand] : llvm::enumerate(op.getOperands()))
    if (a.wants(operand))
      a.add(operand, einsumGradient(op, equation, i, a));
  return success();
}

//===----------------------------------------------------------------------===//
// broadcast, reduce
//===----------------------------------------------------------------------===//

static LogicalResult differentiateBroadcast(BroadcastOp op, Adjoints &a) {
  if (a.wants(op.getInput()))
    a.add(op.getInput(),
          sumToOperand(a.builder(), a.of(op.getResult()), op.getInput(), op.getMappedDims()));
  return success();
}

namespace {
/// The pieces of a reduction's rule.
class ReduceRule {
public:
  ReduceRule(ReduceOp op, Adjoints &a) : op(op), a(a), b(a.builder()), x{&b, op.getInput()} {
    auto rank = op.getInput().getType().getRank();
    for (int64_t i = 0; i < rank; ++i)
      if (op.getKeepdims() || !llvm::is_contained(op.getAxes(), i))
        dims.push_back(i);
  }

  Value gradient() {
    Expr dy = spread(a.of(op.getResult()));
    switch (op.getKind()) {
    case ReduceKind::sum:
      return dy;
    case ReduceKind::mean:
      return dy / extent();
    case ReduceKind::max:
    case ReduceKind::min:
      return extremum(dy);
    case ReduceKind::prod:
      return product(dy);
    }
    llvm_unreachable("unknown reduction");
  }

private:
  Expr spread(Value reduced) {
    bool scalar = !isa<RankedTensorType>(reduced.getType());
    return {&b, broadcastLike(b, reduced, x, scalar ? ArrayRef<int64_t>() : dims)};
  }
  /// How many elements a mean is of, with the shape of x.
  Expr extent() {
    int64_t known = 1;
    Value product;
    for (int64_t axis : op.getAxes()) {
      if (!op.getInput().getType().isDynamicDim(axis)) {
        known *= op.getInput().getType().getDimSize(axis);
        continue;
      }
      Value size = tensor::DimOp::create(b, x, axis);
      product = product ? arith::MulIOp::create(b, product, size).getResult() : size;
    }
    if (!product)
      return x.constant(known);
    Value number = arith::IndexCastOp::create(b, b.getI64Type(), product);
    Type element = op.getInput().getType().getElementType();
    return spread(arith::SIToFPOp::create(b, element, number)) * static_cast<double>(known);
  }
  Value count(Expr ones) { return sumOver(b, ones, op.getAxes(), op.getKeepdims()); }
  Value equals(Expr u, Expr v) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, u, v); }
  Expr pick(Value condition, Expr u, Expr v) {
    return {&b, arith::SelectOp::create(b, condition, u, v)};
  }

  /// Shared evenly among equal extrema, as PyTorch's `amax`.
  Value extremum(Expr dy) {
    Expr zero = x.constant(0.0);
    Value chosen = equals(x, spread(op.getResult()));
    Expr shares = spread(count(pick(chosen, x.constant(1.0), zero)));
    return pick(chosen, dy / shares, zero);
  }

  /// The product of the others, which is not y / x where a factor is zero.
  Value product(Expr dy) {
    Expr zero = x.constant(0.0), one = x.constant(1.0);
    Value isZero = equals(x, zero);
    Expr zeros = spread(count(pick(isZero, one, zero)));
    Expr factors = pick(isZero, one, x);
    Expr rest =
        spread(ReduceOp::create(b, ReduceKind::prod, factors, op.getAxes(), op.getKeepdims()));
    Expr others = pick(isZero, pick(equals(zeros, one), rest, zero),
                       pick(equals(zeros, zero), rest / factors, zero));
    return dy * others;
  }

  ReduceOp op;
  Adjoints &a;
  ImplicitLocOpBuilder &b;
  Expr x;
  SmallVector<int64_t> dims;
};
} // namespace

static LogicalResult differentiateReduce(ReduceOp op, Adjoints &a) {
  a.add(op.getInput(), ReduceRule(op, a).gradient());
  return success();
}

void linnet::registerPlainRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<EinsumOp, differentiateEinsum>(context);
    attachRule<BroadcastOp, differentiateBroadcast>(context);
    attachRule<ReduceOp, differentiateReduce>(context);
  });
}
