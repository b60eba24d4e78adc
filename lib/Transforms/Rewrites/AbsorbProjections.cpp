//===- AbsorbProjections.cpp - attention over latents -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Keys are pieces along their channels. A piece is projected (latent times a matrix per head) or
// shared (the same for all heads); the queries' channels take the matrix of a projected one.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "Uses.h"
#include "linnet/Analysis/CostModel.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/FormatVariadic.h"

namespace linnet {
#define GEN_PASS_DEF_ABSORBPROJECTIONS
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

/// Channels of keys or values: rows that all heads share, times a matrix per head if `weight`.
struct Piece {
  Element rows, weight;
  unsigned channel = 0; ///< of the keys or values
  unsigned inner = 0;   ///< of the rows: `channel` where there is no weight
};

/// Keys or values [B,Hk,N,D] as pieces; the variables of their dimensions.
struct Side {
  unsigned batch, head, key, channel;
  SmallVector<Piece> pieces;
};

class Absorber {
public:
  Absorber(OpBuilder &b, AttentionOp op, const CostModel &model)
      : b(b), op(op), loc(op.getLoc()), g(op.getContext()), operands(b, loc, g), model(model) {}
  /// The result in the place of the op's; null, with `why`, where nothing is gained.
  Operation *run();
  std::string why, gain;

private:
  std::optional<Side> read(Value keysOrValues);
  SmallVector<Element> split(const Element &e, Side &side, SmallVectorImpl<unsigned> &channels);
  std::optional<Piece> piece(const Element &e, unsigned channel, const Side &side);
  bool pays(const Side &k, const Side &v);
  bool readable(const Side &side);
  double size(unsigned v) { return known(g.extent(v).size); }
  double known(int64_t n) { return ShapedType::isDynamic(n) ? model.unknownSize : n; }
  /// A variable of one value is never read.
  Variables axis(unsigned v) { return g.extent(v).size == 1 ? Variables() : Variables{v}; }
  Value rows(const Side &side);
  Value times(Value x, StringRef from, StringRef to, const Side &side, const Piece &p,
              RankedTensorType type);
  Value queries(const Side &k);
  Value projected(Value o, const Side &v);

  OpBuilder &b;
  AttentionOp op;
  Location loc;
  Elements g;
  OperandBuilder operands;
  const CostModel &model;
};

} // namespace

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

//===----------------------------------------------------------------------===//
// Match
//===----------------------------------------------------------------------===//

/// The operands of a concatenation along the channels, or the element itself.
SmallVector<Element> Absorber::split(const Element &e, Side &side,
                                     SmallVectorImpl<unsigned> &channels) {
  AffineExpr channel = g.variable(side.channel);
  for (const Element &at : g.way(e)) {
    auto concat = at.value.getDefiningOp<tensor::ConcatOp>();
    if (!concat || at.at[concat.getDim()] != channel)
      continue;
    SmallVector<Element> out;
    for (Value part : concat.getInputs()) {
      int64_t n = typeOf(part).getDimSize(concat.getDim());
      if (ShapedType::isDynamic(n))
        return {};
      channels.push_back(g.addVariable(n));
      Element x{part, at.at};
      x.at[concat.getDim()] = g.simplify(g.variable(channels.back()));
      out.push_back(std::move(x));
    }
    return out;
  }
  channels.push_back(side.channel);
  return {e};
}

std::optional<Piece> Absorber::piece(const Element &e, unsigned channel, const Side &side) {
  if (!g.dependsOn(e, side.head))
    return Piece{e, {}, channel, channel};
  Element made = g.source(e);
  auto product = g.productSum(made);
  if (!product || product->start || product->variables.size() != 1)
    return std::nullopt;
  bool firstIsRows = !g.dependsOn(product->a, side.head);
  Element latent = firstIsRows ? product->a : product->b,
          weight = firstIsRows ? product->b : product->a;
  if (g.dependsOn(latent, side.head) || g.dependsOn(latent, channel) ||
      g.dependsOn(weight, side.batch) || g.dependsOn(weight, side.key) ||
      ShapedType::isDynamic(g.extent(product->variables[0]).size))
    return std::nullopt;
  if (!made.isTensor() || !onlyFeeds(made.value, {op})) {
    why = "what they are projected to is used elsewhere too";
    return std::nullopt;
  }
  return Piece{latent, weight, channel, product->variables[0]};
}

std::optional<Side> Absorber::read(Value keysOrValues) {
  Element e = g.all(keysOrValues);
  unsigned first = g.size() - 4;
  Side side{first, first + 1, first + 2, first + 3, {}};
  SmallVector<unsigned> channels;
  for (auto [part, channel] : llvm::zip_equal(split(e, side, channels), channels)) {
    auto p = piece(part, channel, side);
    if (!p)
      return std::nullopt;
    side.pieces.push_back(*p);
  }
  return side.pieces.empty() ? std::nullopt : std::optional(side);
}

//===----------------------------------------------------------------------===//
// Cost
//===----------------------------------------------------------------------===//

bool Absorber::pays(const Side &k, const Side &v) {
  auto q = typeOf(op.getQ()), keys = typeOf(op.getK());
  double bytes = q.getElementTypeBitWidth() / 8.0, heads = known(q.getDimSize(1));
  double queries = known(q.getDimSize(0)) * known(q.getDimSize(2));
  double rows = known(keys.getDimSize(0)) * known(keys.getDimSize(2)), shared = 0, own = 0;
  Work before, after;
  for (const Side *side : {&k, &v})
    for (const Piece &p : side->pieces) {
      own += size(p.channel), shared += size(p.inner);
      if (!p.weight)
        continue;
      double matrix = 2 * heads * size(p.channel) * size(p.inner);
      before.flops += rows * matrix;
      after.flops += queries * matrix;
    }
  // attention reads keys and values; what is projected, or put together, is written before
  double pairs = 2 * heads * queries * known(keys.getDimSize(2));
  before.flops += pairs * own;
  before.bytes = 2 * bytes * rows * heads * own;
  after.flops += pairs * shared;
  after.bytes = (k.pieces.size() > 1 ? 3 : 1) * bytes * rows * shared;
  gain =
      llvm::formatv("{0:F1} MFLOP and {1:F1} MB instead of {2:F1} and {3:F1}", after.flops * 1e-6,
                    after.bytes * 1e-6, before.flops * 1e-6, before.bytes * 1e-6);
  if (model.seconds(after) < model.gain * model.seconds(before))
    return true;
  why = "attention over what they are projected from would take longer: " + gain;
  return false;
}

/// Whether reshapes give rows as [B,1,N,C] and weights as [H,C,D].
bool Absorber::readable(const Side &side) {
  return llvm::all_of(side.pieces, [&](const Piece &p) {
    return !operands.sources(p.rows).empty() && (!p.weight || operands.canGetColumns(p.weight));
  });
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

/// x times the matrices of a piece, from letters (h, r and d are heads, inner, channel) to others.
Value Absorber::times(Value x, StringRef from, StringRef to, const Side &side, const Piece &p,
                      RankedTensorType type) {
  Variables order;
  Value w = operands.getColumns(p.weight, order);
  if (!w)
    return {};
  std::string letters;
  for (unsigned v : order)
    letters += v == side.head ? 'h' : v == p.inner ? 'r' : 'd';
  return EinsumOp::create(b, loc, type, (from + "," + letters + "->" + to).str(), ValueRange{x, w});
}

/// Where two slices lie side by side in one tensor, the slice that is both.
static Value sideBySide(OpBuilder &b, Location loc, Value x, Value y, int64_t dim) {
  auto first = x.getDefiningOp<tensor::ExtractSliceOp>();
  auto second = y.getDefiningOp<tensor::ExtractSliceOp>();
  auto isPlain = [](tensor::ExtractSliceOp s) {
    return s && s.getType().getRank() == s.getSourceType().getRank() && s.hasUnitStride();
  };
  if (!isPlain(first) || !isPlain(second) || first.getSource() != second.getSource())
    return {};
  auto sizes = first.getMixedSizes(), offsets = first.getMixedOffsets();
  auto others = second.getMixedSizes(), starts = second.getMixedOffsets();
  for (int64_t d = 0; d < first.getType().getRank(); ++d)
    if (d != dim && (!isEqualConstantIntOrValue(sizes[d], others[d]) ||
                     !isEqualConstantIntOrValue(offsets[d], starts[d])))
      return {};
  auto n = getConstantIntValue(sizes[dim]), at = getConstantIntValue(offsets[dim]);
  auto m = getConstantIntValue(others[dim]), next = getConstantIntValue(starts[dim]);
  if (!n || !at || !m || !next || *at + *n != *next)
    return {};
  sizes[dim] = b.getIndexAttr(*n + *m);
  return tensor::ExtractSliceOp::create(b, loc, first.getSource(), offsets, sizes,
                                        first.getMixedStrides());
}

/// The rows of all pieces as [B,1,N,C].
Value Absorber::rows(const Side &side) {
  auto axes = [&](unsigned channel) {
    return SmallVector<Variables>{axis(side.batch), {}, axis(side.key), axis(channel)};
  };
  // neighbours are joined where they lie, before anything is moved
  SmallVector<Value> parts;
  SmallVector<Source> far;
  for (const Piece &p : side.pieces)
    far.push_back(operands.sources(p.rows).back());
  if (far.size() == 2 && far[0].dims.size() == far[1].dims.size()) {
    Source both = far[0];
    int64_t channels = -1;
    for (auto [d, pair] : llvm::enumerate(llvm::zip_equal(far[0].dims, far[1].dims))) {
      auto &[x, y] = pair;
      if (x == Variables{side.pieces[0].inner} && y == Variables{side.pieces[1].inner})
        channels = d;
      else if (x != y)
        far[1].tensor = {};
    }
    Value joined = channels >= 0 && far[1].tensor
                       ? sideBySide(b, loc, both.tensor, far[1].tensor, channels)
                       : Value();
    if (joined) {
      unsigned all = g.addVariable(typeOf(joined).getDimSize(channels));
      both.tensor = joined;
      both.dims[channels] = {all};
      return operands.get(both, axes(all), /*stretch=*/true);
    }
  }
  for (const Piece &p : side.pieces)
    parts.push_back(operands.get(p.rows, axes(p.inner), /*stretch=*/true));
  if (llvm::is_contained(parts, Value()))
    return {};
  return parts.size() == 1 ? parts[0] : Value(tensor::ConcatOp::create(b, loc, 3, parts));
}

/// Every channel of the queries, through the matrix of its piece.
Value Absorber::queries(const Side &k) {
  auto type = typeOf(op.getQ());
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, op.getQ());
  SmallVector<Value> parts;
  int64_t at = 0;
  for (const Piece &p : k.pieces) {
    int64_t n = g.extent(p.channel).size;
    offsets[3] = b.getIndexAttr(at);
    sizes[3] = b.getIndexAttr(n);
    Value x = k.pieces.size() == 1
                  ? op.getQ()
                  : tensor::ExtractSliceOp::create(b, loc, op.getQ(), offsets, sizes, strides);
    at += n;
    if (p.weight) {
      SmallVector<int64_t> shape(type.getShape());
      shape[3] = g.extent(p.inner).size;
      x = times(x, "bhqd", "bhqr", k, p, type.clone(shape));
    }
    if (!x)
      return {};
    parts.push_back(x);
  }
  return parts.size() == 1 ? parts[0] : Value(tensor::ConcatOp::create(b, loc, 3, parts));
}

Value Absorber::projected(Value o, const Side &v) {
  const Piece &p = v.pieces[0];
  return p.weight ? times(o, "bhqr", "bhqd", v, p, typeOf(op.getO())) : o;
}

Operation *Absorber::run() {
  auto type = typeOf(op.getK());
  int64_t heads = type.getDimSize(1);
  auto k = read(op.getK());
  auto v = k ? read(op.getV()) : std::nullopt;
  if (!v || heads < 2 || v->pieces.size() != 1 ||
      llvm::none_of(
          llvm::concat<const Piece>(k->pieces, v->pieces),
          [](const Piece &p) { return bool(p.weight); }))
    return nullptr;
  if (op.getPart() || heads != typeOf(op.getQ()).getDimSize(1) ||
      ShapedType::isDynamic(typeOf(op.getQ()).getDimSize(3))) {
    why = "heads of queries share heads of keys";
    return nullptr;
  }
  if (!pays(*k, *v))
    return nullptr;
  if (!readable(*k) || !readable(*v)) {
    why = "rows or weights are read in an order that reshapes cannot give";
    return nullptr;
  }
  Value q = queries(*k), keys = rows(*k), values = rows(*v);
  if (!q || !keys || !values ||
      !llvm::all_equal(
          {getElementTypeOrSelf(q), getElementTypeOrSelf(keys), getElementTypeOrSelf(values)})) {
    why = "rows have another element type than keys and values";
    return nullptr;
  }
  auto made = cast<AttentionOp>(b.clone(*op));
  made.getQMutable().assign(q);
  made.getKMutable().assign(keys);
  made.getVMutable().assign(values);
  if (!op.getScale())
    made.setScale(APFloat(1.0 / std::sqrt(double(typeOf(op.getQ()).getDimSize(3)))));
  auto result = cast<RankedTensorType>(op.getO().getType());
  SmallVector<int64_t> shape(result.getShape());
  shape[3] = typeOf(values).getDimSize(3);
  made.getO().setType(result.clone(shape));
  Value o = projected(made.getO(), *v);
  if (!o) {
    made.erase();
    why = "rows or weights are read in an order that reshapes cannot give";
    return nullptr;
  }
  op.getO().replaceAllUsesWith(o);
  if (op.getLse())
    op.getLse().replaceAllUsesWith(made.getLse());
  return made;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
class AbsorbProjections : public linnet::impl::AbsorbProjectionsBase<AbsorbProjections> {
public:
  using AbsorbProjectionsBase::AbsorbProjectionsBase;

  LogicalResult initialize(MLIRContext *context) override {
    FailureOr<CostModel> loaded = CostModel::read(costModel, UnknownLoc::get(context));
    if (succeeded(loaded))
      model = *loaded;
    return success(succeeded(loaded));
  }

  void runOnOperation() override {
    SmallVector<AttentionOp> sites;
    getOperation().walk([&](AttentionOp op) { sites.push_back(op); });
    for (AttentionOp op : sites) {
      OpBuilder b(op);
      Absorber absorber(b, op, model);
      bool made = absorber.run();
      if (explain && made)
        emitRemark(op.getLoc(), "projections of keys and values absorbed: ") << absorber.gain;
      else if (explain && !absorber.why.empty())
        emitRemark(op.getLoc(), "projections of keys and values kept: ") << absorber.why;
    }
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }

private:
  CostModel model;
};
} // namespace
