//===- CodeImage.h - machine code of a bundle, mapped -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_CPU_CODEIMAGE_H
#define LINNET_LIB_RUNTIME_CPU_CODEIMAGE_H

#include "../Status.h"
#include "linnet/Bundle/Image.h"
#include "linnet/Bundle/KernelABI.h"

#include <memory>

namespace linnet::runtime {

/// An image (Bundle/Image.h) in executable memory: straight from the file where that is allowed,
/// else (from memory, on a noexec file system, for perf) as a copy.
class CodeImage {
public:
  ~CodeImage();
  CodeImage(const CodeImage &) = delete;
  CodeImage &operator=(const CodeImage &) = delete;

  /// `bytes` is the image; `file` is -1 or the file that has it at `offset`, a multiple of the
  /// page size.
  static Failure map(const uint8_t *bytes, uint64_t length, int file, uint64_t offset, bool profile,
                     std::unique_ptr<CodeImage> &result);

  uint32_t count() const { return table->count; }
  lnt_kernel kernel(uint32_t index) const {
    return reinterpret_cast<lnt_kernel>(base + table->entries[index].code);
  }
  const char *name(uint32_t index) const {
    return reinterpret_cast<const char *>(base + table->entries[index].name);
  }

private:
  CodeImage() = default;
  void writePerfMap() const;

  uint8_t *base = nullptr;
  uint64_t length = 0, textBegin = 0, textEnd = 0;
  const lnt_image_table *table = nullptr;
};

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_CPU_CODEIMAGE_H
