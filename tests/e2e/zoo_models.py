"""The models of the zoo and their variants, computed once more by TensorFlow in double precision from the same weights:
logits, loss, every gradient (by GradientTape) and two steps of each optimiser must agree to 1e-5. The numbers of shoal come
from build/unit/dump_test, the formulas from tests/e2e/_forms.py and _forms_*.py.

label: test"""
import glob
import importlib
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import numpy as np
    import tensorflow as tf
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import _forms  # noqa: E402

for path in sorted(glob.glob(os.path.join(HERE, "_forms_*.py"))):
    importlib.import_module(os.path.basename(path)[:-3])

TOLERANCE = 1e-5
GRADIENT_MIN = 1e-4  # smaller ones would prove nothing


def compute(form, w, d):
    """logits, mean loss, gradients"""
    variables = {k: tf.Variable(v) for k, v in w.items()}
    with tf.GradientTape() as tape:
        z = tf.reshape(form(variables, d), [-1])
        loss = tf.reduce_sum(d.weight * tf.nn.sigmoid_cross_entropy_with_logits(d.label, z)) / d.m
    return z.numpy(), loss.numpy(), {k: g.numpy() for k, g in tape.gradient(loss, variables).items() if g is not None}


def optimize(name, o, w, g, steps):
    """`steps` times the same gradient; formulas in docs/training.md."""
    s1, s2 = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        if name == "ftrl":
            n = s2 + g * g
            s1 = np.where(s2 > 0, s1, -w * (o["ftrl_beta"] / o["lr"] + o["l2"]) - np.sign(w) * o["l1"])
            s1 = s1 + g - (np.sqrt(n) - np.sqrt(s2)) / o["lr"] * w
            s2 = n
            full = (np.sign(s1) * o["l1"] - s1) / ((o["ftrl_beta"] + np.sqrt(n)) / o["lr"] + o["l2"])
            w = np.where(n > 0, np.where(np.abs(s1) > o["l1"], full, 0), w)
            continue
        h = g + o["l2"] * w
        if name in ("sgd", "momentum"):
            s1 = o["momentum"] * s1 + h
            w = w - o["lr"] * s1
        elif name == "adagrad":
            s1 = s1 + h * h
            w = w - o["lr"] * h / (np.sqrt(o["accumulator"] + s1) + o["epsilon"])
        else:
            s1 = o["beta1"] * s1 + (1 - o["beta1"]) * h
            s2 = o["beta2"] * s2 + (1 - o["beta2"]) * h * h
            m, v = s1 / (1 - o["beta1"] ** t), s2 / (1 - o["beta2"] ** t)
            w = w - o["lr"] * m / (np.sqrt(v) + o["epsilon"])
    return w


def compare(what, got, want):
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, TensorFlow {want.shape}"
    worst = (np.abs(got - want) / np.maximum(1, np.abs(want))).max()
    assert worst <= TOLERANCE, f"{what}: differs from TensorFlow by {worst:g}"
    return worst


def check(o, name, m, d):
    w = {k: np.array(v) for k, v in m["weights"].items()}
    z, loss, grads = compute(_forms.FORMS[name], w, d)
    worst = [compare(f"{name}: logits", m["logits"], z), compare(f"{name}: loss", m["loss"], loss)]
    assert set(grads) == set(w), f"{name}: parameters {sorted(w)}, TensorFlow has gradients of {sorted(grads)}"
    for k in sorted(w):
        assert np.abs(grads[k]).max() > GRADIENT_MIN, f"{name}: the gradient of {k} is too small to compare"
        worst.append(compare(f"{name}: gradient of {k}", m["gradients"][k], grads[k]))
        touched = np.ones(len(w[k]), dtype=bool)
        if k.endswith(".table"):  # rows without a key are left alone
            touched = d.seen
        for optimizer, settings in o["optimizers"].items():
            after = optimize(optimizer, settings, w[k], grads[k], o["steps"])
            after[~touched] = w[k][~touched]
            worst.append(compare(f"{name}: {k} after {optimizer}", m["after"][optimizer][k], after))
    print(f"{name}: {len(worst)} arrays agree with TensorFlow, largest difference {max(worst):.2g}")


def compare_all(models, *data):
    """Models by the names of their forms, on the data that dump_test makes by these options."""
    subprocess.run([os.path.join(os.environ["BUILD"], "unit", "dump_test"), *data, "models.json", *models.values()], check=True)
    with open("models.json", encoding="utf-8") as f:
        o = json.load(f)
    d = _forms.Data(o)
    for name, m in zip(models, o["models"], strict=True):
        check(o, name, m, d)


def main():
    models = []
    for name in _forms.FORMS:
        models.append(name)
        if name in _forms.VARIANTS:
            models[-1] = name.replace("/", "-") + ".yaml"
            with open(models[-1], "w", encoding="utf-8") as f:
                f.write(_forms.VARIANTS[name])
    zoo = {os.path.basename(p)[:-5] for p in glob.glob(os.path.join(os.environ["SRC"], "models", "*.yaml"))}
    assert zoo <= set(_forms.FORMS), f"no formula for {sorted(zoo - set(_forms.FORMS))}; see tests/e2e/_forms.py"
    compare_all(dict(zip(_forms.FORMS, models, strict=True)))
    compare_all({name: name for name in ("lr", "fm", "deepfm", "dcnv2")}, "--largest")
    compare_all({name: name for name in ("lr", "ffm", "deepfm")}, "--shared")


if __name__ == "__main__":
    main()
