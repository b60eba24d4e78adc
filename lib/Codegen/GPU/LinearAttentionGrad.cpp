//===- LinearAttentionGrad.cpp - linear attention's gradient --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "WorkgroupMemory.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr int64_t kBlock = LinearAttentionGradFacts::kBlock;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

using Layout = GPULinearAttentionGradLayout;

Layout::GPULinearAttentionGradLayout(LinearAttentionGradOp op, const GPUTarget &target,
                                     std::optional<int64_t> chosen)
    : LinearAttentionGradFacts(op), wide(target.subgroup < 32 ? 1 : 4), deep(wide == 1 ? 8 : kDeep),
      team(std::min<int64_t>(8, target.subgroup)),
      paddedK(std::max<int64_t>(deep, llvm::alignTo(K, deep))),
      paddedD(std::max<int64_t>(deep, llvm::alignTo(D, deep))) {
  placeTables(target, chosen.value_or(target.workgroupMemory));
  if (scratch && !chosen) // each number there is moved for every block, most of them several times
    placeTables(target, mostWorkgroupMemory(target));
}

void Layout::placeTables(const GPUTarget &target, int64_t bytes) {
  memory = bytes;
  int64_t left = bytes / 4 - (wide > 1 ? threads(target) : 0);
  scratch = 0;
  slices = 1;
  auto take = [&](Extent &t, int64_t rows, int64_t pitch) {
    t = {rows, pitch, -1};
    int64_t floats = llvm::alignTo(t.floats(), 4);
    if (floats <= left) {
      left -= floats;
      return;
    }
    t.at = scratch;
    scratch += floats;
  };
  // in the order of how often they are read per number
  take(betas, delta, kBlock);
  take(bonuses, bonus, paddedK);
  take(dbonuses, bonus, paddedK);
  take(totals, scalarDecay ? 2 : 0, kBlock + 4);
  if (scalarDecay) {
    take(gates, 1, kBlock);
    take(prefix, 1, kBlock + 4);
    take(suffix, 1, kBlock + 4);
    take(pairs, kBlock, kBlock + 4);
  }
  take(own, rows(), writers());
  take(a, rows(), columns());
  take(b, rows(), columns());
  take(held, paddedK, paddedD);
  take(x, keyRow() + columns(), paddedK);
  take(u, columns(), paddedD);
  take(z, rows(), paddedD);
  if (vectorDecay) {
    take(gates, kBlock, paddedK);
    take(prefix, kBlock + 1, paddedK);
    take(suffix, kBlock, paddedK);
  }
  take(rates, delta ? kBlock : 0, paddedD / wide);
  take(crossing, decays() ? kBlock + 1 : 0, gateWidth());
  take(before, decays() && anyExclusive() ? kBlock : 0, gateWidth());
  auto fits = [&] { return rows() * sliceColumns() <= left; };
  while (wide > 1 && !fits() && sliceColumns() % 32 == 0)
    slices *= 2;
  slices = fits() ? slices : 1;
  take(seen, rows(), sliceColumns());
}

/// Four rows of four columns of the state each, in a few rounds; in fewer with narrow subgroups, as
/// a driver of such counts the turns of loops (LoopTurns.cpp).
int64_t Layout::threads(const GPUTarget &target) const {
  int64_t most = std::min<int64_t>(256, target.maxWorkgroup), share = wide == 1 ? 16 : 32;
  return std::clamp<int64_t>(llvm::bit_floor<uint64_t>(stateSize() / share), 32, most);
}

void GPULinearAttentionGrad::makeTables() {
  Value perGroup = e.add(e.index(s.scratch), e.mul(e.add(blocks, 1), s.stateSize()));
  perGroup = e.add(perGroup, e.mul(blocks, s.foundSize()));
  Value start = e.add(f.scratchStart, e.mul(f.group, perGroup));
  std::pair<Table *, Layout::Extent *> tables[] = {{&gates, &s.gates},
                                                   {&pairs, &s.pairs},
                                                   {&prefix, &s.prefix},
                                                   {&suffix, &s.suffix},
                                                   {&betas, &s.betas},
                                                   {&bonuses, &s.bonuses},
                                                   {&dbonuses, &s.dbonuses},
                                                   {&own, &s.own},
                                                   {&rates, &s.rates},
                                                   {&totals, &s.totals},
                                                   {&a, &s.a},
                                                   {&b, &s.b},
                                                   {&held, &s.held},
                                                   {&x, &s.x},
                                                   {&z, &s.z},
                                                   {&u, &s.u},
                                                   {&crossing, &s.crossing},
                                                   {&before, &s.before},
                                                   {&seen, &s.seen}};
  for (auto [table, extent] : tables) {
    if (!extent->floats())
      continue;
    bool onChip = extent->at < 0;
    *table = {onChip ? e.shared(e.f32(), extent->floats()) : f.scratchMemory,
              onChip ? e.index(0) : e.add(start, extent->at), extent->pitch};
  }
  keptStates = e.add(start, s.scratch);
  keptFound = e.add(keptStates, e.mul(e.add(blocks, 1), s.stateSize()));
}

//===----------------------------------------------------------------------===//
// Operands in, results out
//===----------------------------------------------------------------------===//

/// Whether rows of a view may be accessed several at once where it is aligned.
bool GPULinearAttentionGrad::together(const View &v, int64_t depth) const {
  return s.wide > 1 && depth % s.wide == 0 && CodeBuilder::constantOf(v.strides.back()) == 1;
}

/// Rows of the block's positions, zeros where there are none and where they are padded.
void GPULinearAttentionGrad::loadRows(const Table &to, Value row, int64_t sets, const View &from,
                                      llvm::function_ref<Value(Value)> headOfSet, int64_t depth,
                                      llvm::function_ref<Value(Value)> map) {
  int64_t width = to.pitch;
  auto load = [&](int64_t n) {
    e.forThreads(hidden(e.index(sets * kBlock * width / n)), [&](Value item) {
      Value r = e.div(item, width / n), c = e.mul(e.rem(item, width / n), n);
      Value i = sets == 1 ? r : e.rem(r, kBlock), set = sets == 1 ? e.index(0) : e.div(r, kBlock);
      Value inside = e.lt(i, count), column = c;
      if (depth != width) {
        inside = e.both(inside, e.lt(c, e.index(depth)));
        column = e.min(c, e.index(depth - 1));
      }
      Value position = e.add(first, e.min(i, e.sub(count, 1)));
      Value at = f.position(from, {batch, headOfSet(set), position, column});
      Values x;
      if (n == 1) {
        x.push_back(loadFloat(e, from, at));
      } else {
        Value v = e.convert(e.vload(from.memory, at, n), e.f32());
        for (int64_t k = 0; k < n; ++k)
          x.push_back(e.extract(v, k));
      }
      for (Value &v : x) {
        v = e.select(inside, v, e.f(0));
        v = map ? map(v) : v;
      }
      put(to, e.add(row, r), c, x);
    });
  };
  if (together(from, depth))
    e.ifThen(f.isAligned(from, s.wide), [&] { load(s.wide); }, [&] { load(1); });
  else
    load(1);
}

void GPULinearAttentionGrad::loadRows(const Table &to, int64_t row, const View &from, int64_t depth,
                                      llvm::function_ref<Value(Value)> map) {
  loadRows(to, e.index(row), 1, from, [&](Value) { return s.headOf(e, head, from); }, depth, map);
}

/// One number per position.
void GPULinearAttentionGrad::loadNumbers(const Table &to, const View &from,
                                         llvm::function_ref<Value(Value)> map) {
  e.forThreads(e.index(kBlock), [&](Value i) {
    Value position = e.add(first, e.min(i, e.sub(count, 1)));
    Value at = f.position(from, {batch, s.headOf(e, head, from), position});
    put(to, e.index(0), i, map(e.select(e.lt(i, count), loadFloat(e, from, at), e.f(0))));
  });
}

/// Four columns of a position's row.
void GPULinearAttentionGrad::storeRow(const std::optional<View> &to, Value h, Value i, Value c,
                                      ArrayRef<Value> x, int64_t depth) {
  if (!to)
    return;
  e.ifThen(e.lt(i, count), [&] {
    Value at = f.position(*to, {batch, h, e.add(first, i), c});
    auto scalars = [&] {
      for (int64_t n = 0; n < int64_t(x.size()); ++n) {
        Value inside = depth % s.deep ? e.lt(e.add(c, n), e.index(depth)) : e.boolean(true);
        e.ifThen(inside, [&] {
          f.store(e.convert(x[n], to->element), *to,
                  e.add(at, e.mul(e.index(n), to->strides.back())));
        });
      }
    };
    if (!together(*to, depth))
      return scalars();
    e.ifThen(
        f.isAligned(*to, s.wide),
        [&] { e.vstore(e.convert(e.pack(x), to->element), to->memory, at); }, scalars);
  });
}

/// The state before the first block, or the gradient of the one behind the last.
void GPULinearAttentionGrad::loadState(Value forward) {
  auto load = [&](const View &from, bool given, bool keep) {
    e.forThreads(hidden(e.index(s.stateSize())), [&](Value item) {
      Value k = e.div(item, s.paddedD), d = e.rem(item, s.paddedD), v = e.f(0);
      if (given) {
        Value inside = e.both(e.lt(k, e.index(s.K)), e.lt(d, e.index(s.D)));
        v = e.ifElse(
            inside, TypeRange{e.f32()},
            [&] { return Values{loadFloat(e, from, f.position(from, {batch, head, k, d}))}; },
            [&] { return Values{e.f(0)}; })[0];
      }
      put(held, k, d, v);
      if (keep)
        put({f.scratchMemory, keptStates, s.paddedD}, k, d, v);
    });
  };
  e.ifThen(
      forward, [&] { load(state, static_cast<bool>(op.getState()), true); },
      [&] { load(dfinal, static_cast<bool>(op.getDfinal()), false); });
}

void GPULinearAttentionGrad::storeState() {
  if (!dstate)
    return;
  e.forThreads(hidden(e.index(s.K * s.D)), [&](Value item) {
    Value k = e.div(item, s.D), d = e.rem(item, s.D);
    f.store(e.convert(get(held, k, d), dstate->element), *dstate,
            f.position(*dstate, {batch, head, k, d}));
  });
}

void GPULinearAttentionGrad::loadBonus() {
  if (!s.bonus)
    return;
  e.forThreads(e.index(s.paddedK), [&](Value c) {
    Value at = f.position(bonus, {s.headOf(e, head, bonus, 0), e.min(c, e.index(s.K - 1))});
    Value inside = e.lt(c, e.index(s.K));
    put(bonuses, e.index(0), c, e.select(inside, loadFloat(e, bonus, at), e.f(0)));
    put(dbonuses, e.index(0), c, e.f(0));
  });
}

void GPULinearAttentionGrad::storeBonus() {
  if (!dbonus)
    return;
  e.forThreads(e.index(s.K), [&](Value c) {
    f.store(e.convert(get(dbonuses, e.index(0), c), dbonus->element), *dbonus,
            f.position(*dbonus, {batch, head, c}));
  });
}

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

/// Row i of `pairs` has the products of the decays of the positions between those before i and it.
/// `prefix` are those before a position, `suffix` behind it.
void GPULinearAttentionGrad::prepareScalarGates() {
  e.forThreads(e.index(kBlock + 1), [&](Value j) {
    Values ends = e.forLoop(e.index(0), e.index(kBlock), e.index(1), Values{e.f(1), e.f(0)},
                            [&](Value i, ValueRange in) {
                              put(pairs, i, j, in[1]);
                              Value gate = get(gates, e.index(0), i);
                              Value up = e.select(e.lt(i, j), e.mulf(in[0], gate), in[0]);
                              Value from = e.select(e.eq(i, j), e.f(1), e.mulf(in[1], gate));
                              return Values{up, from};
                            });
    put(prefix, e.index(0), j, ends[0]);
    put(suffix, e.index(0), j, ends[1]);
  });
}

void GPULinearAttentionGrad::prepareChannelGates() {
  auto run = [&](Value c, bool up) {
    return e.forLoop(e.index(0), e.index(kBlock), e.index(1), Values{e.f(1)},
                     [&](Value step, ValueRange in) {
                       Value i = up ? step : e.sub(e.index(kBlock - 1), step);
                       put(up ? prefix : suffix, i, c, in[0]);
                       return Values{e.mulf(in[0], get(gates, i, c))};
                     })[0];
  };
  e.forThreads(e.index(2 * s.paddedK), [&](Value item) {
    Value c = e.rem(item, s.paddedK);
    e.ifThen(
        e.lt(item, e.index(s.paddedK)), [&] { put(prefix, e.index(kBlock), c, run(c, true)); },
        [&] { run(c, false); });
  });
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void GPULinearAttentionGrad::enterBlock(Value forward) {
  auto exp = [&](Value v) { return Value(math::ExpOp::create(e, v)); };
  auto same = [](Value v) { return v; };
  loadRows(x, s.keyRow(), k, s.K);
  if (s.erase) {
    loadRows(x, s.eraseRow(), eraseA, s.K);
    loadRows(x, s.keyRow() + kBlock, eraseB, s.K);
  }
  if (s.delta)
    loadNumbers(betas, beta, same);
  if (s.scalarDecay)
    loadNumbers(gates, decay, exp);
  if (s.vectorDecay)
    loadRows(gates, 0, decay, s.K, exp);
  // on the way back the delta rule's values are what it found
  e.ifThen(s.delta ? forward : e.boolean(true), [&] { loadRows(u, 0, v, s.D); });
  e.ifThen(
      forward, [] {},
      [&] {
        auto queryOf = [&](Value g) { return s.queryHead(e, head, g, q); };
        auto outputOf = [&](Value g) { return e.add(e.mul(head, s.group), g); };
        auto scaled = [&](Value v) { return s.scale == 1 ? v : e.mulf(v, e.f(s.scale)); };
        loadRows(x, e.index(0), s.group, q, queryOf, s.K);
        loadRows(z, e.index(0), s.group, dout, outputOf, s.D, scaled);
      });
}

/// What needs several of the operands.
void GPULinearAttentionGrad::prepareBlock(Value forward) {
  if (s.scalarDecay)
    prepareScalarGates();
  if (s.vectorDecay)
    prepareChannelGates();
  if (!s.solves())
    return;
  int64_t across = s.paddedD / s.wide, last = (s.writers() - 1) * kBlock;
  e.ifThen(
      forward, [] {},
      [&] {
        e.forThreads(e.index(kBlock * across), [&](Value item) {
          Value i = e.div(item, across), d = e.mul(e.rem(item, across), s.wide);
          Values written = get(found, i, d, s.wide);
          for (Value &v : written) {
            v = e.select(e.lt(i, count), v, e.f(0));
            v = s.delta ? e.mulf(v, get(betas, e.index(0), i)) : v;
          }
          put(u, e.add(i, last), d, written);
        });
      });
}

/// A barrier, behind which positions are computed anew: compilers would move all that depend on the
/// thread alone to the front of the kernel, and have no registers left.
void GPULinearAttentionGrad::meet() {
  e.barrier();
  if (numbers)
    e.thread = e.toIndex(e.load(numbers, self));
}

void GPULinearAttentionGrad::forwardBlock() {
  llvm::SaveAndRestore thread(e.thread);
  if (s.solves()) {
    meet();
    findErased();
    meet();
    solveForward();
    meet();
  }
  advanceState();
}

void GPULinearAttentionGrad::backwardBlock() {
  llvm::SaveAndRestore thread(e.thread);
  outputScores(0, s.eraseRow());
  if (s.decays())
    crossState();
  meet();
  if (s.solves()) {
    erasedGrads();
    meet();
    solveBack();
    meet();
    outputScores(s.eraseRow(), kBlock);
    meet();
  }
  rowGrads();
  valueGrads();
  meet();
  sumOverRows();
  if (s.bonus)
    bonusGrads();
  if (s.scalarDecay)
    meet();
  if (ddecay)
    decayGrads();
  advanceGrad();
}

void GPULinearAttentionGrad::walk(Value pass) {
  llvm::SaveAndRestore thread(e.thread);
  Value forward = e.eq(pass, e.index(0));
  loadState(forward);
  meet();
  e.forLoop(blocks, [&](Value number) {
    llvm::SaveAndRestore inner(e.thread);
    Value block = e.select(forward, number, e.sub(e.sub(blocks, 1), number));
    first = e.mul(block, kBlock);
    count = e.min(e.index(kBlock), e.sub(q.sizes[2], first));
    Value at = e.add(keptStates, e.mul(block, s.stateSize()));
    stateBefore = {f.scratchMemory, at, s.paddedD};
    stateAfter = {f.scratchMemory, e.add(at, s.stateSize()), s.paddedD};
    found = {f.scratchMemory, e.add(keptFound, e.mul(block, s.foundSize())), s.paddedD};
    enterBlock(forward);
    meet();
    prepareBlock(forward);
    meet();
    if (s.solves())
      scores(e.select(forward, e.index(s.eraseRow()), e.index(0)));
    else
      e.ifThen(forward, [] {}, [&] { scores(e.index(0)); });
    e.ifThen(forward, [&] { forwardBlock(); }, [&] { backwardBlock(); });
    meet();
  });
}

LogicalResult GPULinearAttentionGrad::emit() {
  if (failed(bind(op, f)))
    return failure();
  head = e.rem(f.group, s.stateHeads);
  batch = e.div(f.group, s.stateHeads);
  blocks = e.ceilDiv(q.sizes[2], kBlock);
  makeTables();
  if (s.wide > 1) {
    e.keepInRegisters(); // there is one workgroup per head
    self = e.thread;
    numbers = e.shared(e.getI32Type(), e.threads);
    e.store(e.toInt(self, e.getI32Type()), numbers, self);
    e.barrier();
  }
  loadBonus();
  e.forLoop(e.index(2), [&](Value pass) { walk(pass); });
  storeState();
  storeBonus();
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(LinearAttentionGradOp op, exec::KernelOp kernel,
                            const GPUTarget &target) {
  if (failed(expectGradientsPerHead(op)))
    return failure();
  Layout s(op, target);
  setStrategy(kernel, {{kThreads, s.threads(target)}, {"block", kBlock}, {kMemory, s.memory}});
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}});
  if (failed(sizes))
    return failure();
  auto [batch, length] = *sizes;
  Value blocks = b.ceilDiv(length, b.constant(kBlock)),
        groups = b.mul(batch, b.constant(s.stateHeads));
  Value floats = b.add(b.constant(s.scratch + s.stateSize()),
                       b.mul(blocks, b.constant(s.stateSize() + s.foundSize())));
  Value flops = b.mul({batch, length, b.constant(2 * s.gradCost() * s.stateHeads * s.K * s.D)});
  b.finish(groups, b.mul(groups, b.mul(floats, b.constant(4))), flops, bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPULinearAttentionGradEmitter() {
  static const GPUOpEmitter<LinearAttentionGradOp, GPULinearAttentionGrad> emitter(select);
  return &emitter;
}
