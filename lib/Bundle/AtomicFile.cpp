//===- AtomicFile.cpp - a file that appears whole or not at all -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/AtomicFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linnet::bundle {

AtomicFile::AtomicFile(std::string target) : path(std::move(target)) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    // A pipe or a device (/dev/stdout) cannot be replaced by a rename: write through.
    if (S_ISDIR(info.st_mode)) {
      error = makeError("cannot write '", path, "': it is a directory");
      return;
    }
    file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    // O_EXCL and the usual mode: no umask games, and two writers of one path stay apart.
    for (int attempt = 0; attempt < 100 && file < 0; ++attempt) {
      temporary = path + "." + std::to_string(getpid()) + "." + std::to_string(attempt) + ".tmp";
      file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file < 0 && errno != EEXIST)
        break;
    }
    if (file < 0)
      temporary.clear();
  }
  if (file < 0)
    fail("create");
}

AtomicFile::~AtomicFile() {
  if (file >= 0)
    close(file);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void AtomicFile::fail(const char *what) {
  if (!error)
    error = makeError("cannot ", what, " '", path, "': ", std::strerror(errno));
}

bool AtomicFile::write(const void *data, size_t size) {
  if (error)
    return false;
  const char *from = static_cast<const char *>(data);
  while (size != 0) {
    ssize_t done = ::write(file, from, std::min<size_t>(size, size_t(1) << 30));
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0) {
      fail("write");
      return false;
    }
    from += done;
    size -= size_t(done);
    written += uint64_t(done);
  }
  return true;
}

bool AtomicFile::padTo(uint64_t offset) {
  static const char zeros[4096] = {};
  while (written < offset)
    if (!write(zeros, std::min<uint64_t>(sizeof zeros, offset - written)))
      return false;
  return true;
}

Error AtomicFile::commit() {
  if (file >= 0 && close(file) != 0)
    fail("write");
  file = -1;
  if (!error && !temporary.empty() && rename(temporary.c_str(), path.c_str()) != 0)
    fail("rename");
  if (!error)
    temporary.clear();
  return error;
}

} // namespace linnet::bundle
