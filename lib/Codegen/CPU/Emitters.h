//===- Emitters.h - the kernel emitters of the CPU --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_EMITTERS_H
#define LINNET_LIB_CODEGEN_CPU_EMITTERS_H

#include "linnet/Codegen/KernelEmitter.h"

namespace linnet::codegen {

// One function per emitter, defined beside it, giving its only instance.
const KernelEmitter *getAttentionEmitter();
const KernelEmitter *getAttentionGradEmitter();
const KernelEmitter *getCausalConvEmitter();
const KernelEmitter *getCausalConvGradEmitter();
const KernelEmitter *getContractionEmitter();
const KernelEmitter *getConvEmitter();
const KernelEmitter *getConvFilterGradEmitter();
const KernelEmitter *getCrossEntropyEmitter();
const KernelEmitter *getCrossEntropyGradEmitter();
const KernelEmitter *getDropoutEmitter();
const KernelEmitter *getLinearAttentionEmitter();
const KernelEmitter *getLinearAttentionGradEmitter();
const KernelEmitter *getLoopsEmitter(); // last: it takes what is left
const KernelEmitter *getPoolEmitter();
const KernelEmitter *getRandomEmitter();
const KernelEmitter *getResizeEmitter();
const KernelEmitter *getScatterAddEmitter();
const KernelEmitter *getSelectiveScanEmitter();
const KernelEmitter *getSelectiveScanGradEmitter();

// In the order in which they are asked, each followed by a comma.
#define LINNET_CPU_EMITTERS                                                                        \
  getAttentionEmitter(), getAttentionGradEmitter(), getLinearAttentionEmitter(),                   \
      getLinearAttentionGradEmitter(), getSelectiveScanEmitter(), getSelectiveScanGradEmitter(),   \
      getCausalConvEmitter(), getCausalConvGradEmitter(), getRandomEmitter(), getDropoutEmitter(), \
      getCrossEntropyEmitter(), getCrossEntropyGradEmitter(), getScatterAddEmitter(),              \
      getPoolEmitter(), getResizeEmitter(), getConvFilterGradEmitter(), getConvEmitter(),          \
      getContractionEmitter(), getLoopsEmitter(),

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_EMITTERS_H
