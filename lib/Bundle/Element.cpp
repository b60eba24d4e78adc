//===- Element.cpp - element types of buffers -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/Bundle_generated.h"

namespace linnet::bundle {
namespace {

struct Row {
  fb::ElementType type;
  unsigned bytes;
  const char *name, *safeTensors;
};

constexpr Row kRows[] = {
    {fb::ElementType::I1, 1, "i1", "BOOL"},     {fb::ElementType::I8, 1, "i8", "I8"},
    {fb::ElementType::I16, 2, "i16", "I16"},    {fb::ElementType::I32, 4, "i32", "I32"},
    {fb::ElementType::I64, 8, "i64", "I64"},    {fb::ElementType::F16, 2, "f16", "F16"},
    {fb::ElementType::BF16, 2, "bf16", "BF16"}, {fb::ElementType::F32, 4, "f32", "F32"},
    {fb::ElementType::F64, 8, "f64", "F64"},
};

const Row *find(fb::ElementType type) {
  for (const Row &row : kRows)
    if (row.type == type)
      return &row;
  return nullptr;
}

} // namespace

unsigned elementBytes(fb::ElementType type) {
  const Row *row = find(type);
  return row ? row->bytes : 0;
}

const char *elementName(fb::ElementType type) {
  const Row *row = find(type);
  return row ? row->name : "?";
}

const char *safeTensorsName(fb::ElementType type) {
  const Row *row = find(type);
  return row ? row->safeTensors : "?";
}

fb::ElementType elementFromName(std::string_view name) {
  for (const Row &row : kRows)
    if (name == row.name)
      return row.type;
  return fb::ElementType::Invalid;
}

fb::ElementType elementFromSafeTensors(std::string_view name) {
  for (const Row &row : kRows)
    if (name == row.safeTensors)
      return row.type;
  // Linnet's integers have no sign of their own: unsigned ones keep their bits.
  if (name.size() > 1 && name[0] == 'U')
    return elementFromSafeTensors(name.substr(1));
  return fb::ElementType::Invalid;
}

std::string shapeName(const int64_t *dims, size_t rank, fb::ElementType type) {
  std::string text;
  for (size_t i = 0; i < rank; ++i)
    text += (dims[i] < 0 ? std::string("?") : std::to_string(dims[i])) + "x";
  return text + elementName(type);
}

bool shapeBytes(const int64_t *dims, size_t rank, fb::ElementType type, int64_t &bytes) {
  int64_t total = elementBytes(type);
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    empty |= dims[i] == 0;
  }
  bytes = 0;
  if (empty)
    return true;
  for (size_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(total, dims[i], &total))
      return false;
  bytes = total;
  return true;
}

} // namespace linnet::bundle
