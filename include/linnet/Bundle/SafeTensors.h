//===- SafeTensors.h - reading and writing safetensors files ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The format: u64 length of a JSON header, the header ({"name": {"dtype", "shape",
// "data_offsets": [begin, end]}, ...}), the data that the offsets count in.
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_SAFETENSORS_H
#define LINNET_BUNDLE_SAFETENSORS_H

#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/Error.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace linnet::bundle {

/// A tensor whose memory belongs to somebody else.
struct Tensor {
  fb::ElementType type = {};
  std::vector<int64_t> dims;
  const void *data = nullptr;
  int64_t bytes = 0;
};

/// A mapped file. The tensors stay valid as long as the object; the file must not change
/// meanwhile. Tensors of types that Linnet lacks are left out, with Invalid as their type.
class SafeTensors {
public:
  ~SafeTensors();
  SafeTensors(const SafeTensors &) = delete;
  SafeTensors &operator=(const SafeTensors &) = delete;

  static Error open(const std::string &path, std::unique_ptr<SafeTensors> &result);

  /// Null when there is no such tensor.
  const Tensor *find(const std::string &name) const;
  const std::map<std::string, Tensor> &tensors() const { return table; }
  const std::string &path() const { return file; }

private:
  SafeTensors() = default;
  Error parse();

  std::string file;
  const char *base = nullptr;
  size_t size = 0;
  std::map<std::string, Tensor> table;
};

/// Writes the tensors under a temporary name and renames it.
Error writeSafeTensors(const std::string &path, const std::map<std::string, Tensor> &tensors);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_SAFETENSORS_H
