//===- MaskedMemory.cpp - masked memory of narrow elements ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LoweringPatterns.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

// LLVM 22 turns the masked store of a truncated vector into a store of one wide element when the
// mask is known to have one lane, and so writes past that lane. A scalar store says what is meant.
static void storeOnlyLane(LLVM::MaskedStoreOp op) {
  auto vector = cast<VectorType>(op.getValue().getType());
  DenseElementsAttr mask;
  if (vector.getElementTypeBitWidth() >= 32 || vector.getRank() != 1 ||
      !matchPattern(op.getMask(), m_Constant(&mask)))
    return;
  SmallVector<bool> lanes(mask.getValues<bool>());
  if (llvm::count(lanes, true) != 1)
    return;
  int64_t lane = llvm::find(lanes, true) - lanes.begin();
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value at = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(lane));
  Value x = LLVM::ExtractElementOp::create(b, loc, op.getValue(), at);
  Value p = LLVM::GEPOp::create(b, loc, op.getData().getType(), vector.getElementType(),
                                op.getData(), ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(lane)});
  LLVM::StoreOp::create(b, loc, x, p, op.getAlignment());
  op.erase();
}

void linnet::codegen::adaptMaskedMemory(ModuleOp module) { module.walk(storeOnlyLane); }
