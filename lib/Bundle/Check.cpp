//===- Check.cpp - every check that a bundle's metadata must pass ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Bundle/Check.h"
#include "CheckInternal.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/KernelABI.h"
#include "linnet/Bundle/Pack.h"

#include <set>

namespace linnet::bundle {
namespace {

// The schema is eight tables deep; a directed graph of shared tables could otherwise keep the
// verifier busy for ever.
constexpr unsigned kVerifierDepth = 16;
constexpr unsigned kVerifierTables = 1u << 22;

Error verify(const void *metadata, size_t size) {
  if (size < 16 || size >= (size_t(1) << 31) - 1)
    return makeError("expects 16 to 2^31 - 2 bytes of metadata, found ", size);
  if (reinterpret_cast<uintptr_t>(metadata) % 8 != 0)
    return makeError("expects metadata aligned to 8 bytes");
  flatbuffers::Verifier verifier(static_cast<const uint8_t *>(metadata), size, kVerifierDepth,
                                 kVerifierTables);
  return fb::VerifyBundleBuffer(verifier) ? Error()
                                          : makeError("damaged: the metadata is not well formed");
}

Error checkImages(const fb::Bundle &bundle, uint64_t codeLength) {
  for (uint32_t i = 0; i < sizeOf(bundle.images()); ++i) {
    const fb::Image &image = *bundle.images()->Get(i);
    if (image.level() > fb::Level::MAX)
      return makeError("image ", i, " has unknown level ", unsigned(image.level()));
    if (!cleanString(image.cpu()))
      return makeError("image ", i, " has a CPU name with a NUL");
    for (uint32_t f = 0; f < sizeOf(image.features()); ++f)
      if (!cleanString(image.features()->Get(f)))
        return makeError("image ", i, " has a feature name with a NUL");
    if (image.offset() % kPage != 0 || image.offset() > codeLength ||
        image.length() > codeLength - image.offset())
      return makeError("image ", i, " is at byte ", image.offset(), " + ", image.length(),
                       " of a code segment of ", codeLength, " bytes");
  }
  return Error();
}

Error checkLayout(const fb::Constant &constant, uint64_t elements, uint64_t &bytes) {
  const fb::Layout &layout = *constant.layout();
  if (layout.kind() > fb::LayoutKind::MAX)
    return makeError("has unknown layout ", unsigned(layout.kind()));
  if (layout.kind() == fb::LayoutKind::Plain)
    return Error();
  PanelLayout panels = {layout.batch(),    layout.n(),        layout.k(),     layout.batch_stride(),
                        layout.n_stride(), layout.k_stride(), layout.panel(), layout.group()};
  uint64_t needed;
  if (layout.panel() == 0 || layout.group() == 0 || layout.panel() > 65536 ||
      layout.group() > 65536)
    return makeError("has panels of ", layout.panel(), " x ", layout.group());
  if (!packedBytes(panels, elementBytes(constant.type()), bytes) ||
      !sourceElements(panels, needed) || needed > elements)
    return makeError("has a layout that reads beyond its ", elements, " elements");
  return Error();
}

Error checkConstant(const fb::Constant &constant, uint64_t segment) {
  if (!validElement(uint64_t(constant.type())))
    return makeError("has element type ", unsigned(constant.type()));
  if (!alignedElements(constant.dims()))
    return makeError("has misaligned dims");
  uint64_t elements = 1, bytes;
  bool overflow = sizeOf(constant.dims()) > 32, empty = false;
  for (uint32_t i = 0; i < sizeOf(constant.dims()); ++i)
    empty |= constant.dims()->Get(i) == 0;
  for (uint32_t i = 0; i < sizeOf(constant.dims()) && !empty; ++i)
    overflow |= __builtin_mul_overflow(elements, constant.dims()->Get(i), &elements);
  elements = empty ? 0 : elements;
  overflow |= __builtin_mul_overflow(elements, uint64_t(elementBytes(constant.type())), &bytes);
  if (overflow || bytes > uint64_t(INT64_MAX))
    return makeError("has a shape whose size overflows");
  if (constant.layout())
    if (Error error = checkLayout(constant, elements, bytes))
      return error;
  if (constant.length() != bytes || bytes > uint64_t(INT64_MAX))
    return makeError("has ", constant.length(), " bytes, expected ", bytes);
  if (constant.external())
    return Error();
  if (constant.offset() % kConstantAlign != 0 || constant.offset() > segment ||
      constant.length() > segment - constant.offset())
    return makeError("is at byte ", constant.offset(), " + ", constant.length(),
                     " of a constant segment of ", segment);
  return Error();
}

std::string constantIdentity(const fb::Constant &constant) {
  std::ostringstream out;
  out << constant.name()->str();
  if (const fb::Layout *layout = constant.layout();
      layout && layout->kind() == fb::LayoutKind::Panels)
    out << '\0' << layout->batch() << ',' << layout->n() << ',' << layout->k() << ','
        << layout->batch_stride() << ',' << layout->n_stride() << ',' << layout->k_stride() << ','
        << layout->panel() << ',' << layout->group();
  return out.str();
}

Error checkConstants(const fb::Bundle &bundle, uint64_t segment) {
  std::set<std::string> identities;
  for (uint32_t i = 0; i < sizeOf(bundle.constants()); ++i) {
    const fb::Constant &constant = *bundle.constants()->Get(i);
    if (!cleanString(constant.name()) || !cleanString(constant.key()))
      return makeError("constant ", i, " has a name with a NUL");
    std::string name = constant.name()->str();
    if (Error error = checkConstant(constant, segment))
      return makeError("constant '", name, "' ", error.message());
    if (!identities.insert(constantIdentity(constant)).second)
      return makeError("constant '", name, "' is there twice");
  }
  return Error();
}

} // namespace

Error checkKernels(const Kernels *kernels, bool gpu) {
  std::set<std::string> names;
  for (uint32_t i = 0; i < sizeOf(kernels); ++i) {
    const fb::Kernel &kernel = *kernels->Get(i);
    if (!cleanString(kernel.name()) || kernel.name()->size() == 0)
      return makeError("kernel ", i, " has an empty name or one with a NUL");
    std::string name = kernel.name()->str();
    if (!names.insert(name).second)
      return makeError("kernel '", name, "' is there twice");
    if (kernel.buffers() > 65536 || kernel.scalars() > 65536)
      return makeError("kernel '", name, "' takes ", kernel.buffers(), " buffers and ",
                       kernel.scalars(), " scalars, at most 65536 each");
    if (gpu != (kernel.gpu() != nullptr))
      return makeError("kernel '", name, gpu ? "' says no workgroup" : "' is a GPU's");
  }
  return Error();
}

Error checkFunctions(const fb::Bundle &bundle,
                     const flatbuffers::Vector<flatbuffers::Offset<fb::Function>> *functions,
                     const Kernels *kernels) {
  std::set<std::string> names;
  for (uint32_t i = 0; i < sizeOf(functions); ++i) {
    const fb::Function &function = *functions->Get(i);
    if (!cleanString(function.name()) || function.name()->size() == 0)
      return makeError("function ", i, " has an empty name or one with a NUL");
    std::string name = function.name()->str();
    if (!names.insert(name).second)
      return makeError("function '", name, "' is there twice");
    if (Error error = checkFunction(bundle, kernels, function))
      return makeError("function '", name, "': ", error.message());
  }
  return Error();
}

Error checkBundle(const void *metadata, size_t size, uint64_t codeLength, uint64_t constantLength,
                  const fb::Bundle *&result) {
  if (Error error = verify(metadata, size))
    return error;
  const fb::Bundle &bundle = *fb::GetBundle(metadata);
  if (bundle.abi() != LNT_KERNEL_ABI_VERSION)
    return makeError("the bundle has kernel ABI ", bundle.abi(), ", this runtime has ",
                     LNT_KERNEL_ABI_VERSION, ": compile again");
  if (!cleanString(bundle.producer()))
    return makeError("the producer's name has a NUL");
  if (Error error = checkKernels(bundle.kernels(), false))
    return error;
  if (Error error = checkImages(bundle, codeLength))
    return error;
  if (Error error = checkConstants(bundle, constantLength))
    return error;
  if (Error error = checkFunctions(bundle, bundle.functions(), bundle.kernels()))
    return error;
  if (Error error = checkTargets(bundle, codeLength))
    return error;
  result = &bundle;
  return Error();
}

} // namespace linnet::bundle
