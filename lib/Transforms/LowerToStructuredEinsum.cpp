//===- LowerToStructuredEinsum.cpp - einsum to contractions ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace linnet;

namespace {

/// A tensor and the letters of its dimensions.
struct Term {
  Value value;
  std::string letters;
};

class EinsumLowering {
public:
  EinsumLowering(EinsumOp op, PatternRewriter &rewriter)
      : op(op), b(op.getLoc(), rewriter), equation(op.getParsedEquation()),
        type(op.getResult().getType()), accumulator(computeType(type.getElementType())) {
    for (auto [value, letters] : llvm::zip(op.getOperands_(), equation.operands))
      terms.push_back({value, letters});
    collectSizes();
  }

  Value lower() {
    Term left = terms[0];
    for (unsigned i = 1; i < terms.size(); ++i)
      left = multiply({left, terms[i]},
                      i + 1 == terms.size() ? equation.result : lettersAfter(left, i));
    if (terms.size() == 1)
      left = left.letters.size() == equation.result.size() ? permute(left)
                                                           : multiply({left}, equation.result);
    return round(left.value);
  }

private:
  /// The size of every letter, a constant where any operand knows it.
  void collectSizes() {
    for (const Term &term : terms)
      for (auto [i, c] : llvm::enumerate(term.letters)) {
        OpFoldResult &size = sizes[c];
        if (!size || isa<Value>(size))
          size = tensor::getMixedSize(b, b.getLoc(), term.value, i);
      }
  }

  /// The letters of terms 0..i that a later term or the result needs.
  std::string lettersAfter(const Term &left, unsigned i) {
    std::string later = equation.result, letters;
    for (const Term &term : llvm::drop_begin(terms, i + 1))
      later += term.letters;
    for (char c : left.letters + terms[i].letters)
      if (StringRef(later).contains(c) && !StringRef(letters).contains(c))
        letters += c;
    return letters;
  }

  /// The loops: the letters of the result, then the summed ones.
  static std::string loopLetters(ArrayRef<Term> factors, const std::string &result) {
    std::string loops = result;
    for (const Term &factor : factors)
      for (char c : factor.letters)
        if (!StringRef(loops).contains(c))
          loops += c;
    return loops;
  }

  AffineMap mapOf(StringRef letters, StringRef loops) {
    SmallVector<AffineExpr> exprs;
    for (char c : letters)
      exprs.push_back(b.getAffineDimExpr(loops.find(c)));
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  }

  Sizes sizesOfLetters(StringRef letters) {
    return llvm::map_to_vector(letters, [&](char c) { return sizes.lookup(c); });
  }

  RankedTensorType typeOfLetters(StringRef letters) {
    SmallVector<int64_t> shape = llvm::map_to_vector(letters, [&](char c) {
      return getConstantIntValue(sizes.lookup(c)).value_or(ShapedType::kDynamic);
    });
    return RankedTensorType::get(shape, accumulator);
  }

  Term multiply(ArrayRef<Term> factors, const std::string &result) {
    std::string loops = loopLetters(factors, result);
    SmallVector<Read> reads;
    for (const Term &factor : factors)
      reads.push_back({factor.value, mapOf(factor.letters, loops)});
    bool isFloat = isa<FloatType>(accumulator);
    auto product = [&](ImplicitLocOpBuilder &inner, ValueRange args) -> Value {
      Value x = widen(inner, args[0], accumulator);
      if (factors.size() == 1)
        return x;
      Value y = widen(inner, args[1], accumulator);
      return isFloat ? arith::MulFOp::create(inner, x, y).getResult()
                     : arith::MulIOp::create(inner, x, y).getResult();
    };
    if (loops == result) // nothing is summed
      return {mapElements(b, typeOfLetters(result), sizesOfLetters(result), reads, product),
              result};
    Value zero = fillTensor(b, sizesOfLetters(result), numberAttr(accumulator, 0));
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange args) -> SmallVector<Value> {
      Value x = product(inner, args);
      return {isFloat ? arith::AddFOp::create(inner, args.back(), x).getResult()
                      : arith::AddIOp::create(inner, args.back(), x).getResult()};
    };
    return {reduceElements(b, reads, zero, mapOf(result, loops), body)[0], result};
  }

  /// One operand and nothing to sum.
  Term permute(const Term &term) {
    auto to = RankedTensorType::get(type.getShape(), accumulator);
    return {mapElements(b, to, sizesOfLetters(equation.result),
                        {{term.value, mapOf(term.letters, equation.result)}},
                        [&](ImplicitLocOpBuilder &inner, ValueRange args) {
                          return widen(inner, args[0], accumulator);
                        }),
            equation.result};
  }

  Value round(Value value) {
    if (value.getType() == type)
      return value;
    auto from = cast<RankedTensorType>(value.getType());
    if (from.getElementType() == type.getElementType())
      return tensor::CastOp::create(b, type, value);
    return mapElements(b, type, sizesOfLetters(equation.result),
                       {{value, b.getMultiDimIdentityMap(type.getRank())}},
                       [&](ImplicitLocOpBuilder &inner, ValueRange args) {
                         return narrow(inner, args[0], type.getElementType());
                       });
  }

  EinsumOp op;
  ImplicitLocOpBuilder b;
  EinsumEquation equation;
  RankedTensorType type;
  /// Products are formed and summed in this type.
  Type accumulator;
  SmallVector<Term> terms;
  llvm::SmallDenseMap<char, OpFoldResult> sizes;
};

struct EinsumToGeneric : OpRewritePattern<EinsumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(EinsumOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, EinsumLowering(op, rewriter).lower());
    return success();
  }
};

} // namespace

void linnet::populateEinsumToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<EinsumToGeneric>(patterns.getContext());
}
