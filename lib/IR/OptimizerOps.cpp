//===- OptimizerOps.cpp - ops of the optimizer family ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetOps.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/OptimizerOps.cpp.inc"

void LinnetDialect::registerOptimizerOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/OptimizerOps.cpp.inc"
      >();
}

/// The lists that are there.
static SmallVector<ValueRange> present(ValueRange params, ArrayRef<ValueRange> states,
                                       ValueRange masters) {
  SmallVector<ValueRange> lists = {params};
  for (ValueRange state : states)
    if (!state.empty())
      lists.push_back(state);
  if (!masters.empty())
    lists.push_back(masters);
  return lists;
}

SmallVector<ValueRange> SgdOp::getUpdatedLists() {
  return present(getParams(), {getMomenta()}, getMasters());
}
SmallVector<ValueRange> AdamOp::getUpdatedLists() {
  return present(getParams(), {getMeans(), getVariances()}, getMasters());
}
SmallVector<ValueRange> AdamWOp::getUpdatedLists() {
  return present(getParams(), {getMeans(), getVariances()}, getMasters());
}
SmallVector<ValueRange> LionOp::getUpdatedLists() {
  return present(getParams(), {getMeans()}, getMasters());
}
SmallVector<ValueRange> RmsPropOp::getUpdatedLists() {
  return present(getParams(), {getVariances(), getMomenta()}, getMasters());
}
SmallVector<ValueRange> AdagradOp::getUpdatedLists() {
  return present(getParams(), {getSums()}, getMasters());
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// (C1), (C2): one tensor per parameter, of its shape.
static LogicalResult verifyList(Operation *op, StringRef what, ValueRange params, ValueRange list,
                                bool sameType) {
  if (list.size() != params.size())
    return op->emitOpError() << "expects " << what << " to be one per parameter (" << params.size()
                             << "), found " << list.size();
  for (auto [i, param, value] : llvm::enumerate(params, list)) {
    auto type = cast<RankedTensorType>(param.getType());
    Type expected = sameType ? type : type.clone(Float32Type::get(op->getContext()));
    if (value.getType() != expected)
      return op->emitOpError() << "expects " << what << " " << i << " of type " << expected
                               << ", found " << value.getType();
  }
  return success();
}

static bool isFactor(const APFloat &value) {
  return value.isFinite() && !value.isNegative() && value.convertToDouble() < 1.0;
}

/// (C4)
static LogicalResult verifyFactors(Operation *op, ArrayRef<std::pair<StringRef, APFloat>> factors) {
  for (auto &[name, value] : factors)
    if (!isFactor(value))
      return op->emitOpError() << "expects " << name << " from 0 to below 1, found "
                               << value.convertToDouble();
  return success();
}

static LogicalResult verifyFinite(Operation *op, ArrayRef<std::pair<StringRef, APFloat>> numbers) {
  for (auto &[name, value] : numbers)
    if (!value.isFinite() || value.isNegative())
      return op->emitOpError() << "expects " << name << " to be finite and not negative, found "
                               << value.convertToDouble();
  return success();
}

template <typename Op>
static LogicalResult verifyLists(Op op, ArrayRef<std::pair<StringRef, ValueRange>> states) {
  ValueRange params = op.getParams(), masters = op.getMasters();
  if (failed(verifyList(op, "gradients", params, op.getGrads(), true)))
    return failure();
  for (auto &[name, list] : states)
    if (failed(verifyList(op, name, params, list, false)))
      return failure();
  bool narrow = llvm::any_of(params.getTypes(), [](Type type) {
    return cast<RankedTensorType>(type).getElementTypeBitWidth() == 16;
  });
  if (masters.empty() && narrow) // (C2)
    return op.emitOpError() << "expects 'masters', because parameters have 16 bits";
  if (!masters.empty() && failed(verifyList(op, "masters", params, masters, false)))
    return failure();
  SmallVector<Type> expected; // (C3)
  for (ValueRange list : op.getUpdatedLists())
    llvm::append_range(expected, list.getTypes());
  if (TypeRange(expected) == op.getResultTypes())
    return success();
  return op.emitOpError() << "expects as results the parameters, the states and the masters ("
                          << expected.size() << " tensors of their types), found "
                          << op->getNumResults();
}

LogicalResult SgdOp::verify() {
  bool hasMomentum = !getMomentum().isZero();
  if (getMomenta().empty() == hasMomentum || static_cast<bool>(getStep()) != hasMomentum) // (C5)
    return emitOpError() << "expects 'momenta' and 'step' exactly when momentum is positive, found "
                         << "momentum " << getMomentum().convertToDouble();
  if (getNesterov() && (!hasMomentum || !getDampening().isZero()))
    return emitOpError() << "expects momentum and no dampening with 'nesterov'";
  if (failed(verifyFactors(*this, {{"momentum", getMomentum()}, {"dampening", getDampening()}})) ||
      failed(verifyFinite(*this, {{"weight_decay", getWeightDecay()}})))
    return failure();
  if (!hasMomentum)
    return verifyLists(*this, {});
  return verifyLists(*this, {{"momenta", getMomenta()}});
}

template <typename Op> static LogicalResult verifyAdam(Op op) {
  if (failed(verifyFactors(op, {{"beta1", op.getBeta1()}, {"beta2", op.getBeta2()}})) ||
      failed(verifyFinite(op, {{"eps", op.getEps()}, {"weight_decay", op.getWeightDecay()}})))
    return failure();
  return verifyLists(op, {{"means", op.getMeans()}, {"variances", op.getVariances()}});
}

LogicalResult AdamOp::verify() { return verifyAdam(*this); }
LogicalResult AdamWOp::verify() { return verifyAdam(*this); }

LogicalResult LionOp::verify() {
  if (failed(verifyFactors(*this, {{"beta1", getBeta1()}, {"beta2", getBeta2()}})) ||
      failed(verifyFinite(*this, {{"weight_decay", getWeightDecay()}})))
    return failure();
  return verifyLists(*this, {{"means", getMeans()}});
}

LogicalResult RmsPropOp::verify() {
  if (getMomenta().empty() == !getMomentum().isZero()) // (C5)
    return emitOpError() << "expects 'momenta' exactly when momentum is positive, found momentum "
                         << getMomentum().convertToDouble();
  if (failed(verifyFactors(*this, {{"alpha", getAlpha()}, {"momentum", getMomentum()}})) ||
      failed(verifyFinite(*this, {{"eps", getEps()}, {"weight_decay", getWeightDecay()}})))
    return failure();
  if (getMomenta().empty())
    return verifyLists(*this, {{"variances", getVariances()}});
  return verifyLists(*this, {{"variances", getVariances()}, {"momenta", getMomenta()}});
}

LogicalResult AdagradOp::verify() {
  if (failed(verifyFinite(
          *this,
          {{"lr_decay", getLrDecay()}, {"eps", getEps()}, {"weight_decay", getWeightDecay()}})))
    return failure();
  return verifyLists(*this, {{"sums", getSums()}});
}

LogicalResult RobbinsMonroOp::verify() {
  for (auto &[name, value] : {std::pair("base", getBase()), std::pair("offset", getOffset())})
    if (!value.isFinite() || value.isNegative() || value.isZero()) // (C1)
      return emitOpError() << "expects " << name << " to be finite and positive, found "
                           << value.convertToDouble();
  double power = getPower().convertToDouble(); // (C2)
  if (!(power > 0.5 && power <= 1))
    return emitOpError() << "expects power above 0.5 and at most 1, found " << power;
  return success();
}

LogicalResult ClipByGlobalNormOp::verify() {
  return verifyList(*this, "clipped gradients", getGrads(), getClipped(), true); // (C1)
}
