//===- GPUEmitter.cpp - writes the code of one workgroup -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "../LoopsLaunch.h"
#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

void GPUEmitter::forThreads(Value hi, llvm::function_ref<void(Value)> body) {
  if (auto n = constantOf(hi); n && *n == threads)
    return body(thread);
  if (auto n = constantOf(hi); n && *n < threads)
    return ifThen(lt(thread, hi), [&] { body(thread); });
  // a number of turns that is known can be unrolled
  if (auto n = constantOf(hi); n && *n % threads == 0)
    return forLoop(index(*n / threads), [&](Value i) { body(add(thread, mul(i, threads))); });
  forLoop(thread, hi, index(threads), body);
}

gpu::GPUFuncOp GPUEmitter::function() {
  Operation *around = getInsertionBlock()->getParentOp();
  auto found = dyn_cast<gpu::GPUFuncOp>(around);
  return found ? found : around->getParentOfType<gpu::GPUFuncOp>();
}

void GPUEmitter::keepInRegisters() {
  if (target.isCUDA())
    function()->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), getI32IntegerAttr(1));
}

//===----------------------------------------------------------------------===//
// Workgroup memory
//===----------------------------------------------------------------------===//

Value GPUEmitter::shared(Type element, int64_t n) {
  gpu::GPUFuncOp kernel = function();
  auto space = gpu::AddressSpaceAttr::get(getContext(), gpu::AddressSpace::Workgroup);
  Type stored = storageType(element);
  auto type = MemRefType::get({n}, stored, MemRefLayoutAttrInterface(), space);
  bytes += (n * bytesOfElement(stored) + 15) / 16 * 16;
  Value memory = kernel.addWorkgroupAttribution(type, getLoc());
  kernel.setWorkgroupAttributionAttr(kernel.getNumWorkgroupAttributions() - 1,
                                     LLVM::LLVMDialect::getAlignAttrName(), getI64IntegerAttr(16));
  return memory;
}

void GPUEmitter::barrier() { gpu::BarrierOp::create(*this); }

//===----------------------------------------------------------------------===//
// Subgroups
//===----------------------------------------------------------------------===//

// What drivers agree on is the exchange of 32 bits.
Value GPUEmitter::shuffleXor(Value v, int64_t mask) {
  Type t = v.getType();
  if (t.isIndex())
    return toIndex(shuffleXor(toInt(v, positionType()), mask));
  unsigned width = t.getIntOrFloatBitWidth();
  Type bits = getIntegerType(width), i32 = getI32Type();
  auto swap = [&](Value x) {
    return Value(gpu::ShuffleOp::create(*this, x, iconst(i32, mask), iconst(i32, subgroup()),
                                        gpu::ShuffleMode::XOR)
                     .getShuffleResult());
  };
  if (width == 32)
    return swap(v);
  Value x = isa<FloatType>(t) ? Value(arith::BitcastOp::create(*this, bits, v)) : v;
  if (width < 32) {
    x = arith::TruncIOp::create(*this, bits, swap(arith::ExtUIOp::create(*this, i32, x)));
  } else {
    Value half = iconst(bits, 32);
    Value high =
        swap(arith::TruncIOp::create(*this, i32, Value(arith::ShRUIOp::create(*this, x, half))));
    Value low = swap(arith::TruncIOp::create(*this, i32, x));
    Value up = arith::ShLIOp::create(*this, Value(arith::ExtUIOp::create(*this, bits, high)), half);
    x = arith::OrIOp::create(*this, up, Value(arith::ExtUIOp::create(*this, bits, low)));
  }
  return isa<FloatType>(t) ? Value(arith::BitcastOp::create(*this, t, x)) : x;
}

Values GPUEmitter::shuffle(Values v, int64_t mask) {
  for (Value &x : v)
    x = shuffleXor(x, mask);
  return v;
}

Value GPUEmitter::reduceLanesOf(Value v, int64_t width, Combine combine) {
  for (int64_t mask = width / 2; mask >= 1; mask /= 2)
    v = combine(v, shuffleXor(v, mask));
  return v;
}

Value GPUEmitter::reduceTeam(Value v, int64_t width, Combine combine) {
  return reduceTeam(Values{v}, width,
                    [&](ValueRange a, ValueRange b) { return Values{combine(a[0], b[0])}; })[0];
}

// One slot per subgroup of the workgroup.
Value GPUEmitter::scratchFor(Type element) {
  Value &memory = exchange[element];
  if (!memory)
    memory = shared(element.isIndex() ? positionType() : element, threads / subgroup());
  return memory;
}

/// Puts the values of each first of `lanes` threads into a slot, which all threads may then read.
Values GPUEmitter::publish(ValueRange v, int64_t lanes) {
  Values memory;
  // values of one type need a place each
  llvm::DenseMap<Type, int64_t> used;
  for (Value x : v) {
    Type t = x.getType();
    memory.push_back(
        used[t]++ ? shared(t.isIndex() ? positionType() : storageType(t), threads / subgroup())
                  : scratchFor(t));
  }
  barrier();
  Value slot = div(thread, lanes);
  ifThen(eq(rem(thread, lanes), index(0)), [&] {
    for (auto [x, m] : llvm::zip_equal(v, memory)) {
      Value y = x;
      if (y.getType().isIndex())
        y = toInt(y, positionType());
      else if (y.getType().isInteger(1))
        y = arith::ExtUIOp::create(*this, getI8Type(), y);
      store(y, m, slot);
    }
  });
  barrier();
  return memory;
}

Values GPUEmitter::readSlot(ValueRange memory, TypeRange types, Value slot) {
  Values row;
  for (auto [m, t] : llvm::zip_equal(memory, types)) {
    Value x = load(m, slot);
    if (t.isIndex())
      x = toIndex(x);
    else if (t.isInteger(1))
      x = arith::TruncIOp::create(*this, t, x);
    row.push_back(x);
  }
  return row;
}

// Within subgroups by exchange; then every thread reads what the subgroups of its team made and
// combines that by the same tree, which lanes of one subgroup walk together.
Values GPUEmitter::reduceTeam(Values v, int64_t width, CombineMany combine) {
  int64_t within = std::min(width, subgroup());
  for (int64_t mask = within / 2; mask >= 1; mask /= 2)
    v = combine(v, shuffle(v, mask));
  if (within == width)
    return v;
  int64_t parts = width / within;
  SmallVector<Type> types(ValueRange(v).getTypes());
  Values memory = publish(v, within);
  Value first = width == threads ? index(0) : mul(div(thread, width), parts);
  SmallVector<Values> rows;
  for (int64_t p = 0; p < parts; ++p)
    rows.push_back(readSlot(memory, types, add(first, p)));
  for (int64_t half = parts / 2; half >= 1; half /= 2)
    for (int64_t p = 0; p < half; ++p)
      rows[p] = combine(rows[p], rows[p + half]);
  return rows[0];
}

Values GPUEmitter::reduceTeam(Values v, Value width, CombineMany combine) {
  if (auto known = constantOf(width))
    return reduceTeam(v, *known, combine);
  SmallVector<Type> types(ValueRange(v).getTypes());
  for (int64_t mask = subgroup() / 2; mask >= 1; mask /= 2) {
    Value inside = gt(width, index(mask));
    Values both = combine(v, shuffle(v, mask));
    for (auto [x, y] : llvm::zip_equal(v, both))
      x = select(inside, y, x);
  }
  if (subgroup() == threads)
    return v;
  auto meet = [&] {
    Values memory = publish(v, subgroup());
    Value parts = div(width, subgroup()), first = mul(div(thread, width), parts);
    return forLoop(index(1), parts, index(1), readSlot(memory, types, first),
                   [&](Value p, ValueRange sum) {
                     return combine(sum, readSlot(memory, types, add(first, p)));
                   });
  };
  return ifElse(gt(width, index(subgroup())), types, meet, [&] { return v; });
}

// A butterfly gives both sums within a subgroup: what comes from a lower half is before.
std::pair<Value, Value> GPUEmitter::sumBefore(Value v) {
  Value before = index(0), total = v, lane = rem(thread, subgroup());
  for (int64_t mask = 1; mask < subgroup(); mask *= 2) {
    Value other = shuffleXor(total, mask);
    Value upper = ge(rem(lane, 2 * mask), index(mask));
    before = add(before, select(upper, other, index(0)));
    total = add(total, other);
  }
  if (subgroup() == threads)
    return {before, total};
  Value memory = scratchFor(getIndexType()), slot = div(thread, subgroup());
  barrier();
  ifThen(eq(lane, index(0)), [&] { store(toInt(total, positionType()), memory, slot); });
  barrier();
  Values sums = forLoop(index(0), index(threads / subgroup()), index(1), {before, index(0)},
                        [&](Value p, ValueRange carried) {
                          Value x = toIndex(load(memory, p));
                          Value lower = select(lt(p, slot), x, index(0));
                          return Values{add(carried[0], lower), add(carried[1], x)};
                        });
  return {sums[0], sums[1]};
}

//===----------------------------------------------------------------------===//
// 16 bytes at once
//===----------------------------------------------------------------------===//

int64_t GPUEmitter::wide(Type stored) { return std::min<int64_t>(4, 16 / bytesOfElement(stored)); }

static llvm::Align alignmentOf(VectorType t) {
  return llvm::Align(
      std::min<int64_t>(16, t.getNumElements() * bytesOfElement(t.getElementType())));
}

Value GPUEmitter::vload(Value memory, Value i, int64_t n, [[maybe_unused]] Value mask) {
  assert(!mask && "GPU kernels guard whole accesses");
  auto type = vec(cast<MemRefType>(memory.getType()).getElementType(), n);
  return vector::LoadOp::create(*this, type, memory, ValueRange{i}, /*nontemporal=*/false,
                                alignmentOf(type));
}

void GPUEmitter::vstore(Value v, Value memory, Value i, [[maybe_unused]] Value mask) {
  assert(!mask && "GPU kernels guard whole accesses");
  vector::StoreOp::create(*this, v, memory, ValueRange{i}, /*nontemporal=*/false,
                          alignmentOf(cast<VectorType>(v.getType())));
}

Value GPUEmitter::loadTogether(Value memory, Value i, int64_t n) {
  if (n == 1)
    return load(memory, i);
  Type stored = cast<MemRefType>(memory.getType()).getElementType();
  return ifElse(
      eq(rem(i, n), index(0)), TypeRange{vec(stored, n)},
      [&] { return Values{vload(memory, i, n)}; },
      [&] {
        Values lanes;
        for (int64_t lane = 0; lane < n; ++lane)
          lanes.push_back(load(memory, add(i, lane)));
        return Values{pack(lanes)};
      })[0];
}

void GPUEmitter::storeTogether(Value v, Value memory, Value i) {
  auto type = dyn_cast<VectorType>(v.getType());
  if (!type)
    return store(v, memory, i);
  ifThen(
      eq(rem(i, type.getNumElements()), index(0)), [&] { vstore(v, memory, i); },
      [&] {
        for (int64_t lane = 0; lane < type.getNumElements(); ++lane)
          store(extract(v, lane), memory, add(i, lane));
      });
}

Value GPUEmitter::extract(Value vector, int64_t i) {
  return vector::ExtractOp::create(*this, vector, i);
}

Value GPUEmitter::pack(ValueRange scalars) {
  return vector::FromElementsOp::create(*this, vec(scalars.front().getType(), scalars.size()),
                                        scalars);
}
