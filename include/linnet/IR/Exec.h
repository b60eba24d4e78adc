//===- Exec.h - the program dialect -----------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_EXEC_H
#define LINNET_IR_EXEC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "linnet/IR/ExecDialect.h.inc"

namespace linnet::exec {
/// On a function and its program: what `--linnet-checkpoint` planned.
inline constexpr llvm::StringLiteral kRecomputeAttr = "exec.recompute";
/// On a cf.assert: the op whose operands it checks, which becomes the `op` of the exec.check; none:
/// it is the program's own.
inline constexpr llvm::StringLiteral kCheckedOpAttr = "exec.checked_op";
} // namespace linnet::exec

#include "linnet/IR/ExecEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "linnet/IR/ExecTypes.h.inc"

#define GET_OP_CLASSES
#include "linnet/IR/ExecOps.h.inc"

#endif // LINNET_IR_EXEC_H
