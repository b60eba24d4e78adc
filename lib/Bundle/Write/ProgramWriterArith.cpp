//===- ProgramWriterArith.cpp - integer arithmetic as commands ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A register has 64 bits and commands are signed: narrow integers are kept sign-extended, booleans
// as 0 and 1, and what an op's own width or unsigned order makes different takes more commands.
// Numbers of type index are taken as they are: they are sizes and positions.
//
//===----------------------------------------------------------------------===//
#include "ProgramWriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;
using fb::Code;

namespace {
struct IntegerCommand {
  Code code;
  bool isUnsigned = false;
};
} // namespace

static IntegerCommand codeOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return {Code::CmpEQ};
  case arith::CmpIPredicate::ne:
    return {Code::CmpNE};
  case arith::CmpIPredicate::slt:
    return {Code::CmpLT};
  case arith::CmpIPredicate::sle:
    return {Code::CmpLE};
  case arith::CmpIPredicate::sgt:
    return {Code::CmpGT};
  case arith::CmpIPredicate::sge:
    return {Code::CmpGE};
  case arith::CmpIPredicate::ult:
    return {Code::CmpLT, true};
  case arith::CmpIPredicate::ule:
    return {Code::CmpLE, true};
  case arith::CmpIPredicate::ugt:
    return {Code::CmpGT, true};
  case arith::CmpIPredicate::uge:
    return {Code::CmpGE, true};
  }
  llvm_unreachable("a predicate that there is not");
}

static std::optional<IntegerCommand> codeOf(Operation &op) {
  using Result = std::optional<IntegerCommand>;
  auto is = [](Code code, bool isUnsigned = false) {
    return [=](auto) { return Result(IntegerCommand{code, isUnsigned}); };
  };
  return llvm::TypeSwitch<Operation *, Result>(&op)
      .Case<arith::AddIOp>(is(Code::Add))
      .Case<arith::SubIOp>(is(Code::Sub))
      .Case<arith::MulIOp>(is(Code::Mul))
      .Case<arith::DivSIOp>(is(Code::DivS))
      .Case<arith::FloorDivSIOp>(is(Code::FloorDiv))
      .Case<arith::CeilDivSIOp>(is(Code::CeilDiv))
      .Case<arith::RemSIOp>(is(Code::RemS))
      .Case<arith::MinSIOp>(is(Code::Min))
      .Case<arith::MaxSIOp>(is(Code::Max))
      .Case<arith::DivUIOp>(is(Code::DivS, true))
      .Case<arith::CeilDivUIOp>(is(Code::CeilDiv, true))
      .Case<arith::RemUIOp>(is(Code::RemS, true))
      .Case<arith::MinUIOp>(is(Code::Min, true))
      .Case<arith::MaxUIOp>(is(Code::Max, true))
      .Case<arith::AndIOp>(is(Code::And))
      .Case<arith::OrIOp>(is(Code::Or))
      .Case<arith::XOrIOp>(is(Code::Xor))
      .Case<arith::ShLIOp>(is(Code::Shl))
      .Case<arith::ShRSIOp>(is(Code::ShrS))
      .Case<arith::ShRUIOp>(is(Code::ShrS, true))
      .Case<arith::CmpIOp>([](arith::CmpIOp cmp) { return Result(codeOf(cmp.getPredicate())); })
      .Default([](Operation *) { return std::nullopt; });
}

static unsigned widthOf(Type type) { return type.isIndex() ? 64 : type.getIntOrFloatBitWidth(); }

/// The number in order: registers of booleans hold the unsigned one, all others the signed one.
uint32_t ProgramWriter::ordered(Value v, bool isUnsigned) {
  unsigned width = widthOf(v.getType());
  if (width == 1)
    return isUnsigned ? reg(v) : binary(Code::Sub, constant(0), reg(v));
  if (width < 64 && isUnsigned)
    return binary(Code::And, reg(v), constant((int64_t(1) << width) - 1));
  return reg(v);
}

/// The lowest bits, as a register holds them.
uint32_t ProgramWriter::narrowed(uint32_t r, unsigned width) {
  if (width >= 64)
    return r;
  if (width == 1)
    return binary(Code::And, r, constant(1));
  uint32_t shift = constant(64 - width);
  return binary(Code::ShrS, binary(Code::Shl, r, shift), shift);
}

LogicalResult ProgramWriter::writeCast(Operation &op) {
  Value from = op.getOperand(0), to = op.getResult(0);
  unsigned a = widthOf(from.getType()), b = widthOf(to.getType());
  bool isUnsigned = isa<arith::ExtUIOp, arith::IndexCastUIOp>(op);
  regs[to] = b <= a ? narrowed(reg(from), b < a ? b : 64) : ordered(from, isUnsigned);
  return success();
}

/// Unsigned division of 64 bits by a signed one of half the dividend; the rest says whether one is
/// missing. By a divisor of 2^63 or more, which is negative here, the quotient is 0 or 1.
uint32_t ProgramWriter::unsignedQuotient(uint32_t x, uint32_t y) {
  uint32_t one = constant(1), lowest = constant(INT64_MIN);
  auto isAtLeast = [&](uint32_t a, uint32_t b) {
    return binary(Code::CmpGE, binary(Code::Xor, a, lowest), binary(Code::Xor, b, lowest));
  };
  auto select = [&](uint32_t condition, uint32_t a, uint32_t b) {
    uint32_t r = fresh();
    command(Code::Select, r, condition, a, b);
    return r;
  };
  uint32_t large = binary(Code::CmpLT, y, constant(0)), divisor = select(large, one, y);
  uint32_t half = binary(Code::And, binary(Code::ShrS, x, one), constant(INT64_MAX));
  uint32_t quotient = binary(Code::Shl, binary(Code::DivS, half, divisor), one);
  uint32_t rest = binary(Code::Sub, x, binary(Code::Mul, quotient, divisor));
  quotient = binary(Code::Add, quotient, isAtLeast(rest, divisor));
  return select(large, isAtLeast(x, y), quotient);
}

/// Unsigned arithmetic on i64.
uint32_t ProgramWriter::writeUnsigned(Operation &op, Code code) {
  uint32_t x = reg(op.getOperand(0)), y = reg(op.getOperand(1)), lowest = constant(INT64_MIN);
  switch (code) {
  case Code::DivS:
    return unsignedQuotient(x, y);
  case Code::RemS:
    return binary(Code::Sub, x, binary(Code::Mul, unsignedQuotient(x, y), y));
  case Code::CeilDiv: {
    uint32_t quotient = unsignedQuotient(x, y);
    uint32_t exact = binary(Code::Mul, quotient, y);
    return binary(Code::Add, quotient, binary(Code::CmpNE, exact, x));
  }
  case Code::ShrS: { // what was shifted in is taken out: 2^(64 - y) - 1, in two steps for y = 0
    uint32_t mask = binary(Code::Shl, constant(-2), binary(Code::Sub, constant(63), y));
    return binary(Code::And, binary(Code::ShrS, x, y), binary(Code::Xor, mask, constant(-1)));
  }
  default: {
    uint32_t r = binary(code, binary(Code::Xor, x, lowest), binary(Code::Xor, y, lowest));
    return isa<arith::CmpIOp>(op) ? r : binary(Code::Xor, r, lowest);
  }
  }
}

LogicalResult ProgramWriter::writeArith(Operation &op) {
  if (isa<arith::ConstantOp>(op)) {
    if (!bitsOf(cast<arith::ConstantOp>(op).getValue()))
      return op.emitOpError("is no scalar constant; a command list has none other");
    reg(op.getResult(0));
    return success();
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp,
          arith::TruncIOp>(op))
    return writeCast(op);
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    command(Code::Select, reg(select.getResult()), reg(select.getCondition()),
            reg(select.getTrueValue()), reg(select.getFalseValue()));
    return success();
  }
  std::optional<IntegerCommand> found = codeOf(op);
  if (!found)
    return op.emitOpError("has no command; sizes are computed with integer arith only");
  auto [code, isUnsigned] = *found;
  Value x = op.getOperand(0), y = op.getOperand(1), result = op.getResult(0);
  bool wide = widthOf(x.getType()) == 64;
  bool bitwise = code == Code::And || code == Code::Or || code == Code::Xor ||
                 code == Code::CmpEQ || code == Code::CmpNE;
  if (isUnsigned && x.getType().isInteger(64)) {
    regs[result] = writeUnsigned(op, code);
  } else if (wide || bitwise) {
    uint32_t a = reg(x), b = reg(y);
    command(code, reg(result), a, b);
  } else {
    uint32_t a = ordered(x, isUnsigned), b = ordered(y, isUnsigned), r = binary(code, a, b);
    regs[result] = isa<arith::CmpIOp>(op) ? r : narrowed(r, widthOf(result.getType()));
  }
  return success();
}
