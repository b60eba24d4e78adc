#!/usr/bin/env bash
# Compiles the byte-level models, checks them against PyTorch's stored results, writes text and
# times both. Arguments go to the text generator (./dev demo --prompt "..." --temperature 0.5);
# with any, only the text is written. Needs a built tree, no Python.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../../.." && pwd)
build=${LINNET_BUILD:-$root/build}
out=$build/demo
mkdir -p "$out"

for variant in softmax linear; do
  "$build/bin/linnet-compile" "$here/model.$variant.mlir" --cpu=native \
    --weights="$here/model.$variant.safetensors" -o "$out/$variant.lnb"
done
# all that a C program needs: one header, one library
${CC:-clang-22} -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -I"$root/include" "$here/generate.c" \
  -L"$build/lib" -Wl,-rpath,"$build/lib" -lLinnetRuntime -lm -o "$out/generate"

for variant in softmax linear; do
  printf '\n--- %s\n' "$variant"
  [ $# -gt 0 ] ||
    "$out/generate" --check "$here/reference.$variant.safetensors" "$out/$variant.lnb"
  "$out/generate" "$out/$variant.lnb" "$@"
done
if [ $# -eq 0 ]; then
  printf '\n--- decoding, by bytes of context\n'
  "$out/generate" --time "$out/softmax.lnb" "$out/linear.lnb"
fi
