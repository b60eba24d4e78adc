//===- SelectiveScan.h - what the scan and its gradient share ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup has some channels of one sequence and goes over their positions in panels. A panel
// is cut into segments, one per thread and channel; neighbouring threads have neighbouring
// channels, so that rows are read together. What a segment does to a state is a product and a
// sum: threads find those from zero, exchange them, and then walk their segment from the state
// that it really begins with. Positions and channels that are not there have steps of zero, which
// leave states as they are.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_SELECTIVESCAN_H
#define LINNET_LIB_CODEGEN_GPU_SELECTIVESCAN_H

#include "../Scans.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Rates are in base 2: exp(d * a) = 2^(d * a * log2(e)).
inline constexpr double kScanLog2E = 1.4426950408889634;

struct GPUScanForm {
  int64_t channels = 0; ///< of a workgroup
  int64_t segments = 0; ///< of a panel
  int64_t steps = 0;    ///< positions of a segment: 2, 4 or 8
  int64_t threads() const { return channels * segments; }
  int64_t panel() const { return segments * steps; }
  /// At most so many segments; fewer where the length is known to be short.
  static GPUScanForm choose(int64_t channels, int64_t segments, int64_t length);
  static GPUScanForm of(const KernelViews &frame);
  void write(exec::KernelOp kernel) const;
};

/// The base of both kernels: who does what, and numbers of a thread's positions, which are kept
/// as `vectors()` vectors of `wide()` positions.
class GPUScanThreads {
protected:
  /// Rows of at most `mostAtOnce` states, a multiple of 4, lie in workgroup memory at once.
  GPUScanThreads(GPUKernelFrame &frame, int64_t states, int64_t mostAtOnce)
      : f(frame), e(frame.e), form(GPUScanForm::of(frame)), states(states),
        atOnce(std::clamp<int64_t>(llvm::alignTo(states, 4), 4, mostAtOnce)) {}
  /// Finds the thread's place. `u` is [B,L,C].
  void place(const View &u);
  int64_t wide() const { return std::min<int64_t>(4, form.steps); }
  int64_t vectors() const { return form.steps / wide(); }
  Values zeros() { return Values(vectors(), e.zero(e.vec(e.f32(), wide()))); }

  /// The positions of the panel that begins at `first`.
  void enterPanel(Value first);
  /// Numbers of the thread's positions and channel; what is not there is that of a neighbour.
  Values load(const View &v);
  /// Whether the thread's i-th position is there.
  Value has(int64_t i) { return e.lt(e.index(i), count); }
  Values zeroAbsent(Values x);
  void store(Values x, const View &v);
  Value scalarOf(const Values &x, int64_t step) {
    return e.extract(x[step / wide()], step % wide());
  }
  Values fromScalars(ValueRange x);
  Values each(int64_t count, llvm::function_ref<Value(int64_t)> make);
  /// One number per channel, [C] or absent: null.
  Value loadChannel(const View &v, bool has);
  /// The steps of the thread's positions; 0 where none is there.
  Values loadSteps(const View &delta, const View &bias, bool hasBias, bool isSoftplus);

  /// Rows of states: [states at once][positions of the panel].
  int64_t pitch() const { return form.panel() + 4; }
  Value makeRows() { return e.shared(e.f32(), atOnce * pitch()); }
  /// Fills rows from b or c, [B,L,N], from state `from` on.
  void fillRows(const View &v, Value rows, Value from);
  /// A vector of the thread's positions in row `state`.
  Value rowOf(Value rows, Value state, int64_t vector);
  Values rowsOf(Value rows, Value state) {
    return each(vectors(), [&](int64_t i) { return rowOf(rows, state, i); });
  }
  /// Calls for all groups of states: the first, how many.
  Values forGroups(Values init, llvm::function_ref<Values(Value, Value, ValueRange)> body);
  void forStates(llvm::function_ref<void(Value)> body) {
    if (states)
      e.forLoop(e.index(states), body);
  }

  /// One number per state and channel that only one thread per channel uses, or that is written
  /// once: in workgroup memory where there is space for it, in scratch from `row` rows on
  /// otherwise.
  struct Homes {
    Value memory, base;
  };
  Homes makeHomes(bool local, int64_t row, Value groupStart);
  Value homeAt(const Homes &homes, Value state) {
    return e.add(homes.base, e.add(e.mul(state, form.channels), lane));
  }
  void loadRates(const View &a, bool local);
  Value rateOf(Value state);

  /// State by state: what the thread's segment multiplies a state with and adds to it.
  struct Passage {
    Value product, end;
  };
  Passage pass(const Values &keep, const Values &added, Value start);
  /// Exchanged numbers, [row][segment][channel].
  void makeExchange(int64_t rows) { exchange = e.shared(e.f32(), rows * form.threads()); }
  Value exchangeAt(Value row, Value segment) {
    return e.add(e.mul(e.add(e.mul(row, form.segments), segment), form.channels), lane);
  }
  void post(Value x, Value row) { e.store(x, exchange, exchangeAt(row, segment)); }
  Value posted(Value row, Value of) { return e.load(exchange, exchangeAt(row, of)); }
  /// Behind the barrier after passages were posted in rows `row` (products) and `row` + 1: the
  /// state before the segment; in segment 0, which began with it, the state behind the panel.
  Value meet(Value row);
  /// The state before the thread's segment, given the place of the state before the panel, which
  /// becomes that behind it; it is the business of segment 0. Has a barrier.
  Value walk(const Values &keep, const Values &added, Value memory, Value home, Value row);
  Value ifFirst(llvm::function_ref<Value()> make) {
    auto zero = [&] { return Values{e.f(0)}; };
    return e.ifElse(isFirst, mlir::TypeRange{e.f32()}, [&] { return Values{make()}; }, zero)[0];
  }
  /// States [B,C,N] of segment 0's threads, zeros where there are none.
  Value stateOf(const View &v, bool has, Value n);

  GPUKernelFrame &f;
  GPUEmitter &e;
  GPUScanForm form;
  int64_t states, atOnce;
  Value batch, block, lane, segment, channel, there, length;
  Value isFirst; ///< whether the thread has segment 0
  Value exchange, panelStart;
  Value from, count; ///< the thread's first position, and how many are there

private:
  Value channels, nearest, rateMemory;
  const View *rates = nullptr;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_SELECTIVESCAN_H
