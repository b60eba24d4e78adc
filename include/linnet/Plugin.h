//===- Plugin.h - passes in a library of your own ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A plugin is a shared library that `--plugin=FILE.so` loads into linnet-opt and
// linnet-compile before they read their command line, so that its passes are flags like any
// other:
//
//   #include "linnet/Plugin.h"
//   LINNET_PLUGIN("my-passes") {
//     mlir::PassRegistration<MyPass>();
//     linnet::registerRule({"my-rule", "what it does", populateMyPatterns});
//   }
//
// Build it with add_linnet_plugin() from LinnetConfig.cmake. The tools refuse a plugin that was
// built against another version of Linnet or LLVM.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PLUGIN_H
#define LINNET_PLUGIN_H

#include "linnet/IR/LinnetOps.h"
#include "linnet/Rules.h"
#include "linnet/Version.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Config/llvm-config.h"

namespace linnet {

/// What a plugin exports as `linnetPlugin`. The layout never changes; `abi` says the rest.
struct PluginInfo {
  const char *abi;
  const char *name;
  void (*registerPlugin)(mlir::DialectRegistry &registry);
};

/// Equal for a tool and the plugins that it can load.
inline constexpr char kPluginABI[] = "linnet-" LINNET_VERSION_STRING "/llvm-" LLVM_VERSION_STRING;

} // namespace linnet

/// Defines the plugin's entry; the block that follows registers passes, rules and, through
/// `registry`, dialects.
#define LINNET_PLUGIN(NAME)                                                                        \
  static void linnetRegisterPlugin(::mlir::DialectRegistry &registry);                             \
  extern "C" __attribute__((visibility("default"))) ::linnet::PluginInfo linnetPlugin() {          \
    return {::linnet::kPluginABI, NAME, &linnetRegisterPlugin};                                    \
  }                                                                                                \
  static void linnetRegisterPlugin([[maybe_unused]] ::mlir::DialectRegistry &registry)

#endif // LINNET_PLUGIN_H
