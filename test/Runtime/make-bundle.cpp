//===- make-bundle.cpp - sample bundles for command-line tests ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// make-bundle KIND OUT.lnb: a bundle without the compiler.
//===----------------------------------------------------------------------===//
#include "GPUSample.h"
#include "Samples.h"

#include "linnet/Bundle/GPUKernelABI.h"
#include <cstdio>

int main(int argc, char **argv) {
  using namespace linnet::test;
  TestBundle bundle;
  // The functions for the CPU, and the same for other devices, with code that none could run.
  bool targets = argc == 3 && std::string(argv[1]) == "targets";
  if (argc != 3 || !makeSample(targets ? "all" : argv[1], bundle)) {
    std::fprintf(stderr, "usage: make-bundle %s|targets OUT.lnb\n", kSampleKinds);
    return 1;
  }
  for (bool vulkan : {false, true}) {
    if (!targets)
      continue;
    TestBundle functions;
    makeSample("axpy", functions);
    makeSample("commands", functions);
    std::vector<uint8_t> code(64, 1);
    auto &target = linnet::test::addTarget(
        bundle, vulkan ? linnet::fb::DeviceKind::Vulkan : linnet::fb::DeviceKind::CUDA,
        vulkan ? linnet::fb::CodeFormat::SPIRV : linnet::fb::CodeFormat::PTX,
        {linnet::test::gpuAxpy(code), linnet::test::gpuBounds(code), linnet::test::gpuWideAxpy()},
        std::move(functions));
    target.kernels[0]->gpu->variant = 2;
    target.kernels[2]->gpu->wide = true;
    target.subgroup = vulkan ? 8 : 32;
    target.needs = vulkan ? LNT_GPU_NEEDS_INT8 | LNT_GPU_NEEDS_FLOAT16 : 0;
    for (auto &image : target.images)
      image->chip = vulkan ? "" : "sm_80";
  }
  if (linnet::bundle::Error error = bundle.write(argv[2])) {
    std::fprintf(stderr, "make-bundle: error: %s\n", error.message().c_str());
    return 1;
  }
  return 0;
}
