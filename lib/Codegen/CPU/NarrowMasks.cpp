//===- NarrowMasks.cpp - masked memory that the back end gets wrong -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "NarrowMasks.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;

/// The lanes in which `mask` is false whatever happens.
static APInt getFalseLanes(Value *mask, unsigned depth = 0) {
  unsigned lanes = cast<FixedVectorType>(mask->getType())->getNumElements();
  APInt none(lanes, 0);
  if (auto *constant = dyn_cast<Constant>(mask)) {
    for (unsigned i = 0; i < lanes; ++i)
      if (Constant *lane = constant->getAggregateElement(i); lane && lane->isNullValue())
        none.setBit(i);
    return none;
  }
  if (depth == 6)
    return none;
  auto of = [&](Value *v) { return getFalseLanes(v, depth + 1); };
  Value *a, *b, *c;
  if (PatternMatch::match(mask,
                          PatternMatch::m_And(PatternMatch::m_Value(a), PatternMatch::m_Value(b))))
    return of(a) | of(b);
  if (PatternMatch::match(mask,
                          PatternMatch::m_Or(PatternMatch::m_Value(a), PatternMatch::m_Value(b))))
    return of(a) & of(b);
  if (PatternMatch::match(mask,
                          PatternMatch::m_Select(PatternMatch::m_Value(c), PatternMatch::m_Value(a),
                                                 PatternMatch::m_Value(b)))) {
    APInt then = c->getType()->isVectorTy() ? of(a) | of(c) : of(a);
    return then & of(b);
  }
  return none;
}

namespace {
/// A masked load or store, cut into registers of 32 bytes.
class Pieces {
public:
  explicit Pieces(IntrinsicInst &op)
      : op(op), isLoad(op.getIntrinsicID() == Intrinsic::masked_load), b(&op),
        mask(op.getArgOperand(isLoad ? 1 : 2)),
        type(cast<FixedVectorType>(isLoad ? op.getType() : op.getArgOperand(0)->getType())) {
    bytes = unsigned(type->getScalarSizeInBits() / 8);
    each = bytes >= 4 ? std::min(32 / bytes, type->getNumElements()) : type->getNumElements();
  }

  void run() {
    APInt never = getFalseLanes(mask);
    SmallVector<bool> dead;
    for (unsigned at = 0; at < type->getNumElements(); at += each)
      dead.push_back(never.extractBits(each, at).isAllOnes());
    if (isa<Constant>(mask) || llvm::none_of(dead, [](bool d) { return d; }))
      return; // selection gets constant masks right
    SmallVector<Value *> parts;
    for (auto [i, isDead] : llvm::enumerate(dead))
      parts.push_back(piece(unsigned(i) * each, isDead));
    if (isLoad)
      op.replaceAllUsesWith(concatenate(parts));
    op.eraseFromParent();
  }

private:
  Value *lanes(Value *v, unsigned at) {
    SmallVector<int> indices;
    for (unsigned i = 0; i < each; ++i)
      indices.push_back(int(at + i));
    return b.CreateShuffleVector(v, indices);
  }

  Value *piece(unsigned at, bool isDead) {
    Value *address = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), op.getArgOperand(isLoad ? 0 : 1),
                                                  uint64_t(at) * bytes);
    unsigned pointer = isLoad ? 0 : 1;
    Align align = commonAlignment(op.getParamAlign(pointer).valueOrOne(), uint64_t(at) * bytes);
    if (isLoad) {
      Value *otherwise = lanes(op.getArgOperand(2), at);
      return isDead ? otherwise
                    : b.CreateMaskedLoad(FixedVectorType::get(type->getElementType(), each),
                                         address, align, lanes(mask, at), otherwise);
    }
    if (!isDead)
      b.CreateMaskedStore(lanes(op.getArgOperand(0), at), address, align, lanes(mask, at));
    return nullptr;
  }

  Value *concatenate(ArrayRef<Value *> parts) {
    Value *whole = PoisonValue::get(type);
    for (auto [i, part] : llvm::enumerate(parts))
      whole = b.CreateInsertVector(type, whole, part, b.getInt64(i * each));
    return whole;
  }

  IntrinsicInst &op;
  bool isLoad;
  IRBuilder<> b;
  Value *mask;
  FixedVectorType *type;
  unsigned bytes, each; // of an element; lanes of a register
};
} // namespace

void linnet::codegen::narrowMasks(Function &function) {
  SmallVector<IntrinsicInst *> work;
  for (Instruction &i : instructions(function))
    if (auto *call = dyn_cast<IntrinsicInst>(&i))
      if (call->getIntrinsicID() == Intrinsic::masked_load ||
          call->getIntrinsicID() == Intrinsic::masked_store)
        work.push_back(call);
  for (IntrinsicInst *op : work)
    Pieces(*op).run();
}
