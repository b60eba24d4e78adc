//===- bundle-test.cpp - containers, panels, safetensors, CPU features ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Runtime/Samples.h"
#include "../Testing.h"
#include "linnet/Bundle/CPULevel.h"
#include "linnet/Bundle/Pack.h"
#include "linnet/Bundle/SafeTensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>

using namespace linnet;
using namespace linnet::test;
using namespace linnet::bundle;

namespace {

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

/// By the definition, element for element.
template <typename T> std::vector<T> packed(const PanelLayout &l, const std::vector<T> &source) {
  std::vector<T> out(l.batch * l.panelsPerBatch() * l.elementsPerPanel());
  for (uint64_t b = 0; b < l.batch; ++b)
    for (uint64_t n = 0; n < l.n; ++n)
      for (uint64_t k = 0; k < l.k; ++k)
        out[((b * l.panelsPerBatch() + n / l.panel) * l.groups() + k / l.group) * l.panel *
                l.group +
            n % l.panel * l.group + k % l.group] =
            source[b * l.batchStride + n * l.nStride + k * l.kStride];
  return out;
}

template <typename T>
void checkPanels(uint64_t batch, uint64_t n, uint64_t k, bool transposed, uint32_t panel,
                 uint32_t group) {
  PanelLayout layout = {batch, n, k, n * k, transposed ? k : 1, transposed ? 1 : n, panel, group};
  std::vector<T> source(batch * n * k + 1);
  std::iota(source.begin(), source.end(), T(1));
  uint64_t bytes, elements;
  CHECK(packedBytes(layout, sizeof(T), bytes) && sourceElements(layout, elements));
  CHECK_EQ(elements, batch * n * k);
  std::vector<T> found(bytes / sizeof(T), T(-1));
  pack(layout, sizeof(T), source.data(), found.data());
  CHECK(found == packed(layout, source));
}

void panels() {
  for (uint64_t batch : {1, 3})
    for (uint64_t n : {0, 1, 7, 16, 17, 65})
      for (uint64_t k : {0, 1, 2, 5, 64, 129})
        for (bool transposed : {false, true}) {
          checkPanels<uint32_t>(batch, n, k, transposed, 16, 1);
          checkPanels<uint16_t>(batch, n, k, transposed, 64, 2);
          checkPanels<uint8_t>(batch, n, k, transposed, 8, 4);
        }
  PanelLayout huge = {1ull << 40, 1ull << 40, 8, 1, 1, 1, 16, 1};
  uint64_t size;
  CHECK(!packedBytes(huge, 4, size));
  huge.nStride = 1ull << 40;
  CHECK(!sourceElements(huge, size));
}

//===----------------------------------------------------------------------===//
// Containers
//===----------------------------------------------------------------------===//

void containers() {
  TestBundle sample;
  makeSample("all", sample);
  std::vector<uint8_t> bytes = sample.bytes();
  auto message = [](const std::vector<uint8_t> &data) {
    return checkContainer(data.data(), data.size(), data.size()).message();
  };
  CHECK_EQ(message(bytes), "");
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  CHECK_EQ(header.codeOffset % kPage, 0u);
  CHECK_EQ(header.constantOffset % kPage, 0u);
  // Every single byte of header and metadata counts.
  for (size_t at = 0; at < kMetadataOffset + header.metadataLength; at += at < 64 ? 1 : 37) {
    std::vector<uint8_t> damaged = bytes;
    damaged[at] ^= 1;
    CHECK_MORE(!message(damaged).empty(), "byte " + std::to_string(at));
  }
  for (size_t size = 0; size < bytes.size(); size += 501)
    CHECK(!message({bytes.begin(), bytes.begin() + ptrdiff_t(size)}).empty());
  // A failure leaves neither the file nor its temporary.
  std::string folder = temporaryPath("out");
  std::filesystem::create_directory(folder);
  std::string path = folder + "/b.lnb";
  auto small = [&](uint64_t length, const std::function<Error(const Sink &)> &write) {
    return writeContainer(path, "metadata", 8, nullptr, 0, length, write).message();
  };
  CHECK(small(100, [](const Sink &sink) {
          sink("x", 1);
          return Error();
        }).find("wrote 1 bytes of constants") == 0);
  CHECK_EQ(small(100, [](const Sink &) { return Error("no data"); }), "no data");
  CHECK(std::filesystem::is_empty(folder));
  CHECK(writeContainer("/dev/full", "metadata", 8, nullptr, 0, 0, nullptr)
            .message()
            .find("cannot write '/dev/full': No space left") == 0);
  CHECK(writeContainer(folder, "metadata", 8, nullptr, 0, 0, nullptr).message().find("directory") !=
        std::string::npos);
}

//===----------------------------------------------------------------------===//
// Safetensors
//===----------------------------------------------------------------------===//

std::string openText(const std::string &header, size_t data, uint64_t length = 0) {
  std::string path = temporaryPath("t.safetensors");
  std::ofstream file(path, std::ios::binary);
  length = length ? length : header.size();
  file.write(reinterpret_cast<const char *>(&length), 8);
  file << header << std::string(data, 'x');
  file.close();
  std::unique_ptr<SafeTensors> result;
  return SafeTensors::open(path, result).message();
}

void safeTensors() {
  std::map<std::string, Tensor> tensors;
  const int8_t small[3] = {1, 2, 3};
  const double wide[2] = {0.5, -1};
  tensors["a \"quoted\"\n name"] = {ElementType::I8, {3}, small, 3};
  tensors["wide"] = {ElementType::F64, {2, 1}, wide, 16};
  tensors["empty"] = {ElementType::BF16, {0, 4}, nullptr, 0};
  tensors["scalar"] = {ElementType::F32, {}, wide, 4};
  std::string path = temporaryPath("s.safetensors");
  CHECK_EQ(writeSafeTensors(path, tensors).message(), "");
  std::unique_ptr<SafeTensors> file;
  CHECK_EQ(SafeTensors::open(path, file).message(), "");
  CHECK_EQ(file->tensors().size(), tensors.size());
  for (const auto &[name, tensor] : tensors) {
    const Tensor *found = file->find(name);
    if (!CHECK(found != nullptr))
      continue;
    CHECK(found->type == tensor.type && found->dims == tensor.dims && found->bytes == tensor.bytes);
    CHECK(std::equal(static_cast<const char *>(found->data),
                     static_cast<const char *>(found->data) + found->bytes,
                     static_cast<const char *>(tensor.data)));
    CHECK_EQ(reinterpret_cast<uintptr_t>(found->data) % elementBytes(tensor.type), 0u);
  }
}

void brokenSafeTensors() {
  const std::string good = R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  CHECK_EQ(openText(good, 8), "");
  CHECK_EQ(
      openText(R"({"__metadata__":{"a":"b"},"t":{"dtype":"U8","shape":[],"data_offsets":[7,8]}})",
               8),
      "");
  struct {
    const char *header, *text;
    size_t data;
  } bad[] = {
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "bytes 0 to 8 of the data, which has 7", 7},
      {R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "of 3xf32 has 8 bytes", 8},
      {R"({"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
       "has 0 bytes", 8},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "bytes 8 to 0", 8},
      {R"({"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "expected an integer", 8},
      {R"({"t":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}})", "below 2^64",
       8},
      {R"({"t":{"dtype":"F32","shape":[2]}})", "dtype, shape and data_offsets", 8},
      {R"({"t":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", "one each", 8},
      {R"({"t":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})",
       "is there twice", 8},
      {R"({"t")", "expected ':'", 8},
      {R"({)", "expected a string", 8},
      {R"({} x)", "expected the end", 8},
      {R"({"\ud800x":1})", "low surrogate", 8},
      {R"([1])", "expected '{'", 8},
  };
  for (const auto &row : bad) {
    std::string message = openText(row.header, row.data);
    CHECK_MORE(message.find(row.text) != std::string::npos, message + " for " + row.header);
  }
  CHECK(openText(good, 8, ~0ull).find("the header has 18446744073709551615 bytes") !=
        std::string::npos);
  std::string deep = R"({"__metadata__":)" + std::string(100000, '[');
  CHECK(openText(deep, 8).find("at most 32 levels") != std::string::npos);
}

//===----------------------------------------------------------------------===//
// CPU features
//===----------------------------------------------------------------------===//

/// The kernel lists what the machine has, by names that differ a little.
void cpuFeatures() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(file, line))
    if (line.compare(0, 5, "flags") == 0)
      flags = line.substr(line.find(':') + 1) + " ";
  if (!CHECK(!flags.empty()))
    return;
  const std::map<std::string, std::string> names = {{"sse3", "pni"},
                                                    {"sse4.1", "sse4_1"},
                                                    {"sse4.2", "sse4_2"},
                                                    {"crc32", "sse4_2"},
                                                    {"bmi", "bmi1"},
                                                    {"lzcnt", "abm"},
                                                    {"64bit", "lm"},
                                                    {"pclmul", "pclmulqdq"},
                                                    {"sahf", "lahf_lm"},
                                                    {"sha", "sha_ni"},
                                                    {"avx512vbmi2", "avx512_vbmi2"},
                                                    {"avx512vnni", "avx512_vnni"},
                                                    {"avx512bitalg", "avx512_bitalg"},
                                                    {"avx512vpopcntdq", "avx512_vpopcntdq"},
                                                    {"avx512bf16", "avx512_bf16"},
                                                    {"avxvnni", "avx_vnni"},
                                                    {"avx512fp16", "avx512_fp16"},
                                                    {"rdrnd", "rdrand"}};
  std::vector<std::string> host = hostFeatures();
  for (const std::string &feature : featuresOfV4()) {
    auto alias = names.find(feature);
    std::string flag = " " + (alias == names.end() ? feature : alias->second) + " ";
    bool has = std::find(host.begin(), host.end(), feature) != host.end();
    CHECK_MORE(has == (flags.find(flag) != std::string::npos), feature);
    CHECK(isKnownFeature(feature));
  }
  for (const auto &[feature, flag] : names) {
    bool has = std::find(host.begin(), host.end(), feature) != host.end();
    CHECK_MORE(has == (flags.find(" " + flag + " ") != std::string::npos), feature);
  }
  CHECK(missingFeatures(host).empty());
  CHECK(missingFeatures({"sse2", "teleport"}) == std::vector<std::string>({"teleport"}));
  for (const std::string &feature : featuresOfV3())
    CHECK(std::count(featuresOfV4().begin(), featuresOfV4().end(), feature) == 1);
}

} // namespace

int main() {
  panels();
  containers();
  safeTensors();
  brokenSafeTensors();
  cpuFeatures();
  return summary();
}
