//===- fuzz-bundle.cpp - damaged bundles must be refused or harmless ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// fuzz-bundle BUNDLE COUNT [SEED]: loads COUNT mutants of a bundle, with their hashes made
// right again so that the checks behind them are reached. What loads is described, and its
// functions without a dispatch are called: machine code trusts its scalars, so calling it
// with other ones would tell nothing. Meant to run under AddressSanitizer and UBSan.
//===----------------------------------------------------------------------===//
#include "TestBundle.h"
#include "linnet-c/Runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>

using namespace linnet;
using namespace linnet::test;

namespace {

using Bytes = std::vector<uint8_t>;

struct Counts {
  long loaded = 0, refused = 0, calls = 0, failedCalls = 0;
};

class Fuzzer {
public:
  Fuzzer(Bytes original, uint32_t seed);
  ~Fuzzer() { lnt_runtime_destroy(runtime); }
  void once();
  Counts counts;

private:
  uint64_t pick(uint64_t below) { return below ? random() % below : 0; }
  int64_t interesting(int64_t present);
  template <typename T> void tweak(T &value) { value = T(interesting(int64_t(value))); }

  Bytes mutate();
  void flipBytes(Bytes &bytes, size_t begin, size_t end);
  void mutateWords(Bytes &bytes);
  Bytes mutateMeaning();
  void mutateFunction(fb::FunctionT &function);
  void mutateCommand(fb::FunctionT &function);
  void mutateTables(fb::BundleT &bundle);
  void mutateTarget(fb::TargetT &target);
  void rehash(Bytes &bytes);
  Bytes assemble(const Bytes &metadata, const Bytes &code);

  void exercise(const Bytes &bytes);
  void describe(lnt_module *module);
  void call(lnt_module *module, lnt_session *session, size_t function);

  Bytes original, code, constants;
  bundle::Header header;
  std::mt19937_64 random;
  lnt_runtime *runtime = nullptr;
  volatile size_t sink = 0;
};

Fuzzer::Fuzzer(Bytes bytes, uint32_t seed) : original(std::move(bytes)), random(seed) {
  std::memcpy(&header, original.data(), sizeof header);
  auto segment = [&](uint64_t offset, uint64_t length) {
    return Bytes(original.begin() + ptrdiff_t(offset),
                 original.begin() + ptrdiff_t(offset + length));
  };
  if (header.codeLength)
    code = segment(header.codeOffset, header.codeLength);
  if (header.constantLength)
    constants = segment(header.constantOffset, header.constantLength);
  lnt_runtime_options options = {sizeof options, 1, 64 << 20, 100000, LNT_CPU, 0};
  if (lnt_runtime_create(&options, &runtime))
    std::exit(2);
}

int64_t Fuzzer::interesting(int64_t present) {
  const uint64_t bits = uint64_t(present);
  const int64_t values[] = {0,
                            1,
                            -1,
                            2,
                            63,
                            64,
                            4096,
                            INT32_MAX,
                            UINT32_MAX,
                            INT64_MAX,
                            INT64_MIN,
                            1 << 20,
                            int64_t(bits + 1),
                            int64_t(bits - 1),
                            int64_t(bits * 2),
                            int64_t(random())};
  return values[pick(std::size(values))];
}

void Fuzzer::flipBytes(Bytes &bytes, size_t begin, size_t end) {
  for (uint64_t i = 0, count = 1 + pick(6); i < count && begin < end; ++i)
    bytes[begin + pick(end - begin)] ^= uint8_t(1 + pick(255));
}

void Fuzzer::mutateWords(Bytes &bytes) {
  for (uint64_t i = 0, count = 1 + pick(3); i < count; ++i) {
    size_t width = size_t(1) << pick(4);
    if (header.metadataLength < 8)
      return;
    size_t at = bundle::kMetadataOffset + pick(header.metadataLength / width) * width;
    int64_t value = 0;
    std::memcpy(&value, &bytes[at], width);
    value = interesting(value);
    std::memcpy(&bytes[at], &value, width);
  }
}

void Fuzzer::mutateCommand(fb::FunctionT &function) {
  if (function.commands.empty())
    return;
  fb::Command &command = function.commands[pick(function.commands.size())];
  uint64_t code = uint64_t(command.code()), a = command.a(), b = command.b(), c = command.c();
  int64_t imm = command.imm();
  uint64_t *fields[] = {&code, &a, &b, &c};
  uint64_t which = pick(6);
  if (which < 4)
    // Half of the time a small value: those pass more checks.
    *fields[which] =
        pick(2) ? pick(which == 0 ? 33 : 12) : uint64_t(interesting(int64_t(*fields[which])));
  else
    imm = interesting(imm);
  command = fb::Command(Code(code), uint32_t(a), uint32_t(b), uint32_t(c), imm);
  if (pick(8) == 0)
    std::swap(function.commands[pick(function.commands.size())],
              function.commands[pick(function.commands.size())]);
  if (pick(8) == 0)
    function.commands.resize(pick(function.commands.size() + 1));
}

void Fuzzer::mutateFunction(fb::FunctionT &function) {
  auto any = [&](auto &list, auto &&change) {
    if (!list.empty())
      change(list[pick(list.size())]);
  };
  switch (pick(14)) {
  case 0:
    return tweak(function.registers);
  case 1:
    return tweak(function.entry);
  case 2:
    return tweak(pick(2) ? function.arena_bytes : function.scratch_bytes);
  case 3:
    return any(function.symbols, [&](auto &symbol) {
      int64_t *fields[] = {&symbol->min, &symbol->max, &symbol->multiple};
      tweak(*fields[pick(3)]);
    });
  case 4:
    return any(pick(2) ? function.arguments : function.results, [&](auto &param) {
      if (pick(4) == 0)
        param->type = ElementType(pick(11));
      else if (pick(4) == 0)
        param->state = pick(2) ? "sum" : "";
      else
        any(param->dims, [&](fb::Dim &dim) {
          dim = fb::Dim(pick(2) ? -1 : interesting(dim.constant()), uint32_t(pick(6)), 0);
        });
    });
  case 5:
    return any(function.result_alias, [&](int32_t &alias) { tweak(alias); });
  case 6:
    return any(function.views, [&](fb::View &view) {
      view = fb::View(uint32_t(pick(6)), pick(2) ? kNoReg : uint32_t(pick(20)));
    });
  case 7:
  case 8:
    return any(function.buffers, [&](auto &buffer) {
      uint64_t which = pick(7);
      if (which == 0)
        buffer->kind = fb::BufferKind(pick(5));
      else if (which == 1)
        tweak(buffer->offset);
      else if (which == 2)
        tweak(buffer->max_size);
      else
        tweak(which == 3   ? buffer->index
              : which == 4 ? buffer->size_reg
              : which == 5 ? buffer->first
                           : buffer->last);
    });
  case 9:
    return any(function.operands, [&](uint32_t &operand) { tweak(operand); });
  default:
    return mutateCommand(function);
  }
}

/// What is for another device: it is checked and described, not run.
void Fuzzer::mutateTarget(fb::TargetT &target) {
  auto any = [&](auto &list, auto &&change) {
    if (!list.empty())
      change(list[pick(list.size())]);
  };
  switch (pick(6)) {
  case 0:
    return any(target.kernels, [&](auto &kernel) {
      if (!kernel->gpu || pick(8) == 0)
        return pick(2) ? kernel->gpu.reset() : tweak(kernel->buffers);
      fb::GPULaunchT &gpu = *kernel->gpu;
      any(gpu.words, [&](uint8_t &words) { words = uint8_t(pick(4)); });
      any(gpu.buffers, [&](fb::GPUBuffer &buffer) {
        buffer = fb::GPUBuffer(uint8_t(pick(10)), uint8_t(pick(3)));
      });
      if (pick(3) == 0)
        gpu.faults = !gpu.faults;
      if (pick(3) == 0)
        tweak(pick(2) ? gpu.group : gpu.shared);
      if (pick(4) == 0)
        gpu.variant = pick(2) ? uint32_t(pick(4)) : uint32_t(interesting(gpu.variant));
      if (pick(8) == 0)
        tweak(gpu.needs);
      if (pick(4) == 0)
        gpu.wide = !gpu.wide;
      if (pick(8) == 0)
        gpu.words.resize(pick(4));
    });
  case 1:
    return any(target.images, [&](auto &image) {
      if (pick(4) == 0)
        image->format = fb::CodeFormat(pick(4));
      tweak(pick(2) ? image->offset : image->length);
      if (pick(4) == 0)
        tweak(image->kernel);
    });
  case 2:
    target.kind = fb::DeviceKind(pick(4));
    return;
  case 3:
    return tweak(pick(2) ? target.subgroup : pick(2) ? target.abi : target.needs);
  default:
    return any(target.functions, [&](auto &function) { mutateFunction(*function); });
  }
}

void Fuzzer::mutateTables(fb::BundleT &bundle) {
  auto any = [&](auto &list, auto &&change) {
    if (!list.empty())
      change(*list[pick(list.size())]);
  };
  switch (pick(4)) {
  case 0:
    return any(bundle.kernels,
               [&](fb::KernelT &kernel) { tweak(pick(2) ? kernel.buffers : kernel.scalars); });
  case 1:
    return any(bundle.images,
               [&](fb::ImageT &image) { tweak(pick(2) ? image.offset : image.length); });
  case 2:
    return any(bundle.constants, [&](fb::ConstantT &constant) {
      if (pick(3) == 0) {
        constant.layout = std::make_unique<fb::LayoutT>();
        constant.layout->kind = fb::LayoutKind(pick(3));
        for (uint64_t *field : {&constant.layout->batch, &constant.layout->n, &constant.layout->k,
                                &constant.layout->n_stride})
          *field = pick(2) ? pick(5) : random();
        constant.layout->panel = uint32_t(pick(4));
        constant.layout->group = uint32_t(pick(4));
      }
      uint64_t *fields[] = {&constant.offset, &constant.length,
                            constant.dims.empty() ? &constant.length : &constant.dims[0]};
      tweak(*fields[pick(3)]);
    });
  default:
    return tweak(pick(2) ? bundle.abi : bundle.threads);
  }
}

Bytes Fuzzer::assemble(const Bytes &metadata, const Bytes &image) {
  bundle::Header next = header;
  auto page = [](uint64_t value) {
    return (value + bundle::kPage - 1) / bundle::kPage * bundle::kPage;
  };
  next.metadataLength = metadata.size();
  next.codeOffset = page(bundle::kMetadataOffset + metadata.size());
  next.constantOffset = page(next.codeOffset + image.size());
  Bytes bytes(next.constantOffset + constants.size());
  std::memcpy(&bytes[bundle::kMetadataOffset], metadata.data(), metadata.size());
  std::copy(image.begin(), image.end(), bytes.begin() + ptrdiff_t(next.codeOffset));
  std::copy(constants.begin(), constants.end(), bytes.begin() + ptrdiff_t(next.constantOffset));
  std::memcpy(bytes.data(), &next, sizeof next);
  return bytes;
}

Bytes Fuzzer::mutateMeaning() {
  std::unique_ptr<fb::BundleT> bundle(fb::GetBundle(&original[bundle::kMetadataOffset])->UnPack());
  Bytes image = code;
  for (uint64_t i = 0, count = 1 + pick(3); i < count; ++i)
    if (!bundle->targets.empty() && pick(2) == 0)
      mutateTarget(*bundle->targets[pick(bundle->targets.size())]);
    else if (pick(5) == 0)
      mutateTables(*bundle);
    else if (!bundle->functions.empty())
      mutateFunction(*bundle->functions[pick(bundle->functions.size())]);
  if (pick(10) == 0 && !bundle->images.empty()) {
    // The image's headers and table, with its hash made right; its code stays.
    fb::ImageT &target = *bundle->images[0];
    if (image.size() >= 512 && target.offset <= image.size() - 512 &&
        target.length <= image.size() - target.offset) {
      flipBytes(image, target.offset, target.offset + 512);
      target.hash = bundle::hashBytes(&image[target.offset], target.length);
    }
  }
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishBundleBuffer(builder, fb::Bundle::Pack(builder, bundle.get()));
  return assemble({builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()},
                  image);
}

void Fuzzer::rehash(Bytes &bytes) {
  bundle::Header next;
  if (bytes.size() < sizeof next)
    return;
  std::memcpy(&next, bytes.data(), sizeof next);
  if (next.metadataLength > bytes.size() - sizeof next)
    return;
  next.hash = bundle::hashHeader(next, &bytes[bundle::kMetadataOffset]);
  std::memcpy(bytes.data(), &next, sizeof next);
}

Bytes Fuzzer::mutate() {
  Bytes bytes = original;
  uint64_t kind = pick(20);
  if (kind < 13)
    bytes = mutateMeaning();
  else if (kind < 16)
    mutateWords(bytes);
  else if (kind < 18)
    flipBytes(bytes, bundle::kMetadataOffset, bundle::kMetadataOffset + header.metadataLength);
  else if (kind < 19)
    flipBytes(bytes, 0, bundle::kMetadataOffset);
  else
    bytes.resize(pick(bytes.size() + 4096));
  if (pick(50) != 0)
    rehash(bytes);
  return bytes;
}

void Fuzzer::describe(lnt_module *module) {
  lnt_module_info info = lnt_module_describe(module);
  sink = sink + std::strlen(info.producer) + std::strlen(info.level);
  for (size_t f = 0; f < lnt_module_function_count(module); ++f) {
    const lnt_function_info &function = *lnt_module_function(module, f);
    sink = sink + std::strlen(function.name);
    for (size_t i = 0; i < function.symbol_count; ++i)
      sink = sink + std::strlen(function.symbols[i].name);
    for (size_t i = 0; i < function.argument_count + function.result_count; ++i) {
      const lnt_param_info &param = i < function.argument_count
                                        ? function.arguments[i]
                                        : function.results[i - function.argument_count];
      sink = sink + std::strlen(param.name) + (param.state ? std::strlen(param.state) : 0);
      for (uint32_t d = 0; d < param.rank; ++d)
        sink = sink + size_t(param.dims[d].size);
    }
    lnt_memory_plan plan;
    std::vector<lnt_binding> symbols;
    for (size_t i = 0; i < function.symbol_count; ++i)
      symbols.push_back({function.symbols[i].name, int64_t(pick(9))});
    lnt_status_free(lnt_module_memory(module, f, symbols.data(), symbols.size(), &plan));
  }
}

void Fuzzer::call(lnt_module *module, lnt_session *session, size_t index) {
  const lnt_function_info &function = *lnt_module_function(module, index);
  std::vector<int64_t> sizes(function.symbol_count);
  for (size_t i = 0; i < sizes.size(); ++i)
    sizes[i] = std::min<int64_t>(function.symbols[i].min, 64) + int64_t(pick(5));
  std::vector<std::vector<int64_t>> dims;
  std::vector<std::unique_ptr<char[]>> memory; // of exactly the size, for the sanitizer
  auto make = [&](const lnt_param_info &param, const int64_t *known) {
    dims.emplace_back(param.rank);
    uint64_t bytes = lnt_type_size(param.type);
    for (uint32_t d = 0; d < param.rank; ++d) {
      int64_t size = known ? known[d] : param.dims[d].size;
      dims.back()[d] = size >= 0                   ? size
                       : param.dims[d].symbol >= 0 ? sizes[size_t(param.dims[d].symbol)]
                                                   : 0;
      if (dims.back()[d] != 0 && bytes > (uint64_t(1) << 20) / uint64_t(dims.back()[d]))
        bytes = 0; // too large to try: the call will say that the buffer is too small
      bytes *= uint64_t(dims.back()[d]);
    }
    memory.emplace_back(new char[bytes + 1]());
    return lnt_tensor{
        param.type, param.rank, dims.back().data(), {LNT_CPU, memory.back().get(), 0, bytes}};
  };
  dims.reserve(function.argument_count + function.result_count);
  std::vector<lnt_tensor> arguments, results;
  for (size_t i = 0; i < function.argument_count; ++i)
    arguments.push_back(make(function.arguments[i], nullptr));
  std::vector<int64_t> shapes(function.result_count * LNT_MAX_RANK);
  if (lnt_status *status = lnt_infer_shapes(module, index, arguments.data(), arguments.size(),
                                            shapes.data(), function.result_count)) {
    lnt_status_free(status);
    return;
  }
  for (size_t i = 0; i < function.result_count; ++i)
    results.push_back(function.results[i].alias >= 0
                          ? lnt_tensor{}
                          : make(function.results[i], &shapes[i * LNT_MAX_RANK]));
  lnt_status *status = lnt_call(session, index, arguments.data(), arguments.size(), results.data(),
                                results.size(), nullptr);
  ++(status ? counts.failedCalls : counts.calls);
  lnt_status_free(status);
}

void Fuzzer::exercise(const Bytes &bytes) {
  // A copy of exactly the size, so that the sanitizer sees a read behind it.
  std::unique_ptr<uint8_t[]> data(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), data.get());
  lnt_module *module = nullptr;
  if (lnt_status *status =
          lnt_module_load_memory(runtime, data.get(), bytes.size(), nullptr, &module)) {
    ++counts.refused;
    sink = sink + std::strlen(lnt_status_message(status));
    lnt_status_free(status);
    return;
  }
  ++counts.loaded;
  describe(module);
  lnt_session *session = nullptr;
  if (lnt_status *status = lnt_session_create(module, nullptr, 0, &session))
    lnt_status_free(status);
  for (size_t f = 0; session && f < lnt_module_function_count(module); ++f)
    if (lnt_module_function(module, f)->dispatch_count == 0)
      for (int repeat = 0; repeat < 2; ++repeat)
        call(module, session, f);
  lnt_session_destroy(session);
  lnt_module_destroy(module);
}

void Fuzzer::once() { exercise(mutate()); }

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: fuzz-bundle BUNDLE COUNT [SEED]\n");
    return 1;
  }
  FILE *file = std::fopen(argv[1], "rb");
  if (!file) {
    std::fprintf(stderr, "fuzz-bundle: error: cannot read '%s'\n", argv[1]);
    return 1;
  }
  Bytes bytes(std::filesystem::file_size(argv[1]));
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  if (bundle::Error error = bundle::checkContainer(bytes.data(), bytes.size(), bytes.size())) {
    std::fprintf(stderr, "fuzz-bundle: error: %s\n", error.message().c_str());
    return 1;
  }
  long count = std::atol(argv[2]);
  Fuzzer fuzzer(std::move(bytes), argc > 3 ? uint32_t(std::atol(argv[3])) : 1);
  for (long i = 0; i < count; ++i)
    fuzzer.once();
  const Counts &counts = fuzzer.counts;
  std::printf(
      "%ld mutants: %ld refused, %ld loaded; %ld calls done, %ld calls refused or faulted\n", count,
      counts.refused, counts.loaded, counts.calls, counts.failedCalls);
  // Both kinds must occur, or the mutants are not what they should be.
  return count >= 1000 && (counts.refused == 0 || counts.loaded == 0) ? 1 : 0;
}
