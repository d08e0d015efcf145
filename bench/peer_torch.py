"""peer_torch.py: what PyTorch does with the same table, end to end: Parquet in, hashed, one pass of training.

usage: peer_torch.py TABLE.parquet MODEL THREADS ROWS [--label label] [--buckets 100000] [--batch 4096] [--dim 16]
       [--forms rows,sparse,dense]

MODEL is LR, FM, FFM, Wide&Deep, DeepFM, DCN, DCN-v2 or xDeepFM. Prints one JSON object. Numbers of the table enter as they are (log1p, standardised by the first chunk); every other
column is a category, hashed to --buckets ids of its own. Strings are hashed once per entry of the file's dictionaries.
Weights of first and second order lie in one table, [w | v], so that each id is looked up once. FFM takes numbers as
categories too, by 32 quantiles of the first chunk.

Three forms of Adam are tried for a few steps and the fastest one runs:
  dense    torch.optim.Adam over whole tables (what most people run)
  sparse   torch.optim.SparseAdam on sparse gradients
  rows     lazy Adam by hand: the touched rows are gathered, updated and put back
Needs torch (Debian: python3-torch) and pyarrow."""
import argparse
import json
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

HIDDEN = 400, 400, 400
CROSSES, CIN, QUANTILES = 3, (128, 128), 32
BETA1, BETA2, EPS, LR = 0.9, 0.999, 1e-8, 1e-3


def hash_bytes(strings, buckets):
    """FNV-1a over all entries of a binary array at once: a byte of each a turn."""
    offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data, begin, length = np.frombuffer(strings.buffers()[2] or b"\0", np.uint8), offsets[:-1], np.diff(offsets)
    h = np.full(len(strings), 0xCBF29CE484222325, np.uint64)
    for place in range(int(length.max(initial=0))):
        there = np.nonzero(length > place)[0]
        h[there] = (h[there] ^ data[begin[there] + place]) * np.uint64(0x100000001B3)
    return (h ^ (h >> np.uint64(32))) % np.uint64(buckets)


def hash_ints(values, buckets):
    h = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (h ^ (h >> np.uint64(32))) % np.uint64(buckets)


class Reader:
    """Chunks of (ids [rows, fields], numbers [rows, n], labels [rows]) of a Parquet file."""

    def __init__(self, path, label, buckets, as_fields):
        self.as_fields, self.edges = as_fields, None  # of the numbers
        schema = pq.read_schema(path)
        self.label, self.buckets, self.scale = label, buckets, None
        self.numeric = [f.name for f in schema if pa.types.is_floating(f.type) and f.name != label]
        self.category = [f.name for f in schema if f.name not in self.numeric and f.name != label]
        text = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_binary(f.type)]
        self.file = pq.ParquetFile(path, read_dictionary=text)

    def ids_of(self, column):
        if pa.types.is_dictionary(column.type):
            hashed = hash_bytes(column.dictionary.cast(pa.binary()), self.buckets).astype(np.int64)
            return hashed[column.indices.fill_null(0).to_numpy(zero_copy_only=False)]
        return hash_ints(column.fill_null(0).to_numpy(zero_copy_only=False), self.buckets).astype(np.int64)

    def fields(self):
        return len(self.category) + len(self.numeric) * self.as_fields

    def with_numbers(self, ids, num):
        if self.edges is None:
            self.edges = [np.quantile(x, np.arange(1, QUANTILES) / QUANTILES) for x in num.T]
        more = [np.searchsorted(e, x) + (ids.shape[1] + k) * self.buckets for k, (e, x) in enumerate(zip(self.edges, num.T))]
        return np.concatenate([ids, np.stack(more, 1)], 1)

    def chunks(self, threads):
        """One a row group, so that each of its dictionaries is hashed once."""
        for group in range(self.file.num_row_groups):
            t = self.file.read_row_group(group, self.category + self.numeric + [self.label], use_threads=threads > 1)
            ids = np.empty((len(t), len(self.category)), np.int64)
            for k, c in enumerate(self.category):
                parts = [self.ids_of(part) for part in t.column(c).chunks]
                np.add(np.concatenate(parts), k * self.buckets, out=ids[:, k])
            num = np.stack([t.column(c).fill_null(0).to_numpy() for c in self.numeric], 1)
            if self.as_fields:
                ids, num = self.with_numbers(ids, num), num[:, :0]
            num = np.log1p(np.abs(num)) * np.sign(num)
            if self.scale is None and num.shape[1]:
                self.scale = num.mean(0), num.std(0) + 1e-6
            num = ((num - self.scale[0]) / self.scale[1] if num.shape[1] else num).astype(np.float32)
            label = t.column(self.label).cast(pa.float32()).to_numpy()
            yield torch.from_numpy(ids), torch.from_numpy(num), torch.from_numpy(label.copy())


class Net(nn.Module):
    """Everything above the table: from its looked-up rows [rows, fields, 1 + dim] to one logit a row."""

    def __init__(self, model, fields, numbers, dim):
        super().__init__()
        self.model = model
        self.linear = nn.Linear(numbers, 1) if numbers else None
        width = first = fields * dim + numbers
        if model not in ("LR", "FM", "FFM"):
            layers = []
            for units in HIDDEN:
                layers += [nn.Linear(width, units), nn.ReLU()]
                width = units
            self.mlp = nn.Sequential(*layers, nn.Linear(width, 1))
        if model == "DCN":
            self.cross = nn.ParameterList([nn.Parameter(torch.randn(first) * 0.01) for _ in range(CROSSES)])
            self.bias = nn.ParameterList([nn.Parameter(torch.zeros(first)) for _ in range(CROSSES)])
        if model == "DCN-v2":
            self.cross = nn.ModuleList([nn.Linear(first, first) for _ in range(CROSSES)])
        if model == "xDeepFM":
            shapes = zip((fields, *CIN), CIN)
            self.cin = nn.ModuleList([nn.Conv1d(n * fields, units, 1) for n, units in shapes])
        self.top = nn.Linear(sum(CIN) if model == "xDeepFM" else first, 1)

    def crossed(self, x0):
        x = x0
        for k, layer in enumerate(self.cross):
            x = x0 * layer(x) + x if self.model == "DCN-v2" else x0 * (x @ layer).unsqueeze(1) + self.bias[k] + x
        return x

    def compressed(self, v):
        x, sums = v, []
        for layer in self.cin:
            products = (x.unsqueeze(2) * v.unsqueeze(1)).flatten(1, 2)
            x = layer(products)
            sums.append(x.sum(2))
        return torch.cat(sums, 1)

    def forward(self, e, num):
        v = e[:, :, 1:]
        z = e[:, :, 0].sum(1)
        if self.linear:
            z = z + self.linear(num).squeeze(1)
        if self.model in ("FM", "DeepFM"):
            z = z + 0.5 * (v.sum(1).square() - v.square().sum(1)).sum(1)
        if self.model == "FFM":
            v = v.unflatten(2, (v.shape[1], -1))  # [rows, fields, for fields, k]
            z = z + (v * v.transpose(1, 2)).sum(3).triu(1).sum((1, 2))
        if self.model in ("LR", "FM", "FFM"):
            return z
        x = torch.cat([v.flatten(1), num], 1)
        if self.model in ("DCN", "DCN-v2"):
            z = z + self.top(self.crossed(x)).squeeze(1)
        if self.model == "xDeepFM":
            z = z + self.top(self.compressed(v)).squeeze(1)
        return z + self.mlp(x).squeeze(1)


class Trainer:
    def __init__(self, form, model, fields, numbers, dim, buckets):
        torch.manual_seed(1)
        self.form = form
        width = 1 if model == "LR" else 1 + dim * (fields if model == "FFM" else 1)
        table = torch.randn(fields * buckets, width) * 0.01
        table[:, 0] = 0
        self.net = Net(model, fields, numbers, dim)
        self.opt = [torch.optim.Adam(self.net.parameters(), lr=LR)]
        if form == "rows":
            self.table, self.m, self.v, self.t = table, torch.zeros_like(table), torch.zeros_like(table), 0
            return
        self.embedding = nn.Embedding.from_pretrained(table, freeze=False, sparse=form == "sparse")
        kind = torch.optim.SparseAdam if form == "sparse" else torch.optim.Adam
        self.opt.append(kind(list(self.embedding.parameters()), lr=LR))

    def step(self, ids, num, y):
        for opt in self.opt:
            opt.zero_grad()
        if self.form == "rows":
            touched, place = torch.unique(ids, return_inverse=True)
            rows = self.table[touched].requires_grad_()
            e = nn.functional.embedding(place, rows)
        else:
            e = self.embedding(ids)
        loss = nn.functional.binary_cross_entropy_with_logits(self.net(e, num), y)
        loss.backward()
        for opt in self.opt:
            opt.step()
        if self.form == "rows":
            self.update(touched, rows.detach(), rows.grad)
        return loss.item()

    def update(self, touched, rows, g):
        self.t += 1
        m = self.m[touched].mul_(BETA1).add_(g, alpha=1 - BETA1)
        v = self.v[touched].mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
        self.m[touched], self.v[touched] = m, v
        root = (v / (1 - BETA2**self.t)).sqrt_().add_(EPS)
        self.table[touched] = rows.addcdiv_(m, root, value=-LR / (1 - BETA1**self.t))


def try_form(form, shape, chunk, batch, steps=4):
    """Seconds a step, after one that warms up."""
    trainer = Trainer(form, *shape)
    ids, num, y = chunk
    for k in range(steps + 1):
        if k == 1:
            begin = time.perf_counter()
        part = slice(k * batch, (k + 1) * batch)
        trainer.step(ids[part], num[part], y[part])
    return (time.perf_counter() - begin) / steps


def main():
    p = argparse.ArgumentParser()
    p.add_argument("table"), p.add_argument("model", choices=["LR", "FM", "FFM", "Wide&Deep", "DeepFM", "DCN", "DCN-v2", "xDeepFM"])
    p.add_argument("threads", type=int), p.add_argument("rows", type=int)
    p.add_argument("--label", default="label"), p.add_argument("--buckets", type=int, default=100000)
    p.add_argument("--batch", type=int, default=4096), p.add_argument("--dim", type=int, default=16)
    p.add_argument("--forms", default="rows,sparse,dense")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    pa.set_cpu_count(a.threads)
    source = a.table, a.label, a.buckets, a.model == "FFM"
    reader = Reader(*source)
    shape = a.model, reader.fields(), 0 if a.model == "FFM" else len(reader.numeric), a.dim, a.buckets
    first = next(reader.chunks(a.threads))
    forms = {form: try_form(form, shape, first, a.batch) for form in a.forms.split(",")}
    form = min(forms, key=forms.get)

    trainer, done, loss, loading = Trainer(form, *shape), 0, 0.0, 0.0
    begin = last = time.perf_counter()
    cpu = 0.0  # processor time of the steps
    for ids, num, y in Reader(*source).chunks(a.threads):
        loading += time.perf_counter() - last
        step_begin = time.process_time()
        for k in range(0, len(y), a.batch):
            if done >= a.rows:
                break
            part = slice(k, k + a.batch)
            loss += trainer.step(ids[part], num[part], y[part]) * len(y[part])
            done += len(y[part])
        cpu += time.process_time() - step_begin
        last = time.perf_counter()
        if done >= a.rows:
            break
    seconds = time.perf_counter() - begin
    print(json.dumps({
        "peer": f"PyTorch {torch.__version__}", "model": a.model, "threads": a.threads, "rows": done,
        "rows_per_second": round(done / seconds), "us": round(cpu / done * 1e6, 2), "form": form,
        "loading_share": round(loading / seconds, 3),
        "loss": round(loss / done, 4), "step_seconds": {k: round(v, 4) for k, v in forms.items()}}))


main()
