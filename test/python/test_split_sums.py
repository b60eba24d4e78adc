# ===- test_split_sums.py - long sums in parts, executed -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""Products with a long sum and a small result: against float64, the same bits on any number of
threads."""

import numpy as np
import pytest

from linnet._src import kernels
from linnet._src import testing as lt

LEVELS = kernels.LEVELS


def einsum(spec, sizes, dtype="f32", dynamic="", out="f32"):
    """IR text, inputs, the exact result and the sum of magnitudes."""
    inputs, result = spec.split("->")
    rng = np.random.default_rng(sum(sizes.values()))
    arrays, arguments, types = [], [], []
    for name, letters in zip("ab", inputs.split(",")):
        shape = [sizes[c] for c in letters]
        which = [i for i, c in enumerate(letters) if c in dynamic]
        arrays.append(lt.random(rng, shape, dtype))
        arguments.append(lt.argument(name, shape, dtype, which, list(letters.upper())))
        types.append(lt.tensor_type(shape, dtype, which))
    to = lt.tensor_type([sizes[c] for c in result], out)
    text = lt.function(arguments, to,
                       f'%y = linnet.einsum "{spec}" %a, %b : {", ".join(types)} -> {to}')
    a, b = (lt.wide(x) for x in arrays)
    return text, arrays, np.einsum(spec, a, b), np.einsum(spec, abs(a), abs(b))


def check(spec, sizes, cpu, **options):
    text, arrays, exact, magnitude = einsum(spec, sizes, **options)
    path = lt.compile_text(text, cpu=cpu)
    results = [lt.open_bundle(path, threads).session().call("main", *arrays)[0]
               for threads in (1, 2, 3)]
    depth = np.prod([n for c, n in sizes.items() if c not in spec.split("->")[1]])
    lt.assert_close(results[0], exact, depth=max(depth, 1), magnitude=magnitude)
    for other in results[1:]:
        assert other.tobytes() == results[0].tobytes()


FORMS = ["mk,kn->mn", "mk,nk->mn", "km,kn->mn", "km,nk->mn"]


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", FORMS)
def test_forms(cpu, spec):
    check(spec, dict(m=33, n=47, k=5000), cpu)  # 4 parts of 1250
    check(spec, dict(m=64, n=64, k=16411), cpu)  # a prime: a rest


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", FORMS)
@pytest.mark.parametrize("k", [0, 1, 1023, 1024, 1025, 5000])
def test_length_known_at_run_time(cpu, spec, k):
    check(spec, dict(m=17, n=31, k=k), cpu, dynamic="k")


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("spec", ["bsm,bsn->mn", "bsm,bns->mn"])
def test_two_summed_dimensions(cpu, spec):
    for b, s in [(3, 1000), (0, 5), (1, 1), (5, 1024)]:
        check(spec, dict(b=b, s=s, m=20, n=9), cpu, dynamic="bs")


@pytest.mark.parametrize("cpu", LEVELS)
@pytest.mark.parametrize("dtype", ["bf16", "f16", "i32"])
def test_types(cpu, dtype):
    out = {"i32": "i32"}.get(dtype, dtype)
    check("km,kn->mn", dict(m=40, n=24, k=6000), cpu, dtype=dtype, out=out)


def test_vectors_and_scalars():
    check("k,k->", dict(k=1 << 23), "native")
    check("k,k->", dict(k=1), "native", dynamic="k")
    check("k,kn->n", dict(k=9000, n=500), "native")
    check("bkm,bkn->bmn", dict(b=2, k=9000, m=16, n=16), "native")
