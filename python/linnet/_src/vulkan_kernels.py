# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
"""Runs single GPU kernels on a Vulkan device for tests, by the convention of Bundle/GPUKernelABI.h:
what `kernels.py` is for CPU kernels. Memory behind every buffer is checked afterwards, and is NaN
before. A test of a kernel runs on the device when LINNET_DEVICE is `vulkan`."""

import ctypes
import functools
import json
import pathlib
import subprocess

import numpy as np

from linnet._src import kernels, testing

DRIVER = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>
#define CHECK(x) do { VkResult r = (x); if (r) return fail(#x, r); } while (0)
static char message[256];
const char *problem(void) { return message; }
static int fail(const char *what, int code) {
  snprintf(message, sizeof message, "%s gives %d", what, code);
  return 1;
}
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;
static VkCommandPool pool;
static uint32_t family, memory_type;

int open_device(void) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO};
  app.apiVersion = VK_API_VERSION_1_3;
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &app;
  VkInstance instance;
  CHECK(vkCreateInstance(&info, 0, &instance));
  uint32_t n = 1;
  VkResult found = vkEnumeratePhysicalDevices(instance, &n, &physical);
  if (n == 0 || (found && found != VK_INCOMPLETE)) return fail("vkEnumeratePhysicalDevices", found);
  VkPhysicalDeviceVulkan12Features f12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features f11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  features.pNext = &f11;
  f11.pNext = &f12;
  vkGetPhysicalDeviceFeatures2(physical, &features);
  VkQueueFamilyProperties families[16];
  n = 16;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, families);
  while (family < n && !(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT)) ++family;
  float priority = 1;
  VkDeviceQueueCreateInfo queues = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queues.queueFamilyIndex = family;
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  VkDeviceCreateInfo create = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  create.pNext = &features;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queues;
  CHECK(vkCreateDevice(physical, &create, 0, &device));
  vkGetDeviceQueue(device, family, 0, &queue);
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(physical, &memory);
  VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  while (memory_type < memory.memoryTypeCount &&
         (memory.memoryTypes[memory_type].propertyFlags & wanted) != wanted) ++memory_type;
  VkCommandPoolCreateInfo commands = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  commands.queueFamilyIndex = family;
  CHECK(vkCreateCommandPool(device, &commands, 0, &pool));
  return 0;
}

typedef struct {
  VkDescriptorSetLayout set;
  VkPipelineLayout layout;
  VkPipeline pipeline;
} kernel;

int make_kernel(const void *code, size_t bytes, const char *name, uint32_t buffers, uint32_t push, kernel *k) {
  VkShaderModuleCreateInfo shader = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  shader.codeSize = bytes;
  shader.pCode = code;
  VkShaderModule module;
  CHECK(vkCreateShaderModule(device, &shader, 0, &module));
  VkDescriptorSetLayoutBinding bindings[64];
  for (uint32_t i = 0; i < buffers; ++i)
    bindings[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, 0};
  VkDescriptorSetLayoutCreateInfo set = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  set.bindingCount = buffers;
  set.pBindings = bindings;
  CHECK(vkCreateDescriptorSetLayout(device, &set, 0, &k->set));
  VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push};
  VkPipelineLayoutCreateInfo layout = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &k->set;
  layout.pushConstantRangeCount = push ? 1 : 0;
  layout.pPushConstantRanges = &range;
  CHECK(vkCreatePipelineLayout(device, &layout, 0, &k->layout));
  VkComputePipelineCreateInfo create = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  create.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  create.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  create.stage.module = module;
  create.stage.pName = name;
  create.layout = k->layout;
  CHECK(vkCreateComputePipelines(device, 0, 1, &create, 0, &k->pipeline));
  vkDestroyShaderModule(device, module, 0);
  return 0;
}

int run_kernel(kernel *k, uint32_t x, uint32_t y, uint32_t n, void **data, const size_t *bytes,
               const uint32_t *words, uint32_t push) {
  VkBuffer buffers[64];
  VkDeviceMemory memory[64];
  void *mapped[64];
  VkDescriptorBufferInfo infos[64];
  VkWriteDescriptorSet writes[64];
  VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, n};
  VkDescriptorPoolCreateInfo pools = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pools.maxSets = 1;
  pools.poolSizeCount = 1;
  pools.pPoolSizes = &size;
  VkDescriptorPool descriptors;
  CHECK(vkCreateDescriptorPool(device, &pools, 0, &descriptors));
  VkDescriptorSetAllocateInfo sets = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  sets.descriptorPool = descriptors;
  sets.descriptorSetCount = 1;
  sets.pSetLayouts = &k->set;
  VkDescriptorSet set;
  CHECK(vkAllocateDescriptorSets(device, &sets, &set));
  for (uint32_t i = 0; i < n; ++i) {
    VkBufferCreateInfo create = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    create.size = bytes[i];
    create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    CHECK(vkCreateBuffer(device, &create, 0, &buffers[i]));
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, buffers[i], &needs);
    VkMemoryAllocateInfo allocate = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocate.allocationSize = needs.size;
    allocate.memoryTypeIndex = memory_type;
    CHECK(vkAllocateMemory(device, &allocate, 0, &memory[i]));
    CHECK(vkBindBufferMemory(device, buffers[i], memory[i], 0));
    CHECK(vkMapMemory(device, memory[i], 0, VK_WHOLE_SIZE, 0, &mapped[i]));
    memcpy(mapped[i], data[i], bytes[i]);
    infos[i] = (VkDescriptorBufferInfo){buffers[i], 0, bytes[i]};
    writes[i] = (VkWriteDescriptorSet){VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &infos[i];
  }
  vkUpdateDescriptorSets(device, n, writes, 0, 0);
  VkCommandBufferAllocateInfo allocate = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool;
  allocate.commandBufferCount = 1;
  VkCommandBuffer commands;
  CHECK(vkAllocateCommandBuffers(device, &allocate, &commands));
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  CHECK(vkBeginCommandBuffer(commands, &begin));
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, k->pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, k->layout, 0, 1, &set, 0, 0);
  if (push) vkCmdPushConstants(commands, k->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push, words);
  vkCmdDispatch(commands, x, y, 1);
  CHECK(vkEndCommandBuffer(commands));
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  CHECK(vkQueueSubmit(queue, 1, &submit, 0));
  CHECK(vkQueueWaitIdle(queue));
  vkFreeCommandBuffers(device, pool, 1, &commands);
  vkDestroyDescriptorPool(device, descriptors, 0);
  for (uint32_t i = 0; i < n; ++i) {
    memcpy(data[i], mapped[i], bytes[i]);
    vkDestroyBuffer(device, buffers[i], 0);
    vkFreeMemory(device, memory[i], 0);
  }
  return 0;
}
"""
PUSH_WORDS = 32
GRID_WIDTH = 65535
MARGIN = 64


class Handle(ctypes.Structure):
    _fields_ = [("set", ctypes.c_void_p), ("layout", ctypes.c_void_p), ("pipeline", ctypes.c_void_p)]


class Missing(Exception):
    """There is no Vulkan device, or nothing to build the driver with."""


@functools.lru_cache(None)
def driver():
    folder = pathlib.Path(kernels.workdir().name)
    source = folder / "vulkan.c"
    source.write_text(DRIVER)
    library = source.with_suffix(".so")
    made = subprocess.run(["clang-22", "-O1", "-shared", "-fPIC", source, "-o", library, "-lvulkan"],
                          capture_output=True, text=True)
    if made.returncode:
        raise Missing("libvulkan-dev is not installed")
    lib = ctypes.CDLL(str(library))
    lib.problem.restype = ctypes.c_char_p
    if lib.open_device():
        raise Missing(f"no Vulkan device: {lib.problem().decode()}")
    return lib


def check(code):
    if code:
        raise RuntimeError(driver().problem().decode())


def scalar_words(value, element, wide=False):
    """A scalar argument as 32-bit words, low word first. `wide`: positions have 64 bits."""
    if element == "index":
        return [int(value) >> shift & 0xFFFFFFFF for shift in ((0, 32) if wide else (0,))]
    raw = np.array(value, kernels.DTYPES[element]).tobytes()
    return list(np.frombuffer(raw + bytes(-len(raw) % 4), np.uint32))


class Memory:
    """A tensor at element `skew` of its binding, with NaN in front of it and behind."""

    def __init__(self, shape, dtype, skew):
        self.dtype, self.shape, self.skew = np.dtype(dtype), shape, skew
        self.bytes = int(np.prod(shape)) * self.dtype.itemsize
        self.start = skew * self.dtype.itemsize
        self.raw = np.full(self.start + self.bytes + MARGIN + (-self.start - self.bytes) % 4, 0xFF,
                           np.uint8)

    @property
    def array(self):
        return self.raw[self.start:self.start + self.bytes].view(self.dtype).reshape(self.shape)

    def check(self, what):
        outside = np.concatenate([self.raw[:self.start], self.raw[self.start + self.bytes:]])
        assert (outside == 0xFF).all(), f"{what}: written outside of its {self.bytes} bytes"


class VulkanKernel(kernels.Kernel):
    """Called like a CPU kernel. Faults come back as the CPU's error word."""

    def __init__(self, library, name, info, code):
        self.name, self.info, self.code = name, info, code
        self.launcher = getattr(library, name + ".launch")
        self.launch_values, self.handle = None, None

    def pipeline(self):
        if self.handle is None:
            self.handle = Handle()
            words, buffers = self.info["words"], self.info["buffers"]
            pushed = words <= PUSH_WORDS
            check(driver().make_kernel(self.code, ctypes.c_size_t(len(self.code)), self.name.encode(),
                                       buffers + (not pushed), 4 * words if pushed else 0,
                                       ctypes.byref(self.handle)))
        return self.handle

    def memories(self, args, sizes, skew):
        inputs, outputs, sizes = [], [], list(sizes)
        for value, arg in zip(args, self.info["arguments"]):
            memory = None
            if "dims" in arg:
                memory = Memory(value.shape, kernels.DTYPES[arg["type"]], skew)
                memory.array[...] = value
            inputs.append(memory)
        for result, tied in zip(self.info["results"], self.info["tied"]):
            if tied >= 0:
                outputs.append(inputs[tied])
                continue
            shape = tuple(sizes.pop(0) if d < 0 else d for d in result["dims"])
            outputs.append(Memory(shape, kernels.DTYPES[result["type"]], skew))
        return inputs, outputs

    def words(self, args, sizes, site, buffers, chunks):
        out = [chunks] + [b.skew for b in buffers]
        wide = self.info["wide"]
        for value, arg in zip(args, self.info["arguments"]):
            if "dims" in arg:
                for size, dim in zip(value.shape, arg["dims"]):
                    out += scalar_words(size, "index", wide) if dim < 0 else []
            else:
                out += scalar_words(value, arg["type"], wide)
        for size in sizes:
            out += scalar_words(size, "index", wide)
        return out + [site] if self.info["faults"] else out

    def run(self, *args, sizes=(), threads=1, site=0, skew=True):
        info = self.info
        args = [np.asarray(a) if "dims" in t else a for a, t in zip(args, info["arguments"], strict=True)]
        inputs, outputs = self.memories(args, sizes, 1 if skew else 0)
        chunks, scratch, _, _ = self.launch_values = self.launch(self.scalars(args, list(sizes), site))
        buffers = [b for b in inputs if b] + [b for b, t in zip(outputs, info["tied"]) if t < 0]
        if info["scratch"]:
            assert scratch % 4 == 0
            buffers.append(Memory((scratch // 4,), np.float32, 0))
        words = self.words(args, list(sizes), site, buffers, chunks)
        if info["faults"]:
            buffers.append(Memory((site + info["faults"],), np.uint32, 0))
        assert len(words) == info["words"] and len(buffers) == info["buffers"], (words, info)
        if chunks:
            self.execute(buffers, np.array(words, np.uint32), chunks)
        for i, b in enumerate(buffers):
            b.check(f"{self.name}: buffer {i}")
        error = kernels.NO_ERROR
        if info["faults"]:
            found = buffers[-1].array
            bad = np.flatnonzero(found != 0xFFFFFFFF)
            error = (int(bad[0]) << 44 | int(found[bad[0]])) if len(bad) else error
        return [b.array.copy() for b in outputs], error

    def execute(self, buffers, words, chunks):
        raws = [b.raw for b in buffers]
        pushed = len(words) <= PUSH_WORDS
        if not pushed:
            raws.append(words.view(np.uint8))
        pointers = (ctypes.c_void_p * len(raws))(*[r.ctypes.data for r in raws])
        sizes = (ctypes.c_size_t * len(raws))(*[r.size for r in raws])
        x = min(chunks, GRID_WIDTH)
        check(driver().run_kernel(ctypes.byref(self.pipeline()), x, -(-chunks // x), len(raws), pointers,
                                  sizes, words.ctypes.data_as(ctypes.c_void_p),
                                  4 * len(words) if pushed else 0))


def validate(path):
    """spirv-val, where it is installed."""
    try:
        out = subprocess.run(["spirv-val", "--target-env", "vulkan1.3", path], capture_output=True,
                             text=True)
    except FileNotFoundError:
        return
    assert out.returncode == 0, out.stdout + out.stderr


def compile(text, chip="subgroup8"):
    """As kernels.compile, for Vulkan."""
    flags = ["--target=vulkan", f"--chip={chip}"]

    def make(path, target):
        kernels.tool("-", "-o", path, *flags, text=text)
        info = json.loads(pathlib.Path(f"{path}.json").read_text())
        for name in info:
            validate(f"{path}.{name}.spv")
            pathlib.Path(f"{path}.{name}.spv").rename(f"{target}.{name}.spv")
        pathlib.Path(f"{path}.json").rename(f"{target}.json")

    path = testing.cached(make, ".so", text, *flags, testing.stamp("linnet-kernels"))
    library = ctypes.CDLL(str(path))
    signatures = json.loads(pathlib.Path(f"{path}.json").read_text())
    return {name: VulkanKernel(library, name, info, pathlib.Path(f"{path}.{name}.spv").read_bytes())
            for name, info in signatures.items()}
