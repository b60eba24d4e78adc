//===- CheckTargets.cpp - checks of what is for other devices -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CheckInternal.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/GPUKernelABI.h"

namespace linnet::bundle {
namespace {

// Far beyond what any device has, and far from where sums of them overflow.
constexpr uint32_t kMaxGroup = 1u << 16, kMaxShared = 1u << 26;

Error checkLaunch(const fb::Kernel &kernel) {
  const fb::GPULaunch &gpu = *kernel.gpu();
  if (gpu.group() == 0 || gpu.group() > kMaxGroup || gpu.shared() > kMaxShared)
    return makeError("has workgroups of ", gpu.group(), " threads and ", gpu.shared(), " bytes");
  if (sizeOf(gpu.buffers()) != kernel.buffers() || sizeOf(gpu.words()) != kernel.scalars())
    return makeError("describes ", sizeOf(gpu.buffers()), " buffers and ", sizeOf(gpu.words()),
                     " scalars, but takes ", kernel.buffers(), " and ", kernel.scalars());
  for (uint32_t i = 0; i < kernel.buffers(); ++i) {
    const fb::GPUBuffer &buffer = *gpu.buffers()->Get(i);
    unsigned bytes = buffer.element_bytes();
    if ((bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) || buffer.written() > 1)
      return makeError("has elements of ", bytes, " bytes in buffer ", i);
  }
  for (uint32_t i = 0; i < kernel.scalars(); ++i)
    if (gpu.words()->Get(i) != 1 && gpu.words()->Get(i) != 2)
      return makeError("has ", unsigned(gpu.words()->Get(i)), " words in scalar ", i);
  if (gpu.faults() && (kernel.scalars() == 0 || gpu.words()->Get(kernel.scalars() - 1) != 1))
    return makeError("can fault, but takes no fault site");
  return Error();
}

/// A variant takes the kernel's place with the same operands.
Error checkVariant(const fb::Target &target, const fb::Kernel &kernel) {
  const fb::GPULaunch &gpu = *kernel.gpu();
  if (gpu.variant() == kNoRegister)
    return Error();
  if (gpu.variant() >= sizeOf(target.kernels()))
    return makeError("has variant ", gpu.variant(), " of ", sizeOf(target.kernels()), " kernels");
  const fb::Kernel &variant = *target.kernels()->Get(gpu.variant());
  const fb::GPULaunch &other = *variant.gpu();
  bool same = kernel.buffers() == variant.buffers() && kernel.scalars() == variant.scalars() &&
              gpu.faults() == other.faults();
  for (uint32_t i = 0; i < kernel.scalars() && same; ++i)
    same = other.words()->Get(i) >= gpu.words()->Get(i);
  for (uint32_t i = 0; i < kernel.buffers() && same; ++i)
    same = gpu.buffers()->Get(i)->element_bytes() == other.buffers()->Get(i)->element_bytes() &&
           gpu.buffers()->Get(i)->written() == other.buffers()->Get(i)->written();
  if (!same || gpu.wide() || !other.wide() || other.variant() != kNoRegister)
    return makeError("has variant '", variant.name()->str(), "', which cannot take its place");
  return Error();
}

Error checkImage(const fb::Target &target, const fb::DeviceImage &image, uint64_t codeLength) {
  if (image.format() > fb::CodeFormat::MAX ||
      (image.format() == fb::CodeFormat::SPIRV) != (target.kind() == fb::DeviceKind::Vulkan))
    return makeError("has format ", unsigned(image.format()), ", which is not the device's");
  if (!cleanString(image.chip()))
    return makeError("has a chip with a NUL");
  if (image.kernel() != kNoRegister && image.kernel() >= sizeOf(target.kernels()))
    return makeError("is of kernel ", image.kernel(), " of ", sizeOf(target.kernels()));
  if (image.offset() % kConstantAlign != 0 || image.offset() > codeLength ||
      image.length() > codeLength - image.offset())
    return makeError("is at byte ", image.offset(), " + ", image.length(), " of a code segment of ",
                     codeLength, " bytes");
  if (image.format() == fb::CodeFormat::SPIRV && (image.length() % 4 != 0 || image.length() < 20))
    return makeError("has ", image.length(), " bytes, which no SPIR-V module has");
  return Error();
}

Error checkTarget(const fb::Bundle &bundle, const fb::Target &target, uint64_t codeLength) {
  if (target.abi() != LNT_GPU_KERNEL_ABI_VERSION)
    return makeError("has kernel ABI ", target.abi(), ", this runtime has ",
                     LNT_GPU_KERNEL_ABI_VERSION, ": compile again");
  if (target.subgroup() > 1024 || (target.subgroup() & (target.subgroup() - 1)) != 0)
    return makeError("has subgroups of ", target.subgroup(), " threads");
  if (Error error = checkKernels(target.kernels(), true))
    return error;
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i)
    if (Error error = checkLaunch(*target.kernels()->Get(i)))
      return makeError("kernel '", target.kernels()->Get(i)->name()->str(), "' ", error.message());
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i)
    if (Error error = checkVariant(target, *target.kernels()->Get(i)))
      return makeError("kernel '", target.kernels()->Get(i)->name()->str(), "' ", error.message());
  for (uint32_t i = 0; i < sizeOf(target.images()); ++i)
    if (Error error = checkImage(target, *target.images()->Get(i), codeLength))
      return makeError("image ", i, " ", error.message());
  return checkFunctions(bundle, target.functions(), target.kernels());
}

} // namespace

Error checkTargets(const fb::Bundle &bundle, uint64_t codeLength) {
  bool seen[size_t(fb::DeviceKind::MAX) + 1] = {};
  for (uint32_t i = 0; i < sizeOf(bundle.targets()); ++i) {
    const fb::Target &target = *bundle.targets()->Get(i);
    if (target.kind() == fb::DeviceKind::CPU || target.kind() > fb::DeviceKind::MAX)
      return makeError("target ", i, " is of unknown kind ", unsigned(target.kind()));
    if (seen[size_t(target.kind())])
      return makeError("target ", i, " is of a kind that is there already");
    seen[size_t(target.kind())] = true;
    if (Error error = checkTarget(bundle, target, codeLength))
      return makeError("target ", i, ": ", error.message());
  }
  return Error();
}

} // namespace linnet::bundle
