//===- GPUWords.h - what a launch on a GPU passes ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_GPUWORDS_H
#define LINNET_LIB_RUNTIME_GPUWORDS_H

#include "Device.h"
#include "Program.h"
#include "Status.h"

namespace linnet::runtime {

struct Grid {
  uint32_t width, height;
};

/// The number of the kernel that does a launch: the program's, or where that cannot reach all
/// elements its variant.
uint32_t chooseKernel(const KernelTable &kernels, const LaunchArguments &arguments);

/// The grid of a launch (Bundle/GPUKernelABI.h) on a device with at most `maxHeight` rows.
Failure gridOf(const Program &program, const fb::Kernel &kernel, int64_t chunks, uint32_t maxHeight,
               Grid &grid);

/// The element of buffer `index` that is `before` bytes behind the start of its binding, where
/// `bytes` more follow.
Failure startOf(const Program &program, const fb::Kernel &kernel, uint32_t index, uint64_t before,
                uint64_t bytes, uint32_t &start);

/// The words of the scalars.
Failure appendScalars(const Program &program, const fb::Kernel &kernel, const int64_t *scalars,
                      std::vector<uint32_t> &words);

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_GPUWORDS_H
