//===- Arithmetic.h - integer commands --------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_ARITHMETIC_H
#define LINNET_LIB_RUNTIME_ARITHMETIC_H

#include "linnet/Bundle/Bundle_generated.h"

#include <cstdint>

namespace linnet::runtime {

enum class Arithmetic { Ok, Overflow, Division };

/// The quotient of x / y, or the rest for RemS. A quotient that overflows wraps around.
inline Arithmetic divide(fb::Code code, int64_t x, int64_t y, int64_t &out) {
  using fb::Code;
  if (y == 0)
    return Arithmetic::Division;
  if (y == -1) {
    // The one quotient that does not fit would trap.
    out = code == Code::RemS ? 0 : int64_t(0 - uint64_t(x));
    return code != Code::RemS && x == INT64_MIN ? Arithmetic::Overflow : Arithmetic::Ok;
  }
  int64_t quotient = x / y, rest = x % y;
  bool away = rest != 0 && (rest < 0) != (y < 0); // the exact quotient is negative
  out = code == Code::RemS       ? rest
        : code == Code::FloorDiv ? quotient - away
        : code == Code::CeilDiv  ? quotient + (rest != 0 && !away)
                                 : quotient;
  return Arithmetic::Ok;
}

/// What is left of the codes for two numbers, none of which can fail.
inline int64_t combine(fb::Code code, int64_t x, int64_t y) {
  using fb::Code;
  switch (code) {
  case Code::Min:
    return x < y ? x : y;
  case Code::Max:
    return x > y ? x : y;
  case Code::And:
    return x & y;
  case Code::Or:
    return x | y;
  case Code::Xor:
    return x ^ y;
  case Code::Shl:
    return uint64_t(y) < 64 ? int64_t(uint64_t(x) << y) : 0;
  case Code::ShrS:
    return x >> (uint64_t(y) < 64 ? y : 63);
  case Code::CmpEQ:
    return x == y;
  case Code::CmpNE:
    return x != y;
  case Code::CmpLT:
    return x < y;
  case Code::CmpLE:
    return x <= y;
  case Code::CmpGT:
    return x > y;
  case Code::CmpGE:
    return x >= y;
  default:
    return 0;
  }
}

/// r[command.a] = ... for Const to Select. Results wrap around; with `Checked` add, subtract,
/// multiply and divide report an overflow instead: a size must not.
template <bool Checked, typename Command> Arithmetic compute(const Command &command, int64_t *r) {
  using fb::Code;
  int64_t &out = r[command.a];
  if (command.code == Code::Const) { // whose b and c mean nothing
    out = command.imm;
    return Arithmetic::Ok;
  }
  const int64_t x = r[command.b], y = r[command.c];
  Arithmetic result = Arithmetic::Ok;
  auto unless = [](bool overflow) { return overflow ? Arithmetic::Overflow : Arithmetic::Ok; };
  switch (command.code) {
  case Code::Add:
    result = unless(__builtin_add_overflow(x, y, &out));
    break;
  case Code::Sub:
    result = unless(__builtin_sub_overflow(x, y, &out));
    break;
  case Code::Mul:
    result = unless(__builtin_mul_overflow(x, y, &out));
    break;
  case Code::DivS:
  case Code::FloorDiv:
  case Code::CeilDiv:
  case Code::RemS:
    result = divide(command.code, x, y, out);
    break;
  case Code::Select:
    out = x ? y : r[command.imm];
    break;
  default:
    out = combine(command.code, x, y);
  }
  return result == Arithmetic::Overflow && !Checked ? Arithmetic::Ok : result;
}

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_ARITHMETIC_H
