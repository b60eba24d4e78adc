//===- AttentionRows.cpp - what attention and its gradients share ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionRows.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

template <typename Op>
Value AttentionRows<Op>::fillDropout(Value memory, const Row &row, Value key, Value count) {
  Value first = e.add(e.mul(this->rowNumber(row), this->k.sizes[2]), key);
  return this->dropout->fill(memory, first, count);
}

template <typename Op>
Values AttentionRows<Op>::dotProducts(Value rows, ArrayRef<Value> places, Value panels, Value panel,
                                      int64_t depth, int64_t vectors) {
  int64_t count = places.size();
  return e.tile(
      count, vectors, e.index(depth), Values(count * vectors, e.vf(0)),
      [&](int64_t m, Value d) { return e.splat(e.load(rows, e.add(places[m], d))); },
      [&](Value d, int64_t n) {
        return e.vload(panels, e.add(e.add(panel, n * kLanes), e.mul(d, kPanel)));
      });
}

template class linnet::codegen::AttentionRows<AttentionOp>;
template class linnet::codegen::AttentionRows<AttentionGradOp>;
