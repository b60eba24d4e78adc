//===- Container.cpp - the file around a bundle's metadata ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/AtomicFile.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace linnet::bundle {

uint64_t hashBytes(const void *data, size_t size) { return XXH3_64bits(data, size); }

uint64_t hashHeader(Header header, const void *metadata) {
  header.hash = 0;
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, &header, sizeof header);
  XXH3_64bits_update(&state, metadata, header.metadataLength);
  return XXH3_64bits_digest(&state);
}

namespace {

Error checkSegment(const char *name, uint64_t offset, uint64_t length, uint64_t after,
                   uint64_t fileSize) {
  if (length == 0)
    return Error();
  if (offset % kPage != 0 || offset < after)
    return makeError("the ", name, " segment is at byte ", offset,
                     ", expected a multiple of 4096 behind byte ", after);
  if (offset > fileSize || length > fileSize - offset)
    return makeError("truncated: the ", name, " segment ends at byte ", offset, " + ", length,
                     ", but the file has ", fileSize, " bytes");
  return Error();
}

uint64_t roundUpToPage(uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

} // namespace

Error checkContainer(const void *data, size_t available, uint64_t fileSize) {
  Header header;
  if (fileSize < sizeof header || available < sizeof header)
    return makeError("not a bundle: ", fileSize, " bytes are less than a header");
  std::memcpy(&header, data, sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return makeError("not a bundle: the magic bytes differ");
  if (header.version != kFormatVersion)
    return makeError("the bundle has format version ", header.version, ", this runtime reads ",
                     kFormatVersion,
                     header.version > kFormatVersion ? ": update the runtime" : ": compile again");
  if (header.flags != 0)
    return makeError("the bundle has unknown flags ", header.flags);
  uint64_t room = (available < fileSize ? available : fileSize) - kMetadataOffset;
  if (header.metadataLength > room)
    return makeError("truncated: the metadata has ", header.metadataLength, " bytes, but only ",
                     room, " follow the header");
  uint64_t after = kMetadataOffset + header.metadataLength;
  if (Error error = checkSegment("code", header.codeOffset, header.codeLength, after, fileSize))
    return error;
  if (header.codeLength != 0)
    after = header.codeOffset + header.codeLength;
  if (Error error =
          checkSegment("constant", header.constantOffset, header.constantLength, after, fileSize))
    return error;
  if (hashHeader(header, static_cast<const char *>(data) + kMetadataOffset) != header.hash)
    return makeError("damaged: the hash of header and metadata differs");
  return Error();
}

Error writeContainer(const std::string &path, const void *metadata, size_t metadataLength,
                     const void *code, size_t codeLength, uint64_t constantLength,
                     const std::function<Error(const Sink &)> &writeConstants) {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.metadataLength = metadataLength;
  header.codeOffset = roundUpToPage(kMetadataOffset + metadataLength);
  header.codeLength = codeLength;
  header.constantOffset = roundUpToPage(header.codeOffset + codeLength);
  header.constantLength = constantLength;
  header.hash = hashHeader(header, metadata);

  AtomicFile file(path);
  file.write(&header, sizeof header);
  file.write(metadata, metadataLength);
  if (codeLength != 0) {
    file.padTo(header.codeOffset);
    file.write(code, codeLength);
  }
  if (constantLength != 0) {
    file.padTo(header.constantOffset);
    Sink sink = [&](const void *data, size_t size) { return file.write(data, size); };
    if (writeConstants)
      if (Error error = writeConstants(sink))
        return error;
  } else {
    // An image may be mapped up to the end of its last page.
    file.padTo(roundUpToPage(file.position()));
  }
  uint64_t end = header.constantOffset + constantLength;
  if (file.status())
    return file.status();
  if (constantLength != 0 && file.position() != end)
    return makeError("wrote ", file.position() - header.constantOffset, " bytes of constants to '",
                     path, "', expected ", constantLength);
  return file.commit();
}

} // namespace linnet::bundle
