//===- Attention.cpp - emitter of softmax attention -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "Emitters.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr double kLog2e = llvm::numbers::log2e;

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

/// Whether the last dimension is surely contiguous in memory.
static bool hasUnitRows(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (slice.getStaticStrides().back() != 1)
        return false;
    } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      if (transpose.getPermutation().back() + 1 !=
          static_cast<int64_t>(transpose.getPermutation().size()))
        return false;
    }
    tensor = op->getOperand(0);
  }
  return true;
}

AttentionGeometry::AttentionGeometry(AttentionOp op) {
  auto qType = op.getQ().getType(), vType = op.getV().getType();
  keyHeads = op.getK().getType().getDimSize(1);
  group = op.getGroupSize();
  keyDepth = qType.getDimSize(3);
  valueDepth = vType.getDimSize(3);
  int64_t staticRows = qType.isDynamicDim(2) ? -1 : group * qType.getDimSize(2);
  decode = staticRows > 0 && staticRows <= kDecodeRows;
  manyRows = decode && staticRows > 2;
  // a chunk of 96 rows spreads the transposition of the keys over eight blocks of 12; a block has
  // few keys at the edge of a causal mask that not all of its rows see
  tileRows = decode ? staticRows : 6;
  blockRows = decode ? staticRows : 12;
  chunkRows = decode ? blockRows : 96;
  // where products take most of the time, short blocks keep memory busy
  keys = manyRows ? 64 : 256;
  bool plain = vType.getElementType().isF32() && valueDepth % kLanes == 0;
  drops = static_cast<bool>(op.getDropoutAttr());
  packsValues = !decode && !(plain && hasUnitRows(op.getV()));
  layOut();
}

void AttentionGeometry::layOut() {
  keyStride = llvm::alignTo(keyDepth, kLanes);
  valueStride = llvm::alignTo(valueDepth, kLanes);
  bytes = 0;
  auto take = [&](int64_t size) {
    int64_t at = bytes;
    bytes += llvm::alignTo(size, 64);
    return at;
  };
  queryAt = take(chunkRows * keyStride * 4);
  scoreAt = take(blockRows * keys * 4);
  outputAt = take(chunkRows * valueStride * 4);
  sumAt = take(chunkRows * kLanes * 4);
  maxAt = take(chunkRows * 4);
  firstAt = take(chunkRows * 8);
  lastAt = take(chunkRows * 8);
  panelAt = take(decode ? 0 : keys * keyStride * 4);
  valueAt = take(packsValues ? keys * valueStride * 4 : 0);
  dropAt = take(drops ? Dropout::roomFor(keys) * 4 : 0);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult AttentionKernel::bind() {
  if (failed(bindOperands(frame, {{op.getQ(), &q}, {op.getK(), &k}, {op.getV(), &v}})) ||
      failed(bindMasks()) || failed(bindDropout()))
    return failure();
  return bindResults(frame, {{op.getO(), &out}, {op.getLse(), &lse}});
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

LogicalResult AttentionKernel::emit() {
  if (failed(bind()))
    return failure();
  queries = frame.scratch(geo.queryAt, e.f32());
  scores = frame.scratch(geo.scoreAt, e.f32());
  outputs = frame.scratch(geo.outputAt, e.f32());
  sums = frame.scratch(geo.sumAt, e.f32());
  maxima = frame.scratch(geo.maxAt, e.f32());
  firsts = frame.scratch(geo.firstAt, e.i64());
  lasts = frame.scratch(geo.lastAt, e.i64());
  panels = frame.scratch(geo.panelAt, e.f32());
  values = frame.scratch(geo.valueAt, e.f32());
  kept = frame.scratch(geo.dropAt, e.f32());
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

void AttentionKernel::emitChunk(Value chunk) {
  if (auto size = op.getPart()) {
    Value parts = e.ceilDiv(k.sizes[2], *size);
    keyPart = e.rem(chunk, parts);
    chunk = e.div(chunk, parts);
  }
  Value total = e.mul(q.sizes[2], group);
  Value blocks = e.ceilDiv(total, geo.chunkRows);
  Value head = e.div(chunk, blocks);
  chunkStart = e.mul(e.rem(chunk, blocks), geo.chunkRows);
  rows = e.min(e.index(geo.chunkRows), e.sub(total, chunkStart));
  batch = e.div(head, geo.keyHeads);
  keyHead = e.rem(head, geo.keyHeads);
  keyBase = frame.position(k, {batch, keyHead, e.index(0), e.index(0)});
  valueBase = frame.position(v, {batch, keyHead, e.index(0), e.index(0)});
  loadKeyLimits();
  prepareRows();
  emitKeys();
  e.forLoop(rows, [&](Value r) { finishRow(r); });
}

/// A part of the keys is all that its chunks see.
void AttentionKernel::storeInterval(Value r, Value query) {
  auto [first, last] = visibleKeys(query);
  if (keyPart) {
    Value begin = e.mul(keyPart, *op.getPart());
    first = e.max(first, begin);
    last = e.max(e.min(last, e.add(begin, *op.getPart())), first);
  }
  e.store(e.toInt(first, e.i64()), firsts, r);
  e.store(e.toInt(last, e.i64()), lasts, r);
}

/// Queries in f32 with the factors of the scores in them; empty sums. A register tile may reach
/// past the last row: there it finds copies of it.
void AttentionKernel::prepareRows() {
  bool powersOf2 = !op.getSoftcapAttr() && !op.getBias();
  Value factor = e.vf(queryFactor() * (powersOf2 ? kLog2e : 1));
  e.forLoop(e.roundUp(rows, geo.tileRows), [&](Value r) {
    Row row = rowAt(e.min(r, e.sub(rows, 1)));
    Value from = frame.position(q, {batch, row.head, row.query, e.index(0)});
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes) {
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.keyDepth - d, kLanes)), e.index(0));
      Value x = loadLanes(e, q, e.add(from, e.mul(e.index(d), q.strides[3])), 3, lanes);
      Value at = e.add(e.mul(r, geo.keyStride), d);
      e.vstore(e.mulf(x, factor), queries, at);
    }
    for (int64_t d = 0; d < geo.valueStride; d += kLanes)
      e.vstore(e.vf(0), outputs, e.add(e.mul(r, geo.valueStride), d));
    e.vstore(e.vf(0), sums, e.mul(r, kLanes));
    e.store(e.f(-FLT_MAX), maxima, r);
    storeInterval(r, row.query);
  });
}

/// Blocks of keys from the first that the first row sees to the last that the last row sees:
/// both ends grow with the row.
void AttentionKernel::emitKeys() {
  Value from = e.mul(e.div(firstKey(e.index(0)), kPanel), kPanel);
  Value to = lastKey(e.sub(rows, 1));
  e.forLoop(from, to, e.index(geo.keys),
            [&](Value key) { emitBlock(key, e.min(e.index(geo.keys), e.sub(to, key))); });
}

void AttentionKernel::emitBlock(Value key, Value count) {
  if (!geo.decode)
    packKeys(key, count);
  if (geo.packsValues)
    packValues(key, count);
  e.forLoop(e.index(0), rows, e.index(geo.blockRows),
            [&](Value firstRow) { emitRows(firstRow, key, count); });
}

/// The rows from `firstRow` on against the keys of the block that any of them sees.
void AttentionKernel::emitRows(Value firstRow, Value key, Value count) {
  Value blockRows = e.min(e.index(geo.blockRows), e.sub(rows, firstRow));
  Value lastRow = e.sub(e.add(firstRow, blockRows), 1);
  Value from = e.max(e.sub(firstKey(firstRow), key), e.index(0));
  from = e.mul(e.div(from, kPanel), kPanel);
  Value to = e.min(count, e.sub(lastKey(lastRow), key));
  e.ifThen(e.lt(from, to), [&] {
    if (geo.decode)
      scoresFromRows(key, from, to);
    else
      scoresFromPanels(firstRow, blockRows, from, to);
    if (adjustsEveryBlock()) {
      adjust(firstRow, blockRows, key, from, to);
    } else {
      // inside of every row's interval nothing is hidden
      Value padded = e.roundUp(to, kPanel);
      Value edge = e.either(e.lt(e.add(key, from), firstKey(lastRow)),
                            e.lt(lastKey(firstRow), e.add(key, padded)));
      e.ifThen(edge, [&] { adjust(firstRow, blockRows, key, from, to); });
    }
    bool together = geo.manyRows && !op.getAlibiSlopes();
    if (together)
      seeAllScores(from, to);
    e.forLoop(blockRows, [&](Value i) {
      Value r = e.add(firstRow, i);
      if (!together)
        seeScores(r, scoreRow(i), key, from, to);
      weighRow(r, scoreRow(i), from, to);
      if (dropout)
        dropRow(r, scoreRow(i), key, from, to);
    });
    if (geo.decode)
      accumulateRows(key, from, to);
    else
      accumulate(firstRow, blockRows, key, from, to);
  });
}

/// Where a result has the element with these coordinates, of this chunk's part.
Value AttentionKernel::outputAt(const View &result, Values coordinates) {
  if (keyPart)
    coordinates.insert(coordinates.begin(), keyPart);
  return frame.position(result, coordinates);
}

/// Divides by the sum; a row that saw no key gives zeros. A NaN in the sum stays.
void AttentionKernel::finishRow(Value r) {
  Row row = rowAt(r);
  Value sum = e.sumLanes(e.vload(sums, e.mul(r, kLanes)));
  Value empty = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, sum, e.f(0));
  if (out) {
    Value inverse = e.splat(e.select(empty, e.f(0), e.divf(e.f(1), sum)));
    Value to = outputAt(*out, {batch, row.head, row.query, e.index(0)});
    for (int64_t d = 0; d < geo.valueDepth; d += kLanes) {
      Value x = e.vload(outputs, e.add(e.mul(r, geo.valueStride), d));
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.valueDepth - d, kLanes)), e.index(0));
      unsigned dim = out->rank() - 1;
      storeLanes(e, e.mulf(x, inverse), *out, e.add(to, e.mul(e.index(d), out->strides[dim])), dim,
                 lanes);
    }
  }
  if (!lse)
    return;
  Value top = e.load(maxima, r);
  if (!op.getBias())
    top = e.mulf(top, e.f(1 / kLog2e));
  Value total = e.addf(top, math::LogOp::create(e, sum));
  total = e.select(empty, e.f(-INFINITY), total);
  frame.store(total, *lse, outputAt(*lse, {batch, row.head, row.query}));
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(AttentionOp op, exec::KernelOp kernel) {
  if (failed(verifyStaticHeads(op, op.getQ().getType(), op.getK().getType(), op.getV().getType())))
    return failure();
  AttentionGeometry geo(op);
  setStrategy(kernel, {{"rows", geo.chunkRows}, {"tile_rows", geo.tileRows}, {"keys", geo.keys}});
  setForm(kernel, geo.form());
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}, {op.getK(), 2}});
  if (failed(sizes))
    return failure();
  auto [batches, queries, keys] = *sizes;
  Value blocks = b.ceilDiv(b.mul(queries, b.constant(geo.group)), b.constant(geo.chunkRows));
  Value parts = op.getPart() ? b.ceilDiv(keys, b.constant(*op.getPart())) : b.constant(1);
  b.finish(b.mul({batches, b.constant(geo.keyHeads), blocks, parts}), b.constant(geo.bytes),
           attentionFlops(b, op, queries, keys), bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getAttentionEmitter() {
  static const OpEmitter<AttentionOp, AttentionKernel> emitter(select);
  return &emitter;
}
