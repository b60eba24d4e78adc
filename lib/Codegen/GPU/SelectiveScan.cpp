//===- SelectiveScan.cpp - Mamba's state space recurrence on GPUs -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SelectiveScan.h"
#include "../Activations.h"
#include "Emitters.h"
#include "GPUOpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Bytes of workgroup memory that states and rates may take.
constexpr int64_t kStateBytes = 8 << 10;

bool keepsStates(int64_t states, int64_t channels) {
  return 2 * 4 * states * channels <= kStateBytes;
}

class Kernel : ScanViews, GPUScanThreads {
public:
  Kernel(SelectiveScanOp op, GPUKernelFrame &frame)
      : GPUScanThreads(frame, statesOf(op), 16), op(op),
        local(keepsStates(GPUScanThreads::states, form.channels)) {}
  LogicalResult emit();

private:
  void beginStates();
  void endStates();
  void emitPanel(Value first);
  Values advance(Value inGroup, Value state, ValueRange sums);
  Values beginSums(const Values &raw);
  void finish(Values sums);

  SelectiveScanOp op;
  bool local;
  Homes homes;
  Value bRows, cRows;
  Values steps, inputs;
};

} // namespace

LogicalResult Kernel::emit() {
  if (failed(bind(f, op)))
    return failure();
  place(u);
  Value start;
  if (!local)
    start = e.add(f.scratchStart, e.mul(f.group, states * form.channels));
  homes = makeHomes(local, 0, start);
  loadRates(a, local);
  beginStates();
  bRows = makeRows();
  if (out)
    cRows = makeRows();
  if (form.segments > 1)
    makeExchange(4);
  e.forLoop(e.index(0), length, e.index(form.panel()), [&](Value first) { emitPanel(first); });
  if (finalState)
    endStates();
  return success();
}

// States belong to the threads of segment 0: they alone touch them, so that the final state may
// lie where the state is.
void Kernel::beginStates() {
  e.ifThen(isFirst, [&] {
    forStates([&](Value n) {
      e.store(stateOf(state, bool(op.getState()), n), homes.memory, homeAt(homes, n));
    });
  });
}

void Kernel::endStates() {
  e.ifThen(e.both(isFirst, there), [&] {
    forStates([&](Value n) {
      Value h = e.load(homes.memory, homeAt(homes, n));
      e.store(h, finalState->memory, f.position(*finalState, {batch, channel, n}));
    });
  });
}

void Kernel::emitPanel(Value first) {
  enterPanel(first);
  Values raw = zeroAbsent(load(u));
  steps = loadSteps(delta, bias, bool(op.getDeltaBias()), op.getSoftplus());
  inputs = each(vectors(), [&](int64_t i) { return e.mulf(steps[i], raw[i]); });
  Values sums = forGroups(beginSums(raw), [&](Value from, Value count, ValueRange in) {
    e.barrier(); // the rows before have been read
    fillRows(b, bRows, from);
    if (out)
      fillRows(c, cRows, from);
    e.barrier();
    return e.forLoop(e.index(0), count, e.index(1), in,
                     [&](Value n, ValueRange inner) { return advance(n, e.add(from, n), inner); });
  });
  if (out)
    finish(sums);
}

/// One state over the panel; what outputs read of it is added to `sums`.
Values Kernel::advance(Value inGroup, Value state, ValueRange sums) {
  Value rate = e.splat(rateOf(state), wide());
  Values keep = each(vectors(), [&](int64_t i) { return e.exp2Fast(e.mulf(steps[i], rate)); });
  Values added =
      each(vectors(), [&](int64_t i) { return e.mulf(inputs[i], rowOf(bRows, inGroup, i)); });
  // products and sums of two states take turns, so that one barrier per state is enough
  Value row = e.mul(e.rem(inGroup, 2), 2);
  Value h = walk(keep, added, homes.memory, homeAt(homes, state), row);
  Values after;
  for (int64_t i = 0; i < form.steps; ++i)
    after.push_back(h = e.fma(scalarOf(keep, i), h, scalarOf(added, i)));
  if (!out)
    return Values(sums);
  after = fromScalars(after);
  return each(vectors(),
              [&](int64_t i) { return e.fma(after[i], rowOf(cRows, inGroup, i), sums[i]); });
}

Values Kernel::beginSums(const Values &raw) {
  if (!op.getSkip())
    return zeros();
  Value direct = e.splat(loadChannel(skip, true), wide());
  return each(vectors(), [&](int64_t i) { return e.mulf(direct, raw[i]); });
}

void Kernel::finish(Values sums) {
  if (op.getGate()) {
    Values gates = load(gate);
    for (int64_t i = 0; i < vectors(); ++i)
      sums[i] = e.mulf(sums[i], silu(e, gates[i]));
  }
  store(sums, *out);
}

// Many channels of few positions, or few channels of many.
static GPUScanForm formOf(SelectiveScanOp op) {
  GPUScanForm form = GPUScanForm::choose(16, 16, op.getU().getType().getDimSize(1));
  form.channels = form.segments >= 16 ? 16 : form.segments == 8 ? 32 : 64;
  return form;
}

static LogicalResult select(SelectiveScanOp op, exec::KernelOp kernel, const GPUTarget &) {
  GPUScanForm form = formOf(op);
  form.write(kernel);
  LaunchBuilder b(kernel);
  FailureOr<ScanSizes> sizes = ScanSizes::of(b, op);
  if (failed(sizes))
    return failure();
  Value groups = sizes->parts(b, form.channels);
  bool local = keepsStates(statesOf(op), form.channels);
  int64_t bytes = local ? 0 : 4 * statesOf(op) * form.channels;
  b.finish(groups, bytes ? b.mul(groups, b.constant(bytes)) : b.constant(0), sizes->flops(b, op),
           bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUSelectiveScanEmitter() {
  static const GPUOpEmitter<SelectiveScanOp, Kernel> emitter(select);
  return &emitter;
}
