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

/// Whether positions that were loaded are behind a value.
static bool isGathered(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp &&
         (!linalgOp.getBlock()->getOps<tensor::ExtractOp>().empty() ||
          llvm::any_of(op->getOperands(), [](Value v) { return isGathered(v.getDefiningOp()); }));
}

LoopsPlan linnet::codegen::planGPULoops(exec::KernelOp kernel) {
  LoopsPlan plan = planLoops(kernel);
  // Computing twice what two stages read costs less than a place for it, unless rows that are
  // gathered would be read twice.
  llvm::erase_if(plan.stages, [&](const Stage &s) {
    if (!s.deferred)
      return false;
    Value v = s.op->getResult(0);
    if (plan.places.lookup(v) != Place::Scratch || llvm::is_contained(plan.late, v) ||
        !isReadInStep(v) || llvm::range_size(v.getUses()) > 2 || isGathered(s.op))
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
  void note(Value v, ArrayRef<AffineExpr> coords);

  const LoopsPlan &plan;
  llvm::MapVector<Value, AffineMap> seen; ///< of the current stage
};
} // namespace

RowReaders::RowReaders(const LoopsPlan &plan) : plan(plan) {
  StageReads reads(plan);
  for (const Stage &s : plan.stages) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(s.op);
    if (!op || s.deferred || op.getNumLoops() != plan.outer + 1)
      continue;
    seen.clear();
    reads.of(op, [&](Value v, ArrayRef<AffineExpr> coords) { note(v, coords); });
    for (auto [v, prefix] : seen) {
      Row &row = rows[v];
      if (!row.stages.empty() && row.prefix != prefix)
        continue;
      row.prefix = prefix;
      row.stages.push_back(op);
    }
  }
}

void RowReaders::note(Value v, ArrayRef<AffineExpr> coords) {
  MLIRContext *ctx = v.getContext();
  if (coords.empty() || coords.back() != getAffineDimExpr(plan.outer, ctx))
    return;
  auto prefix = AffineMap::get(plan.outer + 1, 0, coords.drop_back(), ctx);
  if (!prefix.isFunctionOfDim(plan.outer))
    seen.insert({v, prefix});
}

StageReads::StageReads(const LoopsPlan &plan) : plan(plan) {
  for (const Stage &s : plan.stages)
    if (s.deferred)
      waiting.insert(s.op->getResult(0));
}

void StageReads::of(linalg::LinalgOp op, Found found) {
  SmallVector<AffineExpr> loops;
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    loops.push_back(getAffineDimExpr(d, op->getContext()));
  made.clear();
  collect(op, loops, found);
  for (Value v : made)
    waiting.erase(v);
}

void StageReads::collect(Value v, ArrayRef<AffineExpr> coords, Found found) {
  bool stored = plan.places.contains(v) && !waiting.contains(v);
  if (stored || KernelViews::isView(v))
    return found(v, coords);
  auto op = v.getDefiningOp<linalg::LinalgOp>();
  if (!op || !OpLoops(op).isParallel())
    return;
  if (waiting.contains(v))
    made.insert(v);
  SmallVector<AffineExpr> loops(op.getNumLoops());
  for (auto [c, r] : llvm::zip_equal(coords, OpLoops(op).results[0].getResults()))
    loops[cast<AffineDimExpr>(r).getPosition()] = c;
  collect(op, loops, found);
}

void StageReads::collect(linalg::LinalgOp op, ArrayRef<AffineExpr> loops, Found found) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()) ||
        op.getMatchingBlockArgument(&operand).use_empty())
      continue;
    SmallVector<AffineExpr> coords;
    for (AffineExpr r : op.getMatchingIndexingMap(&operand).getResults())
      coords.push_back(r.replaceDims(loops));
    collect(operand.get(), coords, found);
  }
}

/// Of each of `copies` rows of elements like those of `v`.
static std::optional<int64_t> roomFor(Value v, int64_t bytes, int64_t copies, int64_t &left) {
  auto type = cast<RankedTensorType>(v.getType());
  Type element = type.getElementType();
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() < 8)
    return std::nullopt;
  int64_t size = bytesOfElement(element), known = type.getShape().back();
  int64_t room = std::min(bytes, left) / size / copies / 4 * 4;
  if (!ShapedType::isDynamic(known))
    room = std::min(room, known);
  // a small part is not worth the memory
  if (room != known && (room < 64 || (!ShapedType::isDynamic(known) && room * 4 < known)))
    return std::nullopt;
  left -= llvm::alignTo(llvm::alignTo(room, 4) * copies * size, 16);
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
    bool fixed = !ShapedType::isDynamic(lanes);
    int64_t copies = outside || !fixed ? 1 : mostTeams();
    auto room = roomFor(v, known ? left : kUnknownBytes, copies, left);
    if (outside && room != length && wide == 4 && lanes == threads &&
        staticStrides(v).back() == 1 && accesses <= kUnrolled && accesses * 4 <= registers) {
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
    // each team's own, of a whole number of vectors
    Value room = e.index(k.room), start = e.index(0);
    int64_t elements = k.room;
    if (!k.alike && !isOneTeam()) {
      auto teams = CodeBuilder::constantOf(shape.teams);
      Value each = teams ? e.roundUp(room, 4) : e.mul(e.div(room, e.mul(shape.teams, 4)), 4);
      elements = teams ? llvm::alignTo(k.room, 4) * *teams : k.room;
      start = e.mul(team, each);
      room = teams ? room : each;
    }
    row.view = {e.shared(type.getElementType(), elements),
                type.getElementType(),
                start,
                {e.index(1)},
                {room}};
    row.whole = type.getShape().back() == CodeBuilder::constantOf(room);
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
  if (const Tile *tile = tileAt(tensor, coords, s))
    return load(tile->view, tile->at, s);
  if (inPieces.contains(tensor))
    return loadPieces(view, coords, s);
  if (s.guard && !s.mask && s.n) { // one condition for all lanes
    return {e.ifElse(
                s.guard, TypeRange{e.vec(view.element, s.n)},
                [&] { return Values{vector(load(view, coords, {s.n, {}, {}}), s.n)}; },
                [&] { return Values{e.zero(e.vec(view.element, s.n))}; })[0],
            0, true};
  }
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
