//===- SizeExpr.cpp - sizes as polynomials in symbols ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SizeExpr.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Polynomials
//===----------------------------------------------------------------------===//

SizeExpr SizeExpr::operator+(const SizeExpr &o) const {
  SizeExpr sum = *this;
  for (auto &[product, coefficient] : o.terms)
    if ((sum.terms[product] += coefficient) == 0)
      sum.terms.erase(product);
  return sum;
}

SizeExpr SizeExpr::operator*(const SizeExpr &o) const {
  SizeExpr result;
  for (auto &[a, x] : terms)
    for (auto &[b, y] : o.terms) {
      std::vector<unsigned> product = a;
      product.insert(product.end(), b.begin(), b.end());
      llvm::sort(product);
      if ((result.terms[product] += x * y) == 0)
        result.terms.erase(product);
    }
  return result;
}

std::optional<int64_t> SizeExpr::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

std::optional<SizeExpr> SizeExpr::dividedBy(int64_t divisor) const {
  SizeExpr quotient;
  for (auto &[product, coefficient] : terms) {
    if (divisor == 0 || coefficient % divisor)
      return std::nullopt;
    quotient.terms[product] = coefficient / divisor;
  }
  return quotient;
}

std::optional<int64_t> SizeExpr::least(const llvm::DenseMap<unsigned, int64_t> &ofSymbols) const {
  int64_t sum = 0;
  for (auto &[product, coefficient] : terms) {
    int64_t value = coefficient;
    for (unsigned id : product) {
      auto it = ofSymbols.find(id);
      if (it == ofSymbols.end() || coefficient < 0 || llvm::MulOverflow(value, it->second, value))
        return std::nullopt;
    }
    if (llvm::AddOverflow(sum, value, sum))
      return std::nullopt;
  }
  return sum;
}

std::string SizeExpr::print(ArrayRef<std::string> names) const {
  if (terms.empty())
    return "0";
  std::string text;
  // the constant, whose product is empty, comes last
  auto append = [&](const std::vector<unsigned> &product, int64_t coefficient) {
    if (!text.empty() || coefficient < 0)
      text += text.empty() ? "-" : coefficient < 0 ? " - " : " + ";
    bool first = true;
    if (std::abs(coefficient) != 1 || product.empty()) {
      text += std::to_string(std::abs(coefficient));
      first = false;
    }
    for (unsigned id : product) {
      text += (first ? "" : "*") + names[id];
      first = false;
    }
  };
  for (auto &[product, coefficient] : terms)
    if (!product.empty())
      append(product, coefficient);
  if (terms.begin()->first.empty())
    append({}, terms.begin()->second);
  return text;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

SizeExpr SizeAnalysis::intern(StringRef name) {
  auto [it, isNew] = ids.try_emplace(name, names.size());
  if (isNew)
    names.push_back(name.str());
  return SizeExpr::symbol(it->second);
}

SizeExpr SizeAnalysis::unknown(Value value, int64_t dim) {
  std::string name;
  llvm::raw_string_ostream os(name);
  if (auto arg = dyn_cast<BlockArgument>(value);
      arg && arg.getOwner()->isEntryBlock() &&
      isa<FunctionOpInterface>(arg.getOwner()->getParentOp()))
    os << (dim < 0 ? "argument " : "size ");
  else
    os << "unknown " << names.size() << " (";
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (isa<FunctionOpInterface>(arg.getOwner()->getParentOp())) {
      if (dim >= 0)
        os << dim << " of argument ";
      os << arg.getArgNumber();
      return intern(name);
    }
    os << "in '" << arg.getOwner()->getParentOp()->getName() << "')";
    return intern(name);
  }
  if (dim >= 0)
    os << "size " << dim << " of ";
  os << "the result of '" << value.getDefiningOp()->getName() << "')";
  return intern(name);
}

SizeExpr SizeAnalysis::sizeOf(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return SizeExpr(type.getDimSize(dim));
  if (auto it = known.find({tensor, dim}); it != known.end())
    return it->second;
  SizeExpr e = computeSize(tensor, dim);
  known[{tensor, dim}] = e;
  return e;
}

SizeExpr SizeAnalysis::computeSize(Value tensor, int64_t dim) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return sizeOfArgument(arg, dim);
  return sizeOfResult(cast<OpResult>(tensor), dim);
}

/// A size that `linnet.dims` names; `linnet.symbols` may say how small it can be.
SizeExpr SizeAnalysis::symbolOf(FunctionOpInterface fn, StringAttr name) {
  SizeExpr e = named(name);
  auto bounds = fn->getAttrOfType<DictionaryAttr>(kSymbolsAttr);
  auto own = bounds ? bounds.getAs<DictionaryAttr>(name) : DictionaryAttr();
  auto min = own ? own.getAs<IntegerAttr>("min") : IntegerAttr();
  least[ids[name]] = min ? min.getInt() : 0;
  return e;
}

/// The larger of two values, where it is known to be the same one always.
SizeExpr SizeAnalysis::larger(const SizeExpr &a, const SizeExpr &b) {
  for (auto [x, y] : {std::pair(&a, &b), std::pair(&b, &a)})
    if (auto bound = y->constant())
      if (auto most = x->least(least); most && *most >= *bound)
        return *x;
  return application("maxsi", {a, b});
}

SizeExpr SizeAnalysis::sizeOfArgument(BlockArgument arg, int64_t dim) {
  Operation *parent = arg.getOwner()->getParentOp();
  if (auto fn = dyn_cast<FunctionOpInterface>(parent)) {
    auto dims = fn.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), kDimsAttr);
    if (auto name = dims ? dyn_cast<StringAttr>(dims[dim]) : StringAttr())
      return symbolOf(fn, name);
    return unknown(arg, dim);
  }
  // what a loop carries keeps its sizes; the check compares the yielded ones
  if (auto loop = dyn_cast<LoopLikeOpInterface>(parent))
    if (OpOperand *init = loop.getTiedLoopInit(arg))
      return sizeOf(init->get(), dim);
  if (auto loop = dyn_cast<scf::WhileOp>(parent); loop && arg.getOwner() == loop.getAfterBody())
    return sizeOf(loop.getConditionOp().getArgs()[arg.getArgNumber()], dim);
  return unknown(arg, dim);
}

SizeExpr SizeAnalysis::sizeOfResult(OpResult result, int64_t dim) {
  Operation *op = result.getOwner();
  if (auto cast = dyn_cast<tensor::CastOp>(op);
      cast && isa<RankedTensorType>(cast.getSource().getType()))
    return sizeOf(cast.getSource(), dim);
  if (OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return sizeOf(operand, dim);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return sizeOf(loop.getConditionOp().getArgs()[result.getResultNumber()], dim);
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    if (OpOperand *init = loop.getTiedLoopInit(result))
      return sizeOf(init->get(), dim);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    SizeExpr a = sizeOf(branch.thenYield().getOperand(result.getResultNumber()), dim);
    SizeExpr b = sizeOf(branch.elseYield().getOperand(result.getResultNumber()), dim);
    return a == b ? a : unknown(result, dim);
  }
  auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
  if (!reify)
    return unknown(result, dim);
  auto [it, isNew] = reified.try_emplace(op);
  if (isNew) {
    OpBuilder b(op);
    ReifiedRankedShapedTypeDims shapes;
    if (succeeded(reify.reifyResultShapes(b, shapes)))
      it->second = std::move(shapes);
  }
  if (it->second.size() <= result.getResultNumber())
    return unknown(result, dim);
  OpFoldResult size = it->second[result.getResultNumber()][dim];
  // an op may answer with the question
  if (auto value = dyn_cast<Value>(size))
    if (auto dimOp = value.getDefiningOp<tensor::DimOp>(); dimOp && dimOp.getSource() == result)
      return unknown(result, dim);
  return valueOf(size);
}

//===----------------------------------------------------------------------===//
// Index values
//===----------------------------------------------------------------------===//

SizeExpr SizeAnalysis::valueOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return SizeExpr(*constant);
  return valueOf(cast<Value>(value));
}

SizeExpr SizeAnalysis::valueOf(Value value) {
  if (auto it = known.find({value, -1}); it != known.end())
    return it->second;
  SizeExpr e = computeValue(value);
  known[{value, -1}] = e;
  return e;
}

SizeExpr SizeAnalysis::application(StringRef name, ArrayRef<SizeExpr> operands) {
  std::string text = (name + "(").str();
  llvm::interleave(operands, [&](const SizeExpr &e) { text += print(e); }, [&] { text += ", "; });
  return intern(text + ")");
}

SizeExpr SizeAnalysis::quotient(StringRef kind, const SizeExpr &a, const SizeExpr &b) {
  if (auto divisor = b.constant())
    if (auto exact = a.dividedBy(*divisor))
      return *exact;
  return application(kind, {a, b});
}

SizeExpr SizeAnalysis::affine(AffineExpr e, unsigned numDims, ArrayRef<SizeExpr> operands) {
  if (auto constant = dyn_cast<AffineConstantExpr>(e))
    return SizeExpr(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(e))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(e))
    return operands[numDims + symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(e);
  SizeExpr a = affine(binary.getLHS(), numDims, operands);
  SizeExpr b = affine(binary.getRHS(), numDims, operands);
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::FloorDiv:
    return quotient("floordiv", a, b);
  case AffineExprKind::CeilDiv:
    return quotient("ceildiv", a, b);
  default:
    return application("mod", {a, b});
  }
}

SizeExpr SizeAnalysis::computeValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto constant = getConstantIntValue(value))
    return SizeExpr(*constant);
  if (!op)
    return unknown(value, -1);
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto index = dim.getConstantIndex();
        index && isa<RankedTensorType>(dim.getSource().getType()))
      return sizeOf(dim.getSource(), *index);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp>(op))
    return valueOf(op->getOperand(0));
  if (isa<arith::AddIOp>(op))
    return valueOf(op->getOperand(0)) + valueOf(op->getOperand(1));
  if (isa<arith::SubIOp>(op))
    return valueOf(op->getOperand(0)) - valueOf(op->getOperand(1));
  if (isa<arith::MulIOp>(op))
    return valueOf(op->getOperand(0)) * valueOf(op->getOperand(1));
  // sizes are not negative, so that the divisions agree
  if (isa<arith::FloorDivSIOp, arith::DivSIOp, arith::DivUIOp>(op))
    return quotient("floordiv", valueOf(op->getOperand(0)), valueOf(op->getOperand(1)));
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return quotient("ceildiv", valueOf(op->getOperand(0)), valueOf(op->getOperand(1)));
  if (isa<arith::MaxSIOp>(op))
    return larger(valueOf(op->getOperand(0)), valueOf(op->getOperand(1)));
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<SizeExpr> operands;
    for (Value operand : apply.getMapOperands())
      operands.push_back(valueOf(operand));
    return affine(apply.getAffineMap().getResult(0), apply.getAffineMap().getNumDims(), operands);
  }
  bool isArithmetic =
      isa<arith::ArithDialect>(op->getDialect()) && op->getNumResults() == 1 &&
      !op->getOperands().empty() &&
      llvm::all_of(op->getOperandTypes(), [](Type t) { return t.isIntOrIndex(); }) &&
      op->getAttrs().empty();
  if (!isArithmetic)
    return unknown(value, -1);
  SmallVector<SizeExpr> operands;
  for (Value operand : op->getOperands())
    operands.push_back(valueOf(operand));
  return application(op->getName().stripDialect(), operands);
}
