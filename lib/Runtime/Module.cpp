//===- Module.cpp - loading a bundle --------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Module.h"
#include "linnet/Bundle/CPULevel.h"
#include "linnet/Bundle/Check.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linnet::runtime {

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

BundleBytes::~BundleBytes() {
  closeFile();
  if (mapped)
    munmap(const_cast<uint8_t *>(data), size);
}

void BundleBytes::closeFile() {
  if (file >= 0)
    close(file);
  file = -1;
}

Failure BundleBytes::open(const std::string &path) {
  file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0)
    return fail(LNT_IO, "cannot read '", path, "': ", std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail(LNT_IO, "cannot read '", path, "': it is not a regular file");
  if (info.st_size == 0)
    return fail(LNT_BAD_FILE, "'", path, "': not a bundle: it is empty");
  void *memory = mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED)
    return fail(LNT_IO, "cannot map '", path, "': ", std::strerror(errno));
  data = static_cast<const uint8_t *>(memory);
  size = size_t(info.st_size);
  mapped = true;
  return nullptr;
}

void BundleBytes::borrow(const void *memory, size_t length) {
  data = static_cast<const uint8_t *>(memory);
  size = length;
}

//===----------------------------------------------------------------------===//
// Metadata and code
//===----------------------------------------------------------------------===//

Failure Module::readMetadata() {
  if (bundle::Error error = bundle::checkContainer(bytes->data, bytes->size, bytes->size))
    return fail(LNT_BAD_FILE, error);
  bundle::Header header;
  std::memcpy(&header, bytes->data, sizeof header);
  codeOffset = header.codeOffset;
  codeLength = header.codeLength;
  constantOffset = header.constantOffset;
  constantLength = header.constantLength;
  const void *metadata = bytes->data + bundle::kMetadataOffset;
  if (reinterpret_cast<uintptr_t>(metadata) % 8 != 0) {
    metadataCopy.reset(new uint64_t[header.metadataLength / 8 + 1]);
    std::memcpy(metadataCopy.get(), metadata, header.metadataLength);
    metadata = metadataCopy.get();
  }
  return fail(LNT_BAD_FILE, bundle::checkBundle(metadata, header.metadataLength, codeLength,
                                                constantLength, bundle));
}

namespace {

const char *levelName(fb::Level level) {
  switch (level) {
  case fb::Level::X86_64_V3:
    return "x86-64-v3";
  case fb::Level::X86_64_V4:
    return "x86-64-v4";
  default:
    return "native";
  }
}

std::vector<std::string> imageFeatures(const fb::Image &image) {
  std::vector<std::string> features;
  for (uint32_t i = 0; image.features() && i < image.features()->size(); ++i)
    features.push_back(image.features()->Get(i)->str());
  // The level is a promise even where the list is shorter.
  const std::vector<std::string> none;
  for (const std::string &feature : image.level() == fb::Level::X86_64_V3   ? bundle::featuresOfV3()
                                    : image.level() == fb::Level::X86_64_V4 ? bundle::featuresOfV4()
                                                                            : none)
    if (std::find(features.begin(), features.end(), feature) == features.end())
      features.push_back(feature);
  return features;
}

/// The highest level that the machine has (`wanted` null), or the wanted one.
Failure chooseImage(const fb::Bundle &bundle, const char *wanted, const fb::Image *&choice) {
  choice = nullptr;
  std::string reasons;
  for (uint32_t i = 0; bundle.images() && i < bundle.images()->size(); ++i) {
    const fb::Image &image = *bundle.images()->Get(i);
    if (wanted && std::strcmp(wanted, levelName(image.level())) != 0)
      continue;
    std::vector<std::string> missing = bundle::missingFeatures(imageFeatures(image));
    if (missing.empty()) {
      if (!choice || image.level() > choice->level())
        choice = &image;
      continue;
    }
    reasons += std::string(reasons.empty() ? "" : "; ") + levelName(image.level()) + " needs";
    for (size_t f = 0; f < missing.size(); ++f)
      reasons += (f ? ", " : " ") + missing[f];
  }
  if (choice)
    return nullptr;
  if (!reasons.empty())
    return fail(LNT_UNSUPPORTED, "this machine lacks CPU features of the bundle: ", reasons);
  return wanted ? fail(LNT_INVALID_ARGUMENT, "the bundle has no code for level '", wanted, "'")
                : fail(LNT_BAD_FILE, "the bundle has kernels, but no code for a CPU");
}

} // namespace

/// The functions and kernels for the runtime's device.
Failure Module::chooseTarget() {
  describeTargets();
  Device &device = *runtime->device;
  if (device.isCPU()) {
    functions = bundle->functions();
    kernels = bundle->kernels();
    if (targets.empty() || targets.front().info.device == LNT_CPU)
      return nullptr;
  }
  for (uint32_t i = 0; !device.isCPU() && bundle->targets() && i < bundle->targets()->size(); ++i)
    if (lnt_device(bundle->targets()->Get(i)->kind()) == device.kind()) {
      target = bundle->targets()->Get(i);
      functions = target->functions();
      kernels = target->kernels();
      return nullptr;
    }
  if (describeOnly && !targets.empty()) {
    const fb::Target *other =
        targets[0].info.device == LNT_CPU ? nullptr : bundle->targets()->Get(0);
    functions = other ? other->functions() : bundle->functions();
    kernels = other ? other->kernels() : bundle->kernels();
    return nullptr;
  }
  std::string known;
  for (const TargetDescription &description : targets)
    known += (known.empty() ? "" : ", ") + std::string(deviceName(description.info.device));
  return fail(LNT_UNSUPPORTED, "the bundle has no code for ", deviceName(device.kind()),
              known.empty() ? "" : "; it has code for ", known,
              ": compile it with --target=", deviceName(device.kind()));
}

std::unique_ptr<Execution> Module::execution() const {
  if (deviceCode)
    return deviceCode->execution();
  return std::make_unique<CPUExecution>(runtime->device, runtime->pool);
}

Failure Module::loadCode(const lnt_load_options &options, std::vector<lnt_kernel> &entries) {
  if (target) {
    if (options.level)
      return fail(LNT_INVALID_ARGUMENT, "expects no level of a CPU on ", runtime->device->label(),
                  ", found '", options.level, "'");
    return runtime->device->load(*target, bytes->data + codeOffset, deviceCode);
  }
  uint32_t count = kernels ? kernels->size() : 0;
  if (count == 0)
    return nullptr;
  const fb::Image *choice;
  if (Failure failure = chooseImage(*bundle, options.level, choice))
    return failure;
  level = levelName(choice->level());
  const uint8_t *code = bytes->data + codeOffset + choice->offset();
  if (bundle::hashBytes(code, choice->length()) != choice->hash())
    return fail(LNT_BAD_FILE, "damaged: the hash of the code for ", level, " differs");
  if (Failure failure = CodeImage::map(code, choice->length(), bytes->file,
                                       codeOffset + choice->offset(), options.profile != 0, image))
    return failure;
  if (image->count() != count)
    return fail(LNT_BAD_FILE, "the code for ", level, " has ", image->count(),
                " kernels, expected ", count);
  for (uint32_t i = 0; i < count; ++i) {
    if (kernels->Get(i)->name()->str() != image->name(i))
      return fail(LNT_BAD_FILE, "the code for ", level, " has kernel '", image->name(i),
                  "' where '", kernels->Get(i)->name()->str(), "' is expected");
    entries.push_back(image->kernel(i));
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

Failure Module::linkState(const fb::Function &function, size_t argument, Program &program) {
  const fb::Param &described = *function.arguments()->Get(uint32_t(argument));
  std::string name = described.state()->str();
  Param &param = program.arguments[argument];
  StateSlot slot = {name, param.type, {}, {}, described.initial()};
  for (const Dim &dim : param.dims) {
    slot.constants.push_back(dim.constant);
    slot.symbols.emplace_back();
    if (dim.constant < 0)
      slot.symbols.back().push_back(program.symbols[dim.reg].name);
  }
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i].name != name)
      continue;
    param.state = uint32_t(i);
    bool same = states[i].type == slot.type && states[i].constants.size() == slot.constants.size();
    for (size_t d = 0; same && d < slot.constants.size(); ++d)
      same = states[i].constants[d] < 0 || slot.constants[d] < 0 ||
             states[i].constants[d] == slot.constants[d];
    if (same && slot.initial >= 0 && states[i].initial >= 0 && slot.initial != states[i].initial)
      return fail(LNT_BAD_FILE, "state '", name, "' starts with another value in function '",
                  program.name, "' than in an earlier one");
    if (same) {
      if (states[i].initial < 0)
        states[i].initial = slot.initial;
      for (size_t d = 0; d < slot.symbols.size(); ++d)
        states[i].symbols[d].insert(states[i].symbols[d].end(), slot.symbols[d].begin(),
                                    slot.symbols[d].end());
      return nullptr;
    }
    return fail(LNT_BAD_FILE, "state '", name, "' is ", program.shapeLabel(param), " in function '",
                program.name, "', but of another type in an earlier one");
  }
  param.state = uint32_t(states.size());
  states.push_back(std::move(slot));
  return nullptr;
}

Failure Module::linkStates() {
  for (size_t f = 0; f < programs.size(); ++f) {
    const fb::Function &function = *functions->Get(uint32_t(f));
    Program &program = programs[f];
    for (size_t i = 0; i < program.arguments.size(); ++i)
      if (function.arguments()->Get(uint32_t(i))->state())
        if (Failure failure = linkState(function, i, program))
          return failure;
    for (Param &result : program.results)
      if (result.alias >= 0)
        result.state = program.arguments[size_t(result.alias)].state;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

Failure Module::load(std::shared_ptr<Runtime> runtime, std::unique_ptr<BundleBytes> bytes,
                     const std::string &label, const lnt_load_options &options,
                     std::shared_ptr<Module> &result) {
  auto module = std::make_shared<Module>();
  module->runtime = std::move(runtime);
  module->bytes = std::move(bytes);
  module->describeOnly = options.describe_only != 0;
  std::vector<lnt_kernel> entries;
  Failure failure = module->readMetadata();
  if (!failure)
    failure = module->chooseTarget();
  if (module->describeOnly && !failure) {
    entries.resize(module->kernels ? module->kernels->size() : 0);
    module->constants.assign(module->bundle->constants() ? module->bundle->constants()->size() : 0,
                             nullptr);
    module->countConstants();
  } else if (!failure) {
    failure = module->loadCode(options, entries);
    if (!failure)
      failure = module->loadConstants(options);
  }
  if (!failure) {
    for (uint32_t i = 0; module->functions && i < module->functions->size(); ++i)
      module->programs.push_back(
          decodeFunction(*module->functions->Get(i), module->kernels, entries));
    failure = module->linkStates();
  }
  if (failure) {
    if (!label.empty())
      failure->message = "'" + label + "': " + failure->message;
    return failure;
  }
  module->bytes->closeFile();
  module->describe();
  result = std::move(module);
  return nullptr;
}

Failure Module::at(size_t index, const Program *&program) const {
  if (index >= programs.size())
    return fail(LNT_INVALID_ARGUMENT, "expects a function below ", programs.size(), ", found ",
                index);
  program = &programs[index];
  return nullptr;
}

const Program *Module::find(const std::string &name, size_t &index) const {
  for (index = 0; index < programs.size(); ++index)
    if (programs[index].name == name)
      return &programs[index];
  return nullptr;
}

} // namespace linnet::runtime
