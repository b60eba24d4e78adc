//===- BundleWriter.cpp - the whole bundle --------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "DeviceWriter.h"
#include "ProgramWriter.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/GPUKernelABI.h"
#include "linnet/Bundle/KernelABI.h"
#include "linnet/Bundle/Pack.h"
#include "linnet/Bundle/Write.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/Version.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::bundle;

/// Versions that read what the code generator writes: PTX 8.0, SPIR-V 1.3.
static constexpr uint32_t kMinCUDA = 12000, kMinVulkan = 1001;

namespace {

/// One entry of the constant segment.
struct Stored {
  std::string name;
  const Weights::Entry *source;
  std::optional<PanelLayout> layout;
  uint64_t offset = 0, length = 0;
};

class BundleWriter {
public:
  BundleWriter(ModuleOp module, const Weights &weights, const WriteOptions &options)
      : module(module), weights(weights), options(options) {}

  LogicalResult write(StringRef path);

private:
  using Functions = std::vector<flatbuffers::Offset<fb::Function>>;
  using Kernels = std::vector<flatbuffers::Offset<fb::Kernel>>;
  FailureOr<Functions> writeFunctions(ModuleOp of);
  Kernels writeKernels();
  void writeImages();
  uint64_t addCode(ArrayRef<char> bytes, uint64_t alignment);
  LogicalResult writeDevice(const DeviceProgram &program);
  LogicalResult placeConstants();
  void writeConstants();
  Error store(const Sink &sink) const;

  ModuleOp module;
  const Weights &weights;
  const WriteOptions &options;
  Pools pools;
  flatbuffers::FlatBufferBuilder out;
  std::vector<flatbuffers::Offset<fb::Image>> images;
  std::vector<flatbuffers::Offset<fb::Target>> targets;
  std::vector<flatbuffers::Offset<fb::Constant>> constants;
  std::vector<Stored> stored;
  std::vector<char> code;
  uint64_t constantLength = 0;
};

} // namespace

FailureOr<BundleWriter::Functions> BundleWriter::writeFunctions(ModuleOp of) {
  uint32_t number = 0;
  pools.kernels.clear();
  for (auto kernel : of.getOps<exec::KernelOp>())
    pools.kernels[kernel.getSymName().str()] = number++;
  Functions functions;
  for (auto program : of.getOps<exec::ProgramOp>()) {
    auto function = ProgramWriter(program, pools, out).write();
    if (failed(function))
      return failure();
    functions.push_back(*function);
  }
  if (functions.empty())
    return of.emitError("has no function to compile");
  return functions;
}

BundleWriter::Kernels BundleWriter::writeKernels() {
  Kernels kernels;
  for (auto kernel : module.getOps<exec::KernelOp>())
    kernels.push_back(fb::CreateKernel(out, out.CreateString(kernel.getSymName().str()),
                                       kernel.getNumBuffers(), kernel.getNumScalars()));
  return kernels;
}

uint64_t BundleWriter::addCode(ArrayRef<char> bytes, uint64_t alignment) {
  code.resize((code.size() + alignment - 1) / alignment * alignment);
  uint64_t offset = code.size();
  code.insert(code.end(), bytes.begin(), bytes.end());
  return offset;
}

void BundleWriter::writeImages() {
  for (const CodeImage &image : options.images) {
    uint64_t offset = addCode(image.bytes, kPage);
    auto featuresV = out.CreateVectorOfStrings(image.features);
    auto level = image.level == "x86-64-v3"   ? fb::Level::X86_64_V3
                 : image.level == "x86-64-v4" ? fb::Level::X86_64_V4
                                              : fb::Level::Native;
    images.push_back(fb::CreateImage(out, level, featuresV, out.CreateString(image.cpu), offset,
                                     image.bytes.size(),
                                     hashBytes(image.bytes.data(), image.bytes.size())));
  }
}

PanelLayout linnet::bundle::toPanelLayout(DictionaryAttr attr) {
  auto l = codegen::PanelLayout::fromAttr(attr);
  PanelLayout p;
  p.batch = l.batch, p.n = l.n, p.k = l.k;
  p.batchStride = l.batchStride, p.nStride = l.nStride, p.kStride = l.kStride;
  p.panel = l.panel, p.group = l.group;
  return p;
}

LogicalResult BundleWriter::placeConstants() {
  for (auto &[symbol, layout] : pools.constants) {
    Stored s{symbol, weights.find(symbol), std::nullopt};
    if (!s.source)
      return module.emitError() << "refers to weight '" << symbol << "', which is not defined";
    s.length = s.source->bytes;
    if (layout) {
      s.layout = toPanelLayout(layout);
      uint64_t needed;
      if (!packedBytes(*s.layout, elementBytes(s.source->type), s.length) ||
          !sourceElements(*s.layout, needed) ||
          needed * elementBytes(s.source->type) > static_cast<uint64_t>(s.source->bytes))
        return module.emitError() << "packs weight '" << symbol << "' beyond its size";
    }
    if (!s.source->external) {
      // what is a page long begins one, as results do: see plan::alignmentOf
      uint64_t align = s.length < kPage ? kConstantAlign : kPage;
      constantLength = (constantLength + align - 1) / align * align;
      s.offset = constantLength;
      constantLength += s.length;
    }
    stored.push_back(s);
  }
  return success();
}

void BundleWriter::writeConstants() {
  for (const Stored &s : stored) {
    flatbuffers::Offset<fb::Layout> layout;
    if (s.layout)
      layout = fb::CreateLayout(out, fb::LayoutKind::Panels, s.layout->batch, s.layout->n,
                                s.layout->k, s.layout->batchStride, s.layout->nStride,
                                s.layout->kStride, s.layout->panel, s.layout->group);
    auto name = out.CreateString(s.name);
    std::vector<uint64_t> dims(s.source->dims.begin(), s.source->dims.end());
    constants.push_back(fb::CreateConstant(out, name, s.source->type, out.CreateVector(dims),
                                           layout, s.source->external, 0, s.offset, s.length));
  }
}

Error BundleWriter::store(const Sink &sink) const {
  uint64_t at = 0;
  auto put = [&](const void *data, uint64_t size) {
    at += size;
    return !size || sink(data, size);
  };
  static const char zeros[kPage] = {};
  for (const Stored &s : stored) {
    if (s.source->external)
      continue;
    if (!put(zeros, s.offset - at))
      return Error("cannot write the constants");
    if (!s.layout) {
      if (!put(s.source->data, s.length))
        return Error("cannot write the constants");
      continue;
    }
    std::vector<char> packed(s.length);
    pack(*s.layout, elementBytes(s.source->type), s.source->data, packed.data());
    if (!put(packed.data(), packed.size()))
      return Error("cannot write the constants");
  }
  return Error();
}

LogicalResult BundleWriter::write(StringRef path) {
  Functions functions;
  Kernels kernels;
  if (options.cpu) {
    FailureOr<Functions> written = writeFunctions(module);
    if (failed(written))
      return failure();
    functions = std::move(*written);
    kernels = writeKernels();
    writeImages();
  }
  for (const DeviceProgram &program : options.devices)
    if (failed(writeDevice(program)))
      return failure();
  if (failed(placeConstants()))
    return failure();
  writeConstants();
  auto producer = out.CreateString("linnet " LINNET_VERSION_STRING);
  auto functionsV = out.CreateVector(functions);
  auto kernelsV = out.CreateVector(kernels);
  auto targetsV = out.CreateVector(targets);
  auto imagesV = out.CreateVector(images);
  auto constantsV = out.CreateVector(constants);
  fb::FinishBundleBuffer(out,
                         fb::CreateBundle(out, producer, LNT_KERNEL_ABI_VERSION, options.threads,
                                          functionsV, kernelsV, imagesV, constantsV, targetsV));
  Error error =
      writeContainer(path.str(), out.GetBufferPointer(), out.GetSize(), code.data(), code.size(),
                     constantLength, [&](const Sink &sink) { return store(sink); });
  if (error) {
    emitError(module.getLoc()) << error.message();
    return failure();
  }
  return success();
}

LogicalResult BundleWriter::writeDevice(const DeviceProgram &program) {
  ModuleOp of = program.module;
  FailureOr<Functions> functions = writeFunctions(of);
  if (failed(functions))
    return failure();
  const codegen::GPUTarget &first = program.chips.front();
  SmallVector<exec::KernelOp> ops(of.getOps<exec::KernelOp>());
  SmallVector<uint32_t> variants(ops.size(), kNone);
  for (auto [i, compiled] : llvm::enumerate(program.kernels.front()))
    if (compiled.variantOf)
      variants[*compiled.variantOf] = i;
  Kernels kernels;
  uint32_t needs = 0, subgroup = 0;
  for (auto [i, compiled] : llvm::enumerate(program.kernels.front())) {
    exec::KernelOp kernel = ops[compiled.variantOf.value_or(i)];
    auto launch = writeLaunch(kernel, compiled, compiled.variantOf ? kNone : variants[i], out);
    if (failed(launch))
      return failure();
    unsigned buffers = kernel.getNumBuffers() + compiled.scratch;
    kernels.push_back(fb::CreateKernel(out, out.CreateString(compiled.name), buffers,
                                       kernel.getNumScalars(), *launch));
    needs |= compiled.variantOf ? 0 : compiled.needs;
    subgroup = std::max(subgroup, compiled.subgroup);
  }
  std::vector<flatbuffers::Offset<fb::DeviceImage>> modules;
  auto add = [&](fb::CodeFormat format, StringRef chip, uint32_t kernel, ArrayRef<char> bytes) {
    if (bytes.empty())
      return;
    auto name = out.CreateString(chip.str());
    modules.push_back(fb::CreateDeviceImage(out, format, name, kernel,
                                            addCode(bytes, kConstantAlign), bytes.size(),
                                            hashBytes(bytes.data(), bytes.size())));
  };
  for (auto [chip, compiled] : llvm::zip_equal(program.chips, program.kernels))
    for (auto [i, kernel] : llvm::enumerate(compiled)) {
      if (!first.isCUDA())
        add(fb::CodeFormat::SPIRV, "", i, kernel.bytes);
      else if (&chip == &first)
        add(fb::CodeFormat::PTX, chip.chip, i, kernel.bytes);
      add(fb::CodeFormat::Cubin, chip.chip, i, kernel.cubin);
    }
  auto functionsV = out.CreateVector(*functions);
  auto kernelsV = out.CreateVector(kernels);
  auto modulesV = out.CreateVector(modules);
  targets.push_back(
      fb::CreateTarget(out, first.isCUDA() ? fb::DeviceKind::CUDA : fb::DeviceKind::Vulkan,
                       LNT_GPU_KERNEL_ABI_VERSION, subgroup, first.isCUDA() ? kMinCUDA : kMinVulkan,
                       first.isCUDA() ? 0 : needs, functionsV, kernelsV, modulesV));
  return success();
}

LogicalResult linnet::bundle::writeBundle(ModuleOp module, const Weights &weights,
                                          const WriteOptions &options, StringRef path) {
  return BundleWriter(module, weights, options).write(path);
}
