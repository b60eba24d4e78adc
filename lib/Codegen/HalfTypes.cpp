//===- HalfTypes.cpp - bf16 and f16 as 16 bits -------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Instruction selection moves bf16 and f16 elements through f32, with calls for the way back.
// Once arithmetic on them is expanded, what is left only moves bits: here it becomes i16.
//
//===----------------------------------------------------------------------===//
#include "LoweringPatterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

static bool isHalf(Type t) { return isa<BFloat16Type, Float16Type>(getElementTypeOrSelf(t)); }

/// The type with i16 elements.
static Type erased(Type t) {
  if (!isHalf(t))
    return t;
  auto i16 = IntegerType::get(t.getContext(), 16);
  if (auto memref = dyn_cast<MemRefType>(t))
    return MemRefType::get(memref.getShape(), i16, memref.getLayout(), memref.getMemorySpace());
  if (auto shaped = dyn_cast<ShapedType>(t))
    return shaped.clone(i16);
  return i16;
}

static TypedAttr erased(TypedAttr attr) {
  auto i16 = IntegerType::get(attr.getContext(), 16);
  if (auto f = dyn_cast<FloatAttr>(attr))
    return IntegerAttr::get(i16, f.getValue().bitcastToAPInt());
  auto dense = cast<DenseElementsAttr>(attr);
  return dense.bitcast(i16);
}

/// Ops that compute on the floats themselves keep their types behind casts.
static bool computes(Operation *op) {
  return isa<arith::ExtFOp, arith::TruncFOp>(op) || isa<LLVM::LLVMDialect>(op->getDialect());
}

static void castAround(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  for (OpOperand &operand : op->getOpOperands())
    if (isHalf(operand.get().getType())) {
      Type t = operand.get().getType();
      Value bits = arith::BitcastOp::create(b, erased(t), operand.get());
      operand.set(LLVM::BitcastOp::create(b, t, bits));
    }
  b.setInsertionPointAfter(op);
  for (OpResult r : op->getResults())
    if (isHalf(r.getType())) {
      Value bits = LLVM::BitcastOp::create(b, erased(r.getType()), r);
      Value back = arith::BitcastOp::create(b, r.getType(), bits);
      r.replaceAllUsesExcept(back, bits.getDefiningOp());
    }
}

void linnet::codegen::eraseHalfTypes(ModuleOp module) {
  SmallVector<Operation *> computing;
  module.walk([&](Operation *op) {
    if (computes(op))
      computing.push_back(op);
  });
  for (Operation *op : computing)
    castAround(op);
  llvm::DenseSet<Value> kept; // between an op that computes and its casts
  module.walk([&](LLVM::BitcastOp cast) {
    if (isHalf(cast.getType()))
      kept.insert(cast);
    if (isHalf(cast.getArg().getType()))
      kept.insert(cast.getArg());
  });
  auto erase = [&](Value v) {
    if (!kept.contains(v))
      v.setType(erased(v.getType()));
  };
  module.walk([&](Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op); constant && isHalf(constant.getType()))
      constant.setValueAttr(erased(constant.getValue()));
    for (Value v : op->getResults())
      erase(v);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value v : block.getArguments())
          erase(v);
  });
  module.walk([&](arith::BitcastOp cast) {
    if (cast.getType() == cast.getIn().getType()) {
      cast.replaceAllUsesWith(cast.getIn());
      cast.erase();
    }
  });
}
