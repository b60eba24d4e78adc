//===- LoopsRows.cpp - rows that stay in workgroup memory -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The stages of a norm run along the same rows. The first one that reads a row keeps it, and what
// a stage stores for others is kept beside; where a row is longer than there is room, its beginning
// is. What all rows read alike, a norm's weights, is loaded before the first of the rows that a
// workgroup does; where that memory is full, every thread has its elements in registers.
//
//===----------------------------------------------------------------------===//
#include "../Epilogue.h"
#include "../LoopsLaunch.h"
#include "Loops.h"

using namespace mlir;
using namespace linnet::codegen;

/// Workgroup memory for the exchange between threads, and what rows of unknown length may take.
static constexpr int64_t kExchangeBytes = 2048, kUnknownBytes = 16 << 10;
/// Elements that a thread has in registers, and accesses that loops over them are unrolled to.
static constexpr int64_t kRegisters = 64, kUnrolled = 8;

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// Whether all that read the value run over just its elements.
static bool isReadInStep(Value v) {
  unsigned rank = cast<RankedTensorType>(v.getType()).getRank();
  return llvm::all_of(v.getUses(), [&](OpOperand &use) {
    auto reader = dyn_cast<linalg::LinalgOp>(use.getOwner());
    return reader && reader.getNumLoops() == rank &&
           reader.getMatchingIndexingMap(&use).isIdentity();
  });
}

LoopsPlan linnet::codegen::planGPULoops(exec::KernelOp kernel) {
  LoopsPlan plan = planLoops(kernel);
  // Computing twice what two stages read costs less than a place for it.
  llvm::erase_if(plan.stages, [&](const Stage &s) {
    if (!s.deferred)
      return false;
    Value v = s.op->getResult(0);
    if (plan.places.lookup(v) != Place::Scratch || llvm::is_contained(plan.late, v) ||
        !isReadInStep(v) || llvm::range_size(v.getUses()) > 2)
      return false;
    plan.places.erase(v);
    llvm::erase(plan.scratch, v);
    return true;
  });
  return plan;
}

//===----------------------------------------------------------------------===//
// What is read along rows
//===----------------------------------------------------------------------===//

namespace {
/// The tensors that stages read along the only inner loop, and how many stages do.
class RowReaders {
public:
  explicit RowReaders(const LoopsPlan &plan);
  struct Row {
    AffineMap prefix; ///< of a point's coordinates
    SmallVector<Operation *> stages;
  };
  llvm::MapVector<Value, Row> rows;

private:
  void collect(linalg::LinalgOp op, ArrayRef<AffineExpr> loops);
  void collect(Value v, ArrayRef<AffineExpr> coords);

  const LoopsPlan &plan;
  llvm::DenseSet<Value> waiting;
  llvm::MapVector<Value, AffineMap> seen; ///< of the current stage
  llvm::DenseSet<Value> made;
};
} // namespace

RowReaders::RowReaders(const LoopsPlan &plan) : plan(plan) {
  for (const Stage &s : plan.stages)
    if (s.deferred)
      waiting.insert(s.op->getResult(0));
  for (const Stage &s : plan.stages) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(s.op);
    if (!op || s.deferred || op.getNumLoops() != plan.outer + 1)
      continue;
    seen.clear();
    made.clear();
    SmallVector<AffineExpr> loops;
    for (unsigned d = 0; d <= plan.outer; ++d)
      loops.push_back(getAffineDimExpr(d, op->getContext()));
    collect(op, loops);
    for (auto [v, prefix] : seen) {
      Row &row = rows[v];
      if (!row.stages.empty() && row.prefix != prefix)
        continue;
      row.prefix = prefix;
      row.stages.push_back(op);
    }
    for (Value v : made)
      waiting.erase(v);
  }
}

void RowReaders::collect(Value v, ArrayRef<AffineExpr> coords) {
  Operation *producer = v.getDefiningOp();
  bool stored = plan.places.contains(v) && !waiting.contains(v);
  if (!stored && !KernelViews::isView(v)) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(producer);
    if (!op || !OpLoops(op).isParallel())
      return;
    if (waiting.contains(v))
      made.insert(v);
    SmallVector<AffineExpr> loops(op.getNumLoops());
    for (auto [c, r] : llvm::zip_equal(coords, OpLoops(op).results[0].getResults()))
      loops[cast<AffineDimExpr>(r).getPosition()] = c;
    return collect(op, loops);
  }
  MLIRContext *ctx = v.getContext();
  if (coords.empty() || coords.back() != getAffineDimExpr(plan.outer, ctx))
    return;
  auto prefix = AffineMap::get(plan.outer + 1, 0, coords.drop_back(), ctx);
  if (!prefix.isFunctionOfDim(plan.outer))
    seen.insert({v, prefix});
}

void RowReaders::collect(linalg::LinalgOp op, ArrayRef<AffineExpr> loops) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()) ||
        op.getMatchingBlockArgument(&operand).use_empty())
      continue;
    SmallVector<AffineExpr> coords;
    for (AffineExpr r : op.getMatchingIndexingMap(&operand).getResults())
      coords.push_back(r.replaceDims(loops));
    collect(operand.get(), coords);
  }
}

/// Of a row of elements like those of `v`.
static std::optional<int64_t> roomFor(Value v, int64_t bytes, int64_t &left) {
  auto type = cast<RankedTensorType>(v.getType());
  Type element = type.getElementType();
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() < 8)
    return std::nullopt;
  int64_t size = bytesOfElement(element), known = type.getShape().back();
  int64_t room = std::min(bytes, left) / size / 4 * 4;
  if (!ShapedType::isDynamic(known))
    room = std::min(room, known);
  // a small part is not worth the memory
  if (room < 64 || (!ShapedType::isDynamic(known) && room * 4 < known))
    return std::nullopt;
  left -= llvm::alignTo(room * size, 16);
  return room;
}

void GPULoopsForm::keepRows(const LoopsPlan &plan, const GPUTarget &target, int64_t used) {
  RowReaders readers(plan);
  int64_t left = target.workgroupMemory - kExchangeBytes - used;
  SmallVector<std::pair<Value, RowReaders::Row>> order(readers.rows.begin(), readers.rows.end());
  llvm::stable_sort(
      order, [](auto &a, auto &b) { return a.second.stages.size() > b.second.stages.size(); });
  int64_t registers = kRegisters;
  for (auto &[v, row] : order) {
    bool alike = plan.outer && row.prefix.getNumResults() == 0;
    bool made = plan.places.contains(v);
    // Memory that is read once and differs from row to row gains nothing.
    if (row.stages.size() < 2 && !alike && !made)
      continue;
    int64_t length = cast<RankedTensorType>(v.getType()).getShape().back();
    bool known = !ShapedType::isDynamic(length), outside = alike && !made;
    int64_t before = left, accesses = known ? llvm::divideCeil(length / 4, threads) : kUnrolled + 1;
    auto room = roomFor(v, known ? left : kUnknownBytes, left);
    if (outside && room != length && wide == 4 && staticStrides(v).back() == 1 &&
        accesses <= kUnrolled && accesses * 4 <= registers) {
      left = before;
      registers -= accesses * 4;
      unrolled.insert_range(row.stages);
      kept.push_back({v, length, /*alike=*/true, /*registers=*/true});
    } else if (room) {
      kept.push_back({v, *room, outside, /*registers=*/false});
    }
  }
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

void GPULoopsEmitter::placeRows() {
  for (const GPULoopsForm::Kept &k : form.kept) {
    auto type = cast<RankedTensorType>(k.tensor.getType());
    KeptRow &row = rows[k.tensor];
    row.alike = k.alike;
    row.registers = k.registers;
    if (k.registers)
      continue;
    row.view = {e.shared(type.getElementType(), k.room),
                type.getElementType(),
                e.index(0),
                {e.index(1)},
                {e.index(k.room)}};
    row.whole = type.getShape().back() == k.room;
  }
}

/// The accesses of this thread to `whole` groups of elements, and whether each is one of them.
void GPULoopsEmitter::forAccesses(int64_t whole,
                                  llvm::function_ref<void(int64_t, Value, Value)> body) {
  for (int64_t k = 0; k * form.threads < whole; ++k) {
    Value q = e.add(e.thread, k * form.threads);
    bool all = (k + 1) * form.threads <= whole;
    body(k, q, all ? e.boolean(true) : e.lt(q, e.index(whole)));
  }
}

/// The loop of a stage over groups of elements, if it has to be unrolled.
bool GPULoopsEmitter::unroll(Operation *op, Value whole,
                             llvm::function_ref<void(Value, Value)> body) {
  auto known = CodeBuilder::constantOf(whole);
  if (!known || !form.unrolled.contains(op))
    return false;
  forAccesses(*known, [&](int64_t k, Value q, Value there) {
    access = k;
    body(q, there);
  });
  access.reset();
  return true;
}

void GPULoopsEmitter::preloadRegisters(KeptRow &row, const View &view) {
  Type four = e.vec(view.element, 4);
  int64_t whole = *CodeBuilder::constantOf(view.sizes.back()) / 4;
  forAccesses(whole, [&](int64_t, Value q, Value there) {
    auto load = [&] {
      return Values{e.loadTogether(view.memory, e.add(view.offset, e.mul(q, 4)), 4)};
    };
    row.quads.push_back(
        e.ifElse(there, TypeRange{four}, load, [&] { return Values{e.zero(four)}; })[0]);
  });
}

/// Loads what all rows read alike.
LogicalResult GPULoopsEmitter::preloadRows() {
  bool any = false;
  for (auto &entry : rows) {
    KeptRow &row = entry.second;
    if (!row.alike)
      continue;
    FailureOr<View> view = f.view(entry.first);
    if (failed(view))
      return failure();
    if (row.registers) {
      preloadRegisters(row, *view);
      continue;
    }
    Value size = e.min(view->sizes.back(), row.view.sizes.back());
    int64_t wide = CodeBuilder::constantOf(view->strides.back()) == 1 ? 4 : 1;
    auto copy = [&](Value at, int64_t n) {
      Value from = e.add(view->offset, e.mul(at, view->strides.back()));
      e.storeTogether(e.loadTogether(view->memory, from, n), row.view.memory, at);
    };
    Value whole = e.div(size, wide);
    e.forThreads(whole, [&](Value q) { copy(e.mul(q, wide), wide); });
    Value rest = e.rem(size, wide);
    if (CodeBuilder::constantOf(rest) != 0)
      e.forThreads(rest, [&](Value i) { copy(e.add(e.mul(whole, wide), i), 1); });
    any = row.ready = true;
  }
  if (any)
    e.barrier();
  return success();
}

/// The row that holds the elements at `coords` of a tensor, if they lie along the loop that the
/// threads of a row walk together.
GPULoopsEmitter::KeptRow *GPULoopsEmitter::rowAt(Value tensor, ArrayRef<Lane> coords,
                                                 const Scope &s) {
  auto it = rows.find(tensor);
  if (it == rows.end() || !along || s.guard || s.mask || !(coords.back() == *along))
    return nullptr;
  KeptRow &row = it->second;
  auto ofPoint = [&](const Lane &c) {
    return c.isUniform() && (CodeBuilder::constantOf(c.v) || llvm::is_contained(currentPoint, c));
  };
  if (row.alike)
    return &row;
  if (!llvm::all_of(coords.drop_back(), ofPoint))
    return nullptr;
  if (row.prefix && ArrayRef(*row.prefix) != coords.drop_back())
    return nullptr;
  row.prefix = Lanes(coords.drop_back());
  return &row;
}

/// Whether n elements from `at` on are in the part of a row that is kept.
Value GPULoopsEmitter::isKept(const KeptRow &row, const Lane &at, int64_t n) {
  return row.whole ? e.boolean(true)
                   : e.le(e.add(at.v, std::max<int64_t>(n, 1)), row.view.sizes.back());
}

Lane GPULoopsEmitter::read(Value tensor, const View &view, ArrayRef<Lane> coords, const Scope &s) {
  if (inPieces.contains(tensor))
    return loadPieces(view, coords, s);
  KeptRow *row = rowAt(tensor, coords, s);
  if (row && row->registers && access && s.n)
    return {row->quads[*access], 0, true};
  if (!row || row->registers)
    return load(view, coords, s);
  if (row->ready) {
    Type type = s.n ? Type(e.vec(view.element, s.n)) : view.element;
    auto from = [&](const View &v, ArrayRef<Lane> at) {
      return Values{vector(load(v, at, s), s.n)};
    };
    Value x = e.ifElse(
        isKept(*row, coords.back(), s.n), TypeRange{type},
        [&] { return from(row->view, coords.back()); }, [&] { return from(view, coords); })[0];
    return {x, 0, s.n != 0};
  }
  Lane x = load(view, coords, s);
  keepInRow(*row, x, coords.back(), s);
  return x;
}

void GPULoopsEmitter::keepInRow(KeptRow &row, const Lane &x, const Lane &at, const Scope &s) {
  row.filling = true;
  e.ifThen(isKept(row, at, s.n), [&] { store(x, row.view, at, s); });
}

void GPULoopsEmitter::write(const PendingStore &p) {
  if (inPieces.contains(p.tensor))
    return storePieces(p.value.v, places.find(p.tensor)->second.front(), p.coords);
  LoopsEvaluator::write(p);
  KeptRow *row = p.coords.empty() ? nullptr : rowAt(p.tensor, p.coords, p.scope);
  if (row && !row->ready)
    keepInRow(*row, p.value, p.coords.back(), p.scope);
}

/// A thread goes to an element of its row.
void GPULoopsEmitter::walk(const OpLoops &loops, ArrayRef<unsigned> order, ArrayRef<Lane> coords) {
  along.reset();
  if (form.rows && order.size() == 1 && loops.rank() == plan.outer + 1)
    along = coords[order[0]];
}

void GPULoopsEmitter::endStage() {
  along.reset();
  for (auto &[tensor, row] : rows) {
    row.ready |= row.filling;
    row.filling = false;
  }
}

void GPULoopsEmitter::forgetRows() {
  for (auto &[tensor, row] : rows) {
    row.ready = row.alike;
    row.filling = false;
    row.prefix.reset();
  }
}
