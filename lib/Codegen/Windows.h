//===- Windows.h - windows over the spatial dimensions ----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What convolutions and poolings share: windows of some taps over one to three spatial dimensions,
// which are filled up in front to three.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_WINDOWS_H
#define LINNET_LIB_CODEGEN_WINDOWS_H

#include "linnet/Codegen/CodeBuilder.h"
#include <array>
#include <optional>

namespace linnet::codegen {

struct Windows {
  unsigned spatial = 0; ///< 1 to 3
  std::array<int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, low{0, 0, 0},
      high{0, 0, 0};

  Windows() = default;
  /// Of an op with strides, dilations and padding; `sizes`: of a window.
  template <typename Op>
  Windows(Op op, llvm::ArrayRef<int64_t> sizes) : spatial(op.getNumSpatialDims()) {
    for (unsigned i = 0; i < spatial && i < 3; ++i) {
      unsigned at = 3 - spatial + i;
      kernel[at] = sizes[i];
      stride[at] = op.getStride(i);
      dilation[at] = op.getDilation(i);
      low[at] = op.getPadLow(i);
      high[at] = op.getPadHigh(i);
    }
  }
  template <typename Op> static Windows ofPool(Op op) { return Windows(op, op.getKernel()); }

  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// Elements from the first to the last tap of `count` windows in a row of them.
  int64_t extent(unsigned i, int64_t count = 1) const {
    return (count - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
  }
  /// Residues of positions modulo the stride that taps fall on, and by how much the last tap is
  /// shifted among the positions of one residue.
  int64_t phases(unsigned i) const;
  int64_t reach(unsigned i) const { return (kernel[i] - 1) * dilation[i] / stride[i]; }
  /// Dimension of a tensor for spatial dimension i of 3, or none where it is filled up.
  std::optional<unsigned> dim(unsigned i, unsigned first = 2) const {
    return i + spatial < 3 ? std::nullopt : std::optional<unsigned>(first + i + spatial - 3);
  }
  /// How many taps of a window lie in a dimension of `size` elements, or in what it is padded to.
  Value tapsInside(CodeBuilder &e, unsigned i, Value window, Value size, bool padded) const;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_WINDOWS_H
