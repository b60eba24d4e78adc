//===- AttentionForm.cpp - tiles of softmax attention on GPUs ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// What the sums of values of a thread may take of its registers.
static constexpr int64_t kOutputRegisters = 128;
/// Bytes of workgroup memory that reductions and the code's own words may take.
static constexpr int64_t kReserve = 512;

GPUAttentionForm GPUAttentionForm::choose(AttentionOp op, const GPUTarget &target) {
  auto qType = op.getQ().getType();
  GPUAttentionForm form;
  form.keyHeads = op.getK().getType().getDimSize(1);
  form.group = op.getGroupSize();
  form.keyDepth = qType.getDimSize(3);
  form.valueDepth = op.getV().getType().getDimSize(3);
  int64_t rows = qType.isDynamicDim(2) ? -1 : form.group * qType.getDimSize(2);
  if (!form.chooseDecode(rows, target))
    form.chooseTile(rows, target);
  return form;
}

int64_t GPUAttentionForm::queryFloats() const {
  return decode ? rows * depth : (rows + 4) * (keepsQueries ? depth : depthStep);
}

/// Of keys, then scores; decode: of scores, then what is left of the teams' outputs.
int64_t GPUAttentionForm::workFloats() const {
  return decode ? std::max(keys * rows, teams() * kColumns * rows)
                : std::max(keys * pitch, keys * (depthStep + 4));
}

bool GPUAttentionForm::fits(const GPUTarget &target) const {
  int64_t rest = decode ? (2 * teams() + 1) * rows : valueKeys * columns;
  return 4 * (queryFloats() + workFloats() + rest) + kReserve <= target.workgroupMemory;
}

/// As many rows at once as there are, unless their outputs need too many registers.
bool GPUAttentionForm::chooseDecode(int64_t all, const GPUTarget &target) {
  if (all <= 0 || all > kDecodeRows)
    return false;
  decode = true;
  threads = 128;
  keys = 256;
  threadKeys = teamKeys() / kTeam;
  depth = llvm::alignTo(keyDepth, kColumns);
  for (rows = llvm::PowerOf2Ceil(all); rows >= 1; rows /= 2) {
    wide = std::min<int64_t>(rows, 4);
    vectors = rows / wide;
    pitch = rows;
    columns =
        std::min<int64_t>(llvm::alignTo(valueDepth, kColumns), kOutputRegisters / rows * kTeam);
    bool splits = columns < valueDepth && rows > 1;
    if (!splits && fits(target))
      return true;
  }
  decode = false;
  return false;
}

/// The largest tile that fits. Steps of the depth are 16 where that pads less.
void GPUAttentionForm::chooseTile(int64_t all, const GPUTarget &target) {
  wide = 4;
  vectors = 1;
  depthStep = std::min<int64_t>(llvm::alignTo(keyDepth, 4), 32);
  if (depthStep == 32 && llvm::alignTo(keyDepth, 32) - keyDepth >= 16)
    depthStep = 16;
  depth = llvm::alignTo(keyDepth, depthStep);
  columns = std::min<int64_t>(llvm::alignTo(valueDepth, kColumns), kOutputRegisters / 4 * kTeam);
  bool few = all >= 0 && all <= 32;
  for (bool keeps : {true, false})
    for (auto [tileRows, tileKeys] : {std::pair{64, 64}, {64, 32}, {32, 32}, {32, 16}})
      for (int64_t slice : {16, 8}) {
        if (few && tileRows > 32)
          continue;
        rows = tileRows, keys = tileKeys, valueKeys = slice, keepsQueries = keeps;
        threads = rows / wide * kTeam;
        threadKeys = keys / kTeam;
        pitch = rows + 4;
        if (fits(target))
          return;
      }
}
