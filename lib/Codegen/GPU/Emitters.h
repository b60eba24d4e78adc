//===- Emitters.h - the kernel emitters of GPUs -----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_EMITTERS_H
#define LINNET_LIB_CODEGEN_GPU_EMITTERS_H

#include "GPUKernelFrame.h"

namespace linnet::codegen {

// One function per emitter, defined beside it, giving its only instance.
const GPUKernelEmitter *getGPUAttentionEmitter();
const GPUKernelEmitter *getGPUDropoutEmitter();
const GPUKernelEmitter *getGPURandomEmitter();
const GPUKernelEmitter *getGPUScatterAddEmitter();
const GPUKernelEmitter *getGPUCausalConvEmitter();
const GPUKernelEmitter *getGPUSelectiveScanGradEmitter();
const GPUKernelEmitter *getGPUCausalConvGradEmitter();
const GPUKernelEmitter *getGPUContractionEmitter();
const GPUKernelEmitter *getGPUConvEmitter();
const GPUKernelEmitter *getGPUConvFilterGradEmitter();
const GPUKernelEmitter *getGPUCrossEntropyEmitter();
const GPUKernelEmitter *getGPUCrossEntropyGradEmitter();
const GPUKernelEmitter *getGPULinearAttentionEmitter();
const GPUKernelEmitter *getGPULinearAttentionGradEmitter();
const GPUKernelEmitter *getGPUAttentionGradEmitter();
const GPUKernelEmitter *getGPULoopsEmitter(); // last: it takes what is left
const GPUKernelEmitter *getGPUPoolEmitter();
const GPUKernelEmitter *getGPUResizeEmitter();
const GPUKernelEmitter *getGPUSelectiveScanEmitter();

// In the order in which they are asked, each followed by a comma.
#define LINNET_GPU_EMITTERS                                                                        \
  getGPUAttentionEmitter(), getGPUAttentionGradEmitter(), getGPUDropoutEmitter(),                  \
      getGPURandomEmitter(), getGPUScatterAddEmitter(), getGPUPoolEmitter(),                       \
      getGPUResizeEmitter(), getGPUConvFilterGradEmitter(), getGPUConvEmitter(),                   \
      getGPUCrossEntropyEmitter(), getGPUCrossEntropyGradEmitter(), getGPUSelectiveScanEmitter(),  \
      getGPUCausalConvGradEmitter(), getGPUSelectiveScanGradEmitter(), getGPUCausalConvEmitter(),  \
      getGPULinearAttentionGradEmitter(), getGPULinearAttentionEmitter(),                          \
      getGPUContractionEmitter(), getGPULoopsEmitter(),

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_EMITTERS_H
