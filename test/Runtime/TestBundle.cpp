//===- TestBundle.cpp - bundles written by hand ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "TestBundle.h"
#include "linnet/Bundle/Image.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>

//===----------------------------------------------------------------------===//
// Kernels: no constants in memory, no calls, so that the bytes run anywhere.
//===----------------------------------------------------------------------===//

#define KERNEL                                                                                     \
  extern "C" __attribute__((section("kernels"), aligned(16), used, noinline,                       \
                            no_sanitize("address", "undefined", "thread"))) void

KERNEL testAxpy(const lnt_env *, void *const *buffers, const int64_t *scalars, int64_t begin,
                int64_t end, int32_t) {
  auto *x = static_cast<const float *>(buffers[0]);
  auto *y = static_cast<const float *>(buffers[1]);
  auto *out = static_cast<float *>(buffers[2]);
  int64_t last = end * linnet::test::kChunk;
  if (last > scalars[0])
    last = scalars[0];
  for (int64_t i = begin * linnet::test::kChunk; i < last; ++i)
    out[i] = x[i] + x[i] + y[i];
}

KERNEL testBounds(const lnt_env *env, void *const *buffers, const int64_t *scalars, int64_t begin,
                  int64_t end, int32_t) {
  auto *x = static_cast<const int32_t *>(buffers[0]);
  int64_t last = end * linnet::test::kChunk;
  if (last > scalars[0])
    last = scalars[0];
  for (int64_t i = begin * linnet::test::kChunk; i < last; ++i)
    if (x[i] >= scalars[1]) {
      uint64_t mine = uint64_t(scalars[2]) << LNT_ERROR_POSITION_BITS | uint64_t(i);
      uint64_t seen = __atomic_load_n(env->error, __ATOMIC_RELAXED);
      while (mine < seen && !__atomic_compare_exchange_n(env->error, &seen, mine, true,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    }
}

KERNEL testPartialSums(const lnt_env *env, void *const *buffers, const int64_t *scalars,
                       int64_t begin, int64_t end, int32_t worker) {
  auto *x = static_cast<const float *>(buffers[0]);
  auto *out = static_cast<float *>(buffers[1]);
  auto *scratch = static_cast<float *>(env->scratch[worker]);
  for (int64_t chunk = begin; chunk < end; ++chunk) {
    int64_t first = chunk * linnet::test::kChunk, count = scalars[0] - first;
    if (count > linnet::test::kChunk)
      count = linnet::test::kChunk;
    for (int64_t i = 0; i < count; ++i)
      scratch[i] = x[first + i];
    for (int64_t i = count - 1; i > 0; --i)
      scratch[i - 1] += scratch[i];
    out[chunk] = scratch[0];
  }
}

extern "C" const char __start_kernels[], __stop_kernels[];

namespace linnet::test {

const TestKernel kAxpy = {"axpy", testAxpy, 3, 1};
const TestKernel kBounds = {"bounds", testBounds, 1, 3};
const TestKernel kPartialSums = {"partial_sums", testPartialSums, 2, 1};

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Size FunctionBuilder::symbol(const std::string &name, int64_t min, int64_t max, int64_t multiple) {
  auto symbol = std::make_unique<fb::SymbolT>();
  symbol->name = name;
  symbol->min = min;
  symbol->max = max;
  symbol->multiple = multiple;
  function.symbols.push_back(std::move(symbol));
  return Size::reg(reg());
}

static std::unique_ptr<fb::ParamT> makeParam(const std::string &name, ElementType type,
                                             const std::vector<Size> &dims) {
  auto param = std::make_unique<fb::ParamT>();
  param->name = name;
  param->type = type;
  for (const Size &size : dims)
    param->dims.push_back(fb::Dim(size.constant, size.index, 0));
  return param;
}

uint32_t FunctionBuilder::argument(const std::string &name, ElementType type,
                                   const std::vector<Size> &dims, const std::string &state) {
  auto param = makeParam(name, type, dims);
  param->state = state;
  function.arguments.push_back(std::move(param));
  return uint32_t(function.arguments.size() - 1);
}

uint32_t FunctionBuilder::result(const std::string &name, ElementType type,
                                 const std::vector<Size> &dims, int32_t alias) {
  auto param = makeParam(name, type, dims);
  if (alias >= 0)
    param->state = function.arguments[size_t(alias)]->state;
  function.results.push_back(std::move(param));
  function.result_alias.push_back(alias);
  return uint32_t(function.results.size() - 1);
}

void FunctionBuilder::emit(Code code, uint32_t a, uint32_t b, uint32_t c, int64_t imm) {
  function.commands.push_back(fb::Command(code, a, b, c, imm));
}

uint32_t FunctionBuilder::constant(int64_t value) {
  uint32_t a = reg();
  emit(Code::Const, a, 0, 0, value);
  return a;
}

uint32_t FunctionBuilder::op(Code code, uint32_t b, uint32_t c, int64_t imm) {
  uint32_t a = reg();
  emit(code, a, b, c, imm);
  return a;
}

uint32_t FunctionBuilder::buffer(fb::BufferKind kind, uint32_t index) {
  auto buffer = std::make_unique<fb::BufferT>();
  buffer->kind = kind;
  buffer->index = index;
  function.buffers.push_back(std::move(buffer));
  return uint32_t(function.buffers.size() - 1);
}

uint32_t FunctionBuilder::arena(uint32_t sizeReg, uint64_t offset, uint64_t maxSize, uint32_t first,
                                uint32_t last) {
  uint32_t index = buffer(fb::BufferKind::Arena, 0);
  fb::BufferT &buffer = *function.buffers[index];
  buffer.size_reg = sizeReg;
  buffer.offset = offset;
  buffer.max_size = maxSize;
  buffer.first = first;
  buffer.last = last;
  if (maxSize == bundle::kUnbounded)
    function.arena_bytes = bundle::kUnbounded;
  else if (function.arena_bytes != bundle::kUnbounded)
    function.arena_bytes = std::max(function.arena_bytes, offset + maxSize);
  return index;
}

uint32_t FunctionBuilder::view(uint32_t buffer, uint32_t offsetReg) {
  function.views.push_back(fb::View(buffer, offsetReg));
  return uint32_t(function.views.size() - 1);
}

void FunctionBuilder::dispatch(uint32_t kernel, std::vector<uint32_t> views,
                               std::vector<uint32_t> scalars, uint32_t chunks, uint32_t scratch,
                               const std::string &op, uint32_t flops, uint32_t bytes) {
  auto info = std::make_unique<fb::DispatchInfoT>();
  info->op = op;
  info->location = "test.mlir:1:" + std::to_string(function.dispatches.size() + 1);
  info->flops_reg = flops;
  info->bytes_reg = bytes;
  emit(Code::Dispatch, kernel, uint32_t(function.operands.size()),
       uint32_t(function.dispatches.size()));
  function.dispatches.push_back(std::move(info));
  auto &operands = function.operands;
  operands.push_back(uint32_t(views.size()));
  operands.insert(operands.end(), views.begin(), views.end());
  operands.push_back(uint32_t(scalars.size()));
  operands.insert(operands.end(), scalars.begin(), scalars.end());
  operands.push_back(chunks);
  operands.push_back(scratch);
}

uint32_t FunctionBuilder::site(const std::string &op, const std::string &location,
                               const std::string &message) {
  auto site = std::make_unique<fb::FaultSiteT>();
  site->op = op;
  site->location = location;
  site->message = message;
  function.sites.push_back(std::move(site));
  return uint32_t(function.sites.size() - 1);
}

//===----------------------------------------------------------------------===//
// Bundles
//===----------------------------------------------------------------------===//

std::vector<uint8_t> makeImage(const std::vector<TestKernel> &kernels) {
  const uint64_t page = bundle::kPage, text = page;
  size_t codeBytes = size_t(__stop_kernels - __start_kernels);
  std::vector<uint8_t> image(text + codeBytes);
  Elf64_Ehdr file = {};
  std::memcpy(file.e_ident, ELFMAG "\2\1\1", 7);
  file.e_type = ET_DYN;
  file.e_machine = EM_X86_64;
  file.e_version = 1;
  file.e_phoff = sizeof file;
  file.e_ehsize = sizeof file;
  file.e_phentsize = sizeof(Elf64_Phdr);
  file.e_phnum = 2;
  Elf64_Phdr segments[2] = {};
  size_t names = LNT_IMAGE_TABLE + 8 + 8 * kernels.size();
  size_t end = names;
  uint32_t table[2] = {LNT_IMAGE_MAGIC, uint32_t(kernels.size())};
  std::memcpy(image.data() + LNT_IMAGE_TABLE, table, sizeof table);
  for (size_t i = 0; i < kernels.size(); ++i) {
    auto code = reinterpret_cast<const char *>(kernels[i].code) - __start_kernels;
    lnt_image_entry entry = {uint32_t(end), uint32_t(text + size_t(code))};
    std::memcpy(image.data() + LNT_IMAGE_TABLE + 8 + 8 * i, &entry, sizeof entry);
    std::memcpy(image.data() + end, kernels[i].name, std::strlen(kernels[i].name));
    end += std::strlen(kernels[i].name) + 1;
  }
  for (Elf64_Phdr &segment : segments)
    segment.p_type = PT_LOAD, segment.p_align = page;
  segments[0].p_flags = PF_R;
  segments[0].p_filesz = segments[0].p_memsz = end;
  segments[1].p_flags = PF_R | PF_X;
  segments[1].p_offset = segments[1].p_vaddr = text;
  segments[1].p_filesz = segments[1].p_memsz = codeBytes;
  std::memcpy(image.data(), &file, sizeof file);
  std::memcpy(image.data() + sizeof file, segments, sizeof segments);
  std::memcpy(image.data() + text, __start_kernels, codeBytes);
  return image;
}

TestBundle::TestBundle() {
  bundle.producer = "test";
  bundle.abi = LNT_KERNEL_ABI_VERSION;
  bundle.threads = 1;
}

void TestBundle::addImage(const std::vector<TestKernel> &kernels, fb::Level level) {
  if (bundle.kernels.empty())
    for (const TestKernel &kernel : kernels) {
      auto entry = std::make_unique<fb::KernelT>();
      entry->name = kernel.name;
      entry->buffers = kernel.buffers;
      entry->scalars = kernel.scalars;
      bundle.kernels.push_back(std::move(entry));
    }
  std::vector<uint8_t> image = makeImage(kernels);
  code.resize((code.size() + bundle::kPage - 1) / bundle::kPage * bundle::kPage);
  auto entry = std::make_unique<fb::ImageT>();
  entry->level = level;
  entry->offset = code.size();
  entry->length = image.size();
  entry->hash = bundle::hashBytes(image.data(), image.size());
  bundle.images.push_back(std::move(entry));
  code.insert(code.end(), image.begin(), image.end());
}

uint32_t TestBundle::addConstant(const std::string &name, ElementType type,
                                 std::vector<uint64_t> dims, const void *data, size_t bytes) {
  auto entry = std::make_unique<fb::ConstantT>();
  entry->name = name;
  entry->type = type;
  entry->dims = std::move(dims);
  entry->length = bytes;
  entry->external = data == nullptr;
  if (data) {
    constants.resize((constants.size() + 63) / 64 * 64);
    entry->offset = constants.size();
    auto *from = static_cast<const uint8_t *>(data);
    constants.insert(constants.end(), from, from + bytes);
  }
  bundle.constants.push_back(std::move(entry));
  return uint32_t(bundle.constants.size() - 1);
}

void TestBundle::add(FunctionBuilder &builder) {
  bundle.functions.push_back(std::make_unique<fb::FunctionT>(std::move(builder.function)));
}

std::vector<uint8_t> TestBundle::metadata() const {
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishBundleBuffer(builder, fb::Bundle::Pack(builder, &bundle));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

bundle::Error TestBundle::write(const std::string &path) const {
  std::vector<uint8_t> data = metadata();
  return bundle::writeContainer(path, data.data(), data.size(), code.data(), code.size(),
                                constants.size(), [&](const bundle::Sink &sink) {
                                  sink(constants.data(), constants.size());
                                  return bundle::Error();
                                });
}

std::vector<uint8_t> TestBundle::bytes() const {
  std::string path = temporaryPath("bytes.lnb");
  if (write(path))
    return {};
  FILE *file = std::fopen(path.c_str(), "rb");
  std::vector<uint8_t> all(std::filesystem::file_size(path));
  all.resize(std::fread(all.data(), 1, all.size(), file));
  std::fclose(file);
  return all;
}

namespace {
struct Directory {
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "linnet-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};
} // namespace

std::string temporaryPath(const std::string &name) {
  static Directory directory;
  return directory.path + "/" + name;
}

} // namespace linnet::test
