//===- GPUSample.h - bundles for other devices, written by hand -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_RUNTIME_GPUSAMPLE_H
#define LINNET_TEST_RUNTIME_GPUSAMPLE_H

#include "TestBundle.h"

namespace linnet::test {

/// A kernel of a GPU: its code and how it is launched.
struct GPUTestKernel {
  std::string name;
  std::vector<uint8_t> code;
  std::vector<fb::GPUBuffer> buffers;
  std::vector<uint8_t> words; // of the scalars
  bool faults = false;
};

/// test/Runtime/Inputs/axpy.spvasm and bounds.spvasm, or what stands for them on another device.
GPUTestKernel gpuAxpy(std::vector<uint8_t> code);
GPUTestKernel gpuBounds(std::vector<uint8_t> code);
/// Of the tests' own driver for CUDA alone: what axpy has for a variant, to be told from it by its
/// result, x * 4 + y.
GPUTestKernel gpuWideAxpy();

/// Moves the functions of `from` to a target of `bundle`.
fb::TargetT &addTarget(TestBundle &bundle, fb::DeviceKind kind, fb::CodeFormat format,
                       const std::vector<GPUTestKernel> &kernels, TestBundle from);

/// 'find' faults where an element of x is not below 100, and donates state 'seen'. Its kernel (1)
/// takes more scalars than push constants hold.
void addFind(TestBundle &bundle);
/// 'first' is axpy of the first 16 elements of x, of which there are as many as one likes.
void addFirst(TestBundle &bundle);
/// 'both' adds two embedded constants to x in turns through the arena.
void addConstants(TestBundle &bundle);

std::vector<uint8_t> readFile(const std::string &path);

} // namespace linnet::test

#endif // LINNET_TEST_RUNTIME_GPUSAMPLE_H
