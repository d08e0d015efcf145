"""profile.py: train --profile: every layer is told with its time and work, FLOP and bytes are those of the formulas, the table for people has
the same lines, run.json the same object, and the model is the one that it is without.
label: check"""
import json
import os

from _shoal import TMP, Verdict, must, run_json, sha256_of_weights

v = Verdict()
os.chdir(TMP)
ROWS, FIELDS, DIM, MICRO = 2000, 10, 16, 512
must("synth", "--rows", ROWS, "--numeric", 0, "--categorical", FIELDS, "--cardinality", 50, "--seed", 1, "log.parquet")
RUN = ["train", "log.parquet", "--label", "label", "--epochs", 2, "--threads", 2, "--batch-size", 1000, "--micro-batch", MICRO]


def profiled(model, *more):
    r = must(*RUN, "--model", model, *more, "--out", model, "--profile", "--json")
    p = json.loads(r.out.splitlines()[-1])["profile"]
    v.check(run_json(model)["profile"] == p, f"run.json of {model} has {run_json(model).get('profile')}")
    must(*RUN, "--model", model, *more, "--out", f"{model}.without")
    v.check("profile" not in run_json(f"{model}.without"), "a profile that nobody asked for")
    v.check(sha256_of_weights(model) == sha256_of_weights(f"{model}.without"), f"--profile changes {model}")
    return p, r.err


def layers(model, expected, *more):
    p, text = profiled(model, *more)
    got = {one["layer"]: one for one in p["layers"]}
    v.check(list(got) == expected and p["rows"] == 2 * ROWS and p["threads"] == 2 and p["peak_flop_per_second"] > 1e8, f"{p}")
    total = sum(one["forward_seconds"] + one["backward_seconds"] for one in p["layers"]) + sum(p["stages"].values())
    v.check(abs(total - p["seconds"]) < 1e-9 + 1e-6 * total and sorted(p["stages"]) == ["dense", "features", "index", "loss", "tables"], f"{p}")
    v.check(all(s > 0 for s in p["stages"].values()), f"{p['stages']}")
    for one in p["layers"]:
        v.check(one["forward_seconds"] > 0 and one["backward_seconds"] > 0 and one["flop"] > 0 and one["bytes"] > 0, f"{one}")
        v.check(any(line.lstrip().startswith(f"{one['layer']} ({one['type']}) ") for line in text.replace("shoal: ", "").splitlines()), text)
        speed = one["flop"] * 2 / (one["forward_seconds"] + one["backward_seconds"])
        v.check(abs(one["flop_per_second"] / speed - 1) < 1e-6 and abs(one["peak_share"] * p["peak_flop_per_second"] / speed - 1) < 1e-6, f"{one}")
    v.check("optimiser of tables" in text and "% peak" in text, text)
    return got


computed = 2 * 2 * 2 * MICRO  # epochs, steps, micro-batches of a step: each of MICRO rows, padded
width = FIELDS * DIM
got = layers("dnn", ["e", "h1", "h3", "logit"], "--hidden", "40,30")
v.check(got["h1"]["gemm_flop"] == computed * 6 * width * 40 and got["h3"]["gemm_flop"] == computed * 6 * 40 * 30, f"{got}")
v.check(got["logit"]["gemm_flop"] == 0 and got["logit"]["flop"] == computed * 6 * 30, f"{got['logit']}")
weights = 8 * 3 * (width * 40 + 40)
v.check(got["h1"]["bytes"] == 4 * (computed * (3 * width + 2 * 40) + weights), f"{got['h1']}")
got = layers("ffm", ["linear", "second", "logit"])
v.check(got["second"]["flop"] == computed * 3 * 4 * FIELDS * (FIELDS - 1), f"{got['second']}")
v.end()
