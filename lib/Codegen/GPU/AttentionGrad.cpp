//===- AttentionGrad.cpp - gradients of attention on GPUs -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionGrad.h"
#include "Emitters.h"
#include "GPUOpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Form
//===----------------------------------------------------------------------===//

/// Sums of a thread, over all its blocks of columns.
static constexpr int64_t kMostSums = 64;

GPUAttentionGradForm::GPUAttentionGradForm(AttentionGradOp op) {
  keyHeads = op.getK().getType().getDimSize(1);
  group = op.getGroupSize();
  keyDepth = op.getQ().getType().getDimSize(3);
  valueDepth = op.getV().getType().getDimSize(3);
  int64_t most = std::max(keyDepth, valueDepth);
  columns = most <= 16 ? 16 : most <= 32 ? 32 : 64;
  depth = most <= 16 ? 16 : 32;
  int64_t blocks = llvm::divideCeil(keyDepth, columns) + llvm::divideCeil(valueDepth, columns);
  own = 64;
  while (own > 16 && blocks * (own / 16) * (columns / 16) > kMostSums)
    own /= 2;
  keys = !op.getDk().use_empty() || !op.getDv().use_empty();
  queries = !op.getDq().use_empty();
  bias = op.getDbias() && !op.getDbias().use_empty();
  if (bias) {
    auto shape = cast<RankedTensorType>(op.getBias().getType()).getShape();
    int64_t missing = 4 - static_cast<int64_t>(shape.size());
    for (int64_t d = 0; d < 4; ++d)
      repeats[d] = d < missing || shape[d - missing] == 1;
  }
  int64_t widest = std::max(own, kBiasKeys), tile = kOther * (own + 4);
  int64_t staged = std::max(depth * (kOther + 4 + widest + 4), kOther * (columns + 4));
  scoresAt = staged;
  int64_t biasTile = kOther * (kBiasKeys + 4);
  tile = std::max(tile, bias ? biasTile : 0);
  gradsAt = scoresAt + tile;
  biasAt = gradsAt + biasTile;
  int64_t end = gradsAt + tile;
  if (bias)
    end = std::max(end, biasAt + biasTile);
  lseAt = end;
  totalAt = lseAt + std::max(own, kOther);
  floats = totalAt + std::max(own, kOther);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult GPUAttentionGrad::bind() {
  if (failed(bindOperands(f, {{op.getQ(), &q},
                              {op.getK(), &k},
                              {op.getV(), &v},
                              {op.getO(), &o},
                              {op.getLse(), &lse},
                              {op.getDout(), &dout},
                              {op.getDlse(), &dlse}})) ||
      failed(bindMasks()) || failed(bindDropout()) ||
      failed(bindResults(
          f, {{op.getDq(), &dq}, {op.getDk(), &dk}, {op.getDv(), &dv}, {op.getDbias(), &dbias}})))
    return failure();
  if (dbias)
    dbias = broadcastToScores(*dbias);
  alignedQ = f.isAligned(q, 4);
  alignedK = f.isAligned(k, 4);
  alignedV = f.isAligned(v, 4);
  alignedOut = f.isAligned(dout, 4);
  return success();
}

/// Beyond the last row it is the last one.
GPUAttentionGrad::Row GPUAttentionGrad::rowAt(Value r) {
  r = e.min(r, e.sub(rowCount, 1));
  return oneHead ? Row{r, oneHead} : rowOf(r);
}

/// Where the first element of row or key `number` is.
Value GPUAttentionGrad::positionOf(const View &v, const Tile &tile, Value number) {
  if (tile.keys)
    return f.position(v, {batch, keyHead, number, e.index(0)});
  Row row = rowAt(number);
  return f.position(v, {batch, row.head, row.query, e.index(0)});
}

//===----------------------------------------------------------------------===//
// Workgroups
//===----------------------------------------------------------------------===//

LogicalResult GPUAttentionGrad::emit() {
  if (failed(bind()))
    return failure();
  memory = e.shared(e.f32(), form.floats);
  Value heads = e.mul(q.sizes[0], form.keyHeads), rest = f.group;
  Value rows = e.mul(q.sizes[2], group);
  auto kind = [&](Value tiles, llvm::function_ref<void(Value)> body) {
    Value number = rest, mine = e.mul(heads, tiles);
    e.ifThen(e.both(e.ge(number, e.index(0)), e.lt(number, mine)), [&] { body(number); });
    rest = e.sub(rest, mine);
  };
  if (form.keys)
    kind(e.ceilDiv(k.sizes[2], form.own), [&](Value n) { emitKeys(n); });
  if (form.queries)
    kind(e.ceilDiv(rows, form.own), [&](Value n) { emitQueries(n); });
  if (form.bias)
    e.ifThen(e.ge(rest, e.index(0)), [&] { emitBias(rest); });
  return success();
}

void GPUAttentionGrad::findHead(Value number) {
  batch = e.div(number, form.keyHeads);
  keyHead = e.rem(number, form.keyHeads);
  rowCount = e.mul(q.sizes[2], group);
  oneHead = {};
  loadKeyLimits();
}

/// The keys that any row of the tile sees: both ends grow with the row.
GPUAttentionGrad::KeyRange GPUAttentionGrad::keysOfRows(const Tile &rows) {
  Value last = e.sub(e.add(rows.first, rows.size), 1);
  return {visibleKeys(rowAt(rows.first).query).first, visibleKeys(rowAt(last).query).last};
}

Value GPUAttentionGrad::seesTile(const Step &s) {
  KeyRange seen = keysOfRows(s.rows());
  Value first = s.keyTile().first, last = e.add(first, s.keyTile().size);
  return e.lt(e.max(seen.first, first), e.min(seen.last, last));
}

void GPUAttentionGrad::emitKeys(Value number) {
  Value tiles = e.ceilDiv(k.sizes[2], form.own);
  findHead(e.div(number, tiles));
  Tile own = keyTile(form.own, e.mul(e.rem(number, tiles), form.own));
  int64_t values = dv ? sumsOf(form.valueDepth) : 0,
          all = values + (dk ? sumsOf(form.keyDepth) : 0);
  Values sums(all, e.f(0));
  SmallVector<Type> types(all, e.f32());
  sums = e.forLoop(e.index(0), rowCount, e.index(kOther), sums, [&](Value row, ValueRange carried) {
    Step s{own, rowTile(kOther, row)};
    return e.ifElse(
        seesTile(s), types,
        [&] {
          packRows(s.other);
          scores(s, false);
          scores(s, true);
          weigh(s, false);
          Values next;
          if (dv)
            next = addProducts(s, form.scoresAt, dout, alignedOut, form.valueDepth,
                               carried.take_front(values));
          if (dk)
            llvm::append_range(next, addProducts(s, form.gradsAt, q, alignedQ, form.keyDepth,
                                                 carried.drop_front(values)));
          return next;
        },
        [&] { return Values(carried); });
  });
  if (dv)
    storeSums(*dv, own, k.sizes[2], form.valueDepth, ValueRange(sums).take_front(values), 1);
  if (dk)
    storeSums(*dk, own, k.sizes[2], form.keyDepth, ValueRange(sums).drop_front(values), scale());
}

void GPUAttentionGrad::emitQueries(Value number) {
  Value tiles = e.ceilDiv(e.mul(q.sizes[2], form.group), form.own);
  findHead(e.div(number, tiles));
  Tile own = rowTile(form.own, e.mul(e.rem(number, tiles), form.own));
  packRows(own);
  KeyRange seen = keysOfRows(own);
  Value from = e.mul(e.div(seen.first, kOther), kOther);
  Values sums(sumsOf(form.keyDepth), e.f(0));
  sums = e.forLoop(from, seen.last, e.index(kOther), sums, [&](Value key, ValueRange carried) {
    Step s{own, keyTile(kOther, key)};
    scores(s, false);
    scores(s, true);
    weigh(s, false);
    return addProducts(s, form.gradsAt, k, alignedK, form.keyDepth, carried);
  });
  storeSums(*dq, own, rowCount, form.keyDepth, sums, scale());
}

/// A thread has some neighbouring elements of a few neighbouring rows, per block of columns.
void GPUAttentionGrad::storeSums(const View &to, const Tile &own, Value count, int64_t depth,
                                 ValueRange sums, double factor) {
  int64_t n = columnsPerThread();
  Value aligned = n == 4 ? f.isAligned(to, 4) : e.boolean(false);
  Value first = e.mul(e.div(e.thread, 16), ownPerThread()), column = e.mul(e.rem(e.thread, 16), n);
  for (int64_t i = 0; i < ownPerThread(); ++i) {
    Value number = e.add(own.first, e.add(first, i));
    e.ifThen(e.lt(number, count), [&] {
      Value start = positionOf(to, own, number);
      for (int64_t block = 0; block < blocks(depth); ++block) {
        Value c = e.add(column, block * form.columns);
        Values x;
        for (int64_t j = 0; j < n; ++j)
          x.push_back(e.mulf(sums[(block * ownPerThread() + i) * n + j], e.f(factor)));
        Value at = e.add(start, e.mul(c, to.strides[3]));
        e.ifThen(
            e.both(aligned, e.le(e.add(c, n), e.index(depth))),
            [&] { e.vstore(e.convert(e.pack(x), to.element), to.memory, at); },
            [&] {
              for (int64_t j = 0; j < n; ++j)
                e.ifThen(e.lt(e.add(c, j), e.index(depth)), [&] {
                  f.store(e.convert(x[j], to.element), to, e.add(at, e.mul(to.strides[3], j)));
                });
            });
      }
    });
  }
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(AttentionGradOp op, exec::KernelOp kernel, const GPUTarget &) {
  if (failed(verifyStaticHeads(op, op.getQ().getType(), op.getK().getType(), op.getV().getType())))
    return failure();
  GPUAttentionGradForm form(op);
  setStrategy(kernel, {{kThreads, GPUAttentionGradForm::kThreads},
                       {"own", form.own},
                       {"other", GPUAttentionGradForm::kOther}});
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}, {op.getK(), 2}});
  if (failed(sizes))
    return failure();
  auto [batches, queries, keys] = *sizes;
  auto number = [&](int64_t n) { return b.constant(n); };
  Value heads = b.mul(batches, number(form.keyHeads)), chunks = number(0);
  if (form.keys)
    chunks = b.mul(heads, b.ceilDiv(keys, number(form.own)));
  if (form.queries)
    chunks = b.add(chunks,
                   b.mul(heads, b.ceilDiv(b.mul(queries, number(form.group)), number(form.own))));
  if (form.bias) {
    Value tiles[] = {batches, number(form.keyHeads * form.group),
                     b.ceilDiv(queries, number(GPUAttentionGradForm::kOther)),
                     b.ceilDiv(keys, number(GPUAttentionGradForm::kBiasKeys))};
    Value count = number(1);
    for (int64_t d = 0; d < 4; ++d)
      count = form.repeats[d] ? count : b.mul(count, tiles[d]);
    chunks = b.add(chunks, count);
  }
  b.finish(chunks, number(0), countGradientFlops(b, op, queries, keys), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUAttentionGradEmitter() {
  static const GPUOpEmitter<AttentionGradOp, GPUAttentionGrad> emitter(select);
  return &emitter;
}
