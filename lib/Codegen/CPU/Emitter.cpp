//===- Emitter.cpp - writes loops over vectors and flat memory ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/Emitter.h"
#include "linnet/IR/LinnetDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Type Emitter::pointer() { return LLVM::LLVMPointerType::get(getContext()); }

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

Value Emitter::load(Value memory, Value i) {
  return memref::LoadOp::create(*this, memory, ValueRange{i});
}
void Emitter::store(Value v, Value memory, Value i) {
  memref::StoreOp::create(*this, v, memory, ValueRange{i});
}

static Type elementOf(Value memory) { return cast<MemRefType>(memory.getType()).getElementType(); }

Value Emitter::vload(Value memory, Value i, int64_t n, Value mask) {
  auto type = vec(elementOf(memory), n);
  if (!mask)
    return vector::LoadOp::create(*this, type, memory, ValueRange{i});
  return vector::MaskedLoadOp::create(*this, type, memory, ValueRange{i}, mask, zero(type));
}

void Emitter::vstore(Value v, Value memory, Value i, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(*this, memory, ValueRange{i}, mask, v);
  else
    vector::StoreOp::create(*this, v, memory, ValueRange{i});
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

// create_mask compares 32-bit lanes, so the count is clamped first: sizes may exceed 2^31.
Value Emitter::mask(Value count, int64_t n) {
  if (auto k = constantOf(count)) {
    int64_t lanes = std::clamp<int64_t>(*k, 0, n);
    return vector::ConstantMaskOp::create(*this, vec(getI1Type(), n), ArrayRef<int64_t>{lanes});
  }
  Value lanes = max(min(count, index(n)), index(0));
  return vector::CreateMaskOp::create(*this, vec(getI1Type(), n), ValueRange{lanes});
}

void Emitter::prefetch(Value memory, Value i, bool write, unsigned locality) {
  memref::PrefetchOp::create(*this, memory, ValueRange{i}, write, locality, /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void Emitter::forLoop(Value lo, Value hi, Value step, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, lo, hi, step);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Values Emitter::forLoop(Value lo, Value hi, Value step, ValueRange init,
                        llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, lo, hi, step, init);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(*this, next);
  return Values(loop.getResults());
}

Values Emitter::ifElse(Value c, TypeRange types, llvm::function_ref<Values()> yes,
                       llvm::function_ref<Values()> no) {
  if (auto k = constantOf(c))
    return *k ? yes() : no();
  auto op = scf::IfOp::create(*this, types, c, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  auto fill = [&](Block *block, llvm::function_ref<Values()> side) {
    if (!block->empty())
      block->getTerminator()->erase();
    setInsertionPointToStart(block);
    Values values = side();
    scf::YieldOp::create(*this, values);
  };
  fill(op.thenBlock(), yes);
  fill(op.elseBlock(), no);
  return Values(op.getResults());
}

void Emitter::ifThen(Value c, llvm::function_ref<void()> yes, llvm::function_ref<void()> no) {
  if (auto k = constantOf(c)) {
    if (*k)
      yes();
    else if (no)
      no();
    return;
  }
  ifElse(
      c, TypeRange(), [&] { return yes(), Values(); },
      [&] { return no ? (no(), Values()) : Values(); });
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static Value splatConstant(Emitter &e, arith::ConstantOp op, int64_t n) {
  if (!n)
    return arith::ConstantOp::create(e, op.getValue());
  auto type = e.vec(op.getType(), n);
  return arith::ConstantOp::create(e, DenseElementsAttr::get(type, Attribute(op.getValue())));
}

// max(x, constant) as one vmaxps: NaN in x has to survive, so the constant is the one tested.
static Value maxWithConstant(Emitter &e, Value x, Value k) { return e.select(e.gtf(k, x), k, x); }

LogicalResult Emitter::inlineOp(Operation &op, IRMapping &map, int64_t n) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    map.map(constant.getResult(), splatConstant(*this, constant, n));
    return success();
  }
  if (op.getNumRegions() || !op.hasTrait<OpTrait::Elementwise>())
    return op.emitOpError("has no vector form in a fused kernel");
  Values operands;
  for (Value v : op.getOperands()) {
    Value mapped = map.lookupOrNull(v);
    auto constant = v.getDefiningOp<arith::ConstantOp>();
    if (!mapped && constant)
      mapped = splatConstant(*this, constant, n);
    if (!mapped)
      return op.emitOpError("uses a value from outside that is no constant");
    operands.push_back(mapped);
  }
  if (isa<arith::MaximumFOp>(op) && n && operands[1].getDefiningOp<arith::ConstantOp>()) {
    map.map(op.getResult(0), maxWithConstant(*this, operands[0], operands[1]));
    return success();
  }
  if (isa<math::ExpOp>(op) && op.hasAttr(kNonPositiveAttr) && op.getResult(0).getType().isF32()) {
    map.map(op.getResult(0), expNonPositive(operands[0]));
    return success();
  }
  SmallVector<Type> types;
  for (Type t : op.getResultTypes())
    types.push_back(n ? Type(vec(t, n)) : t);
  OperationState state(op.getLoc(), op.getName(), operands, types, op.getAttrs());
  Operation *copy = OpBuilder::create(state);
  map.map(op.getResults(), copy->getResults());
  return success();
}

FailureOr<Values> Emitter::inlineRegion(Region &region, IRMapping &map, int64_t n) {
  Block &block = region.front();
  for (Operation &op : block.without_terminator())
    if (failed(inlineOp(op, map, n)))
      return failure();
  Values results;
  for (Value v : block.getTerminator()->getOperands()) {
    Value mapped = map.lookupOrNull(v);
    if (auto constant = v.getDefiningOp<arith::ConstantOp>(); !mapped && constant)
      mapped = splatConstant(*this, constant, n);
    if (!mapped)
      return block.getTerminator()->emitOpError("yields a value from outside that is no constant");
    results.push_back(mapped);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// The register tile
//===----------------------------------------------------------------------===//

Values Emitter::tile(int64_t rows, int64_t vectors, Value count, Values acc,
                     llvm::function_ref<Value(int64_t, Value)> a,
                     llvm::function_ref<Value(Value, int64_t)> b,
                     llvm::function_ref<Value(Value, Value, Value)> multiplyAdd) {
  return forLoop(index(0), count, index(1), acc, [&](Value k, ValueRange carried) {
    Values c(carried), columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(b(k, v));
    for (int64_t m = 0; m < rows; ++m) {
      Value row = a(m, k);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &x = c[m * vectors + v];
        x = multiplyAdd ? multiplyAdd(row, columns[v], x) : fma(row, columns[v], x);
      }
    }
    return c;
  });
}
