"""Cross networks, layer by layer as the papers write them."""
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
