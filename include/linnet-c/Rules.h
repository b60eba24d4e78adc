/*===- linnet-c/Rules.h - rules in another language --------------*- C -*-===*\
|*
|* Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
|*
|* libLinnetC.so has this, MLIR's C API and the optimizer as a function: a
|* process that registers rules and then calls linnetOptMain() is linnet-opt
|* with its rules.
|*
\*===----------------------------------------------------------------------===*/
#ifndef LINNET_C_RULES_H
#define LINNET_C_RULES_H

#include "mlir-c/IR.h"
#include "mlir-c/Rewrite.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Rewrites at `op`: 1 where it did, 0 where the rule does not apply, -1 after linnetFailRule().
 *  It may be called from several threads. */
typedef int (*LinnetRewriteCallback)(MlirOperation op, MlirPatternRewriter rewriter,
                                     void *userData);

/** A rule for ops of the name `root`. `dialects`, names with commas: those that the callback makes
 *  ops of, beside Linnet's usual ones. False after a message where the name is taken. */
MLIR_CAPI_EXPORTED bool linnetRegisterRule(const char *name, const char *description,
                                           const char *root, unsigned benefit, const char *dialects,
                                           LinnetRewriteCallback callback, void *userData);

/** A pass `--argument` that applies rules. */
MLIR_CAPI_EXPORTED void linnetRegisterRulesPass(const char *argument, const char *description,
                                                const char *const *rules, intptr_t count);

/** In a callback: what went wrong. The run ends with this as its error. */
MLIR_CAPI_EXPORTED void linnetFailRule(MlirStringRef message);

/** In a callback: why the rule does not apply to `op`. */
MLIR_CAPI_EXPORTED void linnetNotifyMatchFailure(MlirPatternRewriter rewriter, MlirOperation op,
                                                 MlirStringRef reason);

/** The main of linnet-opt. Once per process. */
MLIR_CAPI_EXPORTED int linnetOptMain(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif /* LINNET_C_RULES_H */
