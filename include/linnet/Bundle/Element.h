//===- Element.h - element types of buffers ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_ELEMENT_H
#define LINNET_BUNDLE_ELEMENT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::fb {
enum class ElementType : uint8_t;
} // namespace linnet::fb

namespace linnet::bundle {

/// Bytes of an element in memory (i1: 1); 0 for anything that is not an element type.
unsigned elementBytes(fb::ElementType type);

/// "f32", "i1", ...; "?" for anything that is not an element type.
const char *elementName(fb::ElementType type);

/// The type named "f32", ..., or Invalid.
fb::ElementType elementFromName(std::string_view name);

/// The type that a safetensors header calls "F32", "BOOL", ..., or Invalid.
fb::ElementType elementFromSafeTensors(std::string_view name);
const char *safeTensorsName(fb::ElementType type);

/// "2x8xf32"; "f32" for a scalar.
std::string shapeName(const int64_t *dims, size_t rank, fb::ElementType type);

/// Product of the sizes and the element's bytes; false on overflow of int64 or a negative size.
bool shapeBytes(const int64_t *dims, size_t rank, fb::ElementType type, int64_t &bytes);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_ELEMENT_H
