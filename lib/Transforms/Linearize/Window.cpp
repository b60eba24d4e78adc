//===- Window.cpp - keys that ALiBi has made light are left out ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Where |s| <= R is proven and a head's slope is m > 0, the key t before the query weighs between
// exp(-R - m t) and exp(R - m t). Of the n nearest keys, all there where any other is, the sum is
// at least exp(-R) (1 - exp(-m n)) / (1 - exp(-m)), of all others at most exp(R - m n) / (1 -
// exp(-m)). What the others are of the whole is then at most
//
//   exp(2 R - m n) / (1 - exp(-m n) + exp(2 R - m n))
//
// which scores of -R within and R beyond the window attain in a long text. Leaving the others out
// moves the weights by so much in half the L1 distance.
//
//===----------------------------------------------------------------------===//
#include "Methods.h"
#include "linnet/Analysis/Elements.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

/// Keys that the kernel goes through at once: windows are multiples.
static constexpr int64_t kTile = 64;
/// Keys beyond the window of a row that its neighbours in a block see.
static constexpr int64_t kEdge = 12 + kTile;
static constexpr int64_t kAll = -1;

namespace {

/// Neighbouring key heads, with their query heads, of one window.
struct Group {
  int64_t from, count; ///< key heads
  int64_t keys;        ///< of the window; kAll: it has none
};

/// Windows for one site, under which no head leaves out more than a given part of its weight.
class Windows {
public:
  Windows(const AttentionSite &site, ArrayRef<double> slopes, double mass);
  bool saves() const {
    return llvm::any_of(groups, [](const Group &g) { return g.keys != kAll; });
  }
  Certificate certify() const;
  Value build(ImplicitLocOpBuilder &b) const;
  ArrayRef<Group> getGroups() const { return groups; }

private:
  double pairsPerRow(const Group &g) const;
  double rounding() const;
  Value attend(ImplicitLocOpBuilder &b, const Group &g) const;
  int64_t group() const { return site.heads / site.keyHeads; }

  const AttentionSite &site;
  SmallVector<double> slopes; ///< per query head
  SmallVector<Group> groups;
  double mass = 0; ///< left out by any head, at most
};

class WindowMethod : public LinearizeMethod {
public:
  StringRef getName() const override { return "window"; }
  void propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
               std::string &refusal) const override;
};

} // namespace

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// What all but the nearest n keys are of the whole, at most.
static double massBeyond(double bound, double slope, double n) {
  double others = std::exp(2 * bound - slope * n);
  return others / (1 - std::exp(-slope * n) + others);
}

/// The n for which that is at most `mass`.
static double keysFor(double bound, double slope, double mass) {
  return std::ceil(std::log((std::exp(2 * bound) * (1 - mass) + mass) / mass) / slope);
}

Windows::Windows(const AttentionSite &site, ArrayRef<double> slopes, double most)
    : site(site), slopes(slopes) {
  double bound = site.logits.scores;
  auto left = site.op.getMaskSet().getReachBefore();
  for (int64_t h = 0; h < site.keyHeads; ++h) {
    ArrayRef<double> own = slopes.slice(h * group(), group());
    double n = 0;
    for (double m : own)
      n = m > 0 ? std::max(n, keysFor(bound, m, most)) : INFINITY;
    n = std::ceil(n / kTile) * kTile;
    // a window of all keys, or of more than the op's own, leaves nothing out
    bool whole = !(n < 1e9) || n >= site.mostKeys || (left && n - 1 >= *left);
    int64_t keys = whole ? kAll : static_cast<int64_t>(n);
    for (double m : own)
      if (!whole)
        mass = std::max(mass, massBeyond(bound, m, n));
    if (!groups.empty() && groups.back().keys == keys)
      ++groups.back().count;
    else
      groups.push_back({h, 1, keys});
  }
}

/// Keys that the kernel computes for a row, of causal attention the mean over rows.
double Windows::pairsPerRow(const Group &g) const {
  double all = site.keys, n = g.keys == kAll ? all : std::min<double>(g.keys + kEdge, all);
  return site.isCausal() ? std::min(n, n - n * n / (2 * all) + kTile / 2.0) : n;
}

/// Scores, the term of ALiBi and the difference to the maximum are rounded, then the exponential,
/// then sums over the keys of a row. Everything is relative to a weight, and sums of weights and of
/// weights times values have the same weights.
double Windows::rounding() const {
  double worst = 0;
  for (const Group &g : groups) {
    if (g.keys == kAll && !std::isfinite(site.mostKeys))
      return INFINITY;
    // everything below rises with the keys of a row: of fewer than the most it is no larger
    double n = g.keys == kAll ? site.mostKeys : g.keys, term = 0;
    for (int64_t h = g.from * group(); h < (g.from + g.count) * group(); ++h)
      term = std::max(term, std::abs(slopes[h]) * n);
    double score = roundings(site.depth + 4) * site.logits.products +
                   roundings(8) * (2 * site.logits.scores + term);
    double weight = std::expm1(score) + (1 + std::expm1(score)) * 0x1p-22;
    // beside the sums, a rescaling per block of keys
    double sums = (1 + weight) * (1 + roundings(n + n / kTile + 16)) - 1;
    if (!(sums < 0.5))
      return INFINITY;
    double quotient = 2 * sums / (1 - sums);
    worst = std::max(worst, quotient + (1 + quotient) * roundings(4));
  }
  return worst;
}

Certificate Windows::certify() const {
  Certificate c;
  SmallVector<std::string> parts;
  double row = 4 * site.batch * (site.depth + site.valueDepth);
  c.work.bytes = row * site.heads * site.queries;
  for (const Group &g : groups) {
    int64_t heads = g.count * group();
    double pairs = site.batch * heads * site.queries * pairsPerRow(g);
    double flops = 2 * pairs * (site.depth + site.valueDepth);
    // a window moves with the queries
    double keys = g.keys == kAll ? site.keys : std::min(site.keys, g.keys + site.queries);
    double bytes = row * (heads * site.queries + g.count * keys);
    c.work.flops += flops;
    c.work.bytes += row * g.count * keys;
    c.seconds += site.cost.attentionSeconds(pairs, site.depth, site.valueDepth, bytes);
    parts.push_back(g.keys == kAll ? llvm::formatv("all ({0} heads)", heads).str()
                                   : llvm::formatv("{0} ({1} heads)", g.keys, heads).str());
  }
  if (groups.size() > 1) // results are put together
    c.seconds += site.cost.secondsPerDispatch + 8 * site.batch * site.heads * site.queries *
                                                    site.valueDepth / site.cost.bytesPerSecond;
  c.method = "window of the nearest " + llvm::join(parts, ", ") + " keys";
  c.condition = llvm::formatv("|s| <= {0}: {1}; slopes of {2} to {3} per key",
                              printNumber(site.logits.scores), site.logits.proof,
                              printNumber(*llvm::min_element(slopes)),
                              printNumber(*llvm::max_element(slopes)));
  c.weights = mass;
  c.rounding = rounding();
  c.saves = true;
  return c;
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

/// Attention of some heads, with their window.
Value Windows::attend(ImplicitLocOpBuilder &b, const Group &g) const {
  AttentionOp op = site.op;
  int64_t first = g.from * group(), count = g.count * group();
  Value q = sliceDim(b, op.getQ(), 1, first, count);
  Value k = sliceDim(b, op.getK(), 1, g.from, g.count);
  Value v = sliceDim(b, op.getV(), 1, g.from, g.count);
  SmallVector<float> own;
  for (double m : ArrayRef(slopes).slice(first, count))
    own.push_back(static_cast<float>(m));
  auto type = RankedTensorType::get({count}, b.getF32Type());
  Value bias = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(own)));
  MaskAttr masks = op.getMaskSet();
  if (g.keys != kAll)
    masks = masks.withWindow(g.keys - 1, std::nullopt);
  auto o = AttentionOp::inferOutputType(cast<RankedTensorType>(q.getType()),
                                        cast<RankedTensorType>(v.getType()));
  auto made = AttentionOp::create(
      b, o, /*lse=*/Type(), q, k, v, /*bias=*/Value(), bias, /*mask=*/Value(), op.getKvLengths(),
      op.getQOffset(), /*q_segments=*/Value(), /*kv_segments=*/Value(),
      /*dropout_key=*/Value(), /*dropout_counter=*/Value(), masks, op.getAlignment(),
      op.getScaleAttr(), op.getSoftcapAttr(), /*dropout=*/FloatAttr(), /*part=*/IntegerAttr());
  made->setAttr(kCertifiedAttr, b.getUnitAttr());
  return made.getO();
}

Value Windows::build(ImplicitLocOpBuilder &b) const {
  SmallVector<Value> parts;
  for (const Group &g : groups)
    parts.push_back(attend(b, g));
  Value all = parts.size() == 1 ? parts[0] : tensor::ConcatOp::create(b, /*dim=*/1, parts);
  Type type = site.op.getO().getType();
  return all.getType() == type ? all : tensor::CastOp::create(b, type, all).getResult();
}

//===----------------------------------------------------------------------===//
// Method
//===----------------------------------------------------------------------===//

/// Whether an index is the only element of an integer tensor.
static bool isElementOf(OpFoldResult index, Value tensor) {
  auto value = dyn_cast<Value>(index);
  if (auto number = getConstantIntValue(index)) {
    DenseIntElementsAttr constant;
    return matchPattern(tensor, m_Constant(&constant)) && constant.isSplat() &&
           constant.getSplatValue<APInt>() == *number;
  }
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  auto read = value.getDefiningOp<tensor::ExtractOp>();
  auto type = read ? dyn_cast<RankedTensorType>(read.getTensor().getType()) : RankedTensorType();
  return type && read.getTensor() == tensor && type.hasStaticShape() && type.getNumElements() == 1;
}

/// Whether rows were written to the keys at q_offset, one per query. An insert that does not fit
/// has no meaning, so that every query's own key is there.
static bool isWrittenAtOffset(AttentionOp op) {
  Elements g(op.getContext());
  Element keys = g.all(op.getK());
  AffineExpr key = g.variable(g.size() - 2);
  for (const Element &e : g.way(keys)) {
    auto insert = e.value.getDefiningOp<tensor::InsertSliceOp>();
    auto at = insert ? llvm::find(e.at, key) : e.at.end();
    if (!insert || at == e.at.end())
      continue;
    unsigned dim = at - e.at.begin();
    SizeOrigin written = sizeOrigin(insert.getMixedSizes()[dim]);
    return written == sizeOrigin(op.getQ(), 2) &&
           isElementOf(insert.getMixedOffsets()[dim], op.getQOffset());
  }
  return false;
}

/// Every query has to see the keys nearest to it, from its own on.
static std::string refuseMasks(const AttentionSite &site) {
  AttentionOp op = site.op;
  MaskAttr masks = op.getMaskSet();
  bool bottom = op.getAlignment() == MaskAlignment::bottom_right && !op.getQOffset();
  // causal is dropped from one query at the last key: none is beyond it
  if (!masks.getCausal() && !(bottom && op.getQ().getType().getDimSize(2) == 1))
    return "it is not causal: keys beyond a query weigh more the further they are";
  if (masks.getIsExplicit() || masks.getSegments())
    return "its masks may hide the nearest keys";
  if (bottom || (!op.getQOffset() && site.sameLengths && !op.getKvLengths()))
    return "";
  if (!op.getQOffset())
    return "with alignment top_left a query may be beyond the last key";
  if (op.getKvLengths())
    return "kv_lengths may hide the keys nearest to its q_offset";
  return isWrittenAtOffset(op)
             ? ""
             : "no insert of the queries' own keys at q_offset shows that these are among its keys";
}

static std::string refuseWindow(const AttentionSite &site) {
  AttentionOp op = site.op;
  if (std::string extra = refuseExtras(site); !extra.empty())
    return extra;
  if (op.getQ().getType().isDynamicDim(1) || op.getK().getType().isDynamicDim(1))
    return "the number of heads is not known";
  return refuseMasks(site);
}

void WindowMethod::propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
                           std::string &refusal) const {
  DenseFPElementsAttr constant;
  Value slopes = site.op.getAlibiSlopes();
  if (!slopes)
    refusal = "it has no alibi_slopes, under which far keys weigh little";
  else if (!matchPattern(slopes, m_Constant(&constant)))
    refusal = "its alibi_slopes are no constants";
  else
    refusal = refuseWindow(site);
  if (refusal.empty() && !std::isfinite(site.logits.scores))
    refusal = site.logits.unproven;
  if (!refusal.empty())
    return;
  SmallVector<double> values;
  for (const APFloat &m : constant.getValues<APFloat>())
    values.push_back(m.convertToDouble());
  for (int power = 2; power < 30; ++power) {
    auto windows = std::make_shared<Windows>(site, values, std::ldexp(1.0, -power));
    if (windows->saves())
      forms.push_back(
          {windows->certify(), [windows](ImplicitLocOpBuilder &b) { return windows->build(b); }});
  }
  if (forms.empty())
    refusal = "no window is shorter than its keys";
}

std::unique_ptr<LinearizeMethod> linnet::linearize::createWindowMethod() {
  return std::make_unique<WindowMethod>();
}
