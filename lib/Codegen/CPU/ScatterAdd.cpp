//===- ScatterAdd.cpp - sums of slices at given positions -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk owns a block of the result's rows: it zeroes them, looks through all indices, sixteen
// at a time, and adds the updates that are its own in the order of the indices. So the order
// of a sum does not depend on threads, and nothing is shared. 16-bit floats are summed in
// scratch.
//
//===----------------------------------------------------------------------===//
#include "../ScatterAdd.h"
#include "Emitters.h"
#include "OpKernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Elements of a block of rows, as a goal: large enough that looking through the indices is
/// nothing beside writing the rows, small enough for L2.
constexpr int64_t kBlockElements = 128 * 1024;

class Kernel : ScatterAddViews {
public:
  Kernel(ScatterAddOp op, KernelFrame &frame) : ScatterAddViews(op), e(frame.e), frame(frame) {}
  LogicalResult emit();

private:
  void emitBlock(Value outer, Value first, Value rows);
  void forRow(llvm::function_ref<void(Value column, const Lanes &lanes)> body);
  void zeroRow(Value row);
  void addUpdate(Value i, Value row);
  void storeRow(Value row);
  void look(Value i, const Lanes &lanes, Value first, Value rows);
  Value indexAt(Value i);
  Value rowOf(const View &v, Value base, Value column) {
    return e.add(base, rest->position(e, v, column, v.rank() - rest->sizes.size()));
  }

  Emitter &e;
  KernelFrame &frame;
  bool direct = false; ///< sums are in the result
  Value sums, width;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(frame)))
    return failure();
  width = rest->count;
  if (updates.rank() == 0) { // one number: lanes run along a dimension
    updates.sizes.push_back(e.index(1));
    updates.strides.push_back(e.index(1));
  }
  direct = out.element.isF32();
  sums = frame.scratch(0, e.f32());
  Value size = out.sizes[axis], one = e.index(1);
  Value rowsPerBlock = e.ceilDiv(e.index(kBlockElements), e.max(width, one));
  Value blocks = e.ceilDiv(size, rowsPerBlock);
  e.forLoop(frame.begin, frame.end, one, [&](Value chunk) {
    Value outer = e.div(chunk, blocks), first = e.mul(e.rem(chunk, blocks), rowsPerBlock);
    emitBlock(outer, first, e.min(rowsPerBlock, e.sub(size, first)));
  });
  return success();
}

// Runs of the innermost dimension, as vectors.
void Kernel::forRow(llvm::function_ref<void(Value, const Lanes &)> body) {
  Value run = rest->sizes.empty() ? e.index(1) : rest->sizes.back();
  Value full = e.mul(e.div(run, kLanes), kLanes);
  auto known = Emitter::constantOf(run);
  e.forLoop(e.index(0), width, run, [&](Value start) {
    e.forLoop(e.index(0), full, e.index(kLanes), [&](Value c) { body(e.add(start, c), {}); });
    if (known && *known % kLanes == 0)
      return;
    e.ifThen(e.lt(full, run), [&] { body(e.add(start, full), Lanes::of(e, run, full)); });
  });
}

static unsigned lastDim(const View &v) { return v.rank() - 1; }

void Kernel::zeroRow(Value row) {
  Value base = e.add(outBase, e.mul(row, out.strides[axis]));
  forRow([&](Value column, const Lanes &lanes) {
    storeLanes(e, e.vf(0), out, rowOf(out, base, column), lastDim(out), lanes);
  });
}

Value Kernel::indexAt(Value i) {
  Value at = e.add(indicesBase, places->position(e, indices, i, batch));
  return e.toIndex(frame.load(indices, at));
}

void Kernel::addUpdate(Value i, Value row) {
  Value from = e.add(updatesBase, places->position(e, updates, i, axis));
  Value to = direct ? e.add(outBase, e.mul(row, out.strides[axis])) : e.mul(row, width);
  forRow([&](Value column, const Lanes &lanes) {
    Value x = loadLanes(e, updates, rowOf(updates, from, column), lastDim(updates), lanes);
    if (direct) {
      Value at = rowOf(out, to, column);
      Value sum = e.addf(loadLanes(e, out, at, lastDim(out), lanes), x);
      return storeLanes(e, sum, out, at, lastDim(out), lanes);
    }
    Value at = e.add(to, column);
    Value sum = e.addf(e.vload(sums, at, kLanes, lanes.mask), x);
    e.vstore(sum, sums, at, lanes.mask);
  });
}

void Kernel::storeRow(Value row) {
  Value base = e.add(outBase, e.mul(row, out.strides[axis])), from = e.mul(row, width);
  forRow([&](Value column, const Lanes &lanes) {
    Value x = e.vload(sums, e.add(from, column), kLanes, lanes.mask);
    storeLanes(e, x, out, rowOf(out, base, column), lastDim(out), lanes);
  });
}

// Sixteen indices from the i-th on: most blocks have none of them.
void Kernel::look(Value i, const Lanes &lanes, Value first, Value rows) {
  auto one = [&](Value lane) {
    Value at = e.add(i, lane), index = indexAt(at), row = e.sub(index, first);
    Value mine = e.both(e.ge(row, e.index(0)), e.lt(row, rows));
    e.ifThen(mine, [&] { addUpdate(at, direct ? index : row); });
    // reported once, by the block that has row 0
    Value known = e.both(e.ge(index, e.index(0)), e.lt(index, out.sizes[axis]));
    Value report = arith::AndIOp::create(e, e.eq(first, e.index(0)),
                                         arith::XOrIOp::create(e, known, e.boolean(true)));
    e.ifThen(report, [&] { frame.fault(0, at); });
  };
  bool contiguous = indices.rank() == batch + 1 &&
                    Emitter::constantOf(indices.strides[batch]) == 1 && !lanes.mask;
  Value count = lanes.count ? e.min(lanes.count, e.index(kLanes)) : e.index(kLanes);
  auto all = [&] { e.forLoop(count, one); };
  if (!contiguous)
    return all();
  Value x = e.vload(indices.memory, e.add(indicesBase, i), kLanes);
  auto type = cast<VectorType>(x.getType());
  auto wide = type.clone(e.i64());
  if (type != wide)
    x = arith::ExtSIOp::create(e, wide, x);
  auto below = [&](Value v, Value limit) -> Value {
    return arith::CmpIOp::create(e, arith::CmpIPredicate::ult, v,
                                 e.splat(e.toInt(limit, e.i64()), kLanes));
  };
  Value from = e.splat(e.toInt(first, e.i64()), kLanes);
  Value mine = below(arith::SubIOp::create(e, x, from), rows);
  // the block with row 0 looks at what is out of range, too
  Value known = below(x, out.sizes[axis]);
  Value unknown = arith::XOrIOp::create(e, known, e.iconst(known.getType(), -1));
  Value isFirst = e.splat(e.eq(first, e.index(0)), kLanes);
  Value wanted = arith::OrIOp::create(e, mine, arith::AndIOp::create(e, unknown, isFirst));
  e.ifThen(vector::ReductionOp::create(e, vector::CombiningKind::OR, wanted), all);
}

void Kernel::emitBlock(Value outer, Value first, Value rows) {
  enter(e, outer);
  if (direct)
    e.forLoop(rows, [&](Value r) { zeroRow(e.add(first, r)); });
  else
    e.forLoop(e.index(0), e.mul(rows, width), e.index(kLanes),
              [&](Value at) { e.vstore(e.vf(0), sums, at); });
  Value count = places->count, full = e.mul(e.div(count, kLanes), kLanes);
  e.forLoop(e.index(0), full, e.index(kLanes), [&](Value i) { look(i, {}, first, rows); });
  e.ifThen(e.lt(full, count), [&] { look(full, Lanes::of(e, count, full), first, rows); });
  if (!direct)
    e.forLoop(rows, [&](Value r) {
      // rows of the block, in scratch from 0 on
      Value keep = outBase;
      outBase = e.add(outBase, e.mul(first, out.strides[axis]));
      storeRow(r);
      outBase = keep;
    });
}

static LogicalResult select(ScatterAddOp op, exec::KernelOp kernel) {
  setStrategy(kernel, {});
  declareFault(kernel, op, "index out of range");
  LaunchBuilder b(kernel);
  unsigned axis = op.getAxis();
  Value outer = elementsOf(b, op.getResult(), 0, axis), size = b.sizeOf(op.getResult(), axis);
  Value width = elementsOf(b, op.getResult(), axis + 1), work = elementsOf(b, op.getUpdates());
  Value rows = b.ceilDiv(b.constant(kBlockElements), b.max(width, b.constant(1)));
  Value scratch = b.constant(0);
  if (!op.getType().getElementType().isF32())
    scratch = b.mul(b.add(b.mul(b.min(rows, size), width), b.constant(kLanes)), b.constant(4));
  b.finish(b.mul(outer, b.ceilDiv(size, rows)), scratch, work, bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getScatterAddEmitter() {
  static const OpEmitter<ScatterAddOp, Kernel> emitter(select);
  return &emitter;
}
