"""Forms of activations, norms, and models of interacting fields; see _forms.py."""
import os

import numpy as np
import tensorflow as tf

from _forms import dense, embedding, flat, form, linear, mlp


def variant(name, *changes):
    """The zoo's file with some words changed, and small."""
    with open(os.path.join(os.environ["SRC"], "models", name + ".yaml"), encoding="utf-8") as f:
        text = f.read()
    for old, new in (("dim: 16", "dim: 3"), ("units: 400", "units: 6"), *changes):
        assert old in text, f"{name}: no {old}"
        text = text.replace(old, new)
    return text


def layer_norm(w, name, x, epsilon=1e-5):
    """Over the last axis."""
    mean = tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) / tf.sqrt(variance + epsilon) * w[name + ".gamma"] + w[name + ".beta"]


def dice(w, name, x):
    mean, variance = tf.nn.moments(x, axes=[0])
    p = tf.sigmoid((x - mean) / tf.sqrt(variance + 1e-8))
    return x * (p + w[name + ".alpha"] * (1 - p))


def prelu(w, name, x):
    return tf.where(x > 0, x, w[name + ".alpha"] * x)


@form("dnn/activations", """
layers:
  - embedding: {name: e, dim: 3}
  - dense: {name: a, input: [e, numeric], units: e.width, times: 2, activation: gelu}
  - dense: {name: b, units: a, times: 2, over: 3, activation: prelu}
  - dense: {name: c, units: e.width, activation: dice, slope: 0.2}
  - dense: {name: d, units: e.fields, bias: false, activation: leaky_relu, slope: 0.3}
  - dense: {name: top, units: 1}
""")
def activations(w, d):
    x = dense(w, "a", flat(d, embedding(w, d), d.dense), lambda z: z * 0.5 * (1 + tf.math.erf(z / np.sqrt(2))))
    x = prelu(w, "b", dense(w, "b", x))
    x = dice(w, "c", dense(w, "c", x)) @ w["d.weight"]
    return dense(w, "top", tf.where(x > 0, x, 0.3 * x))


@form("dnn/layer_norm", """
layers:
  - embedding: {name: e, dim: 3}
  - layer_norm: {name: one}
  - layer_norm: {name: each, input: e, per_field: true}
  - dense: {name: h, input: [one, each, numeric], units: e, over: 2}
  - layer_norm: {name: norm, epsilon: 0.01}
  - dense: {name: top, units: 1}
""")
def layer_norms(w, d):
    e = embedding(w, d)
    h = dense(w, "h", flat(d, layer_norm(w, "one", e), layer_norm(w, "each", e), d.dense))
    return dense(w, "top", layer_norm(w, "norm", h, 0.01))


def each_pair(e, product, own=False):
    """A list of what `product` makes of pairs of fields, in order."""
    f = e.shape[1]
    return [product(e[:, i], e[:, j]) for i in range(f) for j in range(i if own else i + 1, f)]


def inner(a, b):
    return tf.reduce_sum(a * b, axis=1, keepdims=True)


@form("nfm")
def nfm(w, d):
    bi = sum(each_pair(embedding(w, d), lambda a, b: a * b))
    return linear(w, d) + dense(w, "top", mlp(w, flat(d, bi, d.dense), "h1", "h2"))


@form("fwfm")
def fwfm(w, d):
    return linear(w, d) + flat(d, *each_pair(embedding(w, d), inner)) @ w["r.weight"]


@form("pnn")
def pnn(w, d):
    e = embedding(w, d)
    return dense(w, "logit", mlp(w, flat(d, e, *each_pair(e, inner), d.dense), "h1", "h2"))


@form("pnn_outer")
def pnn_outer(w, d):
    e = embedding(w, d)
    s = tf.reduce_sum(e, axis=1)
    return dense(w, "logit", mlp(w, flat(d, e, s[:, :, None] * s[:, None, :], d.dense), "h1", "h2"))


@form("dlrm")
def dlrm(w, d):
    bottom = mlp(w, d.dense, "bottom1", "bottom2", "bottom3", "bottom")
    vectors = tf.concat([bottom[:, None], embedding(w, d)], axis=1)
    return dense(w, "logit", mlp(w, flat(d, bottom, *each_pair(vectors, inner)), "top1", "top2"))


@form("dlrm/self", """
layers:
  - embedding: {name: e, dim: 3}
  - pairs: {name: own, self: true}
  - pairs: {name: products, input: e, product: hadamard, self: true}
  - pool: {name: sums, function: mean}
  - dense: {name: top, input: [own, sums, numeric], units: 1}
""")
def pairs_with_self(w, d):
    e = embedding(w, d)
    products = tf.stack(each_pair(e, lambda a, b: a * b, own=True), axis=1)
    return dense(w, "top", flat(d, *each_pair(e, inner, own=True), tf.reduce_mean(products, axis=1), d.dense))


def bilinear_pairs(w, name, e):
    """One matrix, one for each field but the last, or one for each pair, by the size of what there is."""
    f, dim = e.shape[1], e.shape[2]
    left, right = zip(*((i, j) for i in range(f) for j in range(i + 1, f)))
    matrices = tf.split(w[name + ".weight"], w[name + ".weight"].shape[1] // dim, axis=1)
    which = {1: [0] * len(left), f - 1: left, len(left): range(len(left))}[len(matrices)]
    return [(e[:, i] @ matrices[n]) * e[:, j] for i, j, n in zip(left, right, which)]


def fibinet_of(w, d):
    e = embedding(w, d)
    gates = tf.nn.relu(tf.nn.relu(tf.reduce_mean(e, axis=2) @ w["senet1.weight"]) @ w["senet2.weight"])
    p, q = bilinear_pairs(w, "p", e), bilinear_pairs(w, "q", e * gates[:, :, None])
    return linear(w, d) + dense(w, "top", mlp(w, flat(d, *p, *q, d.dense), "h1", "h2"))


form("fibinet")(fibinet_of)
for kind in ("all", "each"):
    form("fibinet/" + kind, variant("fibinet", ("matrices: interaction", "matrices: " + kind)))(fibinet_of)


def self_attention(w, name, e, heads, scaled=False):
    """Head by head; with a residual where there is a matrix for it."""
    query, key, value = (tf.split(e @ w[f"{name}.{part}"], heads, axis=2) for part in ("query", "key", "value"))
    out = []
    for q, k, v in zip(query, key, value):
        score = tf.einsum("rid,rjd->rij", q, k) / (np.sqrt(q.shape[2]) if scaled else 1)
        out.append(tf.einsum("rij,rjd->rid", tf.nn.softmax(score, axis=2), v))
    out = tf.concat(out, axis=2)
    return out + e @ w[name + ".residual"] if name + ".residual" in w else out


@form("autoint")
def autoint(w, d):
    x = embedding(w, d)
    for name in ("a1", "a2", "a3"):
        x = tf.nn.relu(self_attention(w, name, x, 2))
    return dense(w, "top", flat(d, x, d.dense))


@form("autoint/scaled", """
layers:
  - embedding: {name: e, dim: 3}
  - self_attention: {name: a, heads: 3, units: 2, scaled: true, activation: tanh}
  - self_attention: {name: b, heads: 1, units: 4, residual: false}
  - slice: {name: s, input: b, fields: [scores, user]}
  - dense: {name: top, input: [a, s], units: 1}
""")
def autoint_scaled(w, d):
    a = tf.tanh(self_attention(w, "a", embedding(w, d), 3, scaled=True))
    b = self_attention(w, "b", a, 1)
    return dense(w, "top", flat(d, a, b[:, 3], b[:, 0]))


@form("afm")
def afm(w, d):
    p = tf.stack(each_pair(embedding(w, d), lambda a, b: a * b), axis=1)
    score = tf.nn.relu(p @ w["pooled.weight"] + w["pooled.bias"]) @ w["pooled.score"]
    return linear(w, d) + tf.reduce_sum(tf.nn.softmax(score, axis=1) * p, axis=1) @ w["p.weight"]


def mask_block(w, d, i, e, x):
    mask = dense(w, f"mask{i}", dense(w, f"wide{i}", flat(d, e), tf.nn.relu))
    return tf.nn.relu(layer_norm(w, f"n{i}", (flat(d, x) * mask) @ w[f"d{i}.weight"]))


@form("masknet")
def masknet(w, d):
    e = embedding(w, d)
    v = layer_norm(w, "v", e)
    return dense(w, "logit", mlp(w, flat(d, *(mask_block(w, d, i, e, v) for i in (1, 2, 3)), d.dense), "h1", "h2"))


@form("masknet_serial")
def masknet_serial(w, d):
    e = embedding(w, d)
    x = layer_norm(w, "v", e)
    renamed = {**w, "d1.weight": w["dense.weight"] @ w["d1.weight"]}  # --hidden of the harness makes two layers of one
    for i in (1, 2, 3):
        x = mask_block(renamed, d, i, e, x)
    return dense(w, "logit", flat(d, x, d.dense))


def finalmlp_of(w, d, contexts):
    e = embedding(w, d)
    x, y = (flat(d, e) * 2 * dense(w, f"gate{i}", dense(w, f"open{i}", c, tf.nn.relu), tf.sigmoid)
            for i, c in ((1, contexts[0](e)), (2, contexts[1](e))))
    x, y = mlp(w, flat(d, x, d.dense), "x1", "x2"), mlp(w, flat(d, y, d.dense), "y1", "y2")
    second = 0
    for a, b, matrix in zip(tf.split(x, 2, axis=1), tf.split(y, 2, axis=1), tf.split(w["second.weight"], 2, axis=0)):
        second += tf.reduce_sum((a @ matrix) * b, axis=1, keepdims=True)
    return dense(w, "first", tf.concat([x, y], axis=1)) + second


@form("finalmlp")
def finalmlp(w, d):
    return finalmlp_of(w, d, (lambda e: w["c1.value"], lambda e: w["c2.value"]))


@form("finalmlp/context", variant("finalmlp", ("constant: {name: c1, units: e.width}", "slice: {name: c1, input: e, fields: [item]}")))
def finalmlp_context(w, d):
    return finalmlp_of(w, d, (lambda e: e[:, 1], lambda e: w["c2.value"]))
