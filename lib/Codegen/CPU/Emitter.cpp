//===- Emitter.cpp - writes loops over vectors and flat memory ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/Emitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

Type Emitter::pointer() { return LLVM::LLVMPointerType::get(getContext()); }

Value Emitter::opaque(Value i) {
  if (constantOf(i))
    return i;
  Value x = toInt(i, getI64Type());
  return toIndex(LLVM::InlineAsmOp::create(*this, TypeRange{getI64Type()}, ValueRange{x},
                                           /*asm_string=*/"", /*constraints=*/"=r,0",
                                           /*has_side_effects=*/false, /*is_align_stack=*/false,
                                           LLVM::TailCallKind::None, LLVM::AsmDialectAttr(),
                                           ArrayAttr())
                     .getRes());
}

bool Emitter::scalesByPowerOf2(Type t) const {
  auto vector = dyn_cast<VectorType>(t);
  return target.avx512 && vector && vector.getNumElements() == kLanes;
}

// vscalefps: p * 2^n, flushed as a product is.
Value Emitter::scaleByPowerOf2(Value p, Value n) {
  Value all = arith::ConstantOp::create(*this, getI16IntegerAttr(-1));
  Value current = arith::ConstantOp::create(*this, getI32IntegerAttr(4)); // mxcsr's rounding
  return LLVM::CallIntrinsicOp::create(*this, p.getType(),
                                       getStringAttr("llvm.x86.avx512.mask.scalef.ps.512"),
                                       ValueRange{p, n, p, all, current})
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

// A descriptor struct under an unrealized cast: finalize-memref-to-llvm and
// reconcile-unrealized-casts leave the bare pointer.
Value Emitter::flat(Value pointer, Type element) {
  auto pair = LLVM::LLVMArrayType::get(i64(), 1);
  auto type = LLVM::LLVMStructType::getLiteral(
      getContext(), {this->pointer(), this->pointer(), i64(), pair, pair});
  Value descriptor = LLVM::PoisonOp::create(*this, type);
  auto insert = [&](Value v, ArrayRef<int64_t> at) {
    descriptor = LLVM::InsertValueOp::create(*this, descriptor, v, at);
  };
  auto number = [&](int64_t v) {
    return LLVM::ConstantOp::create(*this, i64(), getI64IntegerAttr(v));
  };
  insert(pointer, {0});
  insert(pointer, {1});
  insert(number(0), {2});
  insert(number(int64_t(1) << 40), {3, 0});
  insert(number(1), {4, 0});
  auto memref = MemRefType::get({ShapedType::kDynamic}, element);
  return UnrealizedConversionCastOp::create(*this, TypeRange{memref}, ValueRange{descriptor})
      .getResult(0);
}

Value Emitter::offsetPointer(Value p, Value bytes) {
  Value offset = toInt(bytes, i64());
  return LLVM::GEPOp::create(*this, pointer(), getI8Type(), p, ArrayRef<LLVM::GEPArg>{offset});
}

Value Emitter::loadField(Value p, int64_t bytes, Type t) {
  Value q = LLVM::GEPOp::create(*this, pointer(), getI8Type(), p,
                                ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
  return LLVM::LoadOp::create(*this, t, q);
}

void Emitter::vstream(Value v, Value memory, Value i) {
  auto type = cast<VectorType>(v.getType());
  uint64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  vector::StoreOp::create(*this, v, memory, ValueRange{i}, /*nontemporal=*/true,
                          llvm::Align(std::min<uint64_t>(bytes, 64)));
}

void Emitter::fenceStreams() {
  LLVM::CallIntrinsicOp::create(*this, getStringAttr("llvm.x86.sse.sfence"), ValueRange(),
                                LLVM::FastmathFlagsAttr());
}

Value Emitter::addressOf(Value memory) {
  return memref::ExtractAlignedPointerAsIndexOp::create(*this, memory);
}

void Emitter::prefetch(Value memory, Value i, bool write, unsigned locality) {
  memref::PrefetchOp::create(*this, memory, ValueRange{i}, write, locality, /*isDataCache=*/true);
}
