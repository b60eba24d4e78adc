//===- Attention.cpp - softmax attention on GPUs ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult GPUAttention::bind() {
  if (failed(bindOperands(frame, {{op.getQ(), &q}, {op.getK(), &k}, {op.getV(), &v}})) ||
      failed(bindMasks()) || failed(bindDropout()) ||
      failed(bindResults(frame, {{op.getO(), &out}, {op.getLse(), &lse}})))
    return failure();
  alignedQ = frame.isAligned(q, 4);
  alignedK = frame.isAligned(k, 4);
  alignedV = frame.isAligned(v, 4);
  if (out)
    alignedOut = frame.isAligned(*out, 4);
  return success();
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// Parts of the keys, blocks of columns, blocks of rows, heads: the first changes fastest. Where
/// later rows see more keys they come first.
void GPUAttention::findChunk() {
  Value chunk = frame.group;
  if (auto size = op.getPart()) {
    Value parts = e.ceilDiv(k.sizes[2], *size);
    keyPart = e.rem(chunk, parts);
    chunk = e.div(chunk, parts);
  }
  firstColumn = e.mul(e.rem(chunk, form.columnBlocks()), form.columns);
  chunk = e.div(chunk, form.columnBlocks());
  total = e.mul(q.sizes[2], form.group);
  Value blocks = e.ceilDiv(total, form.rows), head = e.div(chunk, blocks);
  Value block = e.rem(chunk, blocks);
  if (masks.getReachAfter())
    block = e.sub(e.sub(blocks, 1), block);
  chunkStart = e.mul(block, form.rows);
  batch = e.div(head, form.keyHeads);
  keyHead = e.rem(head, form.keyHeads);
  lane = e.rem(e.thread, kTeam);
  team = e.div(e.thread, kTeam);
}

/// A part of the keys is all that its workgroups see.
GPUAttention::KeyRange GPUAttention::keysOf(Value query) {
  KeyRange keys = visibleKeys(query);
  if (!keyPart)
    return keys;
  Value begin = e.mul(keyPart, *op.getPart());
  keys.first = e.max(keys.first, begin);
  keys.last = e.max(e.min(keys.last, e.add(begin, *op.getPart())), keys.first);
  return keys;
}

/// Both ends of the keys that a row sees grow with the row.
void GPUAttention::findKeys() {
  loadKeyLimits();
  firstRowKeys = keysOf(rowAt(e.index(0)).query);
  lastRowKeys = keysOf(rowAt(e.index(form.rows - 1)).query);
}

Value GPUAttention::outputAt(const View &result, Values coordinates) {
  if (keyPart)
    coordinates.insert(coordinates.begin(), keyPart);
  return frame.position(result, coordinates);
}

/// Four elements along the last dimension, whose first is number `column` of `depth`, in f32. What
/// lies behind is zero, all of it where `present` is false. Columns are below `depth` rounded up to
/// `step`.
Value GPUAttention::load4(const View &v, Value position, Value column, int64_t depth, int64_t step,
                          Value aligned, Value present) {
  bool whole = depth % step == 0;
  Type four = e.vec(v.element, 4);
  // elements that are not there repeat the last one, then become zero
  auto lanes = [&] {
    Values x;
    for (int64_t i = 0; i < 4; ++i) {
      Value at = e.add(column, i);
      Value read = whole ? at : e.min(at, e.index(depth - 1));
      Value offset = e.mul(whole ? e.index(i) : e.sub(read, column), v.strides.back());
      Value element = frame.load(v, e.add(position, offset));
      x.push_back(whole ? element : e.select(e.lt(at, e.index(depth)), element, e.zero(v.element)));
    }
    return Values{e.pack(x)};
  };
  Value together = whole ? aligned : e.both(aligned, e.le(e.add(column, 4), e.index(depth)));
  auto load = [&] {
    return e.ifElse(
        together, TypeRange{four}, [&] { return Values{e.vload(v.memory, position, 4)}; }, lanes);
  };
  Value x = e.ifElse(present, TypeRange{four}, load, [&] { return Values{e.zero(four)}; })[0];
  return e.convert(x, e.f32());
}

//===----------------------------------------------------------------------===//
// Soft cap, biases and masks
//===----------------------------------------------------------------------===//

/// Of the scores that this thread softens next. Inside of every row's interval nothing is hidden.
void GPUAttention::adjust(Value key) {
  Value needed =
      e.either(e.lt(key, lastRowKeys.first), e.lt(firstRowKeys.last, e.add(key, form.keys)));
  if (op.getSoftcapAttr() || op.getBias() || op.getAlibiSlopes() || hidesSingleKeys())
    needed = e.boolean(true);
  e.ifThen(needed, [&] {
    e.forLoop(e.index(form.wide * form.vectors),
              [&](Value i) { adjustRow(key, e.add(ownRow, i)); });
  });
}

void GPUAttention::adjustRow(Value key, Value r) {
  Row row = rowAt(r);
  KeyRange keys = keysOf(row.query);
  Value slope = op.getAlibiSlopes() ? alibiSlope(row) : Value();
  e.forLoop(e.index(form.threadKeys), [&](Value j) {
    Value place = e.add(ownKey, e.mul(j, kTeam)), at = e.add(e.mul(place, form.pitch), r);
    Value number = e.add(key, place), x = e.load(work, at);
    KeyLanes inRange = keysFrom(number);
    if (auto cap = op.getSoftcapAttr())
      x = e.mulf(math::TanhOp::create(e, x), e.f(cap.getValueAsDouble()));
    if (op.getBias())
      x = addBias(x, row, number, inRange);
    if (slope) {
      Value distance = e.sub(number, e.add(position, row.query));
      distance = arith::SIToFPOp::create(e, e.f32(), e.toInt(distance, e.getI32Type()));
      x = e.fma(slope, distance, x);
    }
    Value seen = visible(row, keys, number, inRange);
    e.store(e.select(seen, x, e.f(-INFINITY)), work, at);
  });
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

Values GPUAttention::flatten(const State &s) {
  return llvm::to_vector(llvm::concat<const Value>(s.top, s.sum, s.output));
}

GPUAttention::State GPUAttention::unflatten(ValueRange values) {
  unsigned n = form.vectors;
  return {Values(values.take_front(n)), Values(values.slice(n, n)),
          Values(values.drop_front(2 * n))};
}

Values GPUAttention::reduceRows(ValueRange vectors,
                                llvm::function_ref<Value(Value, Value)> combine) {
  Values rows, result;
  for (Value v : vectors)
    for (int64_t i = 0; i < form.wide; ++i)
      rows.push_back(pick(v, i));
  rows = e.reduceTeam(rows, kTeam, [&](ValueRange a, ValueRange b) {
    Values out;
    for (auto [x, y] : llvm::zip_equal(a, b))
      out.push_back(combine(x, y));
    return out;
  });
  for (size_t i = 0; i < rows.size(); i += form.wide)
    result.push_back(form.wide == 1 ? rows[i] : e.pack(ArrayRef(rows).slice(i, form.wide)));
  return result;
}

/// Scores of this thread become weights; maximum, sum and output so far follow.
GPUAttention::State GPUAttention::soften(State s) {
  auto at = [&](int64_t vector, int64_t j) {
    Value place = e.add(ownKey, j * kTeam);
    return e.add(e.mul(place, form.pitch), e.add(ownRow, vector * form.wide));
  };
  SmallVector<Values> scores(form.vectors);
  Values before = s.top;
  for (int64_t i = 0; i < form.vectors; ++i)
    for (int64_t j = 0; j < form.threadKeys; ++j) {
      scores[i].push_back(loadRows(work, at(i, j)));
      s.top[i] = e.maxf(scores[i].back(), s.top[i]);
    }
  s.top = reduceRows(s.top, [&](Value a, Value b) { return e.maxf(a, b); });
  for (int64_t i = 0; i < form.vectors; ++i) {
    Value factor = e.expNonPositive(e.subf(before[i], s.top[i])), sum;
    for (int64_t j = 0; j < form.threadKeys; ++j) {
      Value weight = e.expNonPositive(e.subf(scores[i][j], s.top[i]));
      storeRows(weight, work, at(i, j));
      sum = sum ? e.addf(sum, weight) : weight;
    }
    s.sum[i] = e.fma(s.sum[i], factor, sum);
    for (int64_t c = 0; c < form.threadColumns(); ++c) {
      Value &x = s.output[i * form.threadColumns() + c];
      x = e.mulf(x, factor);
    }
  }
  return s;
}

/// Weights of the step that are dropped become zero; the sums have seen them already. A thread
/// makes four numbers at once, of keys that lie together.
void GPUAttention::drop(Value key) {
  Type i64 = e.i64();
  auto add = [&](Value a, Value b) -> Value { return arith::AddIOp::create(e, a, b); };
  e.barrier();
  e.forThreads(e.index(form.rows * (form.keys / 4 + 1)), [&](Value n) {
    Value r = e.rem(n, form.rows), four = e.div(n, form.rows);
    Value first =
        arith::MulIOp::create(e, e.toInt(rowNumber(rowAt(r)), i64), e.toInt(k.sizes[2], i64));
    first = add(first, e.toInt(key, i64));
    Value counter = arith::ShRUIOp::create(e, first, e.iconst(i64, 2));
    Value skipped = e.toIndex(Value(arith::AndIOp::create(e, first, e.iconst(i64, 3))));
    Value start = e.sub(e.mul(four, 4), skipped);
    std::array<Value, 4> factors = dropout->factors(add(counter, e.toInt(four, i64)));
    for (int64_t i = 0; i < 4; ++i) {
      Value place = e.add(start, i);
      e.ifThen(e.both(e.ge(place, e.index(0)), e.lt(place, e.index(form.keys))), [&] {
        Value at = e.add(e.mul(place, form.pitch), r);
        e.store(e.mulf(e.load(work, at), factors[i]), work, at);
      });
    }
  });
}

/// A row that saw no key gives zeros, and -inf. A NaN in the sum stays.
Value GPUAttention::inverse(Value sum) {
  Value none = e.zero(sum.getType());
  Value empty = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, sum, none);
  return e.select(empty, none, e.divf(e.fconst(sum.getType(), 1), sum));
}

Value GPUAttention::logOfSum(Value top, Value sum) {
  Type t = sum.getType();
  Value empty = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, sum, e.zero(t));
  return e.select(empty, e.fconst(t, -INFINITY), e.addf(top, math::LogOp::create(e, sum)));
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

LogicalResult GPUAttention::emit() {
  if (failed(bind()))
    return failure();
  e.keepInRegisters();
  findChunk();
  findKeys();
  queries = e.shared(e.f32(), form.queryFloats());
  work = e.shared(e.f32(), form.workFloats());
  if (form.decode)
    fewRows();
  else
    tiles();
  return success();
}

static LogicalResult select(AttentionOp op, exec::KernelOp kernel, const GPUTarget &target) {
  if (failed(verifyStaticHeads(op, op.getQ().getType(), op.getK().getType(), op.getV().getType())))
    return failure();
  auto form = GPUAttentionForm::choose(op, target);
  setStrategy(kernel, {{kThreads, form.threads},
                       {"rows", form.rows},
                       {"keys", form.keys},
                       {"columns", form.columns}});
  setForm(kernel, form.name());
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}, {op.getK(), 2}});
  if (failed(sizes))
    return failure();
  auto [batches, queries, keys] = *sizes;
  Value blocks = b.ceilDiv(b.mul(queries, b.constant(form.group)), b.constant(form.rows));
  Value parts = op.getPart() ? b.ceilDiv(keys, b.constant(*op.getPart())) : b.constant(1);
  b.finish(b.mul({batches, b.constant(form.keyHeads * form.columnBlocks()), blocks, parts}),
           b.constant(0), attentionFlops(b, op, queries, keys), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUAttentionEmitter() {
  static const GPUOpEmitter<AttentionOp, GPUAttention> emitter(select);
  return &emitter;
}
