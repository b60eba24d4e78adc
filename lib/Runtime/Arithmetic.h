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

/// r[command.a] = ... for Const to Select. Results wrap around; with `Checked` add, subtract and
/// multiply report an overflow instead: a size must not.
template <bool Checked, typename Command> Arithmetic compute(const Command &command, int64_t *r) {
  using fb::Code;
  int64_t &out = r[command.a];
  if (command.code == Code::Const) { // whose b and c mean nothing
    out = command.imm;
    return Arithmetic::Ok;
  }
  const int64_t x = r[command.b], y = r[command.c];
  auto wrap = [](uint64_t value) { return int64_t(value); };
  bool overflow = false;
  switch (command.code) {
  case Code::Add:
    overflow = __builtin_add_overflow(x, y, &out);
    break;
  case Code::Sub:
    overflow = __builtin_sub_overflow(x, y, &out);
    break;
  case Code::Mul:
    overflow = __builtin_mul_overflow(x, y, &out);
    break;
  case Code::DivS:
  case Code::FloorDiv:
  case Code::CeilDiv:
  case Code::RemS: {
    if (y == 0)
      return Arithmetic::Division;
    if (y == -1) {
      // The one quotient that does not fit would trap.
      out = command.code == Code::RemS ? 0 : wrap(0 - uint64_t(x));
      overflow = command.code != Code::RemS && x == INT64_MIN;
      break;
    }
    int64_t quotient = x / y, rest = x % y;
    bool away = rest != 0 && (rest < 0) != (y < 0); // the exact quotient is negative
    out = command.code == Code::RemS       ? rest
          : command.code == Code::FloorDiv ? quotient - away
          : command.code == Code::CeilDiv  ? quotient + (rest != 0 && !away)
                                           : quotient;
    break;
  }
  case Code::Min:
    out = x < y ? x : y;
    break;
  case Code::Max:
    out = x > y ? x : y;
    break;
  case Code::And:
    out = x & y;
    break;
  case Code::Or:
    out = x | y;
    break;
  case Code::Xor:
    out = x ^ y;
    break;
  case Code::Shl:
    out = uint64_t(y) < 64 ? wrap(uint64_t(x) << y) : 0;
    break;
  case Code::ShrS:
    out = x >> (uint64_t(y) < 64 ? y : 63);
    break;
  case Code::CmpEQ:
    out = x == y;
    break;
  case Code::CmpNE:
    out = x != y;
    break;
  case Code::CmpLT:
    out = x < y;
    break;
  case Code::CmpLE:
    out = x <= y;
    break;
  case Code::CmpGT:
    out = x > y;
    break;
  case Code::CmpGE:
    out = x >= y;
    break;
  case Code::Select:
    out = x ? y : r[command.imm];
    break;
  default:
    break;
  }
  return Checked && overflow ? Arithmetic::Overflow : Arithmetic::Ok;
}

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_ARITHMETIC_H
