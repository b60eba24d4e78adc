//===- CodeImage.cpp - machine code of a bundle, mapped -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CodeImage.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace linnet::runtime {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t roundUpToPage(uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

struct Segments {
  uint64_t readEnd, textBegin, textEnd;
};

bool isLoad(const Elf64_Phdr &segment, uint32_t flags, uint64_t length) {
  return segment.p_type == PT_LOAD && segment.p_flags == flags &&
         segment.p_offset == segment.p_vaddr && segment.p_filesz == segment.p_memsz &&
         segment.p_offset <= length && segment.p_filesz <= length - segment.p_offset;
}

/// The two segments of Bundle/Image.h, or what is wrong.
Failure readSegments(const uint8_t *bytes, uint64_t length, Segments &segments) {
  Elf64_Ehdr file;
  Elf64_Phdr read, text;
  auto bad = [](const char *what) {
    return fail(LNT_BAD_FILE, "the code image is not one of ours: ", what);
  };
  if (length < LNT_IMAGE_TABLE + sizeof(lnt_image_table))
    return bad("too short");
  std::memcpy(&file, bytes, sizeof file);
  if (std::memcmp(file.e_ident, ELFMAG "\2\1\1", 7) != 0 || file.e_machine != EM_X86_64 ||
      file.e_phoff != sizeof file || file.e_phnum < 2 || file.e_phnum > 3 ||
      file.e_phentsize != sizeof read)
    return bad("its file header");
  std::memcpy(&read, bytes + sizeof file, sizeof read);
  std::memcpy(&text, bytes + sizeof file + sizeof read, sizeof text);
  if (!isLoad(read, PF_R, length) || !isLoad(text, PF_R | PF_X, length) || read.p_offset != 0 ||
      text.p_offset % kPage != 0 || text.p_offset < read.p_filesz ||
      read.p_filesz < LNT_IMAGE_TABLE + sizeof(lnt_image_table))
    return bad("its segments");
  segments = {read.p_filesz, text.p_offset, text.p_offset + text.p_filesz};
  return nullptr;
}

Failure checkTable(const uint8_t *bytes, const Segments &segments) {
  lnt_image_table table;
  std::memcpy(&table, bytes + LNT_IMAGE_TABLE, sizeof table);
  uint64_t room = segments.readEnd - LNT_IMAGE_TABLE - offsetof(lnt_image_table, entries);
  if (table.magic != LNT_IMAGE_MAGIC || table.count > room / sizeof(lnt_image_entry))
    return fail(LNT_BAD_FILE, "the code image is not one of ours: its table");
  const uint8_t *entries = bytes + LNT_IMAGE_TABLE + offsetof(lnt_image_table, entries);
  for (uint32_t i = 0; i < table.count; ++i) {
    lnt_image_entry entry;
    std::memcpy(&entry, entries + i * sizeof entry, sizeof entry);
    if (entry.name >= segments.readEnd ||
        !std::memchr(bytes + entry.name, 0, segments.readEnd - entry.name) ||
        entry.code < segments.textBegin || entry.code >= segments.textEnd || entry.code % 16 != 0)
      return fail(LNT_BAD_FILE, "the code image has a bad entry for kernel ", i);
  }
  return nullptr;
}

/// Null where the file system does not allow code (or there is no file).
uint8_t *mapFile(int file, uint64_t offset, const Segments &segments, uint64_t length) {
  if (file < 0)
    return nullptr;
  void *memory = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, off_t(offset));
  if (memory == MAP_FAILED)
    return nullptr;
  auto *base = static_cast<uint8_t *>(memory);
  if (mprotect(base + segments.textBegin, length - segments.textBegin, PROT_READ | PROT_EXEC) == 0)
    return base;
  munmap(memory, length);
  return nullptr;
}

uint8_t *mapCopy(const uint8_t *bytes, const Segments &segments, uint64_t length) {
  void *memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  auto *base = static_cast<uint8_t *>(memory);
  std::memcpy(base, bytes, segments.textEnd);
  if (mprotect(base, segments.textBegin, PROT_READ) == 0 &&
      mprotect(base + segments.textBegin, length - segments.textBegin, PROT_READ | PROT_EXEC) == 0)
    return base;
  int code = errno;
  munmap(memory, length);
  errno = code;
  return nullptr;
}

} // namespace

CodeImage::~CodeImage() {
  if (base)
    munmap(base, length);
}

Failure CodeImage::map(const uint8_t *bytes, uint64_t size, int file, uint64_t offset, bool profile,
                       std::unique_ptr<CodeImage> &result) {
  Segments segments;
  if (Failure failure = readSegments(bytes, size, segments))
    return failure;
  if (Failure failure = checkTable(bytes, segments))
    return failure;
  std::unique_ptr<CodeImage> image(new CodeImage());
  image->length = roundUpToPage(segments.textEnd);
  image->textBegin = segments.textBegin;
  image->textEnd = segments.textEnd;
  // perf reads its map file for anonymous memory only.
  if (!profile)
    image->base = mapFile(file, offset, segments, image->length);
  if (!image->base)
    image->base = mapCopy(bytes, segments, image->length);
  if (!image->base)
    return fail(LNT_UNSUPPORTED, "cannot make code executable: ", std::strerror(errno));
  image->table = reinterpret_cast<const lnt_image_table *>(image->base + LNT_IMAGE_TABLE);
  if (profile)
    image->writePerfMap();
  result = std::move(image);
  return nullptr;
}

/// A kernel ends where the next one begins.
void CodeImage::writePerfMap() const {
  std::vector<uint64_t> starts;
  starts.reserve(count() + 1);
  for (uint32_t i = 0; i < count(); ++i)
    starts.push_back(table->entries[i].code);
  starts.push_back(textEnd);
  std::sort(starts.begin(), starts.end());
  char path[64];
  std::snprintf(path, sizeof path, "/tmp/perf-%d.map", int(getpid()));
  FILE *file = std::fopen(path, "a");
  if (!file)
    return;
  for (uint32_t i = 0; i < count(); ++i) {
    uint64_t begin = table->entries[i].code;
    uint64_t end = *std::upper_bound(starts.begin(), starts.end(), begin);
    std::fprintf(file, "%" PRIx64 " %" PRIx64 " linnet:%s\n",
                 reinterpret_cast<uint64_t>(base) + begin, end - begin, name(i));
  }
  std::fclose(file);
}

} // namespace linnet::runtime
