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
// What a workgroup reads of its own tile stays in workgroup memory, Q and dO of rows or K and V of
// keys. It goes over tiles of the other side in steps, whose operands serve all products of a step:
//
//   products S = Q K^T, of queries with their factor, and dO V^T, each into workgroup memory as
//            [other][own]
//   weigh    W = exp(S - lse) with soft cap, biases, masks, dropout; Z = W (dO V^T - t), in place;
//            t: the row's sum of dO O, less dlse
//   sums     of own elements, in registers: dV += W^T dO, dK += Z^T Q, or dQ += Z K
//
// Where both operands of the other side have no room, the second takes the place of the first:
// those of rows Q, dO, and Q again; those of keys V, then K.
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
  GPUAttentionGradForm(AttentionGradOp op, const GPUTarget &target);

  static constexpr int64_t kThreads = 128;

  /// How the sums of own elements lie: a thread has some neighbouring rows or keys, of which it has
  /// every `lanes`th four elements.
  struct Spread {
    int64_t own, lanes, fours;
    int64_t size() const { return own * fours * 4; }
  };
  Spread spread(int64_t depth) const;
  /// How a product lies: `parts` lanes share the terms of a tile of sums.
  struct Scores {
    int64_t own, other; ///< of a thread
    int64_t ownLanes, otherLanes, parts;
  };
  Scores scores() const;

  int64_t keyHeads, group, keyDepth, valueDepth;
  int64_t own = 0;      ///< keys or rows of a workgroup
  int64_t other = 0;    ///< rows or keys of a step
  bool together = true; ///< both operands of the other tile are in workgroup memory at once
  bool keys, queries;   ///< kinds of workgroups that there are
  bool repeats[4] = {}; ///< dimensions along which the bias is repeated
  bool bias;
  int64_t scoresAt, gradsAt, biasAt, lseAt, totalAt, floats;

  int64_t scorePitch() const { return own + 4; }
  /// Between rows of an operand, so that neighbours lie in different banks.
  static int64_t pitch(int64_t depth) { return llvm::alignTo(depth, 8) + 4; }
  int64_t depthOf(bool gradients) const { return gradients ? valueDepth : keyDepth; }
  int64_t ownAt(bool gradients) const { return gradients ? own * pitch(keyDepth) : 0; }
  int64_t otherAt(bool gradients) const;

private:
  void lay();
};

class GPUAttentionGrad : AttentionMasks<AttentionGradOp>, AttentionGradViews {
public:
  GPUAttentionGrad(AttentionGradOp op, GPUKernelFrame &frame)
      : AttentionMasks(op, frame, 0), e(frame.e), f(frame), form(op, frame.e.target) {}
  mlir::LogicalResult emit();

private:
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
  int64_t sumsOf(int64_t depth) const { return form.spread(depth).size(); }
  Row rowAt(Value r);
  Value positionOf(const View &v, const Tile &tile, Value number);

  //--- AttentionGradTiles.cpp: staging and products
  Values fetch(const View &v, Value aligned, Value position, Value present, Value column,
               int64_t depth);
  void stage(const Tile &tile, bool gradients, int64_t at);
  void stageOwn(const Tile &own);
  void stageOther(const Tile &other, bool gradients) {
    stage(other, gradients, form.otherAt(gradients));
  }
  void makeWeights(const Step &s, bool forBias);
  void multiply(bool gradients);
  Values addProducts(const Step &s, bool gradients, int64_t weightsAt, ValueRange sums);

  //--- AttentionGradWeights.cpp: weights, the gradient of the bias
  void packRows(const Tile &rows, int64_t outAt);
  void weigh(const Step &s, bool forBias);
  void weighOne(const Step &s, Value own, Value other, bool forBias);
  Value dropoutFactor(const Row &row, Value key);
  void emitBias(Value number);
  void storeBias(llvm::ArrayRef<Value> first);

  GPUEmitter &e; ///< those of AttentionMasks, with what GPUs have
  GPUKernelFrame &f;
  GPUAttentionGradForm form;
  Value alignedQ, alignedK, alignedV, alignedO, alignedOut;
  Value memory;   ///< workgroup memory
  Value rowCount; ///< all rows of this key head, or queries of a head
  Value oneHead;  ///< where rows are the queries of one head
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_ATTENTIONGRAD_H
