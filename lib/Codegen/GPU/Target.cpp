//===- Target.cpp - what is known of a GPU ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "WorkgroupMemory.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace linnet::codegen;

// A width that every Vulkan device with the power can be asked for comes first.
static constexpr StringLiteral kVulkanChips[] = {"subgroup8", "subgroup4", "subgroup16",
                                                 "subgroup32", "subgroup64"};
static constexpr StringLiteral kCUDAChips[] = {"sm_80", "sm_86", "sm_89", "sm_90"};

SmallVector<StringRef> linnet::codegen::getGPUChips(StringRef name) {
  if (name == "vulkan")
    return SmallVector<StringRef>(std::begin(kVulkanChips), std::end(kVulkanChips));
  if (name == "cuda")
    return SmallVector<StringRef>(std::begin(kCUDAChips), std::end(kCUDAChips));
  return {};
}

FailureOr<GPUTarget> linnet::codegen::getGPUTarget(StringRef name, StringRef chip) {
  SmallVector<StringRef> chips = getGPUChips(name);
  if (chips.empty())
    return failure();
  if (chip.empty())
    chip = chips.front();
  if (!llvm::is_contained(chips, chip))
    return failure();
  GPUTarget target;
  target.name = name.str();
  target.chip = chip.str();
  target.features = LNT_GPU_NEEDS_INT8 | LNT_GPU_NEEDS_INT16 | LNT_GPU_NEEDS_INT64 |
                    LNT_GPU_NEEDS_FLOAT64 | LNT_GPU_NEEDS_STORAGE8 | LNT_GPU_NEEDS_STORAGE16 |
                    LNT_GPU_NEEDS_SHUFFLE;
  if (name == "vulkan") {
    // what Vulkan 1.3's roadmap profile promises
    chip.consume_front("subgroup");
    chip.getAsInteger(10, target.subgroup);
    target.maxWorkgroup = 256;
    return target;
  }
  target.kind = GPUKind::CUDA;
  target.subgroup = 32;
  target.workgroupMemory = LNT_GPU_STATIC_SHARED; // more has to come from the launch
  target.features |= LNT_GPU_NEEDS_FLOAT16;
  return target;
}

int64_t linnet::codegen::mostWorkgroupMemory(const GPUTarget &target) {
  if (!target.isCUDA())
    return target.workgroupMemory;
  return 1024 *
         llvm::StringSwitch<int64_t>(target.chip).Case("sm_80", 163).Case("sm_90", 227).Default(99);
}

std::string linnet::codegen::getTightestChip(StringRef name, ArrayRef<std::string> chips) {
  auto memory = [&](const std::string &chip) {
    FailureOr<GPUTarget> target = getGPUTarget(name, chip);
    return succeeded(target) ? mostWorkgroupMemory(*target) : INT64_MAX;
  };
  auto found = std::min_element(chips.begin(), chips.end(),
                                [&](auto &a, auto &b) { return memory(a) < memory(b); });
  return found == chips.end() ? "" : *found;
}

FailureOr<GPUTarget>
linnet::codegen::findGPUTarget(StringRef name, StringRef chip,
                               llvm::function_ref<InFlightDiagnostic()> error) {
  FailureOr<GPUTarget> found = getGPUTarget(name, chip);
  if (succeeded(found))
    return found;
  SmallVector<StringRef> chips = getGPUChips(name);
  InFlightDiagnostic diag = error();
  if (chips.empty())
    return diag << "unknown target '" << name << "', expected cpu, vulkan or cuda";
  diag << "unknown chip '" << chip << "' of target " << name << ", expected one of ";
  llvm::interleaveComma(chips, diag);
  return diag;
}
