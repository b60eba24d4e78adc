//===- GPUWords.cpp - what a launch on a GPU passes -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPUWords.h"
#include "linnet/Bundle/GPUKernelABI.h"

#include <algorithm>

namespace linnet::runtime {
namespace {

template <typename... Parts>
Failure refuse(const Program &program, const fb::Kernel &kernel, const Parts &...parts) {
  return fail(LNT_UNSUPPORTED, "function '", program.name, "': kernel '", kernel.name()->str(),
              "' ", parts...);
}

} // namespace

uint32_t chooseKernel(const KernelTable &kernels, const LaunchArguments &arguments) {
  uint32_t index = arguments.launch.index;
  const fb::Kernel &kernel = *kernels.Get(index);
  const fb::GPULaunch &gpu = *kernel.gpu();
  if (gpu.variant() == kNone)
    return index;
  for (uint32_t i = 0; i < kernel.buffers(); ++i) {
    uint64_t element = gpu.buffers()->Get(i)->element_bytes();
    if ((uint64_t(arguments.bytes[i]) + LNT_GPU_MOST_BEFORE) / element > LNT_GPU_NARROW_ELEMENTS)
      return gpu.variant();
  }
  const auto *words = kernels.Get(gpu.variant())->gpu()->words();
  for (uint32_t i = 0; i < kernel.scalars(); ++i) // of those that are sizes
    if (words->Get(i) > gpu.words()->Get(i) &&
        arguments.scalars[i] > int64_t(LNT_GPU_NARROW_ELEMENTS))
      return gpu.variant();
  return index;
}

Failure gridOf(const Program &program, const fb::Kernel &kernel, int64_t chunks, uint32_t maxHeight,
               Grid &grid) {
  int64_t width = std::min<int64_t>(chunks, LNT_GPU_GRID_WIDTH);
  int64_t height = (chunks - 1) / width + 1;
  int64_t most = std::min<int64_t>(INT32_MAX, int64_t(maxHeight) * LNT_GPU_GRID_WIDTH);
  if (chunks > most)
    return refuse(program, kernel, "is launched with ", chunks,
                  " workgroups, the device takes at most ", most);
  grid = {uint32_t(width), uint32_t(height)};
  return nullptr;
}

Failure startOf(const Program &program, const fb::Kernel &kernel, uint32_t index, uint64_t before,
                uint64_t bytes, uint32_t &start) {
  uint64_t element = kernel.gpu()->buffers()->Get(index)->element_bytes();
  if (before % element != 0)
    return refuse(program, kernel, "gets buffer ", index, " at byte ", before,
                  ", which is no multiple of its elements of ", element, " bytes");
  uint64_t count = (before + bytes) / element;
  if (count > LNT_GPU_NARROW_ELEMENTS && !kernel.gpu()->wide())
    return refuse(program, kernel, "works on a buffer of ", count,
                  " elements, it computes positions below 2^31: compile it with "
                  "--positions=guarded");
  start = uint32_t(before / element);
  return nullptr;
}

Failure appendScalars(const Program &program, const fb::Kernel &kernel, const int64_t *scalars,
                      std::vector<uint32_t> &words) {
  const auto *widths = kernel.gpu()->words();
  for (uint32_t i = 0; i < kernel.scalars(); ++i) {
    words.push_back(uint32_t(uint64_t(scalars[i])));
    if (widths->Get(i) == 2)
      words.push_back(uint32_t(uint64_t(scalars[i]) >> 32));
    else if (scalars[i] < INT32_MIN || scalars[i] > int64_t(UINT32_MAX))
      return refuse(program, kernel, "gets ", scalars[i], " in scalar ", i, ", which has 32 bits");
  }
  return nullptr;
}

} // namespace linnet::runtime
