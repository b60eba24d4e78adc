//===- TrainOps.cpp - ops of the train family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Autodiff/Adjoints.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/TrainOps.cpp.inc"

void LinnetDialect::registerTrainOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/TrainOps.cpp.inc"
      >();
}

bool linnet::isDifferentiableType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return isa<FloatType>(tensor ? tensor.getElementType() : type);
}

/// A function with a body, with `op` as the one who says what is missing.
static func::FuncOp lookupBody(Operation *op, FlatSymbolRefAttr symbol,
                               SymbolTableCollection &symbols) {
  auto fn = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, symbol);
  if (fn && !fn.isDeclaration())
    return fn;
  op->emitOpError() << "expects " << symbol << " to be a function of this module with a body";
  return {};
}

static LogicalResult verifyTypes(Operation *op, func::FuncOp fn, StringRef what, TypeRange found,
                                 TypeRange expected) {
  if (found == expected)
    return success();
  InFlightDiagnostic diag = op->emitOpError()
                            << "expects '" << fn.getName() << "' with " << what << " (";
  llvm::interleaveComma(expected, diag);
  diag << "), found (";
  llvm::interleaveComma(found, diag);
  diag << ")";
  return diag;
}

//===----------------------------------------------------------------------===//
// value_and_grad
//===----------------------------------------------------------------------===//

LogicalResult ValueAndGradOp::verify() {
  if (getNumResults() <= getWrt().size()) // (C3)
    return emitOpError() << "expects the function's results and one gradient per entry of 'wrt' ("
                         << getWrt().size() << "), found " << getNumResults() << " results";
  for (auto [i, entry] : llvm::enumerate(getWrt())) {
    if (isa<FlatSymbolRefAttr>(entry))
      continue;
    auto position = dyn_cast<IntegerAttr>(entry); // (C4)
    if (!position || position.getInt() < 0 ||
        position.getInt() >= static_cast<int64_t>(getNumOperands()))
      return emitOpError() << "expects the entries of 'wrt' to be positions below "
                           << getNumOperands() << " or symbols of globals, found " << entry;
    Type type = getOperand(position.getInt()).getType();
    Type gradient = getResult(getNumValues() + i).getType();
    if (!isDifferentiableType(type))
      return emitOpError() << "expects operand " << position.getInt() << " in 'wrt' to be a float "
                           << "or a tensor of floats, found " << type;
    if (gradient != type) // (C5)
      return emitOpError() << "expects gradient " << i << " of type " << type << ", found "
                           << gradient;
  }
  return success();
}

LogicalResult ValueAndGradOp::verifySymbolUses(SymbolTableCollection &symbols) {
  func::FuncOp fn = lookupBody(*this, getCalleeAttr(), symbols); // (C1)
  if (!fn || failed(verifyTypes(*this, fn, "arguments", fn.getArgumentTypes(), getOperandTypes())))
    return failure();
  if (failed(verifyTypes(*this, fn, "results", fn.getResultTypes(), // (C3)
                         TypeRange(getResultTypes()).take_front(getNumValues()))))
    return failure();
  Type loss = getNumValues() ? getResult(0).getType() : Type();
  auto tensor = dyn_cast_or_null<RankedTensorType>(loss);
  if (!loss || !isDifferentiableType(loss) || (tensor && tensor.getRank() != 0)) // (C2)
    return emitOpError() << "expects the first result of '" << fn.getName()
                         << "' to be a float or a tensor of rank 0, found " << loss;
  for (auto [i, entry] : llvm::enumerate(getWrt())) {
    auto symbol = dyn_cast<FlatSymbolRefAttr>(entry);
    if (!symbol)
      continue;
    auto global = symbols.lookupNearestSymbolFrom<ml_program::GlobalOp>(*this, symbol);
    if (!global || !isDifferentiableType(global.getType())) // (C4)
      return emitOpError() << "expects " << symbol << " to be a global of float type";
    Type gradient = getResult(getNumValues() + i).getType();
    if (gradient != global.getType()) // (C5)
      return emitOpError() << "expects gradient " << i << " of type " << global.getType()
                           << ", found " << gradient;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// custom_vjp
//===----------------------------------------------------------------------===//

LogicalResult CustomVjpOp::verifySymbolUses(SymbolTableCollection &symbols) {
  func::FuncOp fn = lookupBody(*this, getCalleeAttr(), symbols);
  func::FuncOp back = lookupBody(*this, getBackwardAttr(), symbols);
  if (!fn || !back)
    return failure();
  if (failed(verifyTypes(*this, fn, "arguments", fn.getArgumentTypes(), getOperandTypes())) ||
      failed(verifyTypes(*this, fn, "results", fn.getResultTypes(), getResultTypes()))) // (C1)
    return failure();
  SmallVector<Type> takes(getOperandTypes()), gives;
  llvm::append_range(takes, getResultTypes());
  llvm::copy_if(getResultTypes(), std::back_inserter(takes), isDifferentiableType);
  llvm::copy_if(getOperandTypes(), std::back_inserter(gives), isDifferentiableType);
  if (failed(verifyTypes(*this, back, "arguments", back.getArgumentTypes(), takes))) // (C2)
    return failure();
  return verifyTypes(*this, back, "results", back.getResultTypes(), gives);
}

//===----------------------------------------------------------------------===//
// checkpoint
//===----------------------------------------------------------------------===//

LogicalResult CheckpointOp::verify() {
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getOperandTypes() == getResultTypes()) // (C1)
    return success();
  InFlightDiagnostic diag = emitOpError() << "expects to yield (";
  llvm::interleaveComma(getResultTypes(), diag);
  diag << "), found (";
  llvm::interleaveComma(yield.getOperandTypes(), diag);
  diag << ")";
  return diag;
}

void CheckpointOp::getSuccessorRegions(RegionBranchPoint point,
                                       SmallVectorImpl<RegionSuccessor> &regions) {
  if (point.isParent())
    regions.push_back(RegionSuccessor(&getBody()));
  else
    regions.push_back(RegionSuccessor(getOperation(), getResults()));
}

//===----------------------------------------------------------------------===//
// barrier
//===----------------------------------------------------------------------===//

LogicalResult BarrierOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  if (!isa<RankedTensorType>(getInput().getType()))
    return failure();
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}
