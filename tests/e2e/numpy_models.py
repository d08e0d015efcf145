"""The models of the zoo, computed once more with NumPy in double precision from the same weights: logits, loss, gradients
and one step of Adam must agree to 1e-5. The numbers of shoal come from build/unit/dump_test.

label: test"""
import json
import os
import subprocess
import sys

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is missing")
    sys.exit(77)

TOLERANCE = 1e-5


class Data:
    def __init__(self, o):
        self.label, self.weight = np.array(o["label"]), np.array(o["weight"])
        self.m = len(self.label)
        self.dense = np.array(o["dense"]).reshape(self.m, -1)
        n_ids = 10 * len(o["fields"])
        # one incidence matrix a field: row -> ids, with weights
        self.fields = [np.zeros((self.m, n_ids)) for _ in o["fields"]]
        for matrix, rows in zip(self.fields, o["fields"]):
            for r, keys in enumerate(rows):
                for key, weight in keys:
                    matrix[r, key] += weight
        self.keys = sum(self.fields)


class Linear:
    def __init__(self, w, d):
        self.w, self.d = w, d

    def forward(self):
        return (self.d.keys @ self.w["linear.table"] + self.d.dense @ self.w["linear.weight"] + self.w["linear.bias"])[:, 0]

    def backward(self, g, grads):
        grads["linear.table"] = self.d.keys.T @ g[:, None]
        grads["linear.weight"] = self.d.dense.T @ g[:, None]
        grads["linear.bias"] = g.sum().reshape(1, 1)


class Pairs:
    """Every pair of fields by itself, unlike the program."""

    def __init__(self, e):
        self.e = e  # [m, fields, dim]

    def forward(self):
        f = self.e.shape[1]
        return sum((self.e[:, i] * self.e[:, j]).sum(axis=1) for i in range(f) for j in range(i + 1, f))

    def backward(self, g):
        f = self.e.shape[1]
        out = np.zeros_like(self.e)
        for i in range(f):
            for j in range(f):
                if i != j:
                    out[:, i] += g[:, None] * self.e[:, j]
        return out


class Mlp:
    def __init__(self, w, names, x):
        self.w, self.names, self.x = w, names, [x]

    def forward(self):
        for i, name in enumerate(self.names):
            z = self.x[-1] @ self.w[name + ".weight"] + self.w[name + ".bias"]
            self.x.append(np.maximum(z, 0) if i + 1 < len(self.names) else z)
        return self.x[-1][:, 0]

    def backward(self, g, grads):
        g = g[:, None]
        for i in reversed(range(len(self.names))):
            name = self.names[i]
            if i + 1 < len(self.names):
                g = g * (self.x[i + 1] > 0)
            grads[name + ".weight"] = self.x[i].T @ g
            grads[name + ".bias"] = g.sum(axis=0, keepdims=True)
            g = g @ self.w[name + ".weight"].T
        return g


def compute(name, w, d):
    """logits, mean loss, gradients"""
    linear = Linear(w, d)
    z = linear.forward()
    if name != "lr":
        e = np.stack([f @ w["e.table"] for f in d.fields], axis=1)
        pairs = Pairs(e)
        z = z + pairs.forward()
    if name == "deepfm":
        mlp = Mlp(w, ["h1", "h2", "top"], np.concatenate([e.reshape(d.m, -1), d.dense], axis=1))
        z = z + mlp.forward()
    p = 1 / (1 + np.exp(-z))
    loss = -(d.weight * (d.label * np.log(p) + (1 - d.label) * np.log(1 - p))).sum() / d.m
    g, grads = d.weight * (p - d.label) / d.m, {}
    linear.backward(g, grads)
    if name != "lr":
        ge = pairs.backward(g)
        if name == "deepfm":
            ge = ge + mlp.backward(g, grads)[:, : e.shape[1] * e.shape[2]].reshape(e.shape)
        grads["e.table"] = sum(f.T @ ge[:, i] for i, f in enumerate(d.fields))
    return z, loss, grads


def adam(w, g, o):
    m, v = (1 - o["beta1"]) * g, (1 - o["beta2"]) * g * g
    m, v = m / (1 - o["beta1"]), v / (1 - o["beta2"])
    return w - o["lr"] * m / (np.sqrt(v) + o["epsilon"])


def compare(what, got, want):
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, NumPy {want.shape}"
    worst = np.abs(got - want).max()
    assert worst <= TOLERANCE, f"{what}: differs from NumPy by {worst:g}"
    return worst


def main():
    subprocess.run([os.path.join(os.environ["BUILD"], "unit", "dump_test"), "models.json"], check=True)
    with open("models.json", encoding="utf-8") as f:
        o = json.load(f)
    d = Data(o)
    assert [m["name"] for m in o["models"]] == ["lr", "fm", "deepfm"]
    for m in o["models"]:
        name, w = m["name"], {k: np.array(v) for k, v in m["weights"].items()}
        z, loss, grads = compute(name, w, d)
        worst = [compare(f"{name}: logits", m["logits"], z), compare(f"{name}: loss", m["loss"], loss)]
        assert set(grads) == set(w), f"{name}: parameters {sorted(w)}, NumPy has {sorted(grads)}"
        for k in sorted(w):
            assert np.abs(grads[k]).max() > 1e-4, f"{name}: the gradient of {k} is too small to compare"
            worst.append(compare(f"{name}: gradient of {k}", m["gradients"][k], grads[k]))
            worst.append(compare(f"{name}: {k} after a step", m["after"][k], adam(w[k], grads[k], o["adam"])))
        print(f"{name}: {len(worst)} arrays agree with NumPy, largest difference {max(worst):.2g}")


if __name__ == "__main__":
    main()
