//===- Pack.cpp - weights in panels ---------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/Pack.h"

#include <algorithm>
#include <cstring>

namespace linnet::bundle {
namespace {

/// k is walked in blocks of this many groups, so that the rows of a source with contiguous k
/// and the block of the panel both stay in the first-level cache.
constexpr uint64_t kBlock = 16;

template <typename T>
void packPanel(const PanelLayout &layout, const T *source, T *target, uint64_t columns) {
  const uint64_t panel = layout.panel, group = layout.group, groups = layout.groups();
  const uint64_t step = panel * group;
  if (groups == 0)
    return; // nothing to fill, and no memory to fill
  if (columns < panel || layout.k % group != 0)
    std::memset(target, 0, layout.elementsPerPanel() * sizeof(T));
  if (group == 1 && layout.nStride == 1) {
    for (uint64_t k = 0; k < layout.k; ++k)
      std::memcpy(target + k * step, source + k * layout.kStride, columns * sizeof(T));
    return;
  }
  for (uint64_t block = 0; block < groups; block += kBlock) {
    uint64_t end = std::min(groups, block + kBlock);
    for (uint64_t n = 0; n < columns; ++n) {
      const T *row = source + n * layout.nStride;
      for (uint64_t g = block; g < end; ++g) {
        uint64_t width = std::min(group, layout.k - g * group);
        T *to = target + g * step + n * group;
        const T *from = row + g * group * layout.kStride;
        for (uint64_t i = 0; i < width; ++i)
          to[i] = from[i * layout.kStride];
      }
    }
  }
}

template <typename T>
void packRange(const PanelLayout &layout, const void *source, void *packed, uint64_t begin,
               uint64_t end) {
  uint64_t perBatch = layout.panelsPerBatch(), elements = layout.elementsPerPanel();
  for (uint64_t i = begin; i < end; ++i) {
    uint64_t batch = i / perBatch, first = i % perBatch * layout.panel;
    packPanel(layout,
              static_cast<const T *>(source) + batch * layout.batchStride + first * layout.nStride,
              static_cast<T *>(packed) + i * elements,
              std::min<uint64_t>(layout.panel, layout.n - first));
  }
}

bool multiply(uint64_t a, uint64_t b, uint64_t &product) {
  return !__builtin_mul_overflow(a, b, &product);
}

} // namespace

bool packedBytes(const PanelLayout &layout, unsigned elementBytes, uint64_t &bytes) {
  if (layout.panel == 0 || layout.group == 0)
    return false;
  return multiply(layout.groups(), uint64_t(layout.panel) * layout.group, bytes) &&
         multiply(bytes, layout.panelsPerBatch(), bytes) && multiply(bytes, layout.batch, bytes) &&
         multiply(bytes, elementBytes, bytes);
}

bool sourceElements(const PanelLayout &layout, uint64_t &elements) {
  elements = 0;
  if (layout.batch == 0 || layout.n == 0 || layout.k == 0)
    return true;
  uint64_t b, n, k;
  if (!multiply(layout.batch - 1, layout.batchStride, b) ||
      !multiply(layout.n - 1, layout.nStride, n) || !multiply(layout.k - 1, layout.kStride, k))
    return false;
  return !__builtin_add_overflow(b, n, &elements) &&
         !__builtin_add_overflow(elements, k, &elements) &&
         !__builtin_add_overflow(elements, uint64_t(1), &elements);
}

void packPanels(const PanelLayout &layout, unsigned elementBytes, const void *source, void *packed,
                uint64_t begin, uint64_t end) {
  switch (elementBytes) {
  case 1:
    return packRange<uint8_t>(layout, source, packed, begin, end);
  case 2:
    return packRange<uint16_t>(layout, source, packed, begin, end);
  case 4:
    return packRange<uint32_t>(layout, source, packed, begin, end);
  case 8:
    return packRange<uint64_t>(layout, source, packed, begin, end);
  default:
    return; // no type has such elements
  }
}

void pack(const PanelLayout &layout, unsigned elementBytes, const void *source, void *packed) {
  packPanels(layout, elementBytes, source, packed, 0, layout.batch * layout.panelsPerBatch());
}

} // namespace linnet::bundle
