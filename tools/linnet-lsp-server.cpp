//===- linnet-lsp-server.cpp - language server for editors ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Tools.h"

int main(int argc, char **argv) { return linnet::lspMain(argc, argv); }
