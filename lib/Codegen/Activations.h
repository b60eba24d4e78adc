//===- Activations.h - smooth functions of kernels --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Functions of an f32 scalar or vector, with the same bits on every CPU.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_ACTIVATIONS_H
#define LINNET_LIB_CODEGEN_ACTIVATIONS_H

#include "linnet/Codegen/CodeBuilder.h"

namespace linnet::codegen {

/// x * sigmoid(x).
Value silu(CodeBuilder &e, Value x);
/// 1 / (1 + e^-x).
Value sigmoid(CodeBuilder &e, Value x);
/// The derivative of silu at x, given sigmoid(x).
Value siluSlope(CodeBuilder &e, Value x, Value sigmoid);
/// log(1 + e^x).
Value softplus(CodeBuilder &e, Value x);
/// The derivative of softplus, given its value y: 1 - e^-y.
Value softplusSlope(CodeBuilder &e, Value y);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_ACTIVATIONS_H
