//===- DeviceWriter.cpp - how kernels of a GPU are launched ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "DeviceWriter.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;

/// Buffers in the order of GPUKernelABI.h. An argument that a result is tied to is written.
static std::vector<fb::GPUBuffer> buffersOf(exec::KernelOp kernel, bool scratch) {
  std::vector<fb::GPUBuffer> buffers;
  auto add = [&](Type type, bool written) {
    Type element = cast<ShapedType>(type).getElementType();
    unsigned bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
    buffers.emplace_back(uint8_t(llvm::divideCeil(bits, 8)), uint8_t(written));
  };
  unsigned results = kernel.getResultTypes().size();
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    bool tied = false;
    for (unsigned r = 0; r < results; ++r)
      tied |= kernel.getTiedInput(r) == static_cast<int64_t>(i);
    if (isa<ShapedType>(type))
      add(type, tied);
  }
  for (auto [r, type] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(r) < 0)
      add(type, true);
  if (scratch)
    buffers.emplace_back(4, 1); // words
  return buffers;
}

static std::vector<uint8_t> wordsOf(exec::KernelOp kernel, bool wide) {
  std::vector<uint8_t> words;
  uint8_t size = wide ? 2 : 1;
  auto sizes = [&](Type type) {
    words.insert(words.end(), cast<RankedTensorType>(type).getNumDynamicDims(), size);
  };
  for (Type type : kernel.getArgumentTypes()) {
    if (isa<ShapedType>(type))
      sizes(type);
    else
      words.push_back(type.isIndex() ? size : type.getIntOrFloatBitWidth() <= 32 ? 1 : 2);
  }
  for (auto [r, type] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getTiedInput(r) < 0)
      sizes(type);
  if (kernel.getFaults())
    words.push_back(1);
  return words;
}

FailureOr<flatbuffers::Offset<fb::GPULaunch>>
linnet::bundle::writeLaunch(exec::KernelOp kernel, const codegen::GPUKernel &compiled,
                            uint32_t variant, flatbuffers::FlatBufferBuilder &out) {
  std::vector<fb::GPUBuffer> buffers = buffersOf(kernel, compiled.scratch);
  std::vector<uint8_t> words = wordsOf(kernel, compiled.wide);
  unsigned bindings = buffers.size() + (compiled.faults ? 1 : 0);
  unsigned all = 1 + buffers.size() + std::accumulate(words.begin(), words.end(), 0u);
  if (compiled.buffers != bindings || compiled.words != all)
    return kernel.emitOpError() << "was compiled for " << compiled.buffers << " buffers and "
                                << compiled.words << " words, expected " << bindings << " and "
                                << all;
  auto buffersV = out.CreateVectorOfStructs(buffers);
  auto wordsV = out.CreateVector(words);
  return fb::CreateGPULaunch(out, compiled.workgroupSize, compiled.sharedBytes, buffersV, wordsV,
                             compiled.faults != 0, compiled.wide, variant,
                             compiled.variantOf ? compiled.needs : 0);
}
