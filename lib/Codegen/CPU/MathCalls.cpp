//===- MathCalls.cpp - math functions as calls of Support/Math.cc -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LoweringPatterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

StringRef linnet::codegen::getMathFunction(Operation *op) {
  return llvm::StringSwitch<StringRef>(op->getName().getStringRef())
      .Case("math.exp", "exp")
      .Case("math.exp2", "exp2")
      .Case("math.expm1", "expm1")
      .Case("math.log", "log")
      .Case("math.log1p", "log1p")
      .Case("math.log2", "log2")
      .Case("math.log10", "log10")
      .Case("math.sin", "sin")
      .Case("math.cos", "cos")
      .Case("math.tan", "tan")
      .Case("math.sinh", "sinh")
      .Case("math.cosh", "cosh")
      .Case("math.tanh", "tanh")
      .Case("math.asin", "asin")
      .Case("math.acos", "acos")
      .Case("math.atan", "atan")
      .Case("math.asinh", "asinh")
      .Case("math.acosh", "acosh")
      .Case("math.atanh", "atanh")
      .Case("math.erf", "erf")
      .Case("math.erfc", "erfc")
      .Case("math.cbrt", "cbrt")
      .Case("math.powf", "pow")
      .Case("math.fpowi", "pow")
      .Case("math.atan2", "atan2")
      .Default("");
}

namespace {
class MathCaller {
public:
  explicit MathCaller(ModuleOp module) : module(module) {}
  void replace(Operation *op, StringRef function);
  void replaceSinCos(math::SincosOp op);

private:
  /// `function` on scalars or vectors of any shape.
  Value apply(ImplicitLocOpBuilder &b, StringRef function, ArrayRef<Value> operands);
  Value applyLanes(ImplicitLocOpBuilder &b, StringRef function, ArrayRef<Value> operands);
  Value call(ImplicitLocOpBuilder &b, StringRef function, ArrayRef<Value> operands, int64_t lanes);
  ModuleOp module;
};
} // namespace

Value MathCaller::call(ImplicitLocOpBuilder &b, StringRef function, ArrayRef<Value> operands,
                       int64_t lanes) {
  Type type = operands[0].getType();
  std::string name =
      ("lnt_" + function + (getElementTypeOrSelf(type).isF64() ? "_f64x" : "_f32x") + Twine(lanes))
          .str();
  SmallVector<Type> types(operands.size(), type);
  if (!module.lookupSymbol(name)) {
    OpBuilder declare = OpBuilder::atBlockBegin(module.getBody());
    func::FuncOp::create(declare, module.getLoc(), name, b.getFunctionType(types, {type}))
        .setPrivate();
  }
  return func::CallOp::create(b, name, TypeRange{type}, operands).getResult(0);
}

/// A vector in pieces that Support/Math.cc has functions for.
Value MathCaller::applyLanes(ImplicitLocOpBuilder &b, StringRef function,
                             ArrayRef<Value> operands) {
  auto type = cast<VectorType>(operands[0].getType());
  int64_t n = type.getNumElements();
  int64_t widest = type.getElementType().isF64() ? 8 : 16;
  if (n == widest || n == 8)
    return call(b, function, operands, n);
  Value out = arith::ConstantOp::create(b, b.getZeroAttr(type));
  for (int64_t at = 0; at < n;) {
    int64_t step = n - at >= widest ? widest : n - at >= 8 ? 8 : 1;
    SmallVector<Value> pieces;
    for (Value v : operands)
      pieces.push_back(step == 1 ? Value(vector::ExtractOp::create(b, v, at))
                                 : Value(vector::ExtractStridedSliceOp::create(
                                       b, v, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{step},
                                       ArrayRef<int64_t>{1})));
    Value r = call(b, function, pieces, step);
    out = step == 1 ? Value(vector::InsertOp::create(b, r, out, at))
                    : Value(vector::InsertStridedSliceOp::create(b, r, out, ArrayRef<int64_t>{at},
                                                                 ArrayRef<int64_t>{1}));
    at += step;
  }
  return out;
}

Value MathCaller::apply(ImplicitLocOpBuilder &b, StringRef function, ArrayRef<Value> operands) {
  auto type = dyn_cast<VectorType>(operands[0].getType());
  if (!type)
    return call(b, function, operands, 1);
  if (type.getRank() == 1)
    return applyLanes(b, function, operands);
  auto flat = VectorType::get({type.getNumElements()}, type.getElementType());
  SmallVector<Value> rows;
  for (Value v : operands)
    rows.push_back(vector::ShapeCastOp::create(b, flat, v));
  return vector::ShapeCastOp::create(b, type, applyLanes(b, function, rows));
}

void MathCaller::replace(Operation *op, StringRef function) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  SmallVector<Value> operands(op->getOperands());
  if (isa<math::FPowIOp>(op))
    operands[1] = arith::SIToFPOp::create(b, operands[0].getType(), operands[1]);
  op->replaceAllUsesWith(ValueRange{apply(b, function, operands)});
  op->erase();
}

void MathCaller::replaceSinCos(math::SincosOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  op->replaceAllUsesWith(
      ValueRange{apply(b, "sin", {op.getOperand()}), apply(b, "cos", {op.getOperand()})});
  op.erase();
}

LogicalResult linnet::codegen::callMathFunctions(ModuleOp module) {
  MathCaller caller(module);
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    if (auto both = dyn_cast<math::SincosOp>(op))
      caller.replaceSinCos(both);
    else if (StringRef function = getMathFunction(op); !function.empty())
      caller.replace(op, function);
    else if (isa<math::IPowIOp>(op))
      return op->emitOpError("has no form in a kernel");
  }
  return success();
}
