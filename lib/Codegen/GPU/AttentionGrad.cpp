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

/// Of exchanges between the threads of a row.
static constexpr int64_t kReserve = 256;

GPUAttentionGradForm::GPUAttentionGradForm(AttentionGradOp op, const GPUTarget &target) {
  keyHeads = op.getK().getType().getDimSize(1);
  group = op.getGroupSize();
  keyDepth = op.getQ().getType().getDimSize(3);
  valueDepth = op.getV().getType().getDimSize(3);
  keys = !op.getDk().use_empty() || !op.getDv().use_empty();
  queries = !op.getDq().use_empty();
  bias = op.getDbias() && !op.getDbias().use_empty();
  if (bias) {
    auto shape = cast<RankedTensorType>(op.getBias().getType()).getShape();
    int64_t missing = 4 - static_cast<int64_t>(shape.size());
    for (int64_t d = 0; d < 4; ++d)
      repeats[d] = d < missing || shape[d - missing] == 1;
  }
  // the more is its own, the less often a workgroup's other side is read
  static constexpr std::pair<int64_t, int64_t> kTiles[] = {
      {64, 32}, {32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 8}, {4, 4}, {2, 2}, {1, 1}};
  for (auto tile : kTiles)
    for (bool both : {true, false}) {
      std::tie(own, other) = tile;
      together = both;
      lay();
      if ((both || own <= 32) && 4 * floats + kReserve <= target.workgroupMemory)
        return;
    }
}

int64_t GPUAttentionGradForm::otherAt(bool gradients) const {
  int64_t first = own * (pitch(keyDepth) + pitch(valueDepth));
  return gradients && together ? first + other * pitch(keyDepth) : first;
}

void GPUAttentionGradForm::lay() {
  int64_t a = pitch(keyDepth), b = pitch(valueDepth), rows = std::max(own, other);
  int64_t next = otherAt(false);
  auto take = [&](int64_t floats) { return std::exchange(next, next + llvm::alignTo(floats, 4)); };
  take(other * (together ? a + b : std::max(a, b)));
  scoresAt = take(other * scorePitch());
  gradsAt = take(other * scorePitch());
  biasAt = take(bias ? other * scorePitch() : 0);
  lseAt = take(rows);
  totalAt = take(rows);
  floats = next;
}

/// With the fewest sums of a thread, so that the fewest of them do not exist.
GPUAttentionGradForm::Spread GPUAttentionGradForm::spread(int64_t depth) const {
  Spread best{};
  for (int64_t many : {4, 2, 1}) {
    if (many > own)
      continue;
    Spread now{many, kThreads / (own / many), 0};
    now.fours = llvm::divideCeil(llvm::divideCeil(depth, 4), now.lanes);
    if (!best.own || now.size() < best.size())
      best = now;
  }
  return best;
}

GPUAttentionGradForm::Scores GPUAttentionGradForm::scores() const {
  Scores s;
  int64_t sums = std::max<int64_t>(4, own * other / kThreads);
  s.own = std::min<int64_t>(own, sums > 4 ? 4 : 2);
  s.other = std::min(other, sums / s.own);
  s.ownLanes = own / s.own;
  s.otherLanes = other / s.other;
  s.parts = kThreads / (s.ownLanes * s.otherLanes);
  return s;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult GPUAttentionGrad::bind() {
  if (failed(bindGradient(op, f, {&q, &k, &v})) || failed(bindMasks()) || failed(bindDropout()))
    return failure();
  if (dbias)
    dbias = broadcastToScores(*dbias);
  alignedQ = f.isAligned(q, 4);
  alignedK = f.isAligned(k, 4);
  alignedV = f.isAligned(v, 4);
  alignedO = f.isAligned(o, 4);
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
  e.keepInRegisters();
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
  stageOwn(own);
  Values sums(all, e.f(0));
  SmallVector<Type> types(all, e.f32());
  auto add = [&](const Step &s, ValueRange carried) {
    makeWeights(s, false);
    Values next;
    e.barrier();
    if (dv)
      next = addProducts(s, true, form.scoresAt, carried.take_front(values));
    if (!dk)
      return next;
    if (!form.together) {
      e.barrier(); // the output gradients have been read
      stageOther(s.other, false);
      e.barrier();
    }
    llvm::append_range(next, addProducts(s, false, form.gradsAt, carried.drop_front(values)));
    return next;
  };
  sums = e.forLoop(
      e.index(0), rowCount, e.index(form.other), sums, [&](Value row, ValueRange carried) {
        Step s{own, rowTile(form.other, row)};
        return e.ifElse(
            seesTile(s), types, [&] { return add(s, carried); }, [&] { return Values(carried); });
      });
  if (dv)
    storeSums(*dv, own, k.sizes[2], form.valueDepth, ValueRange(sums).take_front(values), 1);
  auto cap = op.getSoftcapAttr();
  if (dk) // the rest of the scale: queries have the factor already
    storeSums(*dk, own, k.sizes[2], form.keyDepth, ValueRange(sums).drop_front(values),
              cap ? cap.getValueAsDouble() : 1);
}

void GPUAttentionGrad::emitQueries(Value number) {
  Value tiles = e.ceilDiv(e.mul(q.sizes[2], form.group), form.own);
  findHead(e.div(number, tiles));
  Tile own = rowTile(form.own, e.mul(e.rem(number, tiles), form.own));
  stageOwn(own);
  e.barrier();
  packRows(own, form.ownAt(true));
  KeyRange seen = keysOfRows(own);
  Value from = e.mul(e.div(seen.first, form.other), form.other);
  Values sums(sumsOf(form.keyDepth), e.f(0));
  sums = e.forLoop(from, seen.last, e.index(form.other), sums, [&](Value key, ValueRange carried) {
    Step s{own, keyTile(form.other, key)};
    makeWeights(s, false);
    e.barrier();
    return addProducts(s, false, form.gradsAt, carried);
  });
  storeSums(*dq, own, rowCount, form.keyDepth, sums, scale());
}

/// What a thread has of its rows or keys, in fours of elements.
void GPUAttentionGrad::storeSums(const View &to, const Tile &own, Value count, int64_t depth,
                                 ValueRange sums, double factor) {
  const GPUAttentionGradForm::Spread t = form.spread(depth);
  int64_t many = t.own, lanes = t.lanes, fours = t.fours;
  Value aligned = f.isAligned(to, 4);
  Value first = e.mul(e.div(e.thread, lanes), many), lane = e.rem(e.thread, lanes);
  auto storeFour = [&](Value start, Value column, ValueRange x) {
    Value at = e.add(start, e.mul(column, to.strides[3]));
    e.ifThen(
        e.both(aligned, e.le(e.add(column, 4), e.index(depth))),
        [&] { e.vstore(e.convert(e.pack(x), to.element), to.memory, at); },
        [&] {
          for (int64_t j = 0; j < 4; ++j)
            e.ifThen(e.lt(e.add(column, j), e.index(depth)), [&] {
              f.store(e.convert(x[j], to.element), to, e.add(at, e.mul(to.strides[3], j)));
            });
        });
  };
  for (int64_t i = 0; i < many; ++i) {
    Value number = e.add(own.first, e.add(first, i));
    e.ifThen(e.lt(number, count), [&] {
      Value start = positionOf(to, own, number);
      for (int64_t n = 0; n < fours; ++n) {
        Values x;
        for (int64_t j = 0; j < 4; ++j)
          x.push_back(e.mulf(sums[(n * many + i) * 4 + j], e.f(factor)));
        storeFour(start, e.mul(e.add(lane, n * lanes), 4), x);
      }
    });
  }
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(AttentionGradOp op, exec::KernelOp kernel, const GPUTarget &target) {
  if (failed(verifyStaticHeads(op, op.getQ().getType(), op.getK().getType(), op.getV().getType())))
    return failure();
  GPUAttentionGradForm form(op, target);
  setStrategy(kernel, {{kThreads, GPUAttentionGradForm::kThreads},
                       {"own", form.own},
                       {"other", form.other},
                       {"together", form.together}});
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
                     b.ceilDiv(queries, number(form.other)), b.ceilDiv(keys, number(form.own))};
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
