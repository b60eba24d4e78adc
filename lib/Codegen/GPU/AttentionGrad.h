//===- AttentionGrad.h - gradients of softmax attention on GPUs -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Three kinds of workgroups, each of which sums what is its own in a fixed order, with nothing
// between them:
//
//   keys     dK, dV of a tile of keys, over all rows (AttentionMasks.h) of their key head
//   queries  dQ of a tile of rows, over the keys that they see
//   bias     the gradient of a tile of the bias, over everything along which it is repeated
//
// All of them go over tiles of the other side in steps:
//
//   products S = Q K^T, then dO V^T, each into workgroup memory as [other][own]; operands go
//            through workgroup memory, a step of the depth at a time
//   weigh    W = exp(S - lse) with soft cap, biases, masks, dropout; Z = W (dO V^T - t), in place;
//            t: the row's sum of dO O, less dlse
//   sums     of own elements, in registers: dV += W^T dO, dK += Z^T Q, or dQ += Z K
//
// W is computed again by each kind: five products become seven, and no sum needs an atomic add or
// memory of its own.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_ATTENTIONGRAD_H
#define LINNET_LIB_CODEGEN_GPU_ATTENTIONGRAD_H

#include "../AttentionMasks.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// Sizes that select() and emit() share. Places in workgroup memory are in floats.
struct GPUAttentionGradForm {
  explicit GPUAttentionGradForm(AttentionGradOp op);

  static constexpr int64_t kThreads = 256;
  static constexpr int64_t kOther = 32;    ///< rows or keys of a step
  static constexpr int64_t kBiasKeys = 32; ///< of a tile of the bias, whose rows are kOther

  int64_t keyHeads, group, keyDepth, valueDepth;
  int64_t own;          ///< keys or rows of a workgroup
  int64_t depth;        ///< of a step of a product
  int64_t columns;      ///< of a block of sums
  bool keys, queries;   ///< kinds of workgroups that there are
  bool repeats[4] = {}; ///< dimensions along which the bias is repeated
  bool bias;
  int64_t scoresAt, gradsAt, biasAt, lseAt, totalAt, floats;
};

class GPUAttentionGrad : AttentionMasks<AttentionGradOp> {
public:
  GPUAttentionGrad(AttentionGradOp op, GPUKernelFrame &frame)
      : AttentionMasks(op, frame, 0), e(frame.e), f(frame), form(op) {}
  mlir::LogicalResult emit();

private:
  static constexpr int64_t kOther = GPUAttentionGradForm::kOther;

  /// A tile of rows or keys; what lies beyond `count` is not there.
  struct Tile {
    bool keys;
    int64_t size;
    Value first, count; ///< count: of all, not of the tile
  };
  /// A step of a workgroup: where it is, own and other tile.
  struct Step {
    Tile own, other;
    const Tile &rows() const { return own.keys ? other : own; }
    const Tile &keyTile() const { return own.keys ? own : other; }
    int64_t pitch() const { return own.size + 4; }
  };

  //--- AttentionGrad.cpp: operands, workgroups
  mlir::LogicalResult bind();
  void findHead(Value number);
  void emitKeys(Value number);
  void emitQueries(Value number);
  Tile rowTile(int64_t size, Value first) { return {false, size, first, rowCount}; }
  Tile keyTile(int64_t size, Value first) { return {true, size, first, validKeys}; }
  KeyRange keysOfRows(const Tile &rows);
  Value seesTile(const Step &s);
  void storeSums(const View &to, const Tile &own, Value count, int64_t depth, ValueRange sums,
                 double factor);
  Row rowAt(Value r);
  Value positionOf(const View &v, const Tile &tile, Value number);

  //--- AttentionGradTiles.cpp: staging and products
  Values fetch(const View &v, Value aligned, Value position, Value present, Value column,
               int64_t depth);
  void stageTurned(const View &v, Value aligned, const Tile &tile, Value column, int64_t depth,
                   int64_t at);
  void stageRows(const View &v, Value aligned, const Tile &tile, int64_t column, int64_t depth);
  void scores(const Step &s, bool gradients);
  Values addProducts(const Step &s, int64_t from, const View &v, Value aligned, int64_t depth,
                     ValueRange sums);
  int64_t blocks(int64_t depth) const { return llvm::divideCeil(depth, form.columns); }
  int64_t ownPerThread() const { return form.own / 16; }
  int64_t columnsPerThread() const { return form.columns / 16; }
  int64_t sumsOf(int64_t depth) const {
    return blocks(depth) * ownPerThread() * columnsPerThread();
  }

  //--- AttentionGradWeights.cpp: weights, the gradient of the bias
  void packRows(const Tile &rows);
  void weigh(const Step &s, bool forBias);
  void weighOne(const Step &s, Value own, Value other, bool forBias);
  Value dropoutFactor(const Row &row, Value key);
  void emitBias(Value number);
  void addBiasStep(const Step &s);
  void storeBias(llvm::ArrayRef<Value> first);

  GPUEmitter &e; ///< those of AttentionMasks, with what GPUs have
  GPUKernelFrame &f;
  GPUAttentionGradForm form;
  View o, lse, dout, dlse;
  std::optional<View> dq, dk, dv, dbias;
  Value alignedQ, alignedK, alignedV, alignedOut;
  Value memory;   ///< workgroup memory
  Value rowCount; ///< all rows of this key head, or queries of a head
  Value oneHead;  ///< where rows are the queries of one head
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_ATTENTIONGRAD_H
