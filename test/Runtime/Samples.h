//===- Samples.h - small bundles that several tests use ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_RUNTIME_SAMPLES_H
#define LINNET_TEST_RUNTIME_SAMPLES_H

#include "TestBundle.h"

namespace linnet::test {

constexpr const char *kSampleKinds = "axpy|counter|gather|weights|cast|commands|all|future|v4";

/// out = 2 x + y over symbol N in [1, max].
void addAxpy(TestBundle &bundle, int64_t max = 4096);
/// Adds x to state 'sum' (i64, N of them) and gives the old sums; a second function 'read'
/// shares the state.
void addCounter(TestBundle &bundle);
/// Faults where an index is not below a bound; donates state 'seen'.
void addGather(TestBundle &bundle);
/// A chain of kernels through the arena, with offsets planned at the maximum of N: result i is
/// 2^k x, for `length` steps.
void addChain(TestBundle &bundle, int length, int64_t max);
/// If, While, Fill, Copy, Load, Store, Select, Check without a kernel.
void addCommands(TestBundle &bundle);
/// Copies an external weight 'w' (3x5 f32), plain and in panels of 4.
void addWeights(TestBundle &bundle);

/// Functions 'bf16' and 'f16' that give their argument back.
void addCast(TestBundle &bundle);

/// One of kSampleKinds; false: there is no such kind.
bool makeSample(const std::string &kind, TestBundle &bundle);

} // namespace linnet::test

#endif // LINNET_TEST_RUNTIME_SAMPLES_H
