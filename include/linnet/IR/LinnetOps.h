//===- LinnetOps.h - the ops of the model dialect ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETOPS_H
#define LINNET_IR_LINNETOPS_H

#include "linnet/IR/Einsum.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Interfaces/EqualSizes.h"
#include "linnet/Interfaces/Stateful.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "linnet/IR/AttentionOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/SequenceOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/ConvOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/LossOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/NormOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/PlainOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/PoolOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/RandomOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/ResizeOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/TrainOps.h.inc"
#define GET_OP_CLASSES
#include "linnet/IR/OptimizerOps.h.inc"

#endif // LINNET_IR_LINNETOPS_H
