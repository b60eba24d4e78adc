//===- AttentionGrad.h - gradients of softmax attention on the CPU -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A chunk is a key head of a batch (several of them where they share a gradient of the bias). Over
// blocks of keys, and for each over blocks of rows (AttentionRows.h) that see it:
//
//   scores     S = Q K^T              from transposed panels of keys
//   weights    W = exp(S - lse)       with soft cap, biases, masks and dropout where there are any
//   gradients  Z = W (dO V^T - t)     t: the row's sum of dO O, less dlse
//   queries    dQ += Z K              in the result itself, which is f32
//   keys       dK += Z^T Q, dV += W^T dO
//
// Nothing is kept between blocks but the sums. Every order is fixed by the shapes.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_ATTENTIONGRAD_H
#define LINNET_LIB_CODEGEN_CPU_ATTENTIONGRAD_H

#include "AttentionRows.h"

namespace linnet::codegen {

/// Sizes that selection and every image share. Scratch offsets are in bytes.
struct AttentionGradGeometry {
  explicit AttentionGradGeometry(AttentionGradOp op);

  static constexpr int64_t kTileRows = 6; ///< rows of a register tile
  static constexpr int64_t kTileKeys = 4; ///< keys of one; divides a panel

  int64_t keyHeads, group, keyDepth, valueDepth;
  int64_t keys, rows;             ///< of a block
  int64_t keyStride, valueStride; ///< depths in scratch, multiples of 16
  int64_t scoreStride;            ///< between rows of weights; no power of two, for the cache
  bool simple;                    ///< weights depend on scores and lse alone
  bool capped, drops;             ///< soft cap, dropout
  /// Whether gradients of the bias are summed over batches, and over heads.
  bool sharesBatches = false, sharesHeads = false;
  int64_t keyPanelAt, valuePanelAt, keyRowAt, keyGradAt, valueGradAt; // of a block of keys
  int64_t queryAt, outAt, queryGradAt, lseAt, totalAt;                // of a block of rows
  int64_t weightAt, droppedAt, slopeAt, gradAt, keptAt;               // of both
  int64_t bytes;

private:
  void layOut();
};

class AttentionGradKernel : AttentionRows<AttentionGradOp>, AttentionGradViews {
public:
  AttentionGradKernel(AttentionGradOp op, KernelFrame &frame) : AttentionRows(op, frame), geo(op) {}
  mlir::LogicalResult emit();

private:
  /// The part of a block of keys that a block of rows sees.
  struct Part {
    Value row, rows; ///< first row, number of rows
    Value key;       ///< first key of the block of keys
    Value from, to;  ///< places in the block of keys; `from` begins a panel
  };

  //--- AttentionGrad.cpp: operands, chunks, blocks
  mlir::LogicalResult bind();
  void bindScratch();
  void emitChunk(Value chunk);
  void emitHead();
  void clearQueryGrads();
  void clearBiasGrads();
  void emitBlock(Value key);
  void emitRows(Value row, Value key, Value count);
  void storeKeyGrads(Value key, Value count);

  //--- AttentionGradRows.cpp: packing, weights, masks
  void packPanels(const View &v, Value key, Value count, int64_t depth, int64_t stride, Value to);
  void packKeyRows(Value key, Value count);
  void packRows(const Part &part);
  void hideRow(const Part &part, Value i);
  void weighRow(const Part &part, Value i);
  void gradeRow(const Part &part, Value i);
  Value atEdge(const Part &part);

  //--- AttentionGradTiles.cpp: the five products
  void scores(const Part &part);
  void gradients(const Part &part);
  void queryGrads(const Part &part);
  void keyGrads(const Part &part, Value weights, Value rows, Value sums, int64_t stride);
  void overPanels(const Part &part, Value rows, Value panels, int64_t depth, int64_t stride,
                  llvm::function_ref<void(Value, Value, Value)> finish);
  int64_t panelVectors() const { return e.target.avx512 ? 4 : 1; }
  void overColumns(int64_t stride, llvm::function_ref<void(int64_t, int64_t)> body) const;

  AttentionGradGeometry geo;
  Value keyPanels, valuePanels, keyRows, keySums, valueSums; // scratch
  Value queries, douts, querySums, lses, totals;
  Value weights, dropped, slopes, grads, kept;
  Value rowCount; ///< all rows of this head
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_ATTENTIONGRAD_H
