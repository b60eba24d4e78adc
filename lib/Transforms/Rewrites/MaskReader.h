//===- MaskReader.h - conditions on positions ------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_MASKREADER_H
#define LINNET_LIB_TRANSFORMS_REWRITES_MASKREADER_H

#include "linnet/Analysis/Elements.h"

namespace linnet::rewrites {

/// What conditions on the positions of a row i and a key j come down to: j <= i + offset (causal),
/// i - left <= j.
class MaskReader {
public:
  MaskReader(Elements &elements, std::optional<unsigned> row, unsigned key)
      : g(elements), row(row), key(key) {}

  /// Adds a condition; false, and nothing is changed, where it is of another kind.
  bool read(const Element &condition, bool negated);
  /// Whether every row certainly has a key.
  bool everyRowSees() const;

  bool causal = false;
  std::optional<int64_t> left, offset;

private:
  bool readAtom(Element atom, bool negated);
  bool readInequality(mlir::AffineExpr difference);
  bool readPattern(const Element &atom, bool negated);

  Elements &g;
  std::optional<unsigned> row;
  unsigned key;
};

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_MASKREADER_H
