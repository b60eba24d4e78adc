//===- CUDA.h - devices of NVIDIA -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CUDA_CUDA_H
#define LINNET_LIB_RUNTIME_CUDA_CUDA_H

#include "../Device.h"

namespace linnet::runtime::cuda {

Failure list(std::vector<lnt_device_info> &devices);
/// `index` from 1 on; 0: the first.
Failure open(int32_t index, std::shared_ptr<Device> &result);

} // namespace linnet::runtime::cuda

#endif // LINNET_LIB_RUNTIME_CUDA_CUDA_H
