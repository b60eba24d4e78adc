//===- Embedded.h - a bundle inside the program ---------------- -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TOOLS_LINNETRUN_EMBEDDED_H
#define LINNET_TOOLS_LINNETRUN_EMBEDDED_H

#include <cstddef>

/// What `linnet-compile --emit=exe` linked in; null in linnet-run itself.
struct Embedded {
  const void *data = nullptr;
  size_t size = 0;
};
Embedded embeddedBundle();

#endif // LINNET_TOOLS_LINNETRUN_EMBEDDED_H
