//===- Npy.cpp - .npy files -----------------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Array.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace linnet::run {
namespace {

const struct {
  const char *code;
  lnt_type type;
} kTypes[] = {
    {"|b1", LNT_I1},
    {"|i1", LNT_I8},
    {"<i2", LNT_I16},
    {"<i4", LNT_I32},
    {"<i8", LNT_I64},
    {"<f2", LNT_F16},
    {"<V2", LNT_BF16},
    {"<f4", LNT_F32},
    {"<f8", LNT_F64},
    // Read only: bits of unsigned integers are kept; NumPy writes V2 either way.
    {"|u1", LNT_I8},
    {"<u2", LNT_I16},
    {"<u4", LNT_I32},
    {"<u8", LNT_I64},
    {"|V2", LNT_BF16},
};

/// The text behind "'key':" in the header's dictionary, or null.
const char *entry(const std::string &header, const char *key) {
  size_t at = header.find("'" + std::string(key) + "'");
  if (at == std::string::npos)
    return nullptr;
  at = header.find(':', at);
  if (at == std::string::npos)
    return nullptr;
  const char *text = header.c_str() + at + 1;
  while (*text == ' ')
    ++text;
  return text;
}

Error parseHeader(const std::string &header, Array &array) {
  const char *descr = entry(header, "descr"), *order = entry(header, "fortran_order");
  const char *shape = entry(header, "shape");
  if (!descr || !order || !shape || *descr != '\'' || *shape != '(')
    return makeError("its header is not one of a plain array");
  std::string code(descr + 1, std::strcspn(descr + 1, "'"));
  array.type = lnt_type(0);
  for (const auto &row : kTypes)
    if (code == row.code)
      array.type = row.type;
  if (array.type == 0)
    return makeError("its type '", code, "' is none that Linnet has");
  if (std::strncmp(order, "False", 5) != 0)
    return makeError("it is in Fortran order; save numpy.ascontiguousarray of it");
  array.dims.clear();
  for (const char *at = shape + 1; *at != ')';) {
    if (std::isdigit(static_cast<unsigned char>(*at))) {
      char *end;
      errno = 0;
      long long size = std::strtoll(at, &end, 10);
      if (errno || array.dims.size() >= LNT_MAX_RANK)
        return makeError("its shape is too large");
      array.dims.push_back(size);
      at = end;
    } else if (*at == ',' || *at == ' ' || *at == 'L') {
      ++at;
    } else {
      return makeError("its shape is not a list of sizes");
    }
  }
  return Error();
}

Error readFile(FILE *file, Array &array) {
  unsigned char start[12];
  int first = std::fgetc(file);
  if (std::ferror(file)) // a folder, say
    return makeError(std::strerror(errno));
  std::ungetc(first, file);
  if (std::fread(start, 1, 10, file) != 10 || std::memcmp(start, "\x93NUMPY", 6) != 0)
    return makeError("it is not a .npy file");
  size_t length = start[8] | size_t(start[9]) << 8;
  if (start[6] >= 2) {
    if (std::fread(start + 10, 1, 2, file) != 2)
      return makeError("it is truncated");
    length |= size_t(start[10]) << 16 | size_t(start[11]) << 24;
  }
  if (length > 1 << 20)
    return makeError("its header is too long");
  std::string header(length, 0);
  if (std::fread(header.data(), 1, length, file) != length)
    return makeError("it is truncated");
  if (Error error = parseHeader(header, array))
    return error;
  // The file's size first: a hostile shape must not cost memory.
  long at = std::ftell(file);
  if (at < 0 || std::fseek(file, 0, SEEK_END) != 0)
    return makeError(std::strerror(errno));
  long long have = std::ftell(file) - at;
  Array probe = array;
  std::fseek(file, at, SEEK_SET);
  long long wanted = (long long)(lnt_type_size(array.type));
  bool empty = false;
  for (int64_t size : array.dims)
    empty |= size == 0;
  for (int64_t size : array.dims)
    if (!empty && __builtin_mul_overflow(wanted, size, &wanted))
      return makeError("its shape is too large");
  wanted = empty ? 0 : wanted;
  if (wanted != have)
    return makeError("it has ", have, " bytes of data, expected ", wanted, " for ", array.shape());
  if (Error error = array.allocate())
    return error;
  if (std::fread(array.data(), 1, size_t(wanted), file) != size_t(wanted))
    return makeError("it is truncated");
  return Error();
}

} // namespace

Error readNpy(const std::string &path, Array &array) {
  std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file)
    return makeError("cannot read '", path, "': ", std::strerror(errno));
  if (Error error = readFile(file.get(), array))
    return makeError("cannot read '", path, "': ", error.message());
  return Error();
}

std::string npyHeader(const Array &array) {
  std::string code, shape;
  for (const auto &row : kTypes)
    if (code.empty() && row.type == array.type)
      code = row.code;
  for (int64_t size : array.dims)
    shape += std::to_string(size) + ",";
  if (array.dims.size() > 1)
    shape.pop_back();
  std::string text =
      "{'descr': '" + code + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // The data begins at a multiple of 64, behind a newline.
  size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.resize(total - 11, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += char(text.size() & 255);
  header += char(text.size() >> 8);
  return header + text;
}

} // namespace linnet::run
