//===- OpKernel.cpp - kernels of one structured op ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OpKernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

Lanes Lanes::of(Emitter &e, Value size, Value first) {
  auto n = Emitter::constantOf(size);
  if (n && *n % kLanes == 0)
    return {};
  Value count = e.sub(size, first);
  return {count, e.mask(count)};
}

static bool isUnit(const View &v, unsigned dim) { return Emitter::constantOf(v.strides[dim]) == 1; }

Value linnet::codegen::loadLanes(Emitter &e, const View &v, Value position, unsigned dim,
                                 const Lanes &lanes) {
  if (isUnit(v, dim))
    return e.convert(e.vload(v.memory, position, kLanes, lanes.mask), e.f32());
  // absent lanes read the last element that there is; an empty dimension is never visited
  Values elements;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value lane = e.index(i);
    if (lanes.count)
      lane = e.min(lane, e.sub(lanes.count, 1)); // negative when no lane is there
    elements.push_back(loadFloat(e, v, e.add(position, e.mul(lane, v.strides[dim]))));
  }
  Value x = vector::FromElementsOp::create(e, e.vec(e.f32()), elements);
  return lanes.mask ? e.select(lanes.mask, x, e.vf(0)) : x;
}

void linnet::codegen::storeLanes(Emitter &e, Value x, const View &v, Value position, unsigned dim,
                                 const Lanes &lanes) {
  if (isUnit(v, dim))
    return e.vstore(e.convert(x, v.element), v.memory, position, lanes.mask);
  for (int64_t i = 0; i < kLanes; ++i) {
    auto put = [&] {
      Value at = e.add(position, e.mul(e.index(i), v.strides[dim]));
      Value lane = vector::ExtractOp::create(e, x, i);
      e.store(e.convert(lane, v.element), v.memory, at);
    };
    e.ifThen(lanes.count ? e.lt(e.index(i), lanes.count) : e.boolean(true), put);
  }
}

// Bit d of a vector's number goes to bit d of its lanes: lanes of `a` without and of `b` with it
// in one result, the others in the other.
static std::pair<Value, Value> exchange(Emitter &e, Value a, Value b, int64_t d) {
  SmallVector<int64_t> upper, lower;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    upper.push_back(lane & d ? kLanes + (lane ^ d) : lane);
    lower.push_back(lane & d ? kLanes + lane : lane ^ d);
  }
  return {vector::ShuffleOp::create(e, a, b, upper), vector::ShuffleOp::create(e, a, b, lower)};
}

// A butterfly of shuffles: after step d, bit d of a lane's row and of its place are exchanged.
static Values turn(Emitter &e, Values x) {
  for (int64_t d = kLanes / 2; d >= 1; d /= 2)
    for (int64_t i = 0; i < kLanes; ++i)
      if (!(i & d))
        std::tie(x[i], x[i | d]) = exchange(e, x[i], x[i | d], d);
  return x;
}

Value linnet::codegen::sumEachLanes(Emitter &e, Values x) {
  for (int64_t d = kLanes / 2; d >= 1; d /= 2)
    for (int64_t i = 0; i < d; ++i) {
      auto [upper, lower] = exchange(e, x[i], x[i + d], d);
      x[i] = e.addf(upper, lower);
    }
  return x[0];
}

Values linnet::codegen::loadTurned(Emitter &e, const View &v, Value position, unsigned rowDim,
                                   const Lanes &rows, unsigned columnDim, int64_t columns) {
  Values x;
  Value width = e.index(columns);
  for (int64_t i = 0; i < kLanes; ++i) {
    Value row = e.index(i);
    if (rows.count)
      row = e.min(row, e.sub(rows.count, 1));
    Value at = e.add(position, e.mul(row, v.strides[rowDim]));
    x.push_back(loadLanes(e, v, at, columnDim, Lanes::of(e, width, e.index(0))));
  }
  x = turn(e, x);
  x.resize(columns);
  return x;
}

void linnet::codegen::storeTurned(Emitter &e, Values x, const View &v, Value position,
                                  unsigned rowDim, const Lanes &rows, unsigned columnDim,
                                  int64_t columns) {
  x.resize(kLanes, e.vf(0));
  x = turn(e, x);
  Value width = e.index(columns);
  for (int64_t i = 0; i < kLanes; ++i) {
    auto put = [&] {
      Value at = e.add(position, e.mul(e.index(i), v.strides[rowDim]));
      storeLanes(e, x[i], v, at, columnDim, Lanes::of(e, width, e.index(0)));
    };
    e.ifThen(rows.count ? e.lt(e.index(i), rows.count) : e.boolean(true), put);
  }
}

Value linnet::codegen::countFrom(Emitter &e, Value first) {
  SmallVector<float> steps;
  for (int64_t i = 0; i < kLanes; ++i)
    steps.push_back(i);
  Value lanes = arith::ConstantOp::create(
      e, DenseElementsAttr::get(cast<VectorType>(e.vec(e.f32())), ArrayRef<float>(steps)));
  Value start = arith::SIToFPOp::create(e, e.f32(), e.toInt(first, e.i64()));
  return e.addf(e.splat(start), lanes);
}
