//===- VulkanCode.cpp - pipelines of a module -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "VulkanCode.h"
#include "../GPUWords.h"
#include "VulkanExecution.h"
#include "linnet/Bundle/Container.h"

#include <algorithm>
#include <cstring>

namespace linnet::runtime::vulkan {
namespace {

template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

constexpr uint32_t kSpirvMagic = 0x07230203;

} // namespace

Failure VulkanCode::load(std::shared_ptr<VulkanDevice> device, const fb::Target &target,
                         const uint8_t *code, std::unique_ptr<DeviceCode> &result) {
  std::unique_ptr<VulkanCode> loaded(new VulkanCode(std::move(device), target, code));
  if (Failure failed = loaded->check())
    return failed;
  if (Failure failed = loaded->prepare())
    return failed;
  result = std::move(loaded);
  return nullptr;
}

VulkanCode::~VulkanCode() {
  const DeviceFunctions &vk = device->vk;
  for (Pipeline &pipeline : pipelines) {
    vk.DestroyPipeline(device->handle, pipeline.handle, nullptr);
    vk.DestroyPipelineLayout(device->handle, pipeline.layout, nullptr);
    vk.DestroyDescriptorSetLayout(device->handle, pipeline.setLayout, nullptr);
  }
  vk.DestroyPipelineCache(device->handle, cache, nullptr);
}

std::unique_ptr<Execution> VulkanCode::execution() {
  return std::make_unique<VulkanExecution>(*this);
}

Failure VulkanCode::checkNeeds(uint32_t needs, const std::string &who) const {
  std::string missing;
  for (const GPUNeed &need : gpuNeeds())
    if ((needs & need.bit) && !device->physical->hasFeature(need.bit))
      missing += (missing.empty() ? "" : ", ") + std::string(need.name);
  return missing.empty() ? nullptr
                         : fail(LNT_UNSUPPORTED, who, " needs ", missing, ", which ",
                                device->label(), " lacks");
}

/// What the target as a whole asks for.
Failure VulkanCode::check() const {
  lnt_device_info info = device->physical->info();
  if (target.version() > info.version)
    return fail(LNT_UNSUPPORTED, "the bundle needs Vulkan ", target.version() / 1000, ".",
                target.version() % 1000, ", ", device->label(), " has ", info.version / 1000, ".",
                info.version % 1000);
  if (Failure failed = checkNeeds(target.needs(), "the bundle"))
    return failed;
  if (target.subgroup() > info.subgroup_max)
    return fail(LNT_UNSUPPORTED, "the bundle needs subgroups of ", target.subgroup(), " threads, ",
                device->label(), " has ", info.subgroup_max, ": compile it with --chip=subgroup",
                info.subgroup_max);
  return nullptr;
}

Failure VulkanCode::checkKernel(const Pipeline &pipeline) const {
  const VkPhysicalDeviceLimits &limits = device->physical->properties.limits;
  const fb::GPULaunch &launch = *pipeline.kernel->gpu();
  auto tooMuch = [&](const char *what, uint64_t needed, uint64_t most) {
    return fail(LNT_UNSUPPORTED, "kernel '", pipeline.kernel->name()->str(), "' needs ", needed,
                " ", what, ", ", device->label(), " has at most ", most);
  };
  uint32_t group =
      std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  if (launch.group() > group)
    return tooMuch("threads in a workgroup", launch.group(), group);
  if (launch.shared() > limits.maxComputeSharedMemorySize)
    return tooMuch("bytes of workgroup memory", launch.shared(), limits.maxComputeSharedMemorySize);
  uint32_t bindings =
      std::min({limits.maxPerStageDescriptorStorageBuffers, limits.maxDescriptorSetStorageBuffers,
                limits.maxPerStageResources});
  if (pipeline.bindings > bindings)
    return tooMuch("storage buffers", pipeline.bindings, bindings);
  return nullptr;
}

Failure VulkanCode::prepare() {
  for (uint32_t i = 0; i < sizeOf(target.kernels()); ++i) {
    Pipeline pipeline;
    pipeline.kernel = target.kernels()->Get(i);
    const fb::GPULaunch &launch = *pipeline.kernel->gpu();
    pipeline.words = 1 + pipeline.kernel->buffers();
    for (uint32_t s = 0; s < pipeline.kernel->scalars(); ++s)
      pipeline.words += launch.words()->Get(s);
    pipeline.pushes = pipeline.words <= LNT_GPU_PUSH_WORDS;
    pipeline.bindings = pipeline.kernel->buffers() + launch.faults() + !pipeline.pushes;
    maxBindings = std::max(maxBindings, pipeline.bindings);
    if (Failure failed = checkKernel(pipeline))
      return failed;
    pipelines.push_back(pipeline);
  }
  for (uint32_t i = 0; i < sizeOf(target.images()); ++i) {
    const fb::DeviceImage &image = *target.images()->Get(i);
    uint32_t magic;
    std::memcpy(&magic, code + image.offset(), sizeof magic);
    if (bundle::hashBytes(code + image.offset(), image.length()) != image.hash() ||
        magic != kSpirvMagic)
      return fail(LNT_BAD_FILE, "damaged: the hash of SPIR-V module ", i, " differs");
    for (uint32_t k = 0; k < pipelines.size(); ++k)
      if (image.kernel() == k || image.kernel() == kNone)
        pipelines[k].image = &image;
  }
  for (const Pipeline &pipeline : pipelines)
    if (!pipeline.image)
      return fail(LNT_BAD_FILE, "the bundle has no code for kernel '",
                  pipeline.kernel->name()->str(), "'");
  if (target.subgroup() > device->physical->properties11.subgroupSize)
    subgroup = target.subgroup();
  VkPipelineCacheCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  VkResult result = device->vk.CreatePipelineCache(device->handle, &info, nullptr, &cache);
  return result == VK_SUCCESS ? nullptr : device->error("CreatePipelineCache", result);
}

Failure VulkanCode::make(Pipeline &pipeline) {
  const DeviceFunctions &vk = device->vk;
  std::vector<VkDescriptorSetLayoutBinding> bindings(pipeline.bindings);
  for (uint32_t i = 0; i < pipeline.bindings; ++i)
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo setInfo = {};
  setInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  setInfo.bindingCount = pipeline.bindings;
  setInfo.pBindings = bindings.data();
  if (!pipeline.setLayout)
    if (VkResult result =
            vk.CreateDescriptorSetLayout(device->handle, &setInfo, nullptr, &pipeline.setLayout))
      return device->error("CreateDescriptorSetLayout", result);
  VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, pipeline.words * 4};
  VkPipelineLayoutCreateInfo layoutInfo = {};
  layoutInfo.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layoutInfo.setLayoutCount = 1;
  layoutInfo.pSetLayouts = &pipeline.setLayout;
  layoutInfo.pushConstantRangeCount = pipeline.pushes;
  layoutInfo.pPushConstantRanges = &range;
  if (!pipeline.layout)
    if (VkResult result =
            vk.CreatePipelineLayout(device->handle, &layoutInfo, nullptr, &pipeline.layout))
      return device->error("CreatePipelineLayout", result);
  // Modules in a file begin at multiples of 64 bytes, in the caller's memory anywhere.
  std::vector<uint32_t> words(pipeline.image->length() / 4);
  std::memcpy(words.data(), code + pipeline.image->offset(), words.size() * 4);
  VkShaderModuleCreateInfo moduleInfo = {};
  moduleInfo.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  moduleInfo.codeSize = words.size() * 4;
  moduleInfo.pCode = words.data();
  VkShaderModule module;
  if (VkResult result = vk.CreateShaderModule(device->handle, &moduleInfo, nullptr, &module))
    return device->error("CreateShaderModule", result);
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo width = {};
  width.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  width.requiredSubgroupSize = subgroup;
  VkComputePipelineCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.pNext = subgroup ? &width : nullptr;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = pipeline.kernel->name()->c_str();
  info.layout = pipeline.layout;
  VkResult result =
      vk.CreateComputePipelines(device->handle, cache, 1, &info, nullptr, &pipeline.handle);
  vk.DestroyShaderModule(device->handle, module, nullptr);
  return result == VK_SUCCESS ? nullptr : device->error("CreateComputePipelines", result);
}

Failure VulkanCode::pipeline(const LaunchArguments &arguments, const Pipeline *&result) {
  std::lock_guard<std::mutex> lock(mutex);
  Pipeline &found = pipelines[chooseKernel(*target.kernels(), arguments)];
  if (!found.handle) {
    const fb::Kernel &kernel = *found.kernel;
    if (Failure failed = checkNeeds(kernel.gpu()->needs(), "kernel '" + kernel.name()->str() + "'"))
      return failed;
    if (Failure failed = make(found))
      return failed;
  }
  result = &found;
  return nullptr;
}

} // namespace linnet::runtime::vulkan
