//===- SafeTensors.cpp - reading and writing safetensors files ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/SafeTensors.h"
#include "Json.h"
#include "linnet/Bundle/AtomicFile.h"
#include "linnet/Bundle/Bundle_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linnet::bundle {
namespace {

struct Entry {
  std::string type;
  std::vector<int64_t> dims;
  uint64_t begin = 0, end = 0;
  bool hasType = false, hasShape = false, hasOffsets = false;
};

bool readShape(JsonReader &json, std::vector<int64_t> &dims) {
  if (!json.expect('['))
    return false;
  if (json.accept(']'))
    return true;
  do {
    uint64_t size;
    if (!json.integer(size))
      return false;
    if (size > uint64_t(INT64_MAX) || dims.size() >= 32)
      return json.fail("at most 32 sizes below 2^63");
    dims.push_back(int64_t(size));
  } while (json.accept(','));
  return json.expect(']');
}

bool readEntry(JsonReader &json, Entry &entry) {
  if (!json.expect('{'))
    return false;
  do {
    std::string key;
    if (!json.string(key) || !json.expect(':'))
      return false;
    bool ok;
    if (key == "dtype" && !entry.hasType)
      entry.hasType = ok = json.string(entry.type);
    else if (key == "shape" && !entry.hasShape)
      entry.hasShape = ok = readShape(json, entry.dims);
    else if (key == "data_offsets" && !entry.hasOffsets)
      entry.hasOffsets = ok = json.expect('[') && json.integer(entry.begin) && json.expect(',') &&
                              json.integer(entry.end) && json.expect(']');
    else
      ok = json.fail("one each of dtype, shape and data_offsets");
    if (!ok)
      return false;
  } while (json.accept(','));
  return json.expect('}') && ((entry.hasType && entry.hasShape && entry.hasOffsets) ||
                              json.fail("dtype, shape and data_offsets"));
}

Error toTensor(const std::string &name, const Entry &entry, const char *data, uint64_t room,
               Tensor &tensor) {
  if (entry.begin > entry.end || entry.end > room)
    return makeError("tensor '", name, "' is at bytes ", entry.begin, " to ", entry.end,
                     " of the data, which has ", room);
  tensor.type = elementFromSafeTensors(entry.type);
  tensor.dims = entry.dims;
  tensor.data = data + entry.begin;
  tensor.bytes = int64_t(entry.end - entry.begin);
  int64_t bytes;
  if (tensor.type == fb::ElementType::Invalid)
    return Error();
  if (!shapeBytes(tensor.dims.data(), tensor.dims.size(), tensor.type, bytes) ||
      bytes != tensor.bytes)
    return makeError("tensor '", name, "' of ",
                     shapeName(tensor.dims.data(), tensor.dims.size(), tensor.type), " has ",
                     tensor.bytes, " bytes");
  return Error();
}

} // namespace

SafeTensors::~SafeTensors() {
  if (base)
    munmap(const_cast<char *>(base), size);
}

Error SafeTensors::open(const std::string &path, std::unique_ptr<SafeTensors> &result) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) {
    Error error = makeError("cannot read '", path, "': ", std::strerror(errno));
    if (fd >= 0)
      close(fd);
    return error;
  }
  std::unique_ptr<SafeTensors> reader(new SafeTensors());
  reader->file = path;
  if (!S_ISREG(info.st_mode) || info.st_size < 8) {
    close(fd);
    return makeError("'", path, "' is not a safetensors file: ",
                     S_ISREG(info.st_mode) ? "it is too short" : "it is not a regular file");
  }
  reader->size = size_t(info.st_size);
  void *memory = mmap(nullptr, reader->size, PROT_READ, MAP_PRIVATE, fd, 0);
  int code = errno;
  close(fd);
  if (memory == MAP_FAILED)
    return makeError("cannot map '", path, "': ", std::strerror(code));
  reader->base = static_cast<const char *>(memory);
  if (Error error = reader->parse())
    return makeError("'", path, "' is not a safetensors file: ", error.message());
  result = std::move(reader);
  return Error();
}

Error SafeTensors::parse() {
  uint64_t length;
  std::memcpy(&length, base, 8);
  if (length > size - 8)
    return makeError("the header has ", length, " bytes, but the file ", size);
  JsonReader json(base + 8, length);
  const char *data = base + 8 + length;
  bool ok = json.expect('{');
  if (ok && !json.accept('}')) {
    do {
      std::string name;
      Entry entry;
      if (!json.string(name) || !json.expect(':'))
        break;
      if (name == "__metadata__" ? !json.skip() : !readEntry(json, entry))
        break;
      if (name == "__metadata__")
        continue;
      Tensor tensor;
      if (Error error = toTensor(name, entry, data, size - 8 - length, tensor))
        return error;
      if (!table.emplace(name, std::move(tensor)).second)
        return makeError("tensor '", name, "' is there twice");
    } while (json.accept(','));
    json.expect('}');
  }
  return json.finish() ? Error() : Error(json.error());
}

const Tensor *SafeTensors::find(const std::string &name) const {
  auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}

Error writeSafeTensors(const std::string &path, const std::map<std::string, Tensor> &tensors) {
  // Wide elements first: then every tensor is aligned to its elements.
  std::vector<const std::pair<const std::string, Tensor> *> order;
  order.reserve(tensors.size());
  for (const auto &item : tensors)
    order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](auto *a, auto *b) {
    return elementBytes(a->second.type) > elementBytes(b->second.type);
  });
  std::string header = "{";
  uint64_t offset = 0;
  for (const auto *item : order) {
    const auto &[name, tensor] = *item;
    header += (header.size() > 1 ? "," : "") + jsonQuote(name) + ":{\"dtype\":\"" +
              safeTensorsName(tensor.type) + "\",\"shape\":[";
    for (size_t i = 0; i < tensor.dims.size(); ++i)
      header += (i ? "," : "") + std::to_string(tensor.dims[i]);
    header += "],\"data_offsets\":[" + std::to_string(offset) + "," +
              std::to_string(offset + uint64_t(tensor.bytes)) + "]}";
    offset += uint64_t(tensor.bytes);
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' '); // so that the data is aligned
  uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, 8);
  file.write(header.data(), header.size());
  for (const auto *item : order)
    if (item->second.bytes != 0)
      file.write(item->second.data, size_t(item->second.bytes));
  return file.commit();
}

} // namespace linnet::bundle
