"""Field-aware factorisation machines, pair of keys by pair of keys."""
import tensorflow as tf
from _forms import form, linear


def ffm(table, d, normalize):
    k = table.shape[1] // len(d.keys)
    rows = []
    for r in range(d.m):
        keys = [(f, i, x) for f, field in enumerate(d.keys) for i, x in field[r]]
        total = tf.constant(0, tf.float64)
        for a, (f, i, x) in enumerate(keys):
            for g, j, y in keys[a + 1 :]:
                total += x * y * tf.reduce_sum(table[i, g * k : g * k + k] * table[j, f * k : f * k + k])
        rows.append(total / sum(x * x for _, _, x in keys) if normalize else total)
    return tf.stack(rows)[:, None]


@form("ffm")
def second_order_and_linear(w, d):
    return linear(w, d) + ffm(w["second.table"], d, False)


@form("libffm")
def libffm(w, d):
    return ffm(w["logit.table"], d, True)


@form("ffm/wide", "layers: [{ffm: {name: logit, dim: 8, normalize: true}}]\n")
def wide(w, d):
    return ffm(w["logit.table"], d, True)
