//===- LoopsTile.cpp - transposes through workgroup memory ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Where a result lies along one loop and what it is made of along another, one of the two would be
// accessed with gaps. A workgroup does a square of both loops instead: it loads what lies along the
// other loop into workgroup memory, in that order, and reads it there in the order of the result.
//
//===----------------------------------------------------------------------===//
#include "../Epilogue.h"
#include "Loops.h"

using namespace mlir;
using namespace linnet::codegen;

/// Loops below this many elements are no side of a square.
static constexpr int64_t kShortSide = 16;
static constexpr unsigned kMostTiles = 4;

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

static bool isShortSide(const SizeOf &s) {
  int64_t n = cast<RankedTensorType>(s.tensor.getType()).getDimSize(s.dim);
  return !ShapedType::isDynamic(n) && n < kShortSide;
}

/// The loop that neighbours in memory lie along, of a tensor that moves with `last` at a distance;
/// -1: none, or not one loop alone.
static int loopAcross(Value v, ArrayRef<AffineExpr> coords, unsigned last) {
  Type element = getElementTypeOrSelf(v.getType());
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() < 8)
    return -1;
  SmallVector<int64_t> strides = staticStrides(v);
  int across = -1;
  unsigned moving = 0;
  for (auto [c, stride] : llvm::zip_equal(coords, strides)) {
    auto dim = dyn_cast<AffineDimExpr>(c);
    if (stride == 1 && dim && dim.getPosition() != last)
      across = dim.getPosition();
    moving += dim && dim.getPosition() == last;
  }
  if (across < 0 || moving != 1)
    return -1;
  unsigned users = llvm::count_if(
      coords, [&](AffineExpr c) { return c.isFunctionOfDim(across) || c.isFunctionOfDim(last); });
  return users == 2 ? across : -1;
}

void GPULoopsForm::findTiles(const LoopsPlan &plan) {
  if (plan.outer < 2 || isShortSide(plan.outerSizes.back()))
    return;
  unsigned last = plan.outer - 1;
  llvm::MapVector<Value, AffineMap> found;
  int loop = -1;
  auto note = [&](Value v, ArrayRef<AffineExpr> coords) {
    if (!KernelViews::isView(v))
      return;
    int other = loopAcross(v, coords, last);
    if (other < 0 || isShortSide(plan.outerSizes[other]) || (loop >= 0 && other != loop) ||
        found.size() == kMostTiles)
      return;
    loop = other;
    found.insert({v, AffineMap::get(plan.outer, 0, coords, v.getContext())});
  };
  StageReads reads(plan);
  for (const Stage &s : plan.stages) {
    if (!storesAlong(s.op ? OpLoops(s.op) : OpLoops(s.copied), last))
      return;
    if (auto op = dyn_cast_or_null<linalg::LinalgOp>(s.op)) {
      reads.of(op, note);
    } else if (!s.op && KernelViews::isView(s.copied)) {
      AffineMap own = OpLoops(s.copied).results[0];
      note(s.copied, own.getResults());
    }
  }
  if (loop < 0)
    return;
  tiles = std::move(found);
  across = loop;
  wide = 1;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

Value GPULoopsEmitter::isInTile(ArrayRef<Lane> corner, Value alongAcross, Value alongLast,
                                Lanes &point) {
  unsigned last = shape.axisLoops.back();
  point[form.across] = {e.add(corner[form.across].v, alongAcross)};
  point[last] = {e.add(corner[last].v, alongLast)};
  return e.both(e.lt(point[form.across].v, shape.axes[shape.acrossAxis]),
                e.lt(point[last].v, shape.axes.back()));
}

/// x: this thread among those that access neighbours; y: its place among the lines of the square
/// that are accessed at once. All loads before the first store, so that none waits for another.
LogicalResult GPULoopsEmitter::loadTile(Value tensor, AffineMap map, ArrayRef<Lane> corner, Value x,
                                        Value y) {
  FailureOr<View> from = f.view(tensor);
  if (failed(from))
    return failure();
  // a line is one element longer, so that reading across finds other banks
  Tile &tile = tiles[tensor];
  tile.view = {e.shared(from->element, kSquare * (kSquare + 1)),
               from->element,
               e.index(0),
               {e.index(kSquare + 1), e.index(1)},
               {e.index(kSquare), e.index(kSquare)}};
  int64_t lines = form.threads / kSquare;
  Values loaded;
  for (int64_t k = 0; k < kSquare; k += lines) {
    Lanes point(corner);
    Value inside = isInTile(corner, x, e.add(y, k), point);
    loaded.push_back(e.ifElse(
        inside, TypeRange{from->element},
        [&] { return Values{load(*from, evaluate(map, point, 0), {}).v}; },
        [&] { return Values{e.zero(from->element)}; })[0]);
  }
  for (auto [i, value] : llvm::enumerate(loaded))
    store({value}, tile.view, {{e.add(y, int64_t(i) * lines)}, {x}}, {});
  return success();
}

LogicalResult GPULoopsEmitter::runTiles() {
  Lanes corner(plan.outer, Lane{e.index(0)});
  Value square = f.group;
  auto next = [&](Value count) {
    Value at = e.rem(square, count);
    square = e.div(square, count);
    return at;
  };
  corner[shape.axisLoops.back()] = {e.mul(next(shape.squares), kSquare)};
  corner[form.across] = {e.mul(next(shape.squaresAcross), kSquare)};
  for (unsigned i = shape.axes.size() - 1; i-- > 0;)
    if (i != shape.acrossAxis)
      corner[shape.axisLoops[i]] = {next(shape.axes[i])};
  Value x = e.rem(e.thread, kSquare), y = e.div(e.thread, kSquare);
  for (auto &[tensor, map] : form.tiles)
    if (failed(loadTile(tensor, map, corner, x, y)))
      return failure();
  e.barrier();
  int64_t lines = form.threads / kSquare;
  e.forLoop(e.index(0), e.index(kSquare), e.index(lines), [&](Value k) {
    Lanes point(corner);
    Value line = e.add(y, k), inside = isInTile(corner, line, x, point);
    for (auto &[tensor, tile] : tiles)
      tile.at = {{x}, {line}};
    e.ifThen(inside, [&] { emitPoint(point, {}, {}); });
  });
  return failure(failedInside);
}

const GPULoopsEmitter::Tile *GPULoopsEmitter::tileAt(Value tensor, ArrayRef<Lane> coords,
                                                     const Scope &s) {
  auto tile = tiles.find(tensor);
  if (tile == tiles.end() || s.guard)
    return nullptr;
  Lanes own = evaluate(form.tiles.find(tensor)->second, currentPoint, 0);
  return ArrayRef(own) == coords ? &tile->second : nullptr;
}
