"""Cross networks, layer by layer as the papers write them."""
import tensorflow as tf
from _forms import dense, embedding, flat, form, mlp


def cross(w, x0):
    x = x0
    for i in range(w["cross.weight"].shape[0]):
        weight, bias = w["cross.weight"][i : i + 1], w["cross.bias"][i : i + 1]
        x = x0 * (x @ weight[0][:, None]) + bias + x
    return x


@form("dcn")
def dcn(w, d):
    x = flat(d, embedding(w, d), d.dense)
    return dense(w, "logit", flat(d, cross(w, x), mlp(w, x, "h1", "h3")))


def cross_v2(w, x0, experts=1):
    x, layers = x0, w["cross.bias"].shape[0]
    d = x0.shape[1]
    for i in range(layers):
        if "cross.weight" in w:
            z = x @ w["cross.weight"][i * d : (i + 1) * d]
        elif experts == 1:
            r = w["cross.v"].shape[1]
            z = x @ w["cross.v"][i * d : (i + 1) * d] @ w["cross.u"][i * r : (i + 1) * r]
        else:
            z = mixture(w, x, i, experts)
        x = x0 * (z + w["cross.bias"][i]) + x
    return x


def mixture(w, x, i, experts):
    """One expert after the other."""
    d, r = x.shape[1], w["cross.c"].shape[1]
    p = tf.nn.softmax(x @ w["cross.gate"][i * d : (i + 1) * d])
    total = 0
    for e in range(experts):
        at = (i * experts + e) * r
        v = w["cross.v"][i * d : (i + 1) * d, e * r : (e + 1) * r]
        h = tf.tanh(tf.tanh(x @ v) @ w["cross.c"][at : at + r])
        total += p[:, e : e + 1] * (h @ w["cross.u"][at : at + r])
    return total


@form("dcnv2")
def dcnv2(w, d):
    x = flat(d, embedding(w, d), d.dense)
    return dense(w, "logit", flat(d, cross_v2(w, x), mlp(w, x, "h1", "h3")))


@form("dcnv2_stacked")
def dcnv2_stacked(w, d):
    return dense(w, "logit", mlp(w, cross_v2(w, flat(d, embedding(w, d), d.dense)), "h1", "h3"))


def small(settings):
    return f"""layers:
  - embedding: {{name: e, dim: 3}}
  - cross_v2: {{name: cross, input: [e, numeric], layers: 2, {settings}}}
  - dense: {{name: top, units: 1}}
"""


@form("dcnv2/low rank", small("rank: 4"))
def low_rank(w, d):
    return dense(w, "top", cross_v2(w, flat(d, embedding(w, d), d.dense)))


@form("dcnv2/experts", small("rank: 4, experts: 3"))
def experts(w, d):
    return dense(w, "top", cross_v2(w, flat(d, embedding(w, d), d.dense), experts=3))
