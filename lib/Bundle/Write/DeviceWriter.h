//===- DeviceWriter.h - how kernels of a GPU are launched -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_BUNDLE_WRITE_DEVICEWRITER_H
#define LINNET_LIB_BUNDLE_WRITE_DEVICEWRITER_H

#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Codegen/GPU.h"

namespace linnet::bundle {

/// What the runtime must know of `compiled`, the code of `kernel`; `variant`: the number of its
/// variant, or kNone.
mlir::FailureOr<flatbuffers::Offset<fb::GPULaunch>>
writeLaunch(exec::KernelOp kernel, const codegen::GPUKernel &compiled, uint32_t variant,
            flatbuffers::FlatBufferBuilder &out);

} // namespace linnet::bundle

#endif // LINNET_LIB_BUNDLE_WRITE_DEVICEWRITER_H
