//===- AttentionGrad.cpp - emitter of the gradients of attention ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionGrad.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

AttentionGradGeometry::AttentionGradGeometry(AttentionGradOp op) {
  keyHeads = op.getK().getType().getDimSize(1);
  group = op.getGroupSize();
  keyDepth = op.getQ().getType().getDimSize(3);
  valueDepth = op.getV().getType().getDimSize(3);
  keys = 256;
  rows = 48;
  drops = static_cast<bool>(op.getDropoutAttr());
  capped = static_cast<bool>(op.getSoftcapAttr());
  simple = !drops && !capped && !op.getBias() && !op.getAlibiSlopes();
  if (op.getDbias()) {
    auto shape = cast<RankedTensorType>(op.getBias().getType()).getShape();
    sharesBatches = shape.size() < 4 || shape[0] == 1;
    sharesHeads = shape.size() < 3 || shape[shape.size() - 3] == 1;
  }
  layOut();
}

void AttentionGradGeometry::layOut() {
  keyStride = llvm::alignTo(keyDepth, kLanes);
  valueStride = llvm::alignTo(valueDepth, kLanes);
  scoreStride = keys + kLanes;
  bytes = 0;
  auto take = [&](int64_t floats) {
    int64_t at = bytes;
    bytes += llvm::alignTo(floats * 4, 64);
    return at;
  };
  keyPanelAt = take(keys * keyStride);
  valuePanelAt = take(keys * valueStride);
  keyRowAt = take(keys * keyStride);
  keyGradAt = take(keys * keyStride);
  valueGradAt = take(keys * valueStride);
  queryAt = take(rows * keyStride);
  outAt = take(rows * valueStride);
  queryGradAt = take(rows * keyStride);
  lseAt = take(rows);
  totalAt = take(rows);
  weightAt = take(rows * scoreStride);
  droppedAt = drops ? take(rows * scoreStride) : weightAt;
  slopeAt = take(capped ? rows * scoreStride : 0);
  gradAt = take(rows * scoreStride);
  keptAt = take(drops ? Dropout::roomFor(keys) : 0);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult AttentionGradKernel::bind() {
  if (failed(bindGradient(op, frame, {&q, &k, &v})) || failed(bindMasks()))
    return failure();
  if (dbias)
    dbias = broadcastToScores(*dbias);
  return bindDropout();
}

void AttentionGradKernel::bindScratch() {
  auto at = [&](int64_t byte) { return frame.scratch(byte, e.f32()); };
  keyPanels = at(geo.keyPanelAt), valuePanels = at(geo.valuePanelAt), keyRows = at(geo.keyRowAt);
  keySums = at(geo.keyGradAt), valueSums = at(geo.valueGradAt);
  queries = at(geo.queryAt), douts = at(geo.outAt), querySums = at(geo.queryGradAt);
  lses = at(geo.lseAt), totals = at(geo.totalAt);
  weights = at(geo.weightAt), dropped = at(geo.droppedAt), slopes = at(geo.slopeAt);
  grads = at(geo.gradAt), kept = at(geo.keptAt);
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

LogicalResult AttentionGradKernel::emit() {
  if (failed(bind()))
    return failure();
  bindScratch();
  rowCount = e.mul(q.sizes[2], group);
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

/// A gradient of the bias that batches or heads share is theirs together, in their order.
void AttentionGradKernel::emitChunk(Value chunk) {
  int64_t heads = geo.sharesHeads ? 1 : geo.keyHeads;
  Value one = e.index(1), firstBatch = e.div(chunk, heads), firstHead = e.rem(chunk, heads);
  Value lastBatch = geo.sharesBatches ? q.sizes[0] : e.add(firstBatch, 1);
  Value lastHead = geo.sharesHeads ? e.index(geo.keyHeads) : e.add(firstHead, 1);
  batch = firstBatch, keyHead = firstHead;
  if (dbias)
    clearBiasGrads();
  e.forLoop(firstBatch, lastBatch, one, [&](Value b) {
    e.forLoop(firstHead, lastHead, one, [&](Value h) {
      batch = b, keyHead = h;
      emitHead();
    });
  });
}

void AttentionGradKernel::emitHead() {
  loadKeyLimits();
  if (dq)
    clearQueryGrads();
  e.forLoop(e.index(0), k.sizes[2], e.index(geo.keys), [&](Value key) { emitBlock(key); });
}

void AttentionGradKernel::clearQueryGrads() {
  e.forLoop(rowCount, [&](Value r) {
    Row row = rowOf(r);
    Value to = frame.position(*dq, {batch, row.head, row.query, e.index(0)});
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes)
      storeLanes(e, e.vf(0), *dq, e.add(to, e.mul(e.index(d), dq->strides[3])), 3,
                 Lanes::of(e, e.index(std::min(geo.keyDepth - d, kLanes)), e.index(0)));
  });
}

void AttentionGradKernel::clearBiasGrads() {
  Value heads = geo.sharesHeads ? e.index(1) : e.index(group);
  Value lanes = dbias->sizes[3];
  e.forLoop(heads, [&](Value h) {
    Value head = e.add(e.mul(keyHead, group), h);
    e.forLoop(dbias->sizes[2], [&](Value row) {
      e.forLoop(e.index(0), lanes, e.index(kLanes), [&](Value c) {
        Value count = e.sub(lanes, c);
        e.vstore(e.vf(0), dbias->memory, frame.position(*dbias, {batch, head, row, c}),
                 e.mask(count));
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void AttentionGradKernel::emitBlock(Value key) {
  Value count = e.min(e.index(geo.keys), e.sub(k.sizes[2], key));
  packPanels(k, key, count, geo.keyDepth, geo.keyStride, keyPanels);
  packPanels(v, key, count, geo.valueDepth, geo.valueStride, valuePanels);
  packKeyRows(key, count);
  auto clear = [&](Value sums, int64_t stride) {
    e.forLoop(e.index(0), e.index(geo.keys * stride), e.index(kLanes),
              [&](Value i) { e.vstore(e.vf(0), sums, i); });
  };
  clear(keySums, geo.keyStride);
  clear(valueSums, geo.valueStride);
  e.forLoop(e.index(0), rowCount, e.index(geo.rows), [&](Value row) { emitRows(row, key, count); });
  storeKeyGrads(key, count);
}

/// Both ends of the keys that a row sees grow with the row.
void AttentionGradKernel::emitRows(Value row, Value key, Value count) {
  Part part{row, e.min(e.index(geo.rows), e.sub(rowCount, row)), key, {}, {}};
  Value lastRow = e.sub(e.add(row, part.rows), 1);
  Value from = e.max(e.sub(visibleKeys(e.div(row, group)).first, key), e.index(0));
  part.from = e.mul(e.div(from, kPanel), kPanel);
  part.to = e.min(count, e.sub(visibleKeys(e.div(lastRow, group)).last, key));
  e.ifThen(e.lt(part.from, part.to), [&] {
    packRows(part);
    scores(part);
    if (!geo.simple)
      e.forLoop(part.rows, [&](Value i) { weighRow(part, i); });
    else
      e.ifThen(atEdge(part), [&] { e.forLoop(part.rows, [&](Value i) { hideRow(part, i); }); });
    if (dv)
      keyGrads(part, dropped, douts, valueSums, geo.valueStride);
    gradients(part);
    if (geo.capped || dbias)
      e.forLoop(part.rows, [&](Value i) { gradeRow(part, i); });
    if (dk)
      keyGrads(part, grads, queries, keySums, geo.keyStride);
    if (dq)
      queryGrads(part);
  });
}

void AttentionGradKernel::storeKeyGrads(Value key, Value count) {
  auto store = [&](const View &to, Value sums, int64_t depth, int64_t stride, double factor) {
    e.forLoop(count, [&](Value i) {
      Value at = frame.position(to, {batch, keyHead, e.add(key, i), e.index(0)});
      for (int64_t d = 0; d < depth; d += kLanes) {
        Value x = e.vload(sums, e.add(e.mul(i, stride), d));
        if (factor != 1)
          x = e.mulf(x, e.vf(factor));
        storeLanes(e, x, to, e.add(at, e.mul(e.index(d), to.strides[3])), 3,
                   Lanes::of(e, e.index(std::min(depth - d, kLanes)), e.index(0)));
      }
    });
  };
  if (dk)
    store(*dk, keySums, geo.keyDepth, geo.keyStride, scale());
  if (dv)
    store(*dv, valueSums, geo.valueDepth, geo.valueStride, 1);
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult verifySupported(AttentionGradOp op) {
  if (failed(verifyStaticHeads(op, op.getQ().getType(), op.getK().getType(), op.getV().getType())))
    return failure();
  for (Value sum : {Value(op.getDq()), Value(op.getDbias())})
    if (sum && !cast<RankedTensorType>(sum.getType()).getElementType().isF32())
      return op.emitOpError() << "expects sums of f32 for a kernel, found " << sum.getType();
  return success();
}

static LogicalResult select(AttentionGradOp op, exec::KernelOp kernel) {
  if (failed(verifySupported(op)))
    return failure();
  AttentionGradGeometry geo(op);
  setStrategy(kernel, {{"rows", geo.rows}, {"keys", geo.keys}});
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}, {op.getK(), 2}});
  if (failed(sizes))
    return failure();
  auto [batches, queries, keys] = *sizes;
  Value chunks = geo.sharesBatches ? b.constant(1) : batches;
  if (!geo.sharesHeads)
    chunks = b.mul(chunks, b.constant(geo.keyHeads));
  b.finish(chunks, b.constant(geo.bytes), countGradientFlops(b, op, queries, keys),
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getAttentionGradEmitter() {
  static const OpEmitter<AttentionGradOp, AttentionGradKernel> emitter(select);
  return &emitter;
}
