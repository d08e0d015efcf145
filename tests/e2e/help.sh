# label: check, sanitize: yes
# --help, manual pages and completion tell every command and every option that the parser takes, and nothing else.
set -eu
fail() { echo "help.sh: $*"; exit 1; }

"$SHOAL" --version | grep -qx "shoal [0-9.]*" || fail "--version"
"$SHOAL" --help >help
"$SHOAL" --man >man
"$SHOAL" --completion bash >completion
bash -n completion 2>/dev/null || ! command -v bash >/dev/null || fail "completion is not bash"
commands=$("$SHOAL" --commands)
[ -n "$commands" ] || fail "no commands"

# ask bash itself what it would offer
offered() {
    bash -c '. ./completion; COMP_WORDS=(shoal "$@"); COMP_CWORD=$(($# )); _shoal; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}

options=0
for command in $commands; do
    grep -q "^  $command " help || fail "--help lacks $command"
    grep -q "shoal.-$command" man || fail "--man lacks $command"
    offered "" | grep -qx "$command" || fail "completion lacks $command"
    "$SHOAL" "$command" --help >help.of
    "$SHOAL" help "$command" | cmp -s - help.of || fail "help $command and $command --help differ"
    "$SHOAL" --man "$command" | sed 's/\\-/-/g; s/\\f[BIR]//g' >man.of
    grep -E -o -- '^ +(-.,)? +--[a-z0-9-]+' help.of | grep -o -- '--.*' | LC_ALL=C sort >of_help
    grep -E -o -- '^(-., )?--[a-z0-9-]+' man.of | grep -o -- '--.*' | LC_ALL=C sort >of_man
    offered "$command" -- | grep -x -- '--[a-z0-9-]*' | LC_ALL=C sort >of_completion
    cmp of_help of_man || fail "$command: help and manual differ: $(diff of_help of_man)"
    cmp of_help of_completion || fail "$command: help and completion differ: $(diff of_help of_completion)"

    # The parser: an option that help tells is known; one that help does not tell is refused by name.
    for option in $(cat of_help); do
        [ "$option" = --help ] && continue
        options=$((options + 1))
        "$SHOAL" "$command" "$option" >out 2>err </dev/null && fail "$command $option alone passed"
        ! grep -qi 'unknown\|no option' err || fail "$command: help tells $option, the parser says: $(cat err)"
    done
    if "$SHOAL" "$command" --no-such-option 2>err; then fail "$command took --no-such-option"; else status=$?; fi
    [ $status = 2 ] || fail "$command --no-such-option ended with $status, expected 2"
    grep -q 'no-such-option' err || fail "$command --no-such-option is not named in: $(cat err)"
    [ "$(wc -l <err)" = 1 ] || fail "an error is one line, got: $(cat err)"
done
[ $options -gt 20 ] || fail "only $options options seen"

# every exit code is in the help and the manual
for code in 0 2 3 4 5 6 7 8 9 70; do
    grep -q "^  $code  " help || fail "--help lacks exit code $code"
    grep -q "^.fB$code.fR" man || fail "--man lacks exit code $code"
done
if command -v man >/dev/null && command -v groff >/dev/null; then
    for command in $commands; do
        [ -z "$("$SHOAL" --man "$command" | groff -man -ww -Tascii 2>&1 >/dev/null)" ] || fail "groff complains of $command"
    done
fi
