"""_messages.py: every message that the sources can give, as patterns.

A message is the format string in a call of one of FUNCTIONS (literals that stand side by side are joined, as C does). A
pattern matches what printf could have made of it."""
import re

FUNCTIONS = ("error_set", "conf_error", "error_where", "layer_error", "reader_error")
CALL = re.compile(r"\b(%s)\s*\(" % "|".join(FUNCTIONS))
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|/\*.*?\*/|//[^\n]*|[A-Za-z_][A-Za-z_0-9]*|\d[\w.]*|\s+|.', re.S)
DIRECTIVE = re.compile(r"%(?:[-+ #0]*)(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t)?([diouxXeEfgGaAcsp%])")
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "0": "\0"}


def unescape(s):
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[0]), s)


def macros_of(text):
    """#define NAME "text", for formats that use them."""
    return {m[1]: unescape(m[2]) for m in re.finditer(r'^#define (\w+) "((?:[^"\\]|\\.)*)"', text, re.M)}


def format_of(text, at, macros):
    """The format of the call whose '(' is at `at`: the first literal of its arguments, joined with its neighbours."""
    depth, parts = 0, []
    for m in TOKEN.finditer(text, at):
        word = m[0]
        if word.isspace() or word.startswith(("/*", "//")):
            continue
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and m[1] is not None:
            parts.append(unescape(m[1]))
        elif depth == 1 and word in macros:
            parts.append(macros[word])
        elif parts:
            break
    return "".join(parts)


def pattern_of(form):
    out, at = [], 0
    for m in DIRECTIVE.finditer(form):
        out.append(re.escape(form[at:m.start()]))
        out.append({"%": "%", "d": r"-?\d+", "i": r"-?\d+", "u": r"\d+"}.get(m[1], ".*?"))
        at = m.end()
    out.append(re.escape(form[at:]))
    return re.compile("".join(out), re.S)


def messages(root):
    """(place, format, pattern) of each message, in the order of the sources. Formats without words say nothing themselves."""
    found = []
    for path in sorted(root.glob("src/*/*.c")):
        if path.name.endswith("_test.c"):
            continue
        text = path.read_text()
        macros = {"PRIu64": "lu", "PRId64": "ld", **macros_of(text)}
        for header in path.parent.glob("*.h"):
            macros.update(macros_of(header.read_text()))
        for m in CALL.finditer(text):
            form = format_of(text, m.end() - 1, macros)
            if len(re.sub(r"[^a-z]", "", DIRECTIVE.sub("", form))) > 3:
                place = f"{path.relative_to(root)}:{text.count(chr(10), 0, m.start()) + 1}"
                found.append((place, form, pattern_of(form)))
    return found


if __name__ == "__main__":
    import pathlib
    for place, form, _ in messages(pathlib.Path(__file__).resolve().parents[2]):
        print(place, form, sep="\t")
