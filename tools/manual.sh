#!/bin/sh
# manual.sh SHOAL FOLDER: writes the manual pages (FOLDER/man/man1) and the bash completion that the program makes of its
# option table.
set -eu
shoal=$1 folder=$2
mkdir -p "$folder/man/man1" "$folder/bash-completion/completions"
"$shoal" --man >"$folder/man/man1/shoal.1"
for command in $("$shoal" --commands); do
    "$shoal" --man "$command" >"$folder/man/man1/shoal-$command.1"
done
"$shoal" --completion bash >"$folder/bash-completion/completions/shoal"
