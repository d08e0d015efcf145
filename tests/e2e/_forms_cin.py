"""Compressed interaction networks, as the paper's sums over i and j."""
import tensorflow as tf
from _forms import dense, embedding, flat, form, linear, mlp


def cin(w, e, split_half=False, activation=None):
    x, out, k = e, [], 1
    while f"cin.weight_{k}" in w:
        units = w[f"cin.weight_{k}"].shape[1]
        weight = tf.reshape(w[f"cin.weight_{k}"], [x.shape[1], e.shape[1], units])
        y = tf.einsum("mid,mjd,ijh->mhd", x, e, weight) + tf.reshape(w[f"cin.bias_{k}"], [1, units, 1])
        y = activation(y) if activation else y
        last, half = f"cin.weight_{k + 1}" not in w, units // 2
        x = y[:, :half] if split_half else y
        out.append(tf.reduce_sum(y[:, half:] if split_half and not last else y, axis=2))
        k += 1
    return tf.concat(out, axis=1)


@form("xdeepfm")
def xdeepfm(w, d):
    e = embedding(w, d)
    deep = mlp(w, flat(d, e, d.dense), "h1", "h3")
    return linear(w, d) + dense(w, "cross", cin(w, e)) + dense(w, "top", deep)


@form("xdeepfm/split", """layers:
  - embedding: {name: e, dim: 3}
  - cin: {name: cin, layers: [6, 4, 5], split_half: true, activation: relu}
  - dense: {name: top, units: 1}
""")
def split(w, d):
    return dense(w, "top", cin(w, embedding(w, d), split_half=True, activation=tf.nn.relu))


# More places and units than a block of the program's holds.
@form("xdeepfm/blocks", """layers:
  - embedding: {name: e, dim: 40}
  - cin: {name: cin, layers: [170, 2]}
  - dense: {name: top, units: 1}
""")
def blocks(w, d):
    return dense(w, "top", cin(w, embedding(w, d)))


# More pairs of fields than a block holds.
@form("xdeepfm/many", """layers:
  - embedding: {name: e, dim: 16}
  - embedding: {name: o, dim: 16}
  - stack: {name: s, input: [e, o, o, e, e, o, e, o, o, o, e]}
  - cin: {name: cin, input: s, layers: [5, 3]}
  - dense: {name: top, units: 1}
""")
def many(w, d):
    e, o = embedding(w, d), embedding(w, d, "o")
    x = tf.concat([e, o, o, e, e, o, e, o, o, o, e], axis=1)
    assert x.shape[1] * (x.shape[1] + 1) / 2 > 352
    return dense(w, "top", cin(w, x))
