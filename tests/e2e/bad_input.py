"""bad_input.py: bad input gets its exact message and exit code. A table of cases, and a check that it is complete: every
message in the sources is met by a case, or stands in _unreached.txt with the reason why no command line brings it out.

usage: bad_input.py [--show] [NAME...]     --show prints what the program says, for writing new cases
sanitize: yes"""
import multiprocessing
import os
import pathlib
import re
import sys

from _bad_cases import CASES, make_files
from _messages import messages
from _shoal import SRC, TMP, Verdict, run

AT_ONCE = 2
CHANGING = (r"tmp-\d+", "tmp-PID"), (r"step-\d+", "step-N"), (r"\b[0-9a-f]{32}\b", "DIGEST")  # from one run to the next
show = "--show" in sys.argv
wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
cases = [c for c in CASES if not wanted or c.name in wanted]


def attempt(i):
    """Runs one case in a folder of its own: why it was not tried, or None, and how it ended."""
    case = cases[i]
    folder = TMP / f"case{i}"
    folder.mkdir()
    os.chdir(folder)
    for path in (TMP / "made").iterdir():
        os.symlink(path, path.name)
    why_not = case.prepare()
    if why_not:
        return why_not, None
    r = run(*case.command, env=case.env, prefix=case.prefix, stdin=case.open_stdin(), timeout=120)
    case.clean()
    for changing, name in CHANGING:
        r.message = re.sub(changing, name, r.message)
    return None, r


def complete(said, v):
    """Every message of the sources was said or is excused, and nothing else is excused."""
    excused = {}
    for line in (pathlib.Path(__file__).parent / "_unreached.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            form, _, reason = line.partition("\t")
            v.check(reason.strip(), f"_unreached.txt gives no reason for: {form}")
            excused[form] = False
    for place, form, pattern in messages(SRC):
        line = form.replace("\n", " ")
        if line in excused:
            excused[line] = True
        else:
            v.check(any(pattern.search(m) for m in said), f"{place}: no case brings out: {line}")
    for form, is_there in excused.items():
        v.check(is_there, f"_unreached.txt excuses what is not in the sources: {form}")


(TMP / "made").mkdir()
os.chdir(TMP / "made")
make_files()
v, said = Verdict(), []
with multiprocessing.get_context("fork").Pool(AT_ONCE) as pool:
    for case, (why_not, r) in zip(cases, pool.imap(attempt, range(len(cases)))):
        if show:
            print(f"{case.name}\t{r.code}\t{r.message}" if r else f"{case.name}\tskipped: {why_not}", flush=True)
            continue
        if r is None:
            print(f"skipped: {case.name}: {why_not}")
            said.append(case.message)
            continue
        said.append(r.message)
        v.check(r.code == case.code, f"{case.name}: exit code {r.code}, expected {case.code}: {r}")
        v.check(r.message == case.message, f"{case.name}: the message is\n  {r.message}\nexpected\n  {case.message}")
        told = [line for line in r.err.splitlines() if line.startswith("shoal: ") and not line.startswith("shoal: warning: ")]
        v.check(len(told) == 1, f"{case.name}: one line names the error, not {len(told)}: {r.err[-500:]}")
if show:
    sys.exit(0)
if not wanted:
    complete(said, v)
v.end()
