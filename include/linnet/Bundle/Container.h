//===- Container.h - the file around a bundle's metadata --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A bundle (.lnb) is, in this order: the header below; the FlatBuffer of Bundle.fbs, at
// byte 64; the code segment, at a multiple of 4096: images, each at a multiple of 4096;
// the constant segment, at a multiple of 4096. Everything is little-endian.
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_CONTAINER_H
#define LINNET_BUNDLE_CONTAINER_H

#include "linnet/Bundle/Error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace linnet::bundle {

/// Raised by every change that an older runtime would read wrongly.
constexpr uint32_t kFormatVersion = 1;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kMetadataOffset = 64;
/// Constants start at multiples of this within their segment.
constexpr uint64_t kConstantAlign = 64;

struct Header {
  char magic[8]; // "LINNET\x1a\n": a text-mode copy or a cut at 7 bits shows
  uint32_t version;
  uint32_t flags; // none are defined: 0
  uint64_t metadataLength;
  uint64_t codeOffset, codeLength;
  uint64_t constantOffset, constantLength;
  uint64_t hash; // of the header with 0 here, followed by the metadata: hashHeader
};
static_assert(sizeof(Header) == kMetadataOffset, "the header is 64 bytes");

constexpr char kMagic[8] = {'L', 'I', 'N', 'N', 'E', 'T', '\x1a', '\n'};

/// XXH3, 64 bits: what `Header::hash` and `Image.hash` hold.
uint64_t hashBytes(const void *data, size_t size);
/// XXH3 of `header` with a zero hash, followed by its metadata.
uint64_t hashHeader(Header header, const void *metadata);

/// Checks magic, version, flags, segments against `fileSize` and the hash. `data` is the whole
/// file, or at least its header and metadata.
Error checkContainer(const void *data, size_t available, uint64_t fileSize);

/// Takes a piece of the constant segment; false: stop, the write failed.
using Sink = std::function<bool(const void *data, size_t size)>;

/// Writes a bundle under a temporary name beside `path` and renames it, so that a reader sees the
/// old file or the new one and a failure (a full disk) leaves neither. `writeConstants` is called
/// once and must put exactly `constantLength` bytes in its sink; it may be null when that is 0.
Error writeContainer(const std::string &path, const void *metadata, size_t metadataLength,
                     const void *code, size_t codeLength, uint64_t constantLength,
                     const std::function<Error(const Sink &)> &writeConstants);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_CONTAINER_H
