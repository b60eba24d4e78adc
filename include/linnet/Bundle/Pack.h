//===- Pack.h - weights in panels -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The layout in which contractions read their weights:
//   [batch][ceil(n / panel)][ceil(k / group)][panel][group], zero padded.
// Element (b, n, k) of the source is at b * batchStride + n * nStride + k * kStride.
// The compiler packs embedded weights, the runtime external ones while it loads them.
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_PACK_H
#define LINNET_BUNDLE_PACK_H

#include <cstdint>

namespace linnet::bundle {

struct PanelLayout {
  uint64_t batch = 1, n = 0, k = 0;
  uint64_t batchStride = 0, nStride = 0, kStride = 0; // in elements
  uint32_t panel = 1, group = 1;

  uint64_t panelsPerBatch() const { return n / panel + (n % panel != 0); }
  uint64_t groups() const { return k / group + (k % group != 0); }
  uint64_t elementsPerPanel() const { return groups() * panel * group; }
};

/// Bytes of the packed tensor; false when panel or group is 0 or the size overflows.
bool packedBytes(const PanelLayout &layout, unsigned elementBytes, uint64_t &bytes);

/// Elements that the source must have; false on overflow.
bool sourceElements(const PanelLayout &layout, uint64_t &elements);

/// Packs panels `begin` to `end`, counted over all batches. Elements of 1, 2, 4 or 8 bytes.
/// Different ranges may run on different threads.
void packPanels(const PanelLayout &layout, unsigned elementBytes, const void *source, void *packed,
                uint64_t begin, uint64_t end);

/// Packs everything.
void pack(const PanelLayout &layout, unsigned elementBytes, const void *source, void *packed);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_PACK_H
