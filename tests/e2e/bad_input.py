"""bad_input.py: bad input gets its exact message and exit code. A table of cases, and a check that it is complete: every
message in the sources is met by a case, or stands in _unreached.txt with the reason why no command line can bring it out.

usage: bad_input.py [--show] [NAME...]     --show prints what the program says, for writing new cases
sanitize: yes"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from _messages import messages
from _shoal import SHOAL, SRC, TMP, Verdict, must, run, run_json
from _bad_cases import CASES, make_files

show = "--show" in sys.argv
wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
v = Verdict()
os.chdir(TMP)
make_files()
said = []

for case in CASES:
    if wanted and case.name not in wanted:
        continue
    why_not = case.prepare()
    if why_not:
        print(f"skipped: {case.name}: {why_not}")
        said.append(case.message)
        continue
    r = run(*case.command, env=case.env, prefix=case.prefix, stdin=case.open_stdin(), timeout=120)
    case.clean()
    if show:
        print(f"{case.name}\t{r.code}\t{r.message}")
        continue
    said.append(r.message)
    v.check(r.code == case.code, f"{case.name}: exit code {r.code}, expected {case.code}: {r.message}")
    v.check(r.message == case.message, f"{case.name}: the message is\n  {r.message}\nexpected\n  {case.message}")
    told = [line for line in r.err.splitlines() if line.startswith("shoal: ")]
    v.check(len(told) == 1, f"{case.name}: one line names the error, not {len(told)}: {r.err[-500:]}")

if not wanted and not show:
    excused = {}
    for line in (pathlib.Path(__file__).parent / "_unreached.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            form, _, reason = line.partition("\t")
            excused[form] = reason.strip()
    met = set()
    for place, form, pattern in messages(SRC):
        if any(pattern.search(m) for m in said):
            met.add(form)
        elif form.replace("\n", " ") in excused:
            met.add(form)
            v.check(excused[form.replace("\n", " ")] != "", f"_unreached.txt gives no reason for: {form}")
        else:
            v.check(False, f"{place}: no case brings out: {form}")
    for form in excused:
        v.check(form in {f.replace("\n", " ") for f in met}, f"_unreached.txt excuses what is not in the sources: {form}")
if show:
    sys.exit(0)
v.end()
