"""Causal softmax attention to 1024 keys or more becomes linear attention with elu(x) + 1 features."""
import linnet


@linnet.rewrite("linnet.attention")
def linear_attention(op, rw):
    if op.masks != "#linnet.mask<[causal]>" or len(op.operands) != 3 or op.softcap or op.lse:
        return rw.no_match("expects queries, keys and values, and a causal mask only")
    if (op.k.shape[2] or 1024) < 1024:  # None where the size is dynamic
        return rw.no_match(f"expects at least 1024 keys, found {op.k.shape[2]}")
    fq = rw.create("linnet.feature_map", op.q, kind="elu1")
    fk = rw.create("linnet.feature_map", op.k, kind="elu1")
    return rw.create("linnet.linear_attention", fq, fk, op.v, normalise=1e-6, types=[op.o.type])
