//===- RandomRows.cpp - orthogonal rows from a seed ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RandomRows.h"
#include <array>
#include <cmath>
#include <vector>

using namespace llvm;

/// Philox4x32-10 of one counter.
static std::array<uint32_t, 4> philox(uint64_t counter, uint64_t key) {
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                               0, 0};
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0], p1 = uint64_t(0xCD9E8D57) * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
  return c;
}

/// Normal numbers, two of every two words.
static std::vector<double> normals(uint64_t key, int64_t count) {
  std::vector<double> out;
  for (uint64_t counter = 0; static_cast<int64_t>(out.size()) < count; ++counter) {
    auto words = philox(counter, key);
    for (int i : {0, 2}) {
      double radius = std::sqrt(-2 * std::log((words[i] + 0.5) * 0x1p-32));
      double angle = 2 * 3.14159265358979323846 * (words[i + 1] + 0.5) * 0x1p-32;
      out.push_back(radius * std::cos(angle));
      out.push_back(radius * std::sin(angle));
    }
  }
  return out;
}

SmallVector<float> linnet::linearize::randomRows(int64_t seed, int64_t blocks, int64_t depth) {
  std::vector<double> all = normals(static_cast<uint64_t>(seed), blocks * depth * depth);
  SmallVector<float> out;
  for (int64_t block = 0; block < blocks; ++block) {
    double *rows = all.data() + block * depth * depth;
    auto dot = [&](int64_t i, int64_t j) {
      double sum = 0;
      for (int64_t c = 0; c < depth; ++c)
        sum += rows[i * depth + c] * rows[j * depth + c];
      return sum;
    };
    for (int64_t i = 0; i < depth; ++i) {
      for (int twice = 0; twice < 2; ++twice) // once more takes away what rounding has left
        for (int64_t j = 0; j < i; ++j) {
          double overlap = dot(i, j);
          for (int64_t c = 0; c < depth; ++c)
            rows[i * depth + c] -= overlap * rows[j * depth + c];
        }
      double length = std::sqrt(dot(i, i));
      for (int64_t c = 0; c < depth; ++c)
        rows[i * depth + c] /= length;
    }
    for (int64_t i = 0; i < depth * depth; ++i)
      out.push_back(static_cast<float>(rows[i] * std::sqrt(static_cast<double>(depth))));
  }
  return out;
}
