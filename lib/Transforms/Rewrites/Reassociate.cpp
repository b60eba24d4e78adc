//===- Reassociate.cpp - the cheapest order of products ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// sum over j of (sum over c of q[i,c] k[j,c]) v[j,d] is sum over c of q[i,c] (sum over j of
// k[j,c] v[j,d]): the same in real arithmetic. With j <= i it is a recurrence, linear_attention.
//
//===----------------------------------------------------------------------===//
#include "HeadLayout.h"
#include "MaskReader.h"
#include "Uses.h"
#include "linnet/Analysis/CostModel.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/IR/Locations.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/FormatVariadic.h"

namespace linnet {
#define GEN_PASS_DEF_REASSOCIATE
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {

/// factor / divisor * sum over key of (scale * sum over inner of q * k, where conditions hold) * v.
struct ProductMatch {
  Element root, q, k, v; ///< v null: ones
  unsigned key = 0;
  SmallVector<unsigned> inner;
  double scale = 1;
  SmallVector<std::pair<Element, bool>> conditions; ///< and whether it is negated
  SmallVector<std::pair<Element, bool>> factors;    ///< and whether it divides
  Value scores;                                     ///< that need not be computed any more
};

class ProductMatcher {
public:
  explicit ProductMatcher(Elements &elements) : g(elements) {}
  std::optional<ProductMatch> match(Value result);

private:
  bool weights(Element w, ProductMatch &match);
  bool condition(const Element &e, ProductMatch &match);

  Elements &g;
};

} // namespace

//===----------------------------------------------------------------------===//
// Match
//===----------------------------------------------------------------------===//

/// Whether an element is one where a condition holds and else zero.
bool ProductMatcher::condition(const Element &element, ProductMatch &match) {
  Element e = g.source(element);
  if (g.op<arith::UIToFPOp>(e) && g.operand(e, 0).type().isInteger(1)) {
    match.conditions.push_back({g.operand(e, 0), false});
    return true;
  }
  if (g.op<arith::SelectOp>(e))
    for (bool negated : {false, true})
      if (g.constant(g.operand(e, negated ? 2 : 1)) == 1.0 &&
          g.constant(g.operand(e, negated ? 1 : 2)) == 0.0) {
        match.conditions.push_back({g.operand(e, 0), negated});
        return true;
      }
  auto op = e.value.getDefiningOp<arith::ConstantOp>();
  auto values = op ? dyn_cast<DenseElementsAttr>(op.getValue()) : DenseElementsAttr();
  if (!values || values.isSplat() || !isa<FloatType>(values.getElementType()))
    return false;
  for (const APFloat &x : values.getValues<APFloat>())
    if (!x.isZero() && !x.isExactlyValue(1.0))
      return false;
  match.conditions.push_back({e, false});
  return true;
}

bool ProductMatcher::weights(Element w, ProductMatch &match) {
  w = g.source(w);
  Operation *op = g.op(w);
  if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(op)) {
    bool divides = isa<arith::DivFOp>(op);
    for (unsigned i = 0; i < (divides ? 1 : 2); ++i) {
      Element other = g.operand(w, 1 - i);
      ProductMatch attempt = match;
      if (auto c = g.constant(other); c && *c != 0)
        attempt.scale = divides ? attempt.scale / *c : attempt.scale * *c;
      else if (!g.dependsOn(other, match.key))
        attempt.factors.push_back({other, divides});
      else if (divides || !condition(other, attempt))
        continue;
      if (weights(g.operand(w, i), attempt)) {
        match = std::move(attempt);
        return true;
      }
    }
    return false;
  }
  if (isa_and_nonnull<arith::NegFOp>(op)) {
    match.scale = -match.scale;
    return weights(g.operand(w, 0), match);
  }
  if (isa_and_nonnull<arith::SelectOp>(op)) {
    for (bool negated : {false, true})
      if (g.constant(g.operand(w, negated ? 1 : 2)) == 0.0) {
        match.conditions.push_back({g.operand(w, 0), negated});
        return weights(g.operand(w, negated ? 2 : 1), match);
      }
    return false;
  }
  auto product = op ? std::nullopt : g.productSum(w);
  if (!product || product->start)
    return false;
  bool firstIsKey = g.dependsOn(product->a, match.key);
  if (firstIsKey == g.dependsOn(product->b, match.key))
    return false;
  match.q = firstIsKey ? product->b : product->a;
  match.k = firstIsKey ? product->a : product->b;
  match.inner = product->variables;
  match.scores = w.value;
  return true;
}

std::optional<ProductMatch> ProductMatcher::match(Value result) {
  ProductMatch m;
  m.root = g.all(result);
  Element e = g.source(m.root);
  if (auto product = g.productSum(e); product && !product->start) {
    if (product->variables.size() != 1)
      return std::nullopt;
    m.key = product->variables[0];
    for (bool swapped : {false, true}) {
      ProductMatch attempt = m;
      const Element &w = swapped ? product->b : product->a, &v = swapped ? product->a : product->b;
      if (auto c = g.constant(v); c && *c != 0)
        attempt.scale *= *c;
      else if (!condition(v, attempt))
        attempt.v = v;
      if (weights(w, attempt))
        return attempt;
    }
    return std::nullopt;
  }
  auto sum = g.reduced(e, Elements::Reduction::Sum);
  if (!sum || sum->start || sum->variables.size() != 1)
    return std::nullopt;
  m.key = sum->variables[0];
  return weights(sum->element, m) ? std::optional(m) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

namespace {
class ProductBuilder {
public:
  ProductBuilder(OpBuilder &b, Location loc, Elements &g, const ProductMatch &match,
                 const CostModel &model, bool weightsKnown)
      : b(b), loc(loc), g(g), m(match), operands(b, loc, g), model(model),
        weightsKnown(weightsKnown) {}
  /// Null, with `why`, where it cannot be done or does not pay.
  Value run();
  std::string why, gain;
  /// What was compared, where it came to that.
  struct Estimate {
    Work work;
    double seconds;
  };
  std::optional<std::pair<Estimate, Estimate>> compared;

private:
  using Lettered = std::pair<Value, Variables>; ///< a tensor with one dimension per variable
  Value product(const Lettered &x, const Lettered &y, const Variables &result,
                const Variables &letters);
  Value twoProducts();
  Value recurrence();
  bool pays(const Work &before, const Estimate &after);
  bool isComputedOnce(const Source &a, const Source &b, double elements);
  Work quadratic(const Source &q, const Source &k, const Source &v);
  Value finished(Value x);
  double size(const Variables &vars);
  Variables unite(std::initializer_list<const Source *> sources);
  Value perVariable(const Source &s, Variables &vars);
  std::nullptr_t fail(const Twine &text) {
    why = text.str();
    return nullptr;
  }

  OpBuilder &b;
  Location loc;
  Elements &g;
  ProductMatch m;
  OperandBuilder operands;
  const CostModel &model;
  bool weightsKnown;
  FloatType type;
  SmallVector<Variables> root; ///< per dimension of the result
  Variables order;             ///< of the result, flat
};
} // namespace

double ProductBuilder::size(const Variables &vars) {
  double n = 1;
  for (unsigned v : vars)
    n *= ShapedType::isDynamic(g.extent(v).size) ? model.unknownSize : g.extent(v).size;
  return n;
}

Variables ProductBuilder::unite(std::initializer_list<const Source *> sources) {
  Variables all;
  for (const Source *s : sources)
    for (const Variables &d : s->dims)
      for (unsigned v : d)
        if (!llvm::is_contained(all, v))
          all.push_back(v);
  return all;
}

/// Whether a value depends on weights alone.
static bool isOfWeights(Value v, unsigned steps = 32) {
  Operation *op = v.getDefiningOp();
  if (!op || !steps)
    return false;
  if (isa<ml_program::GlobalLoadConstOp, arith::ConstantOp>(op))
    return true;
  return isPure(op) && op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(), [&](Value x) { return isOfWeights(x, steps - 1); });
}

/// A product of weights costs a call nothing: linnet-compile computes it, if it is no larger than
/// they are.
bool ProductBuilder::isComputedOnce(const Source &x, const Source &y, double elements) {
  return weightsKnown && isOfWeights(x.tensor) && isOfWeights(y.tensor) &&
         elements <= size(unite({&x})) + size(unite({&y}));
}

/// The scores, written and read, and both products.
Work ProductBuilder::quadratic(const Source &q, const Source &k, const Source &v) {
  Variables scores = unite({&q, &k});
  llvm::erase_if(scores, [&](unsigned x) { return llvm::is_contained(m.inner, x); });
  double elements = size(scores), channels = 1;
  for (unsigned x : unite({&v}))
    if (!llvm::is_contained(scores, x))
      channels *= size({x});
  double last = 2 * elements * channels;
  if (isComputedOnce(q, k, elements))
    return {last, 0};
  return {2 * size(unite({&q, &k})) + last, 8 * elements};
}

bool ProductBuilder::pays(const Work &before, const Estimate &after) {
  compared = {{before, model.seconds(before)}, after};
  gain = llvm::formatv("{0:F1} MFLOP and {1:F1} MB instead of {2:F1} and {3:F1}",
                       after.work.flops * 1e-6, after.work.bytes * 1e-6, before.flops * 1e-6,
                       before.bytes * 1e-6);
  if (after.seconds < model.gain * compared->first.seconds)
    return true;
  why = "another order of the products would take longer: " + gain;
  return false;
}

/// A source with one dimension per variable.
Value ProductBuilder::perVariable(const Source &s, Variables &vars) {
  vars = unite({&s});
  SmallVector<Variables> axes;
  for (unsigned v : vars)
    axes.push_back({v});
  return operands.widened(operands.get(s, axes, /*stretch=*/true), type);
}

/// A tensor with one dimension per variable of the result, with all factors, as the result.
Value ProductBuilder::finished(Value x) {
  SmallVector<Variables> axes;
  for (unsigned v : order)
    axes.push_back({v});
  for (const auto &[factor, divides] : m.factors) {
    Value f = operands.widened(operands.get(factor, axes, /*stretch=*/false), type);
    if (!f)
      return fail("a factor is read in an order that reshapes cannot give");
    f = operands.stretched(f, x);
    x = divides ? arith::DivFOp::create(b, loc, x, f).getResult()
                : arith::MulFOp::create(b, loc, x, f).getResult();
  }
  return operands.back(x, axes, root, cast<RankedTensorType>(m.root.value.getType()));
}

/// The sum of x * y over what the result does not have.
Value ProductBuilder::product(const Lettered &x, const Lettered &y, const Variables &result,
                              const Variables &letters) {
  auto text = [&](const Variables &vars) {
    std::string out;
    for (unsigned v : vars)
      out += char('a' + (llvm::find(letters, v) - letters.begin()));
    return out;
  };
  SmallVector<int64_t> shape;
  for (unsigned v : result)
    shape.push_back(g.extent(v).size);
  return EinsumOp::create(b, loc, RankedTensorType::get(shape, type),
                          text(x.second) + "," + text(y.second) + "->" + text(result),
                          ValueRange{x.first, y.first});
}

Value ProductBuilder::twoProducts() {
  Source sources[3];
  for (auto [s, e] : {std::pair(&sources[0], &m.q), {&sources[1], &m.k}, {&sources[2], &m.v}}) {
    auto all = operands.sources(*e);
    if (all.empty())
      return fail("a factor is read in an order that reshapes cannot give");
    *s = all.back();
  }
  auto &[q, k, v] = sources;
  if (q.uses(m.key))
    return fail("queries change with the key");
  if (!operands.knowsSizes(order))
    return fail("a size of the result is none of the factors");
  Variables kept = unite({&k, &v}), letters = unite({&q, &k, &v});
  llvm::erase(kept, m.key);
  llvm::erase_if(kept, [&](unsigned x) {
    return !llvm::is_contained(order, x) && !llvm::is_contained(m.inner, x);
  });
  Variables second = unite({&q});
  for (unsigned x : kept)
    if (!llvm::is_contained(second, x))
      second.push_back(x);
  Work after = {2 * size(second), 0};
  if (!isComputedOnce(k, v, size(kept)))
    after = {after.flops + 2 * size(unite({&k, &v})), 8 * size(kept)};
  if (!pays(quadratic(q, k, v), {after, model.seconds(after)}))
    return nullptr;
  Variables qv, kv, vv;
  Value qt = perVariable(q, qv), kt = perVariable(k, kv), vt = perVariable(v, vv);
  if (!qt || !kt || !vt || letters.size() > 26 ||
      llvm::any_of(order, [&](unsigned x) { return !llvm::is_contained(second, x); }))
    return fail("the products cannot be written as sums over letters");
  Value inner = product({kt, kv}, {vt, vv}, kept, letters);
  if (m.scale != 1)
    inner = operands.scaled(inner, m.scale);
  return finished(product({qt, qv}, {inner, kept}, order, letters));
}

Value ProductBuilder::recurrence() {
  auto matters = [&](unsigned x) {
    return llvm::any_of(m.conditions, [&](auto &c) { return g.dependsOn(c.first, x); });
  };
  auto layout = layOut(g, operands, m.root, m.q, m.k, m.v, m.key, m.inner, matters, why);
  if (failed(layout))
    return nullptr;
  HeadLayout &l = *layout;
  MaskReader mask(g, l.row, m.key);
  for (const auto &[condition, negated] : m.conditions)
    if (!mask.read(condition, negated))
      return fail("a mask is not causal");
  int64_t rows = l.row ? g.extent(*l.row).size : 1;
  if (!mask.causal || *mask.offset != 0 || mask.left || rows != g.extent(m.key).size ||
      ShapedType::isDynamic(rows))
    return fail("the mask is not j <= i with as many queries as keys, a number that is known");
  Variables state = l.batch;
  Variables positions = l.rows();
  for (const Variables *part : {&l.heads, &positions, &l.inner, &l.channels})
    llvm::append_range(state, *part);
  for (const Variables *part : {&l.heads, &l.inner, &l.channels})
    for (unsigned x : *part)
      if (ShapedType::isDynamic(g.extent(x).size))
        return fail("the size of a head is not known");
  // two products per position with the state
  Work after = {4 * size(state), 0};
  if (!pays(quadratic(l.q, l.k, l.v), {after, after.flops / model.linearFlopsPerSecond}))
    return nullptr;
  auto [q, k, v] = readOperands(operands, l, m.key, type);
  if (!q || !k || !v)
    return fail("queries, keys and values have wider element types than the result");
  SmallVector<int64_t> shape(cast<RankedTensorType>(q.getType()).getShape());
  shape[3] = cast<RankedTensorType>(v.getType()).getDimSize(3);
  auto op = LinearAttentionOp::create(
      b, loc, TypeRange{RankedTensorType::get(shape, type)}, q, k, v, Value(), Value(), Value(),
      Value(), Value(), Value(), StateRead::post,
      m.scale == 1 ? FloatAttr() : b.getF64FloatAttr(m.scale), FloatAttr(), IntegerAttr());
  SmallVector<Variables> flat;
  SmallVector<int64_t> sizes;
  for (unsigned x : order) {
    flat.push_back({x});
    sizes.push_back(g.extent(x).size);
  }
  return finished(operands.back(op.getO(), {l.batch, l.heads, l.rows(), l.channels}, flat,
                                RankedTensorType::get(sizes, type)));
}

Value ProductBuilder::run() {
  type = cast<FloatType>(m.root.type());
  if (!m.v) {
    int64_t keys = g.extent(m.key).size;
    if (ShapedType::isDynamic(keys))
      return fail("a sum of weights over a number of keys that is not known");
    auto ones = DenseElementsAttr::get(RankedTensorType::get({keys}, type),
                                       b.getFloatAttr(type, 1.0).getValue());
    m.v = {arith::ConstantOp::create(b, loc, ones), {g.variable(m.key)}};
  }
  SmallVector<Element *> all = {&m.root, &m.q, &m.k, &m.v};
  for (auto *list : {&m.conditions, &m.factors})
    for (auto &entry : *list)
      all.push_back(&entry.first);
  splitVariables(g, all, {&m.q, &m.k, &m.v}, m.inner);
  for (auto [x, size] :
       llvm::zip_equal(m.root.at, cast<RankedTensorType>(m.root.value.getType()).getShape())) {
    auto read = operands.readDim(x, size);
    if (!read)
      return fail("the result is written in an order that reshapes cannot give");
    root.push_back(*read);
    llvm::append_range(order, *read);
  }
  return m.conditions.empty() ? twoProducts() : recurrence();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
class Reassociate : public linnet::impl::ReassociateBase<Reassociate> {
public:
  using ReassociateBase::ReassociateBase;

  LogicalResult initialize(MLIRContext *context) override {
    FailureOr<CostModel> loaded = CostModel::read(costModel, UnknownLoc::get(context));
    if (succeeded(loaded))
      model = *loaded;
    return success(succeeded(loaded));
  }

  void runOnOperation() override {
    struct Site {
      Operation *op;
      std::unique_ptr<Elements> elements;
      ProductMatch match;
    };
    std::vector<Site> sites;
    llvm::DenseSet<Operation *> roots;
    getOperation().walk([&](Operation *op) {
      if (!isa<linalg::LinalgOp, EinsumOp, ReduceOp>(op) || op->getNumResults() != 1 ||
          !isa<RankedTensorType>(op->getResult(0).getType()) ||
          !isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
        return;
      auto elements = std::make_unique<Elements>(&getContext());
      auto match = ProductMatcher(*elements).match(op->getResult(0));
      // what only moves the elements of a product is that product's site
      if (!match || !isReduction(op))
        return;
      roots.insert(op);
      sites.push_back({op, std::move(elements), std::move(*match)});
    });
    for (Site &site : sites)
      rewrite(site.op, *site.elements, site.match, roots);
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }

private:
  CostModel model;

  void write(Operation *op, const ProductBuilder &builder, bool reordered) {
    FunctionOpInterface fn = op->getParentOfType<FunctionOpInterface>();
    Builder b(op->getContext());
    SmallVector<Attribute> all;
    if (auto earlier = fn->getAttrOfType<ArrayAttr>(kProductsAttr))
      llvm::append_range(all, earlier);
    auto text = [&](StringRef name, const Twine &value) {
      return b.getNamedAttr(name, b.getStringAttr(value));
    };
    auto &[before, after] = *builder.compared;
    SmallVector<NamedAttribute> site = {
        text("location", describeLocation(op->getLoc())),
        text("function", fn.getName()),
        text("decision", reordered ? "reordered" : "kept"),
        text("class", "exact"),
        b.getNamedAttr("before", printWork(b, before.work, before.seconds)),
        b.getNamedAttr("after", printWork(b, after.work, after.seconds))};
    if (!reordered)
      site.push_back(text("reason", builder.why));
    all.push_back(b.getDictionaryAttr(site));
    fn->setAttr(kProductsAttr, b.getArrayAttr(all));
  }

  static bool isReduction(Operation *op) {
    auto loops = dyn_cast<linalg::LinalgOp>(op);
    return !loops || loops.getNumReductionLoops();
  }

  void rewrite(Operation *op, Elements &elements, const ProductMatch &match,
               const llvm::DenseSet<Operation *> &roots) {
    Value scores = match.scores;
    if (!isa<RankedTensorType>(scores.getType()) || !onlyFeeds(scores, roots)) {
      if (explain)
        emitRemark(op->getLoc(), "products kept: their scores are used elsewhere too");
      return;
    }
    OpBuilder b(op);
    ProductBuilder builder(b, op->getLoc(), elements, match, model, weightsKnown);
    Value made = builder.run();
    if (explain)
      emitRemark(op->getLoc()) << (made ? "products in another order: " + builder.gain
                                        : "products kept: " + builder.why);
    if (record && builder.compared)
      write(op, builder, static_cast<bool>(made));
    if (made)
      op->getResult(0).replaceAllUsesWith(made);
  }
};
} // namespace
