//===- Columns.cpp - vectors of a row with zeros around it ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Columns.h"
#include "../Epilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

// Lanes low to high - 1; no low: from the first on.
static Value between(Emitter &e, Value low, Value high, int64_t n) {
  Value mask = e.mask(high, n);
  if (!low)
    return mask;
  Value after = arith::XOrIOp::create(e, e.mask(low, n), e.iconst(e.vec(e.getI1Type(), n), -1));
  return arith::AndIOp::create(e, mask, after);
}

Value linnet::codegen::columnMask(Emitter &e, Value first, Value size, int64_t step, int64_t lanes,
                                  bool inside) {
  auto steps = [&](Value distance) { return e.ceilDiv(e.max(distance, e.index(0)), step); };
  return between(e, inside ? Value() : steps(e.sub(e.index(0), first)), steps(e.sub(size, first)),
                 lanes);
}

Value linnet::codegen::loadColumns(Emitter &e, const Row &row, Value first, int64_t step,
                                   int64_t lanes, bool inside) {
  if (step > 4 || Emitter::constantOf(row.stride) != 1) {
    Value mask = columnMask(e, first, row.size, step, lanes, inside);
    return stridedLoad(e, row.memory, e.add(row.from, e.mul(first, row.stride)),
                       e.mul(row.stride, step), lanes, mask);
  }
  Value mask =
      between(e, inside ? Value() : e.sub(e.index(0), first), e.sub(row.size, first), lanes * step);
  Value x = e.vload(row.memory, e.add(row.from, first), lanes * step, mask);
  if (step == 1)
    return x;
  auto every =
      llvm::map_to_vector(llvm::seq<int64_t>(0, lanes), [&](int64_t i) { return i * step; });
  return vector::ShuffleOp::create(e, x, x, every);
}
