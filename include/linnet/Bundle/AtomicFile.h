//===- AtomicFile.h - a file that appears whole or not at all ---*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_ATOMICFILE_H
#define LINNET_BUNDLE_ATOMICFILE_H

#include "linnet/Bundle/Error.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace linnet::bundle {

/// Writes to a temporary file beside `path`; `commit` renames it. Without a successful commit
/// nothing is left. Not durable across a power cut: no fsync.
class AtomicFile {
public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  /// Appends; false after the first failure, which `commit` reports.
  bool write(const void *data, size_t size);
  /// Appends zeros up to byte `offset`.
  bool padTo(uint64_t offset);
  uint64_t position() const { return written; }
  /// The first failure so far.
  const Error &status() const { return error; }
  Error commit();

private:
  void fail(const char *what);

  std::string path, temporary;
  int file = -1;
  uint64_t written = 0;
  Error error;
};

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_ATOMICFILE_H
