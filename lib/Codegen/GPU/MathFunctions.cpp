//===- MathFunctions.cpp - math functions as arithmetic ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Vulkan promises little of its own functions (sin is good for 11 bits), CUDA's are another
// library. The functions of CPU/Support/Math.cc are straight lines of IEEE operations: they are
// read from the bitcode that the CPU's kernels link, and written at every use as arith ops. They
// branch in one place only, to reduce angles from 2^28 on.
//
//===----------------------------------------------------------------------===//
#include "../CPU/Support/Bitcode.h"
#include "../LoweringPatterns.h"
#include "GPULowering.h"
#include "ReduceAngle.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Support/MemoryBufferRef.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {

/// Writes one function as arith ops. Vectors of one lane are scalars.
class FunctionInliner {
public:
  FunctionInliner(llvm::Function &f, ImplicitLocOpBuilder &b) : f(f), b(b) {}
  FailureOr<Value> run(ValueRange operands);

private:
  Type convert(llvm::Type *t);
  Value constant(llvm::Constant *c);
  Value get(llvm::Value *v);
  /// The block behind a branch: not the one that leads to `aside`.
  FailureOr<llvm::BasicBlock *> follow(llvm::BasicBlock *block);
  LogicalResult convert(llvm::BasicBlock &block);
  LogicalResult reduceAngle(llvm::CallInst &call);
  Value choose(llvm::PHINode &phi);
  FailureOr<Value> convert(llvm::Instruction &i);
  Value binary(llvm::BinaryOperator &i);
  Value convertCast(llvm::CastInst &i);
  FailureOr<Value> convertCall(llvm::CallInst &i);
  bool needsExactProduct(llvm::IntrinsicInst &fma);
  Value isClass(Value x, uint64_t classes);
  Value compare(arith::CmpFPredicate p, Value x, double y);

  llvm::Function &f;
  ImplicitLocOpBuilder &b;
  llvm::DenseMap<llvm::Value *, Value> values;
  llvm::BasicBlock *before = nullptr; ///< for phis
  llvm::BasicBlock *aside = nullptr;  ///< reduces large angles
  Value isLarge;                      ///< whether to go there
};

} // namespace

Type FunctionInliner::convert(llvm::Type *t) {
  t = t->getScalarType();
  if (t->isFloatTy())
    return b.getF32Type();
  if (t->isDoubleTy())
    return b.getF64Type();
  return t->isIntegerTy() ? Type(b.getIntegerType(t->getIntegerBitWidth())) : Type();
}

Value FunctionInliner::constant(llvm::Constant *c) {
  if (c->getType()->isVectorTy())
    c = isa<llvm::ConstantAggregateZero>(c)
            ? llvm::Constant::getNullValue(c->getType()->getScalarType())
            : c->getAggregateElement(0u);
  Type type = convert(c->getType());
  if (auto *i = dyn_cast<llvm::ConstantInt>(c))
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, i->getValue()));
  if (auto *x = dyn_cast<llvm::ConstantFP>(c))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, x->getValueAPF()));
  return arith::ConstantOp::create(b, b.getZeroAttr(type)); // poison of an insertelement
}

Value FunctionInliner::get(llvm::Value *v) {
  if (auto *c = dyn_cast<llvm::Constant>(v))
    return constant(c);
  return values.lookup(v);
}

static bool callsFunctions(llvm::BasicBlock &block) {
  return llvm::any_of(block, [](llvm::Instruction &i) {
    auto *call = dyn_cast<llvm::CallInst>(&i);
    return call && !isa<llvm::IntrinsicInst>(call);
  });
}

FailureOr<llvm::BasicBlock *> FunctionInliner::follow(llvm::BasicBlock *block) {
  auto *branch = dyn_cast<llvm::BranchInst>(block->getTerminator());
  if (!branch)
    return failure();
  before = block;
  llvm::BasicBlock *entry = aside ? aside->getSinglePredecessor() : nullptr;
  for (llvm::BasicBlock *next : branch->successors()) {
    if (next == aside || (next == entry && entry != block))
      continue;
    // beside the condition that some lane is large lies that on the only one
    if (branch->isConditional() &&
        ((entry && entry != block && failed(convert(*entry))) || !aside || failed(convert(*aside))))
      return failure();
    return next;
  }
  return failure();
}

/// x = q * pi/2 + r where x is large; q is returned in memory.
LogicalResult FunctionInliner::reduceAngle(llvm::CallInst &call) {
  auto *table = f.getParent()->getNamedGlobal("_ZL9twoOverPi");
  auto *words = table ? dyn_cast<llvm::ConstantDataSequential>(table->getInitializer()) : nullptr;
  if (!words || !call.getCalledFunction() || call.getCalledFunction()->getName() != "lnt_reduce")
    return failure();
  SmallVector<uint64_t> twoOverPi;
  for (unsigned i = 0; i < words->getNumElements(); ++i)
    twoOverPi.push_back(words->getElementAsInteger(i));
  Value x = get(call.getArgOperand(0));
  isLarge = compare(arith::CmpFPredicate::UGE, math::AbsFOp::create(b, x), 0x1p28);
  SmallVector<Type> types = {b.getF64Type(), b.getI64Type()};
  auto branch = scf::IfOp::create(b, types, isLarge, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(branch.thenBlock());
  ReducedAngle angle = reduceLargeAngle(b, x, twoOverPi);
  scf::YieldOp::create(b, ValueRange{angle.rest, angle.quadrant});
  b.setInsertionPointToEnd(branch.elseBlock());
  SmallVector<Value> none;
  for (Type t : types)
    none.push_back(arith::ConstantOp::create(b, b.getZeroAttr(t)));
  scf::YieldOp::create(b, none);
  values[&call] = branch.getResult(0);
  values[call.getArgOperand(1)] = branch.getResult(1);
  return success();
}

Value FunctionInliner::choose(llvm::PHINode &phi) {
  Value x = get(phi.getIncomingValueForBlock(before));
  if (!aside || phi.getBasicBlockIndex(aside) < 0)
    return x;
  return arith::SelectOp::create(b, isLarge, get(phi.getIncomingValueForBlock(aside)), x);
}

Value FunctionInliner::binary(llvm::BinaryOperator &i) {
  Value x = get(i.getOperand(0)), y = get(i.getOperand(1));
  switch (i.getOpcode()) {
  case llvm::Instruction::FAdd:
    return arith::AddFOp::create(b, x, y);
  case llvm::Instruction::FSub:
    return arith::SubFOp::create(b, x, y);
  case llvm::Instruction::FMul:
    return arith::MulFOp::create(b, x, y);
  case llvm::Instruction::FDiv:
    return arith::DivFOp::create(b, x, y);
  case llvm::Instruction::Add:
    return arith::AddIOp::create(b, x, y);
  case llvm::Instruction::Sub:
    return arith::SubIOp::create(b, x, y);
  case llvm::Instruction::Mul:
    return arith::MulIOp::create(b, x, y);
  case llvm::Instruction::And:
    return arith::AndIOp::create(b, x, y);
  case llvm::Instruction::Or:
    return arith::OrIOp::create(b, x, y);
  case llvm::Instruction::Xor:
    return arith::XOrIOp::create(b, x, y);
  case llvm::Instruction::Shl:
    return arith::ShLIOp::create(b, x, y);
  case llvm::Instruction::LShr:
    return arith::ShRUIOp::create(b, x, y);
  case llvm::Instruction::AShr:
    return arith::ShRSIOp::create(b, x, y);
  default:
    return {};
  }
}

Value FunctionInliner::convertCast(llvm::CastInst &i) {
  Value x = get(i.getOperand(0));
  Type t = convert(i.getType());
  if (x.getType() == t)
    return x;
  switch (i.getOpcode()) {
  case llvm::Instruction::BitCast:
    return arith::BitcastOp::create(b, t, x);
  case llvm::Instruction::FPExt:
    return arith::ExtFOp::create(b, t, x);
  case llvm::Instruction::FPTrunc:
    return arith::TruncFOp::create(b, t, x);
  case llvm::Instruction::SExt:
    return arith::ExtSIOp::create(b, t, x);
  case llvm::Instruction::ZExt:
    return arith::ExtUIOp::create(b, t, x);
  case llvm::Instruction::Trunc:
    return arith::TruncIOp::create(b, t, x);
  case llvm::Instruction::FPToSI:
    return arith::FPToSIOp::create(b, t, x);
  case llvm::Instruction::SIToFP:
    return arith::SIToFPOp::create(b, t, x);
  default:
    return {};
  }
}

Value FunctionInliner::compare(arith::CmpFPredicate p, Value x, double y) {
  return arith::CmpFOp::create(b, p, x,
                               Value(arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), y))));
}

/// llvm.is.fpclass; zeros of either sign are asked for together.
Value FunctionInliner::isClass(Value x, uint64_t classes) {
  using P = arith::CmpFPredicate;
  bool f32 = x.getType().isF32();
  double least = f32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
  double inf = std::numeric_limits<double>::infinity();
  Value any;
  auto add = [&](uint64_t bits, llvm::function_ref<Value()> make) {
    if ((classes & bits) == 0)
      return;
    Value v = make();
    any = any ? Value(arith::OrIOp::create(b, any, v)) : v;
  };
  auto between = [&](P low, double from, P high, double to) -> Value {
    return arith::AndIOp::create(b, compare(low, x, from), compare(high, x, to));
  };
  add(llvm::fcNan, [&]() -> Value { return arith::CmpFOp::create(b, P::UNO, x, x); });
  add(llvm::fcNegInf, [&] { return compare(P::OEQ, x, -inf); });
  add(llvm::fcNegNormal, [&] { return between(P::OGT, -inf, P::OLE, -least); });
  add(llvm::fcNegSubnormal, [&] { return between(P::OGT, -least, P::OLT, 0.0); });
  add(llvm::fcZero, [&] { return compare(P::OEQ, x, 0.0); });
  add(llvm::fcPosSubnormal, [&] { return between(P::OGT, 0.0, P::OLT, least); });
  add(llvm::fcPosNormal, [&] { return between(P::OGE, least, P::OLT, inf); });
  add(llvm::fcPosInf, [&] { return compare(P::OEQ, x, inf); });
  return any;
}

/// The functions are written for an fma of two roundings, except where angles are reduced, where
/// the error of a product is asked for, and in the last step of 2^x.
bool FunctionInliner::needsExactProduct(llvm::IntrinsicInst &fma) {
  using namespace llvm::PatternMatch;
  llvm::Value *x = fma.getArgOperand(0), *y = fma.getArgOperand(1), *z = fma.getArgOperand(2);
  if (aside && fma.getParent() == &f.getEntryBlock())
    return true;
  return match(z, m_c_FMul(m_FNeg(m_Specific(x)), m_Specific(y))) ||
         (fma.getType()->getScalarType()->isFloatTy() && match(z, m_FPOne()));
}

FailureOr<Value> FunctionInliner::convertCall(llvm::CallInst &i) {
  auto *call = dyn_cast<llvm::IntrinsicInst>(&i);
  if (!call)
    return failure();
  auto operand = [&](unsigned n) { return get(call->getArgOperand(n)); };
  switch (call->getIntrinsicID()) {
  case llvm::Intrinsic::fma: {
    auto fma = math::FmaOp::create(b, operand(0), operand(1), operand(2));
    fma->setAttr(needsExactProduct(*call) ? kExactProduct : kKeepOrder, b.getUnitAttr());
    return Value(fma);
  }
  case llvm::Intrinsic::fabs:
    return Value(math::AbsFOp::create(b, operand(0)));
  case llvm::Intrinsic::copysign:
    return Value(math::CopySignOp::create(b, operand(0), operand(1)));
  case llvm::Intrinsic::roundeven:
    return Value(math::RoundEvenOp::create(b, operand(0)));
  case llvm::Intrinsic::sqrt:
    return Value(math::SqrtOp::create(b, operand(0)));
  case llvm::Intrinsic::is_fpclass:
    return isClass(operand(0), cast<llvm::ConstantInt>(call->getArgOperand(1))->getZExtValue());
  case llvm::Intrinsic::lifetime_start:
  case llvm::Intrinsic::lifetime_end:
    return Value();
  default:
    return failure();
  }
}

FailureOr<Value> FunctionInliner::convert(llvm::Instruction &i) {
  if (auto *op = dyn_cast<llvm::BinaryOperator>(&i))
    return binary(*op);
  if (auto *cast = dyn_cast<llvm::CastInst>(&i))
    return convertCast(*cast);
  if (auto *call = dyn_cast<llvm::CallInst>(&i))
    return convertCall(*call);
  if (auto *phi = dyn_cast<llvm::PHINode>(&i))
    return choose(*phi);
  if (auto *compare = dyn_cast<llvm::FCmpInst>(&i)) {
    using P = arith::CmpFPredicate;
    static const P predicates[] = {P::AlwaysFalse, P::OEQ, P::OGT, P::OGE,       P::OLT, P::OLE,
                                   P::ONE,         P::ORD, P::UNO, P::UEQ,       P::UGT, P::UGE,
                                   P::ULT,         P::ULE, P::UNE, P::AlwaysTrue};
    return Value(arith::CmpFOp::create(b, predicates[compare->getPredicate()], get(i.getOperand(0)),
                                       get(i.getOperand(1))));
  }
  if (auto *compare = dyn_cast<llvm::ICmpInst>(&i)) {
    using P = arith::CmpIPredicate;
    static const P predicates[] = {P::eq,  P::ne,  P::ugt, P::uge, P::ult,
                                   P::ule, P::sgt, P::sge, P::slt, P::sle};
    return Value(arith::CmpIOp::create(b,
                                       predicates[compare->getPredicate() - llvm::CmpInst::ICMP_EQ],
                                       get(i.getOperand(0)), get(i.getOperand(1))));
  }
  switch (i.getOpcode()) {
  case llvm::Instruction::Select:
    return Value(arith::SelectOp::create(b, get(i.getOperand(0)), get(i.getOperand(1)),
                                         get(i.getOperand(2))));
  case llvm::Instruction::FNeg:
    return Value(arith::NegFOp::create(b, get(i.getOperand(0))));
  case llvm::Instruction::InsertElement:
    return get(i.getOperand(1));
  case llvm::Instruction::ExtractElement:
  case llvm::Instruction::ShuffleVector:
  case llvm::Instruction::Freeze:
  case llvm::Instruction::Load: // of what a call has left
    return get(i.getOperand(0));
  case llvm::Instruction::Alloca:
    return Value();
  default:
    return failure();
  }
}

LogicalResult FunctionInliner::convert(llvm::BasicBlock &block) {
  for (llvm::Instruction &i : block) {
    if (i.isTerminator())
      return success();
    auto *call = dyn_cast<llvm::CallInst>(&i);
    if (call && !isa<llvm::IntrinsicInst>(call)) {
      if (failed(reduceAngle(*call)))
        return failure();
      continue;
    }
    FailureOr<Value> v = convert(i);
    if (failed(v) || (!*v && !i.getType()->isVoidTy() && !isa<llvm::AllocaInst>(i)))
      return failure();
    if (*v)
      values[&i] = *v;
  }
  return failure();
}

FailureOr<Value> FunctionInliner::run(ValueRange operands) {
  for (auto [arg, v] : llvm::zip_equal(f.args(), operands))
    values[&arg] = v;
  for (llvm::BasicBlock &block : f)
    if (callsFunctions(block))
      aside = &block;
  llvm::BasicBlock *block = &f.getEntryBlock();
  while (succeeded(convert(*block))) {
    if (auto *ret = dyn_cast<llvm::ReturnInst>(block->getTerminator()))
      return get(ret->getReturnValue());
    FailureOr<llvm::BasicBlock *> next = follow(block);
    if (failed(next))
      return failure();
    block = *next;
  }
  return failure();
}

//===----------------------------------------------------------------------===//
// Uses
//===----------------------------------------------------------------------===//

namespace {
class MathInliner {
public:
  LogicalResult open();
  LogicalResult replace(Operation *op, ArrayRef<StringRef> functions);

private:
  FailureOr<Value> apply(ImplicitLocOpBuilder &b, StringRef function, ValueRange operands);
  llvm::LLVMContext ctx;
  std::unique_ptr<llvm::Module> support;
};
} // namespace

LogicalResult MathInliner::open() {
  auto module = llvm::getLazyBitcodeModule(llvm::MemoryBufferRef(getMathBitcode(), "math"), ctx);
  if (!module)
    return llvm::consumeError(module.takeError()), failure();
  support = std::move(*module);
  return success();
}

FailureOr<Value> MathInliner::apply(ImplicitLocOpBuilder &b, StringRef function,
                                    ValueRange operands) {
  auto vector = dyn_cast<VectorType>(operands[0].getType());
  if (vector) {
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < vector.getNumElements(); ++i) {
      SmallVector<Value> scalars;
      for (Value v : operands)
        scalars.push_back(vector::ExtractOp::create(b, v, i));
      FailureOr<Value> lane = apply(b, function, scalars);
      if (failed(lane))
        return failure();
      lanes.push_back(*lane);
    }
    return Value(vector::FromElementsOp::create(b, vector, lanes));
  }
  StringRef type = operands[0].getType().isF64() ? "_f64x1" : "_f32x1";
  llvm::Function *f = support->getFunction(("lnt_" + function + type).str());
  if (!f || f->materialize())
    return failure();
  return FunctionInliner(*f, b).run(operands);
}

LogicalResult MathInliner::replace(Operation *op, ArrayRef<StringRef> functions) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  SmallVector<Value> operands(op->getOperands());
  if (isa<math::FPowIOp>(op))
    operands[1] = arith::SIToFPOp::create(b, operands[0].getType(), operands[1]);
  for (auto [r, function] : llvm::zip_equal(op->getResults(), functions)) {
    FailureOr<Value> v = apply(b, function, operands);
    if (failed(v))
      return op->emitOpError("has no form on a GPU");
    r.replaceAllUsesWith(*v);
  }
  op->erase();
  return success();
}

LogicalResult linnet::codegen::inlineMathFunctions(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<math::SincosOp>(op) || !getMathFunction(op).empty())
      ops.push_back(op);
  });
  if (ops.empty())
    return success();
  MathInliner inliner;
  if (failed(inliner.open()))
    return module.emitError("the support functions cannot be read");
  for (Operation *op : ops) {
    SmallVector<StringRef> functions = {getMathFunction(op)};
    if (isa<math::SincosOp>(op))
      functions = {"sin", "cos"};
    if (failed(inliner.replace(op, functions)))
      return failure();
  }
  return success();
}
