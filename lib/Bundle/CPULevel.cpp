//===- CPULevel.cpp - CPU feature levels and their detection --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/CPULevel.h"

#include <algorithm>
#include <cpuid.h>
#include <cstdint>

namespace linnet::bundle {
namespace {

/// A register of a cpuid leaf.
enum Word { L1C, L1D, L7B, L7C, L7D, L71A, L71D, LD1A, X1C, X1D, X8B, L14B, Words };

/// State that the operating system must save before a feature may be used.
enum State { None, Ymm, Zmm, Tile };

struct Feature {
  const char *name; // LLVM's
  Word word;
  unsigned bit;
  State state;
};

// clang-format off
constexpr Feature kFeatures[] = {
  {"cx8", L1D, 8, None}, {"cmov", L1D, 15, None}, {"mmx", L1D, 23, None}, {"fxsr", L1D, 24, None},
  {"sse", L1D, 25, None}, {"sse2", L1D, 26, None},
  {"sse3", L1C, 0, None}, {"pclmul", L1C, 1, None}, {"ssse3", L1C, 9, None},
  {"fma", L1C, 12, Ymm}, {"cx16", L1C, 13, None}, {"sse4.1", L1C, 19, None},
  {"sse4.2", L1C, 20, None}, {"crc32", L1C, 20, None}, {"movbe", L1C, 22, None},
  {"popcnt", L1C, 23, None}, {"aes", L1C, 25, None}, {"xsave", L1C, 27, None},
  {"avx", L1C, 28, Ymm}, {"f16c", L1C, 29, Ymm}, {"rdrnd", L1C, 30, None},
  {"fsgsbase", L7B, 0, None}, {"bmi", L7B, 3, None}, {"avx2", L7B, 5, Ymm},
  {"bmi2", L7B, 8, None}, {"invpcid", L7B, 10, None}, {"avx512f", L7B, 16, Zmm},
  {"avx512dq", L7B, 17, Zmm}, {"rdseed", L7B, 18, None}, {"adx", L7B, 19, None},
  {"avx512ifma", L7B, 21, Zmm}, {"clflushopt", L7B, 23, None}, {"clwb", L7B, 24, None},
  {"avx512cd", L7B, 28, Zmm}, {"sha", L7B, 29, None}, {"avx512bw", L7B, 30, Zmm},
  {"avx512vl", L7B, 31, Zmm},
  {"avx512vbmi", L7C, 1, Zmm}, {"pku", L7C, 4, None}, {"waitpkg", L7C, 5, None},
  {"avx512vbmi2", L7C, 6, Zmm}, {"shstk", L7C, 7, None}, {"gfni", L7C, 8, None},
  {"vaes", L7C, 9, Ymm}, {"vpclmulqdq", L7C, 10, Ymm}, {"avx512vnni", L7C, 11, Zmm},
  {"avx512bitalg", L7C, 12, Zmm}, {"avx512vpopcntdq", L7C, 14, Zmm}, {"rdpid", L7C, 22, None},
  {"cldemote", L7C, 25, None}, {"movdiri", L7C, 27, None}, {"movdir64b", L7C, 28, None},
  {"avx512vp2intersect", L7D, 8, Zmm}, {"serialize", L7D, 14, None},
  {"amx-bf16", L7D, 22, Tile}, {"avx512fp16", L7D, 23, Zmm}, {"amx-tile", L7D, 24, Tile},
  {"amx-int8", L7D, 25, Tile},
  {"sha512", L71A, 0, Ymm}, {"sm3", L71A, 1, Ymm}, {"sm4", L71A, 2, Ymm},
  {"avxvnni", L71A, 4, Ymm}, {"avx512bf16", L71A, 5, Zmm}, {"amx-fp16", L71A, 21, Tile},
  {"avxifma", L71A, 23, Ymm},
  {"avxvnniint8", L71D, 4, Ymm}, {"avxneconvert", L71D, 5, Ymm}, {"avxvnniint16", L71D, 10, Ymm},
  {"prefetchi", L71D, 14, None},
  {"xsaveopt", LD1A, 0, None}, {"xsavec", LD1A, 1, None}, {"xsaves", LD1A, 3, None},
  {"sahf", X1C, 0, None}, {"lzcnt", X1C, 5, None}, {"sse4a", X1C, 6, None},
  {"prfchw", X1C, 8, None}, {"xop", X1C, 11, Ymm}, {"fma4", X1C, 16, Ymm}, {"tbm", X1C, 21, None},
  {"mwaitx", X1C, 29, None}, {"64bit", X1D, 29, None},
  {"clzero", X8B, 0, None}, {"rdpru", X8B, 4, None}, {"wbnoinvd", X8B, 9, None},
};
// clang-format on

struct Machine {
  uint32_t words[Words] = {};
  bool states[4] = {true, false, false, false};

  Machine() {
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d))
      words[L1C] = c, words[L1D] = d;
    readStates();
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
      words[L7B] = b, words[L7C] = c, words[L7D] = d;
      if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
        words[L71A] = a, words[L71D] = d;
    }
    if (__get_cpuid_count(13, 1, &a, &b, &c, &d))
      words[LD1A] = a;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
      words[X1C] = c, words[X1D] = d;
    if (__get_cpuid(0x80000008, &a, &b, &c, &d))
      words[X8B] = b;
  }

  void readStates() {
    constexpr uint32_t osxsave = 1u << 27;
    if (!(words[L1C] & osxsave))
      return;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    states[Ymm] = (low & 0x6) == 0x6;
    states[Zmm] = (low & 0xe6) == 0xe6;
    states[Tile] = (low & 0x60000) == 0x60000;
  }

  bool has(const Feature &feature) const {
    return (words[feature.word] >> feature.bit & 1) && states[feature.state];
  }
};

const Feature *find(std::string_view name) {
  for (const Feature &feature : kFeatures)
    if (name == feature.name)
      return &feature;
  return nullptr;
}

} // namespace

const std::vector<std::string> &featuresOfV3() {
  static const std::vector<std::string> list = {
      "64bit", "cx8",    "cmov", "mmx",   "fxsr",   "sse",    "sse2",  "cx16",
      "sahf",  "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2", "crc32", "avx",
      "avx2",  "bmi",    "bmi2", "f16c",  "fma",    "lzcnt",  "movbe", "xsave"};
  return list;
}

const std::vector<std::string> &featuresOfV4() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> all = featuresOfV3();
    for (const char *name : {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
      all.push_back(name);
    return all;
  }();
  return list;
}

std::vector<std::string> hostFeatures() {
  Machine machine;
  std::vector<std::string> list;
  for (const Feature &feature : kFeatures)
    if (machine.has(feature))
      list.push_back(feature.name);
  return list;
}

bool isKnownFeature(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string> missingFeatures(const std::vector<std::string> &needed) {
  Machine machine;
  std::vector<std::string> missing;
  for (const std::string &name : needed) {
    const Feature *feature = find(name);
    if (!feature || !machine.has(*feature))
      missing.push_back(name);
  }
  return missing;
}

} // namespace linnet::bundle
