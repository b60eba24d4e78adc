//===- Windows.cpp - windows over the spatial dimensions ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Windows.h"

using namespace linnet::codegen;

int64_t Windows::phases(unsigned i) const {
  // taps fall on multiples of the dilation modulo the stride
  int64_t last = 0;
  for (int64_t r = 0; r < kernel[i]; ++r)
    last = std::max(last, r * dilation[i] % stride[i]);
  return last + 1;
}

// Taps t with lowest <= window * stride + t * dilation < highest.
Value Windows::tapsInside(CodeBuilder &e, unsigned i, Value window, Value size, bool padded) const {
  Value start = e.sub(e.mul(window, stride[i]), e.index(low[i]));
  Value highest = e.add(size, padded ? high[i] : 0);
  auto reachOf = [&](Value limit) {
    Value steps = e.ceilDiv(e.max(e.sub(limit, start), e.index(0)), dilation[i]);
    return e.min(steps, e.index(kernel[i]));
  };
  return e.sub(reachOf(highest), padded ? e.index(0) : reachOf(e.index(0)));
}
