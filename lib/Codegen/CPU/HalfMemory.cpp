//===- HalfMemory.cpp - masked memory of 16-bit floats --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoweringPatterns.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

static VectorType asIntegers(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || !isa<BFloat16Type, Float16Type>(vector.getElementType()))
    return {};
  return vector.clone(IntegerType::get(type.getContext(), 16));
}

// A CPU without masked 16-bit stores takes the lanes out one by one, and a bf16 lane by way of
// f32 and a library call: bits have no such detour.
void linnet::codegen::moveHalvesAsIntegers(ModuleOp module) {
  module.walk([](LLVM::MaskedStoreOp op) {
    VectorType ints = asIntegers(op.getValue().getType());
    if (!ints)
      return;
    OpBuilder b(op);
    op.getValueMutable().assign(LLVM::BitcastOp::create(b, op.getLoc(), ints, op.getValue()));
  });
  module.walk([](LLVM::MaskedLoadOp op) {
    Type type = op.getRes().getType();
    VectorType ints = asIntegers(type);
    if (!ints)
      return;
    OpBuilder b(op);
    for (OpOperand &through : op.getPassThruMutable())
      through.set(LLVM::BitcastOp::create(b, op.getLoc(), ints, through.get()));
    op.getRes().setType(ints);
    b.setInsertionPointAfter(op);
    Value back = LLVM::BitcastOp::create(b, op.getLoc(), type, op.getRes());
    op.getRes().replaceAllUsesExcept(back, back.getDefiningOp());
  });
}
