"""Models as formulas in TensorFlow, for zoo_models.py: a form takes the weights by name and the data and gives the logits.
Register one by @form(NAME) for a model of the zoo, or @form("NAME/VARIANT", yaml) for a description of its own. dump_test
makes embeddings 3 wide and the hidden layers two, of which the second goes by the name of the last in the file."""
import numpy as np
import tensorflow as tf

FORMS, VARIANTS = {}, {}


def form(name, yaml=None):
    def register(f):
        assert name not in FORMS, name
        FORMS[name] = f
        if yaml is not None:
            VARIANTS[name] = yaml
        return f

    return register


class Data:
    """The rows of dump_test. A field is an incidence matrix [rows x ids] of the keys' values."""

    def __init__(self, o):
        self.label, self.weight = np.array(o["label"]), np.array(o["weight"])
        self.m = len(self.label)
        self.dense = np.array(o["dense"]).reshape(self.m, -1)
        self.keys = o["fields"]  # [field][row]: list of (id, value)
        self.largest = o["largest"] # the field whose bags count by their largest row, or -1
        n_ids = o["ids"]
        self.fields = [np.zeros((self.m, n_ids)) for _ in self.keys]
        self.seen = np.zeros(n_ids, dtype=bool)
        for matrix, rows in zip(self.fields, self.keys):
            for r, keys in enumerate(rows):
                for key, value in keys:
                    matrix[r, key] += value
                    self.seen[key] = True


def pooled(table, d, f):
    """[m x width]: the rows of a field's keys, by their values, or the largest number of each column."""
    if f != d.largest:
        return d.fields[f] @ table
    none = tf.zeros([table.shape[1]], table.dtype)
    return tf.stack([tf.reduce_max(tf.gather(table, [k for k, _ in keys]), axis=0) if keys else none for keys in d.keys[f]])


def linear(w, d, name="linear"):
    return sum(pooled(w[name + ".table"], d, f) for f in range(len(d.fields))) + d.dense @ w[name + ".weight"] + w[name + ".bias"]


def embedding(w, d, name="e"):
    """[m x fields x dim]"""
    return tf.stack([pooled(w[name + ".table"], d, f) for f in range(len(d.fields))], axis=1)


def flat(d, *parts):
    """Parts side by side, [m x sum of sizes]"""
    return tf.concat([tf.reshape(p, [d.m, -1]) for p in parts], axis=1)


def dense(w, name, x, activation=None):
    z = x @ w[name + ".weight"] + w[name + ".bias"]
    return activation(z) if activation else z


def mlp(w, x, *names, activation=tf.nn.relu):
    for name in names:
        x = dense(w, name, x, activation)
    return x


def pairs(e):
    """Every pair of fields by itself, unlike the program."""
    f = e.shape[1]
    return sum(tf.reduce_sum(e[:, i] * e[:, j], axis=1, keepdims=True) for i in range(f) for j in range(i + 1, f))


@form("lr")
def lr(w, d):
    return linear(w, d)


@form("fm")
def fm(w, d):
    return linear(w, d) + pairs(embedding(w, d))


@form("deepfm")
def deepfm(w, d):
    e = embedding(w, d)
    return linear(w, d) + pairs(e) + dense(w, "top", mlp(w, flat(d, e, d.dense), "h1", "h2"))


@form("dnn")
def dnn(w, d):
    return dense(w, "logit", mlp(w, flat(d, embedding(w, d), d.dense), "h1", "h3"))


@form("wide_deep")
def wide_deep(w, d):
    return linear(w, d, "wide") + dense(w, "top", mlp(w, flat(d, embedding(w, d), d.dense), "h1", "h3"))
