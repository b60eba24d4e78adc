# ===- test_kernels_attention.py - attention kernels, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linnet import reference as ref
from linnet._src import kernels

# what a result may be off, relative to the largest value: rounding of inputs is in the reference
TOLERANCE = {"f32": 2e-6, "bf16": 2**-8, "f16": 2**-10}
MASKS = {
    "none": "", "causal": "causal", "window": "window<left = 5, right = 3>",
    "causal_window": "causal, window<left = 70>", "future": "window<right = 9>",
}


@dataclasses.dataclass(frozen=True)
class Site:
    """One attention op: static sizes, or -1."""
    masks: str = ""
    dtype: str = "f32"
    batch: int = 2
    heads: int = 4
    key_heads: int = 2
    queries: int = -1
    keys: int = -1
    depth: int = 16
    value_depth: int = 16
    bias: tuple = ()
    alibi: bool = False
    mask: tuple = ()
    lengths: bool = False
    offset: tuple = None
    segments: bool = False
    lse: bool = False
    attributes: str = ""
    dropout: float = 0

    def dims(self, *sizes):
        return "".join(f"{'?' if s < 0 else s}x" for s in sizes)

    def parts(self):
        """Types of q, k, v and o; arguments; optional operands and masks as text."""
        d, t = self.dims, self.dtype
        q = f"tensor<{d(self.batch, self.heads, self.queries, self.depth)}{t}>"
        k = f"tensor<{d(self.batch, self.key_heads, self.keys, self.depth)}{t}>"
        v = f"tensor<{d(self.batch, self.key_heads, self.keys, self.value_depth)}{t}>"
        o = f"tensor<{d(self.batch, self.heads, self.queries, self.value_depth)}{t}>"
        args, extra = [("q", q), ("k", k), ("v", v)], ""
        operands = [("bias", self.bias, "f32"),
                    ("alibi_slopes", (self.heads,) if self.alibi else (), "f32"), ("mask", self.mask, "i1"),
                    ("kv_lengths", (self.batch,) if self.lengths else (), "i32")]
        if self.offset is not None:
            operands.append(("q_offset", self.offset, "i64"))
        if self.segments:
            operands += [("q_segments", (self.batch, self.queries), "i32"),
                         ("kv_segments", (self.batch, self.keys), "i64")]
        for name, shape, element in operands:
            if shape or (name == "q_offset" and self.offset is not None):
                args.append((name, f"tensor<{d(*shape)}{element}>"))
                extra += f" {name}(%{name} : {args[-1][1]})"
        if self.dropout:
            args += [("dropout_key", "i64"), ("dropout_counter", "tensor<i64>")]
            extra += " dropout_key(%dropout_key : i64) dropout_counter(%dropout_counter : tensor<i64>)"
        listed = [m for m in [self.masks, "explicit" * bool(self.mask),
                              "kv_lengths" * self.lengths, "segments" * self.segments] if m]
        if listed:
            extra += f" masks<[{', '.join(listed)}]>"
        if self.dropout:
            return (q, k, v, o), args, f"{extra} {self.attributes} dropout({self.dropout})"
        return (q, k, v, o), args, f"{extra} {self.attributes}"

    def text(self):
        (q, k, v, o), args, extra = self.parts()
        rows = self.dims(self.batch, self.heads, self.queries)
        results = [o] + [f"tensor<{rows}f32>"] * self.lse
        names = ", ".join(f"%r#{i}" for i in range(len(results)))
        return f"""
        exec.kernel @k({', '.join(f'%{n}: {t}' for n, t in args)}) -> ({', '.join(results)}) {{
          %r:{len(results)} = linnet.attention %q, %k, %v{extra}
            : {q}, {k}, {v} -> {', '.join(results)}
          exec.yield {names} : {', '.join(results)}
        }}"""


def compiled(site, cpu, cache={}):
    key = (site, cpu)
    if key not in cache:
        cache[key] = kernels.compile(site.text(), cpu=cpu)["k"]
    return cache[key]


def draw(site, nq, nk, seed=0, batch=None):
    """Operands in the site's types, and the same as the reference wants them."""
    rng = np.random.default_rng(seed)
    batch = site.batch if batch is None else batch
    dtype = kernels.DTYPES[site.dtype]
    normal = lambda *shape: rng.standard_normal(shape).astype(dtype)
    qkv = [normal(batch, site.heads, nq, site.depth), normal(batch, site.key_heads, nk, site.depth),
           normal(batch, site.key_heads, nk, site.value_depth)]
    sizes = {0: batch, 1: site.heads, 2: nq, 3: nk}
    full = lambda shape: [sizes[4 - len(shape) + i] if s < 0 else s for i, s in enumerate(shape)]
    extra, options = [], {}
    if site.bias:
        options["bias"] = rng.standard_normal(full(site.bias)).astype(np.float32)
    if site.alibi:  # of any sign, some as steep as models have them
        options["alibi_slopes"] = np.float32(2.0 ** -np.arange(2, site.heads + 2))
        options["alibi_slopes"][1::3] *= -0.25
    if site.mask:
        options["mask"] = rng.random(full(site.mask)) < 0.6
    if site.lengths:
        options["kv_lengths"] = rng.integers(0, nk + 1, batch, np.int32)
    if site.offset is not None:
        options["q_offset"] = rng.integers(-2, nk + 2, site.offset, np.int64)
    if site.segments:
        options["q_segments"] = np.sort(rng.integers(0, 3, (batch, nq), np.int32), 1)
        options["kv_segments"] = np.sort(rng.integers(0, 3, (batch, nk), np.int64), 1)
    extra = list(options.values())
    if site.dropout:
        options["dropout"] = (site.dropout, int(rng.integers(2**62)), int(rng.integers(2**62)))
        extra += [options["dropout"][1], np.int64(options["dropout"][2])]
    for name, value in (("causal", "causal" in site.masks),):
        if value:
            options[name] = True
    if "window" in site.masks:
        inner = site.masks.split("window<")[1].split(">")[0]
        sides = dict(s.replace(" ", "").split("=") for s in inner.split(","))
        options["window"] = tuple(int(sides[s]) if s in sides else None for s in ("left", "right"))
    return qkv + extra, options


def sizes_of(site, args):
    q = args[0]
    want = [q.shape[0], q.shape[1], q.shape[2], site.value_depth]
    declared = [site.batch, site.heads, site.queries, site.value_depth]
    o = [w for w, d in zip(want, declared) if d < 0]
    return o + [w for w, d in zip(want[:3], declared) if d < 0] * site.lse


def check(site, args, options, cpu, threads=2):
    got = compiled(site, cpu)(*args, sizes=sizes_of(site, args), threads=threads)
    got = got if site.lse else [got]
    want = ref.attention(*args[:3], **options)
    scale = max(1.0, np.abs(want[0]).max(initial=0))
    np.testing.assert_allclose(got[0].astype(np.float64), want[0], rtol=0,
                               atol=TOLERANCE[site.dtype] * scale)
    if site.lse:
        hidden = np.isneginf(want[1])
        np.testing.assert_array_equal(np.isneginf(got[1]), hidden)
        np.testing.assert_allclose(got[1][~hidden], want[1][~hidden], rtol=0, atol=5e-6)
    return got


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("masks", MASKS)
def test_masks(masks, dtype, cpu):
    site = Site(MASKS[masks], dtype, lse=True, depth=24, value_depth=17)
    for nq, nk in [(1, 1), (0, 5), (5, 0), (7, 7), (3, 70), (33, 20), (130, 321)]:
        check(site, *draw(site, nq, nk), cpu)


SITES = {
    "bias": Site(bias=(2, 4, -1, -1)),
    "bias_rows": Site("causal", bias=(4, 1, -1), lse=True),
    "bias_keys": Site(bias=(2, 1, 1, -1)),
    "bias_queries": Site(bias=(-1, 1)),
    "bias_scalar": Site(bias=(1, 1, 1, 1)),
    "mask": Site(mask=(2, 1, -1, -1), lse=True),
    "mask_keys": Site("causal", mask=(-1,)),
    "lengths": Site(lengths=True, lse=True),
    "lengths_causal": Site("causal", lengths=True, lse=True),
    "lengths_window": Site("window<left = 9, right = 1>", lengths=True),
    "offset": Site("causal", offset=(), lse=True),
    "offset_batch": Site("window<left = 12>", offset=(2,), lengths=True),
    "segments": Site("causal", segments=True, lse=True),
    "alibi": Site("causal", alibi=True, lse=True, dtype="bf16"),
    "alibi_future": Site(alibi=True, lse=True),
    "alibi_offset": Site(alibi=True, offset=(2,), lengths=True, dtype="f16"),
    "everything": Site("causal, window<left = 40>", bias=(4, -1, -1), mask=(2, 1, 1, -1),
                       lengths=True, offset=(2,), segments=True, lse=True),
    "multi_head": Site(key_heads=4, depth=8, value_depth=40),
    "multi_query": Site("causal", key_heads=1, depth=64, value_depth=64, lse=True),
    "static": Site("causal", queries=37, keys=53, depth=32, value_depth=16, bias=(37, 53)),
    "one_channel": Site(depth=1, value_depth=1),
    "wide_values": Site(depth=16, value_depth=80),
}
DEEP = [(80, "f32"), (96, "bf16"), (192, "f16"), (256, "f32"), (256, "bf16")]
SHAPES = [(1, 1), (1, 40), (13, 7), (0, 4), (4, 0), (50, 50), (37, 300)]


def shapes_of(site):
    return [(site.queries, site.keys)] if site.queries >= 0 and site.keys >= 0 else SHAPES


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("name", SITES)
def test_sites(name, cpu):
    site = SITES[name]
    for i, (nq, nk) in enumerate(shapes_of(site)):
        check(site, *draw(site, nq, nk, seed=i), cpu)


@pytest.mark.slow(quick="256")
@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("depth,dtype", DEEP)
def test_deep_heads(depth, dtype, cpu):
    """The depths of whole models, whose tiles and steps of the depth differ, in sizes that end within them."""
    site = Site("causal", dtype, batch=1, depth=depth, value_depth=depth, lse=True)
    for nq, nk in [(37, 70), (19, 19)]:
        check(site, *draw(site, nq, nk), cpu)


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("heads,key_heads,queries", [(4, 4, 1), (12, 2, 1), (8, 1, 1), (7, 1, 1), (5, 1, 1),
                                                     (2, 2, 3), (3, 3, 8)])
def test_decode(heads, key_heads, queries, dtype, cpu):
    """A handful of rows: another form of the kernel."""
    for masks, lengths in [("", False), ("causal, window<left = 50>", True)]:
        site = Site(masks, dtype, heads=heads, key_heads=key_heads, queries=queries, lengths=lengths,
                    depth=20, value_depth=33, lse=True)
        for nk in (0, 1, 15, 64, 65, 300, 601):
            check(site, *draw(site, queries, nk, seed=nk), cpu)


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("heads,key_heads", [(2, 2), (4, 2), (12, 2), (7, 1)])
@pytest.mark.parametrize("depth,value_depth", [(64, 64), (128, 130), (300, 20)])
def test_decode_depths(depth, value_depth, heads, key_heads, cpu):
    """One or two rows of a key head, and more: whole vectors of the depth and a rest."""
    for dtype in ("f32", "bf16"):
        site = Site(dtype=dtype, heads=heads, key_heads=key_heads, queries=1, depth=depth,
                    value_depth=value_depth)
        for nk in (0, 3, 200, 515):
            check(site, *draw(site, 1, nk, seed=nk), cpu)


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("heads,key_heads,queries", [(2, 2, 1), (4, 2, 1), (6, 2, 2)])
def test_decode_operands(heads, key_heads, queries, cpu):
    site = Site("causal, window<left = 90>", heads=heads, key_heads=key_heads, queries=queries,
                depth=32, value_depth=48, bias=(heads, -1, -1), mask=(2, 1, 1, -1), lengths=True,
                offset=(2,), segments=True, lse=True)
    for nk in (0, 1, 67, 400):
        check(site, *draw(site, queries, nk, seed=nk), cpu)


@pytest.mark.parametrize("heads", [2, 12])
def test_decode_bits(heads):
    """The same on every CPU, at every alignment and with every number of threads."""
    site = Site(heads=heads, key_heads=2, queries=1, depth=72, value_depth=64, lse=True)
    args, _ = draw(site, 1, 531)
    run = lambda cpu, **o: compiled(site, cpu)(*args, sizes=sizes_of(site, args), **o)
    first = run(kernels.LEVELS[0], threads=1, skew=False)
    for cpu in kernels.LEVELS:
        for threads in (1, 3):
            for a, b in zip(first, run(cpu, threads=threads)):
                np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


@pytest.mark.parametrize("layout", ["inside", "outside"])
@pytest.mark.parametrize("heads", [2, 12])
def test_decode_views(heads, layout):
    """Caches whose rows do not follow each other: heads within a row, and depth outside."""
    shape = "2x?x2x32" if layout == "inside" else "2x2x32x?"
    order, dim = ([0, 2, 1, 3], 1) if layout == "inside" else ([0, 1, 3, 2], 3)
    q = f"tensor<2x{heads}x1x32xf32>"
    text = f"""
      exec.kernel @k(%q: {q}, %x: tensor<{shape}xf32>, %y: tensor<{shape}xf32>) -> {q} {{
        %c = arith.constant {dim} : index
        %n = tensor.dim %x, %c : tensor<{shape}xf32>
        %e = tensor.empty(%n) : tensor<2x2x?x32xf32>
        %k = linalg.transpose ins(%x : tensor<{shape}xf32>) outs(%e : tensor<2x2x?x32xf32>) permutation = {order}
        %v = linalg.transpose ins(%y : tensor<{shape}xf32>) outs(%e : tensor<2x2x?x32xf32>) permutation = {order}
        %r = linnet.attention %q, %k, %v : {q}, tensor<2x2x?x32xf32>, tensor<2x2x?x32xf32> -> {q}
        exec.yield %r : {q}
      }}"""
    rng, kernel = np.random.default_rng(0), kernels.compile(text)["k"]
    for nk in (1, 66, 301):
        sizes = [nk if s == "?" else int(s) for s in shape.split("x")]
        args = [rng.standard_normal(s).astype(np.float32) for s in [(2, heads, 1, 32), sizes, sizes]]
        want, _ = ref.attention(args[0], *(x.transpose(order) for x in args[1:]))
        np.testing.assert_allclose(kernel(*args), want, atol=2e-6)


@pytest.mark.cpu  # looks at its code
def test_decode_form_is_chosen():
    forms = {}
    for queries in (1, 8, 9, -1):
        site = Site(key_heads=4, queries=queries)
        text = kernels.tool("-", "--print-launch", text=site.text())
        forms[queries] = "decode" if 'form = "decode"' in text else "tile"
        assert f'form = "{forms[queries]}"' in text
    assert forms == {1: "decode", 8: "decode", 9: "tile", -1: "tile"}


@pytest.mark.cpu  # looks at its code
def test_decode_of_many_rows_asks_twice():
    """For every line of a key and of a value, in the loop that reads it: 4 keys, or a key's values."""
    def requests(heads):
        text = Site(heads=heads, key_heads=2, queries=1, depth=64, value_depth=64).text()
        blocks = kernels.tool("-", "--cpu=x86-64-v4", "--emit=llvm", "-o", "-", text=text).split("\n\n")
        return {n for n in (b.count("call void @llvm.prefetch") for b in blocks) if n}

    assert requests(12) == {8}
    assert requests(2) == {4, 16}  # keys are read whole, four at a time


@pytest.mark.parametrize("queries", [1, -1])
def test_scale_and_softcap(queries):
    nq = 29 if queries < 0 else queries
    for attributes, options in [("scale(0.7)", dict(scale=0.7)),
                                ("softcap(1.5)", dict(softcap=1.5)),
                                ("scale(-0.5) softcap(2.0)", dict(scale=-0.5, softcap=2.0))]:
        for bias in ((), (-1, -1)):
            site = Site("causal", queries=queries, bias=bias and (queries, -1), lse=True,
                        attributes=attributes)
            args, given = draw(site, nq, 83)
            check(site, args, {**given, **options}, kernels.LEVELS[-1])


@pytest.mark.parametrize("cpu", kernels.LEVELS)
def test_alibi(cpu):
    """With everything else that changes scores, and with a handful of rows."""
    capped = Site("causal, window<left = 40>", alibi=True, key_heads=1, bias=(4, 1, -1),
                  attributes="softcap(2.0)", lse=True)
    top_left = Site("causal", alibi=True, mask=(-1,), dropout=0.3, attributes="alignment<top_left>")
    for nq, nk in [(1, 1), (7, 7), (13, 7), (40, 70)]:
        args, options = draw(capped, nq, nk)
        check(capped, args, {**options, "softcap": 2.0}, cpu)
        args, options = draw(top_left, nq, nk)
        check(top_left, args, {**options, "alignment": "top_left"}, cpu)
    for heads, queries, masks in [(2, 1, ""), (4, 1, "causal"), (6, 2, "window<left = 90>")]:
        few = Site(masks, heads=heads, queries=queries, alibi=True, lengths=True, offset=(2,),
                   depth=20, value_depth=33)
        for nk in (0, 1, 65, 300):
            check(few, *draw(few, queries, nk, seed=nk), cpu)


def test_alibi_far_away():
    """Distances are whole numbers: at 40,000 keys the term has the error of one rounding, and a
    head of slope 0 has none."""
    site = Site("causal", heads=3, key_heads=3, queries=1, alibi=True, lse=True, depth=4,
                value_depth=4)
    args, options = draw(site, 1, 40000)
    args[3] = options["alibi_slopes"] = np.float32([0, 1e-5, 0.1])
    check(site, args, options, kernels.LEVELS[-1])


@pytest.mark.parametrize("queries", [1, -1])
def test_low_biases_are_no_masks(queries):
    """Finite values stay biases, with PyTorch's result; -inf masks."""
    site = Site(queries=queries, bias=(2, 1, queries, -1), lse=True)
    nq, nk, low = (1 if queries > 0 else 30), 90, np.finfo(np.float32).min
    args, _ = draw(site, nq, nk)
    cases = {"low": np.full((2, 1, nq, nk), low), "lower": np.full((2, 1, nq, nk), -1e30),
             "hidden": np.full((2, 1, nq, nk), -np.inf), "some": np.full((2, 1, nq, nk), low)}
    cases["some"][..., ::3] = -np.inf
    cases["high"] = cases["low"].copy()
    cases["high"][..., 70:] = 0
    for name, bias in cases.items():
        args[3] = bias.astype(np.float32)
        o, lse = compiled(site, kernels.LEVELS[-1])(*args, sizes=sizes_of(site, args))
        tensors = [torch.from_numpy(a) for a in args]
        want = F.scaled_dot_product_attention(*tensors[:3], tensors[3].expand(2, 4, nq, nk),
                                              enable_gqa=True)
        if name == "hidden":
            assert not o.any() and np.isneginf(lse).all()
        else:
            np.testing.assert_allclose(o, want, atol=2e-6)


@pytest.mark.parametrize("queries", [1, -1])
def test_beyond_the_valid_keys_nothing_is_read(queries):
    site = Site("causal", queries=queries, lengths=True)
    args, options = draw(site, 1 if queries > 0 else 40, 150)
    args[3] = options["kv_lengths"] = np.array([3, 77], np.int32)
    clean = [a.copy() for a in args]
    for b, n in enumerate(args[3]):
        args[1][b, :, n:] = np.nan
        args[2][b, :, n:] = np.nan
        clean[1][b, :, n:] = 0
        clean[2][b, :, n:] = 0
    got = compiled(site, kernels.LEVELS[-1])(*args, sizes=sizes_of(site, args))
    want, _ = ref.attention(*clean[:3], **options)
    np.testing.assert_allclose(got, want, atol=2e-6)


def test_nan_spreads_to_its_row_only():
    site = Site(bias=(-1, -1), lse=True)
    args, _ = draw(site, 30, 90)
    args[3][4, 70] = np.nan
    o, lse = compiled(site, kernels.LEVELS[-1])(*args, sizes=sizes_of(site, args))
    assert np.isnan(o[:, :, 4]).all() and np.isnan(lse[:, :, 4]).all()
    assert np.isfinite(np.delete(o, 4, 2)).all()


@pytest.mark.parametrize("cpu", kernels.LEVELS)
def test_same_bits_at_every_thread_count_and_alignment(cpu):
    site = Site("causal", key_heads=2, depth=64, value_depth=64, lse=True)
    args, _ = draw(site, 230, 230)
    run = lambda **o: compiled(site, cpu)(*args, sizes=sizes_of(site, args), **o)
    first = run(threads=1, skew=False)
    for threads in (1, 2, 3, 7):
        for a, b in zip(first, run(threads=threads)):
            np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


VIEWS = {
    # operands as projections make them: [B, N, H, D], one packed tensor, transposed keys
    "heads_inside": ("""
      exec.kernel @k(%x: tensor<2x?x4x16xf32>, %y: tensor<2x?x2x16xf32>, %n: index) -> tensor<2x4x?x16xf32> {
        %e = tensor.empty(%n) : tensor<2x4x?x16xf32>
        %c1 = arith.constant 1 : index
        %m = tensor.dim %y, %c1 : tensor<2x?x2x16xf32>
        %f = tensor.empty(%m) : tensor<2x2x?x16xf32>
        %q = linalg.transpose ins(%x : tensor<2x?x4x16xf32>) outs(%e : tensor<2x4x?x16xf32>) permutation = [0, 2, 1, 3]
        %k = linalg.transpose ins(%y : tensor<2x?x2x16xf32>) outs(%f : tensor<2x2x?x16xf32>) permutation = [0, 2, 1, 3]
        %r = linnet.attention %q, %k, %k masks<[causal]> : tensor<2x4x?x16xf32>, tensor<2x2x?x16xf32>, tensor<2x2x?x16xf32> -> tensor<2x4x?x16xf32>
        exec.yield %r : tensor<2x4x?x16xf32>
      }""", lambda x, y, n: (x.swapaxes(1, 2), y.swapaxes(1, 2), y.swapaxes(1, 2)),
                     [(2, 41, 4, 16), (2, 70, 2, 16)], lambda shapes: [shapes[0][1]]),
    "packed": ("""
      exec.kernel @k(%x: tensor<70x48xf32>, %n: index) -> tensor<1x2x70x8xf32> {
        %s = tensor.expand_shape %x [[0, 1], [2, 3, 4]] output_shape [1, 70, 3, 2, 8] : tensor<70x48xf32> into tensor<1x70x3x2x8xf32>
        %e = tensor.empty() : tensor<3x1x2x70x8xf32>
        %t = linalg.transpose ins(%s : tensor<1x70x3x2x8xf32>) outs(%e : tensor<3x1x2x70x8xf32>) permutation = [2, 0, 3, 1, 4]
        %q = tensor.extract_slice %t[0, 0, 0, 0, 0] [1, 1, 2, 70, 8] [1, 1, 1, 1, 1] : tensor<3x1x2x70x8xf32> to tensor<1x2x70x8xf32>
        %k = tensor.extract_slice %t[1, 0, 0, 0, 0] [1, 1, 2, 70, 8] [1, 1, 1, 1, 1] : tensor<3x1x2x70x8xf32> to tensor<1x2x70x8xf32>
        %v = tensor.extract_slice %t[2, 0, 0, 0, 0] [1, 1, 2, 70, 8] [1, 1, 1, 1, 1] : tensor<3x1x2x70x8xf32> to tensor<1x2x70x8xf32>
        %r = linnet.attention %q, %k, %v masks<[causal]> : tensor<1x2x70x8xf32>, tensor<1x2x70x8xf32>, tensor<1x2x70x8xf32> -> tensor<1x2x70x8xf32>
        exec.yield %r : tensor<1x2x70x8xf32>
      }""", lambda x, n: tuple(x.reshape(1, 70, 3, 2, 8).transpose(2, 0, 3, 1, 4)),
               [(70, 48)], lambda shapes: []),
    "depth_outside": ("""
      exec.kernel @k(%q: tensor<1x2x9x32xf32>, %x: tensor<1x2x32x?xf32>, %n: index) -> tensor<1x2x9x32xf32> {
        %c3 = arith.constant 3 : index
        %m = tensor.dim %x, %c3 : tensor<1x2x32x?xf32>
        %e = tensor.empty(%m) : tensor<1x2x?x32xf32>
        %k = linalg.transpose ins(%x : tensor<1x2x32x?xf32>) outs(%e : tensor<1x2x?x32xf32>) permutation = [0, 1, 3, 2]
        %r = linnet.attention %q, %k, %k masks<[causal]> : tensor<1x2x9x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x9x32xf32>
        exec.yield %r : tensor<1x2x9x32xf32>
      }""", lambda q, x, n: (q, x.swapaxes(2, 3), x.swapaxes(2, 3)),
                      [(1, 2, 9, 32), (1, 2, 32, 50)], lambda shapes: []),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name):
    text, operands, shapes, sizes = VIEWS[name]
    rng = np.random.default_rng(0)
    args = [rng.standard_normal(s).astype(np.float32) for s in shapes] + [shapes[0][1]]
    got = kernels.compile(text)["k"](*args, sizes=sizes(shapes))
    want, _ = ref.attention(*operands(*args), causal=True)
    np.testing.assert_allclose(got, want, atol=2e-6)


@pytest.mark.cpu  # looks at its code
@pytest.mark.parametrize("name", ["bias", "everything", "multi_query"])
def test_scratch_is_bounded(name):
    """No buffer of the size of the scores: 16 MiB hold a worker at N = 16384 many times."""
    site = dataclasses.replace(SITES[name], depth=64, value_depth=64)
    kernel = compiled(site, kernels.LEVELS[-1])
    args, _ = draw(site, 1, 1)
    dynamic = kernel.scalars(args, sizes_of(site, args), 0)
    kernel.launch(dynamic)
    small = kernel.launch(dynamic)[1]
    scalars = (type(dynamic))(*[16384 if x == 1 else x for x in dynamic])
    assert kernel.launch(scalars)[1] == small < 2**20


@pytest.mark.parametrize("cpu", kernels.LEVELS)
@pytest.mark.parametrize("rate", [0.1, 0.7, 0.001])
def test_dropout(rate, cpu):
    """The numbers of `linnet.random`, whatever the keys' count is modulo 4; lse sees none of it."""
    for site in (Site("causal", lse=True, dropout=rate),
                 Site(lengths=True, bias=(4, 1, -1), lse=True, dropout=rate, dtype="bf16"),
                 Site(queries=3, key_heads=4, lse=True, dropout=rate)):
        for nq, nk in [(1, 1), (0, 3), (3, 0), (3, 64), (3, 67), (50, 66), (130, 321)]:
            if site.queries in (-1, nq):
                check(site, *draw(site, nq, nk, seed=nk), cpu)


def test_dropout_counters_wrap():
    site = Site(dropout=0.5)
    args, options = draw(site, 9, 50)
    for counter in (2**63 - 3, -3, 2**32 - 20):
        args[-1] = np.int64(counter)
        options["dropout"] = (0.5, args[-2], counter)
        check(site, args, options, kernels.LEVELS[-1])


def test_same_dropout_at_every_thread_count():
    site = Site("causal", depth=64, value_depth=64, dropout=0.25)
    args, _ = draw(site, 230, 231)
    run = lambda threads: compiled(site, kernels.LEVELS[-1])(*args, sizes=sizes_of(site, args),
                                                             threads=threads)
    first = run(1)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(run(threads).view(np.int32), first.view(np.int32))


def test_dynamic_batch():
    site = Site("causal", batch=-1, lse=True)
    for batch in (0, 1, 3):
        args, options = draw(site, 20, 30, batch=batch)
        check(site, args, options, kernels.LEVELS[-1])
