//===- Absent.cpp - a runtime built without Vulkan's headers --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Vulkan.h"

namespace linnet::runtime::vulkan {

static Failure absent() {
  return fail(LNT_UNSUPPORTED, "this runtime was built without Vulkan's headers");
}

Failure list(std::vector<lnt_device_info> &) { return absent(); }
Failure open(int32_t, std::shared_ptr<Device> &) { return absent(); }

} // namespace linnet::runtime::vulkan
