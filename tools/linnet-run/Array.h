//===- Array.h - tensors of linnet-run --------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TOOLS_RUN_ARRAY_H
#define LINNET_TOOLS_RUN_ARRAY_H

#include "linnet-c/Runtime.h"
#include "linnet/Bundle/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace linnet::run {

using bundle::Error;
using bundle::makeError;

/// A tensor with its memory.
struct Array {
  lnt_type type = LNT_F32;
  std::vector<int64_t> dims;
  std::vector<uint64_t> words; // aligned to 8 bytes

  char *data() { return reinterpret_cast<char *>(words.data()); }
  const char *data() const { return reinterpret_cast<const char *>(words.data()); }
  int64_t elements() const;
  int64_t bytes() const { return elements() * int64_t(lnt_type_size(type)); }
  /// Memory for type and dims; an error when the size overflows or there is no room.
  Error allocate();
  std::string shape() const;
  lnt_tensor tensor();
};

bool isFloat(lnt_type type);

/// Element `index` as a double (integers of 64 bits may lose their low bits), and back with
/// round-to-nearest-even.
double getElement(const Array &array, int64_t index);
void setFloat(Array &array, int64_t index, double value);
/// Element `index` as an integer, and back by the low bits.
int64_t getInteger(const Array &array, int64_t index);
void setInteger(Array &array, int64_t index, int64_t value);

/// "[1, 2, 3, ...]", at most `most` elements.
std::string preview(const Array &array, int64_t most);

/// An array from "2x8xf32=0.5", "...=iota", "...=rand:SEED" or "FILE.npy".
Error parseInput(const std::string &spec, Array &array);

/// .npy. bf16 is '<V2' there: two bytes of no type, as NumPy writes ml_dtypes' bfloat16.
Error readNpy(const std::string &path, Array &array);
/// The header that goes before the data.
std::string npyHeader(const Array &array);

/// Whether `found` is `expected` within the tolerances; otherwise the error says where not.
Error compare(const Array &found, const Array &expected, double rtol, double atol);

} // namespace linnet::run

#endif // LINNET_TOOLS_RUN_ARRAY_H
