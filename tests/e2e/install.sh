# label: test
# `make install` puts a program into a folder that works from there, alone, wherever the folder is moved to.
set -eu
fail() { echo "install.sh: $*"; exit 1; }

DESTDIR=$TMP/stage cmake --install "$BUILD" --prefix /opt/place >log 2>&1 || { cat log; fail "cmake --install failed"; }
mkdir moved
mv stage/opt/place moved/here
here=$TMP/moved/here
env -u LD_LIBRARY_PATH "$here/bin/shoal" --version >out || fail "the installed program does not start"
"$SHOAL" --version | cmp - out || fail "another version"
for file in include/shoal.h share/man/man1/shoal.1 share/bash-completion/completions/shoal share/doc/shoal/LICENSE; do
    [ -s "$here/$file" ] || fail "$file is missing"
done
for command in $("$SHOAL" --commands); do
    [ -s "$here/share/man/man1/shoal-$command.1" ] || fail "no manual page for $command"
done
for model in "$SRC"/models/*.yaml; do
    [ ! -e "$model" ] || [ -s "$here/share/shoal/models/$(basename "$model")" ] || fail "$(basename "$model") is missing"
done
# Nothing of the build folder is needed: no path of it in what the loader reads.
for file in "$here"/bin/shoal "$here"/lib*/libshoal.so "$here"/lib*/*/libshoal.so; do
    [ -e "$file" ] || continue
    readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -qF "$BUILD" && fail "$file looks into the build folder"
done

# A program in C, against the installed header and library.
cat >user.c <<'C'
#include <shoal.h>
#include <stdio.h>
int main(void) { return puts(shoal_version()) < 0; }
C
lib=$(dirname "$(find "$here" -name libshoal.so)")
cc -Wall -Werror -std=c11 -I"$here/include" user.c -o user -L"$lib" -lshoal -Wl,-rpath,"$lib" -Wl,-rpath-link,"$lib/shoal" ||
    fail "cannot link to the installed library"
[ "shoal $(./user)" = "$(cat out)" ] || fail "the linked program says $(./user)"
