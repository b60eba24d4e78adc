# ===- iree_text.py - workloads as IREE would be given them -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""What ONNX cannot say, or says in a way that IREE does not recognise, as linalg on tensors.

Each function gives the text of a module with one function @main. Where two spellings are
reasonable, both are here and the faster one counts."""


def _zeros(name, shape, dtype="f32"):
    type = f"tensor<{shape}x{dtype}>"
    return f"""
  %{name}_zero = arith.constant 0.0 : {dtype}
  %{name}_empty = tensor.empty() : {type}
  %{name} = linalg.fill ins(%{name}_zero : {dtype}) outs(%{name}_empty : {type}) -> {type}"""


def _product(result, maps, loops, left, right, init):
    """A contraction; an operand is (name, type)."""
    return f"""
  {result} = linalg.generic {{indexing_maps = [{", ".join(f"affine_map<{m}>" for m in maps)}],
      iterator_types = [{", ".join(f'"{x}"' for x in loops)}]}}
      ins({left[0]}, {right[0]} : {left[1]}, {right[1]}) outs({init[0]} : {init[1]}) {{
  ^bb0(%in0: f32, %in1: f32, %sum: f32):
    %term = arith.mulf %in0, %in1 : f32
    %more = arith.addf %sum, %term : f32
    linalg.yield %more : f32
  }} -> {init[1]}"""


def matmul_bf16(m, n, k, weight):
    """bf16 operands, sums in f32, the weight a constant."""
    left, right = f"tensor<{m}x{k}xbf16>", f"tensor<{k}x{n}xbf16>"
    wide, result = f"tensor<{m}x{n}xf32>", f"tensor<{m}x{n}xbf16>"
    blob = (64).to_bytes(4, "little").hex() + weight.tobytes().hex()
    return f"""func.func @main(%a: {left}) -> {result} {{
  %b = arith.constant dense_resource<weight> : {right}{_zeros("c", f"{m}x{n}")}
  %wide = linalg.matmul ins(%a, %b : {left}, {right}) outs(%c : {wide}) -> {wide}
  %out = tensor.empty() : {result}
  %y = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}} ins(%wide : {wide}) outs(%out : {result}) {{
  ^bb0(%s: f32, %o: bf16):
    %r = arith.truncf %s : f32 to bf16
    linalg.yield %r : bf16
  }} -> {result}
  return %y : {result}
}}
{{-# dialect_resources: {{ builtin: {{ weight: "0x{blob}" }} }} #-}}
"""


def attention(heads, key_heads, keys, depth):
    """One query a head by IREE's own op; the heads of a group are a dimension of their own."""
    group = heads // key_heads
    q = f"tensor<1x{heads}x1x{depth}xf32>"
    kv = f"tensor<1x{key_heads}x{keys}x{depth}xf32>"
    wide, narrow = (f"tensor<{key_heads}x{group}x{depth}xf32>",
                    f"tensor<{key_heads}x{keys}x{depth}xf32>")
    flat = f"tensor<{heads}x{depth}xf32>"
    maps = ", ".join(f"affine_map<(h, g, d, m, k) -> ({d})>" for d in
                     ("h, g, k", "h, m, k", "h, m, d", "", "h, g, d"))
    return f"""func.func @main(%q: {q}, %k: {kv}, %v: {kv}) -> {q} {{
  %q2 = tensor.collapse_shape %q [[0, 1, 2], [3]] : {q} into {flat}
  %q3 = tensor.expand_shape %q2 [[0, 1], [2]] output_shape [{key_heads}, {group}, {depth}] : {flat} into {wide}
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : {kv} into {narrow}
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : {kv} into {narrow}
  %scale = arith.constant {depth ** -0.5:.9e} : f32
  %empty = tensor.empty() : {wide}
  %o = iree_linalg_ext.attention <{{indexing_maps = [{maps}]}}>
      ins(%q3, %k3, %v3, %scale : {wide}, {narrow}, {narrow}, f32) outs(%empty : {wide}) {{
  ^bb0(%score: f32):
    iree_linalg_ext.yield %score : f32
  }} -> {wide}
  %o2 = tensor.collapse_shape %o [[0, 1], [2]] : {wide} into {flat}
  %y = tensor.expand_shape %o2 [[0, 1, 2], [3]] output_shape [1, {heads}, 1, {depth}] : {flat} into {q}
  return %y : {q}
}}
"""


def _triangle(result, source, type, rank):
    """Keeps what is on and below the diagonal of the last two dimensions."""
    dims = ", ".join(f"d{i}" for i in range(rank))
    return f"""
  {result} = linalg.generic {{indexing_maps = [affine_map<({dims}) -> ({dims})>, affine_map<({dims}) -> ({dims})>],
      iterator_types = [{", ".join(['"parallel"'] * rank)}]}} ins({source} : {type}) outs({source}_out : {type}) {{
  ^bb0(%in0: f32, %in1: f32):
    %i = linalg.index {rank - 2} : index
    %j = linalg.index {rank - 1} : index
    %kept = arith.cmpi ule, %j, %i : index
    %nothing = arith.constant 0.0 : f32
    %r = arith.select %kept, %in0, %nothing : f32
    linalg.yield %r : f32
  }} -> {type}"""


def _batch_matmul(result, left, right, init, transposed=""):
    """Of three dimensions each; `transposed` names the operand whose last two are swapped."""
    maps = [f"affine_map<(b, i, j, r) -> ({d})>" for d in
            ("b, r, i" if transposed == "left" else "b, i, r",
             "b, j, r" if transposed == "right" else "b, r, j", "b, i, j")]
    return f"""
  {result} = linalg.batch_matmul indexing_maps = [{", ".join(maps)}]
      ins({left[0]}, {right[0]} : {left[1]}, {right[1]}) outs({init[0]} : {init[1]}) -> {init[1]}"""


def linear_attention_batched(heads, length, depth, chunk):
    """All chunks at once; the states before them are a sum over chunks with a triangle of ones."""
    n = length // chunk
    whole = f"tensor<1x{heads}x{length}x{depth}xf32>"
    flat, x = f"tensor<{heads * length}x{depth}xf32>", f"tensor<{heads * n}x{chunk}x{depth}xf32>"
    scores, states = f"tensor<{heads * n}x{chunk}x{chunk}xf32>", f"tensor<{heads * n}x{depth}x{depth}xf32>"
    sums, ones = f"tensor<{heads}x{n}x{depth * depth}xf32>", f"tensor<{heads}x{n}x{n}xf32>"
    split = "".join(f"""
  %{t}2 = tensor.collapse_shape %{t} [[0, 1, 2], [3]] : {whole} into {flat}
  %{t}3 = tensor.expand_shape %{t}2 [[0, 1], [2]] output_shape [{heads * n}, {chunk}, {depth}] : {flat} into {x}"""
                    for t in "qkv")
    return f"""func.func @main(%q: {whole}, %k: {whole}, %v: {whole}) -> {whole} {{{split}
{_zeros("s0", f"{heads * n}x{chunk}x{chunk}")}{_zeros("u0", f"{heads * n}x{depth}x{depth}")}
{_zeros("b0", f"{heads}x{n}x{depth * depth}")}{_zeros("o0", f"{heads * n}x{chunk}x{depth}")}
  %s_out = tensor.empty() : {scores}
{_batch_matmul("%s", ("%q3", x), ("%k3", x), ("%s0", scores), "right")}{_triangle("%m", "%s", scores, 3)}
{_batch_matmul("%u", ("%k3", x), ("%v3", x), ("%u0", states), "left")}
  %u4 = tensor.expand_shape %u [[0, 1], [2], [3]] output_shape [{heads}, {n}, {depth}, {depth}]
      : {states} into tensor<{heads}x{n}x{depth}x{depth}xf32>
  %u3 = tensor.collapse_shape %u4 [[0], [1], [2, 3]] : tensor<{heads}x{n}x{depth}x{depth}xf32> into {sums}
  %ones_out = tensor.empty() : {ones}
  %ones = linalg.generic {{indexing_maps = [affine_map<(h, i, j) -> (h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel"]}} outs(%ones_out : {ones}) {{
  ^bb0(%old: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %before = arith.cmpi ult, %j, %i : index
    %one = arith.uitofp %before : i1 to f32
    linalg.yield %one : f32
  }} -> {ones}
{_batch_matmul("%b", ("%ones", ones), ("%u3", sums), ("%b0", sums))}
  %b4 = tensor.expand_shape %b [[0], [1], [2, 3]] output_shape [{heads}, {n}, {depth}, {depth}]
      : {sums} into tensor<{heads}x{n}x{depth}x{depth}xf32>
  %b3 = tensor.collapse_shape %b4 [[0, 1], [2], [3]] : tensor<{heads}x{n}x{depth}x{depth}xf32> into {states}
{_batch_matmul("%o1", ("%q3", x), ("%b3", states), ("%o0", x))}
{_batch_matmul("%o2", ("%m", scores), ("%v3", x), ("%o1", x))}
  %y2 = tensor.collapse_shape %o2 [[0, 1], [2]] : {x} into {flat}
  %y = tensor.expand_shape %y2 [[0, 1, 2], [3]] output_shape [1, {heads}, {length}, {depth}] : {flat} into {whole}
  return %y : {whole}
}}
"""


def linear_attention_loop(heads, length, depth, chunk):
    """A loop over the chunks that carries the state."""
    whole = f"tensor<1x{heads}x{length}x{depth}xf32>"
    x, scores = f"tensor<{heads}x{chunk}x{depth}xf32>", f"tensor<{heads}x{chunk}x{chunk}xf32>"
    state = f"tensor<{heads}x{depth}x{depth}xf32>"
    at = f"[0, 0, %at, 0] [1, {heads}, {chunk}, {depth}] [1, 1, 1, 1]"
    slices = "".join(f"  %{t}3 = tensor.extract_slice %{t}{at} : {whole} to {x}\n" for t in "qkv")
    return f"""func.func @main(%q: {whole}, %k: {whole}, %v: {whole}) -> {whole} {{
  %first = arith.constant 0 : index
  %step = arith.constant {chunk} : index
  %end = arith.constant {length} : index
{_zeros("h0", f"{heads}x{depth}x{depth}")}{_zeros("s0", f"{heads}x{chunk}x{chunk}")}
{_zeros("o0", f"{heads}x{chunk}x{depth}")}
  %s_out = tensor.empty() : {scores}
  %out = tensor.empty() : {whole}
  %y, %last = scf.for %at = %first to %end step %step iter_args(%all = %out, %h = %h0) -> ({whole}, {state}) {{
{slices}{_batch_matmul("%s", ("%q3", x), ("%k3", x), ("%s0", scores), "right")}{_triangle("%m", "%s", scores, 3)}
{_batch_matmul("%o1", ("%q3", x), ("%h", state), ("%o0", x))}
{_batch_matmul("%o2", ("%m", scores), ("%v3", x), ("%o1", x))}
{_batch_matmul("%next", ("%k3", x), ("%v3", x), ("%h", state), "left")}
  %rest = tensor.insert_slice %o2 into %all{at} : {x} into {whole}
  scf.yield %rest, %next : {whole}, {state}
  }}
  return %y : {whole}
}}
"""


def selective_scan(length, channels, states):
    """A loop over the tokens that carries the state; one fused step per token."""
    wide, small = f"tensor<1x{length}x{channels}xf32>", f"tensor<1x{length}x{states}xf32>"
    row, token = f"tensor<{channels}xf32>", f"tensor<{states}xf32>"
    state = f"tensor<{channels}x{states}xf32>"

    def at(size):
        return f"[0, %l, 0] [1, 1, {size}] [1, 1, 1]"

    rows = "".join(f"  %{t}1 = tensor.extract_slice %{t}{at(channels)} : {wide} to {row}\n" for t in "ud")
    rows += "".join(f"  %{t}1 = tensor.extract_slice %{t}{at(states)} : {small} to {token}\n" for t in "bc")
    maps = ", ".join(f"affine_map<(i, n) -> ({d})>" for d in ("i", "i", "i, n", "n", "i, n", "i, n"))
    return f"""func.func @main(%u: {wide}, %d: {wide}, %a: {state}, %b: {small}, %c: {small}) -> {wide} {{
  %first = arith.constant 0 : index
  %step = arith.constant 1 : index
  %end = arith.constant {length} : index
{_zeros("h0", f"{channels}x{states}")}{_zeros("y0", f"{channels}")}
  %out = tensor.empty() : {wide}
  %h_out = tensor.empty() : {state}
  %y, %last = scf.for %l = %first to %end step %step iter_args(%all = %out, %h = %h0) -> ({wide}, {state}) {{
{rows}  %next = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel", "parallel"]}}
      ins(%u1, %d1, %a, %b1, %h : {row}, {row}, {state}, {token}, {state}) outs(%h_out : {state}) {{
  ^bb0(%ui: f32, %di: f32, %an: f32, %bn: f32, %hn: f32, %o: f32):
    %da = arith.mulf %di, %an : f32
    %decay = math.exp %da : f32
    %kept = arith.mulf %decay, %hn : f32
    %du = arith.mulf %di, %ui : f32
    %in = arith.mulf %du, %bn : f32
    %new = arith.addf %kept, %in : f32
    linalg.yield %new : f32
  }} -> {state}
{_product("%y1", ["(i, n) -> (i, n)", "(i, n) -> (n)", "(i, n) -> (i)"], ["parallel", "reduction"],
          ("%next", state), ("%c1", token), ("%y0", row))}
  %rest = tensor.insert_slice %y1 into %all{at(channels)} : {row} into {wide}
  scf.yield %rest, %next : {wide}, {state}
  }}
  return %y : {wide}
}}
"""
