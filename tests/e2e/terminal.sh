# label: check, sanitize: yes
# What the program does with its streams whatever the command: errors, exit codes, a full disk, a pipe that closes.
set -eu
fail() { echo "terminal.sh: $*"; exit 1; }
# expect STATUS MESSAGE-PATTERN COMMAND...
expect() {
    want=$1 pattern=$2
    shift 2
    status=0
    "$@" >out 2>err || status=$?
    [ $status = "$want" ] || fail "$* ended with $status, expected $want: $(cat err)"
    [ "$(wc -l <err)" = 1 ] || fail "$*: an error is one line, got: $(cat err)"
    grep -q "^shoal: $pattern" err || fail "$* said: $(cat err)"
    [ ! -s out ] || fail "$*: an error went to standard output"
}

expect 2 "a command is missing; shoal --help lists them" "$SHOAL"
expect 2 ".*trian" "$SHOAL" trian
expect 2 ".*train" "$SHOAL" trian # the nearest one is suggested
expect 2 ".*nothing" "$SHOAL" --man nothing
expect 2 ".*nothing" "$SHOAL" help nothing
expect 2 "--completion: unknown shell 'fish'; expected bash" "$SHOAL" --completion fish

status=0
"$SHOAL" --help >/dev/full 2>err || status=$?
[ $status = 5 ] || fail "a full disk ended with $status, expected 5"
grep -qx "shoal: standard output: cannot write: No space left on device" err || fail "a full disk said: $(cat err)"

# A reader that goes away is nothing to complain of.
"$SHOAL" --man 2>err | true
[ ! -s err ] || fail "a closed pipe said: $(cat err)"
