//===- AlibiReader.h - biases that are linear in the distance -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_ALIBIREADER_H
#define LINNET_LIB_TRANSFORMS_REWRITES_ALIBIREADER_H

#include "MaskReader.h"

namespace linnet::rewrites {

/// A bias slope * (j - p) + f: the slope changes neither with the row nor with the key j, f not
/// with the key. Softmax takes no notice of f and p.
struct LinearBias {
  Element slope;
  double factor = 1; ///< of the slope
};

/// Finds such biases. Under a causal mask j <= i + offset a distance |i + c - j| is one where
/// c >= offset.
class AlibiReader {
public:
  AlibiReader(Elements &elements, const MaskReader &masks, std::optional<unsigned> row,
              unsigned key)
      : g(elements), masks(masks), row(row), key(key) {}

  std::optional<LinearBias> read(const Element &bias);

private:
  std::optional<double> perKey(const Element &e);
  std::optional<double> perKeyOfIndex(mlir::AffineExpr e);
  std::optional<double> perKeyOfSum(const Element &e);
  std::optional<double> perKeyOfDistance(const Element &e);
  LinearBias withoutFactors(LinearBias bias);
  mlir::AffineExpr position(const Element &e);
  bool isFixed(const Element &e) { return !g.dependsOn(e, key) && !(row && g.dependsOn(e, *row)); }

  Elements &g;
  const MaskReader &masks;
  std::optional<unsigned> row;
  unsigned key;
};

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_ALIBIREADER_H
