#!/bin/sh
# cli.sh: help, manual and completion come from one table and say the same; exit codes are the documented ones.
# label: check
set -eu
bad=0
failed() { echo "FAILED: $1"; bad=1; }
code_of() { c=0; "$@" >out 2>err || c=$?; echo $c; }

[ "$(code_of "$SHOAL")" = 2 ] || failed "no command: exit code 2"
grep -q '^shoal: a command is missing' err || failed "no command: $(cat err)"
[ "$(code_of "$SHOAL" --version)" = 0 ] && grep -q '^shoal [0-9.]*$' out || failed "--version"
[ "$(code_of "$SHOAL" --help)" = 0 ] || failed "--help"
cp out help
for code in 0 2 3 4 5 6 7 8 9 70; do
    grep -q -E "^  $code  " help || failed "--help tells exit code $code"
done
"$SHOAL" --completion bash >completion
sh -c 'bash -n completion' || failed "the completion is bash"

"$SHOAL" --commands >commands
[ "$(wc -l <commands)" -ge 8 ] || failed "--commands lists them"
while read -r command; do
    grep -q "^  $command " help || failed "--help lists $command"
    [ "$(code_of "$SHOAL" "$command" --help)" = 0 ] || failed "$command --help"
    cp out "help.$command"
    "$SHOAL" --man "$command" >"man.$command"
    [ "$(code_of "$SHOAL" "$command" --no-such-flag)" = 2 ] || failed "$command --no-such-flag: exit code 2"
    grep -q "no-such-flag" err || failed "$command --no-such-flag: $(cat err)"
    # every option of the help is an option of the manual and of the completion, and one that the parser knows
    grep -o -E '^ +(-[a-z], +)?--[a-z0-9-]+' "help.$command" | grep -o -E '\-\-[a-z0-9-]+' | sort -u >options
    while read -r option; do
        sed 's/\\-/-/g; s/\\(hy/-/g' "man.$command" | grep -q -e "$option" || failed "--man $command tells $option"
        grep -q -e "$option" completion || failed "the completion knows $option"
        [ "$option" = --help ] && continue
        "$SHOAL" "$command" "$option" >/dev/null 2>err || true
        ! grep -q -i 'unknown' err || failed "$command $option of the help is unknown to the parser: $(cat err)"
    done <options
done <commands

[ "$(code_of "$SHOAL" trian)" = 2 ] && grep -q "train" err || failed "an unknown command gets a suggestion: $(cat err)"
[ "$(code_of "$SHOAL" train x.parquet --batchsize 3)" = 2 ] && grep -q "batch-size" err || failed "an unknown flag gets a suggestion: $(cat err)"
[ "$(code_of "$SHOAL" show missing.parquet)" = 5 ] && grep -q "missing.parquet" err || failed "a missing file: exit code 5: $(cat err)"
[ "$(wc -l <err)" = 1 ] || failed "an error is one line: $(cat err)"
exit $bad
