//===- LowerToStructuredScalars.cpp - float arithmetic between kernels ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet;

static bool hasFloat(TypeRange types) {
  return llvm::any_of(types, [](Type t) { return isa<FloatType>(t); });
}

static bool isScalarFloatOp(Operation *op) {
  if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
      isa<arith::ConstantOp>(op) || op->getNumResults() != 1)
    return false;
  auto isScalar = [](Type t) { return t.isIntOrIndexOrFloat(); };
  return llvm::all_of(op->getOperandTypes(), isScalar) && isScalar(op->getResult(0).getType()) &&
         (hasFloat(op->getOperandTypes()) || hasFloat(op->getResultTypes()));
}

// The scalar as a tensor of rank 0; the tensor it was read from, where there is one.
static Value toTensor(OpBuilder &b, Location loc, Value scalar) {
  auto type = RankedTensorType::get({}, scalar.getType());
  if (auto extract = scalar.getDefiningOp<tensor::ExtractOp>())
    if (extract.getTensor().getType() == type)
      return extract.getTensor();
  Attribute value;
  if (matchPattern(scalar, m_Constant(&value)))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, value));
  return tensor::FromElementsOp::create(b, loc, type, scalar);
}

// A command list computes with integers only: what floats there are between kernels become
// tensors of rank 0, and so kernels.
void linnet::liftScalarFloats(Operation *root) {
  SmallVector<Operation *> work;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<linalg::LinalgOp, tensor::GenerateOp, tensor::PadOp>(op))
      return WalkResult::skip(); // their bodies are kernels already
    if (isScalarFloatOp(op))
      work.push_back(op);
    return WalkResult::advance();
  });
  for (Operation *op : work) {
    OpBuilder b(op);
    SmallVector<Value> operands;
    for (Value v : op->getOperands())
      operands.push_back(toTensor(b, op->getLoc(), v));
    auto type = RankedTensorType::get({}, op->getResult(0).getType());
    OperationState state(op->getLoc(), op->getName(), operands, {type}, op->getAttrs());
    Value result = b.create(state)->getResult(0);
    Value scalar = tensor::ExtractOp::create(b, op->getLoc(), result, ValueRange());
    op->getResult(0).replaceAllUsesWith(scalar);
    op->erase();
  }
}
