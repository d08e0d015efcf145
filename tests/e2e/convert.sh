#!/bin/sh
# convert.sh: every format to every format and back gives the same rows; what fails leaves nothing; --overwrite, --append,
# names that are hard to quote, pipes.
set -eu
fail() { echo "convert.sh: $*"; exit 1; }
rows() { "$SHOAL" show "$@" --json -n 1000000000 | sha256sum; }

"$SHOAL" synth --rows 5000 --seed 3 a.parquet >/dev/null
"$SHOAL" synth --rows 1000 --skip 4000 --seed 3 tail.jsonl >/dev/null
"$SHOAL" show a.parquet --skip 4000 -n 1000 --json | cmp -s - tail.jsonl || { echo "synth --skip is not the same log"; exit 1; }
want=$(rows a.parquet)
from=a.parquet
for to in b.tfrecord c.tfrecord.gz d.parquet folder; do
    "$SHOAL" convert "$from" $to 2>/dev/null
    [ "$(rows $to)" = "$want" ] || fail "$from to $to: rows differ"
    from=$to
done
[ -e folder/_SUCCESS ] && [ -e folder/_schema.json ] || fail "the folder has no _SUCCESS or no schema"
# Text keeps values, and types as far as they can be read off it.
sql='SELECT label, n0::DOUBLE AS n0, c0, c1 FROM src'
"$SHOAL" convert folder e.csv --sql "$sql" 2>/dev/null
"$SHOAL" convert e.csv f.jsonl 2>/dev/null
"$SHOAL" convert f.jsonl - --to csv >g.csv
cmp e.csv g.csv || fail "CSV, JSON lines and CSV again differ"
"$SHOAL" show - --format csv --json -n 1000000000 <e.csv | cmp - f.jsonl || fail "a pipe gives other rows than its file"
"$SHOAL" show - --format tfrecord --json -n 1000000000 <b.tfrecord >piped.jsonl
[ "$(wc -l <piped.jsonl)" = 5000 ] || fail "a pipe of records lost some"

# libsvm and libffm: text that is in its shortest form comes back byte for byte, by way of every format that has lists.
printf '%s\n' '-1 3:1 11:0.25' '1' '0.5 7:nan 9:-inf 9:-0.0 2:1e-07' '1 9223372036854775807:0.123457' >h.libsvm
printf '%s\n' '1 0:5:1 38:300:0.5' '0' '0 2147483647:0:123456' >h.ffm
for kind in libsvm ffm; do
    from=h.$kind
    for to in i.tfrecord i.parquet i.jsonl; do
        "$SHOAL" convert "$from" $to --overwrite 2>/dev/null
        from=$to
    done
    "$SHOAL" convert i.parquet i.$kind 2>/dev/null
    cmp h.$kind i.$kind || fail "$kind by way of Parquet differs"
done
gzip -c h.libsvm >h.svm.gz
"$SHOAL" convert h.svm.gz - --to libsvm | cmp h.libsvm - || fail "gzip of libsvm"
"$SHOAL" convert - - --format libffm --to libffm <h.ffm | cmp h.ffm - || fail "libffm by pipes"

# Folders of the form key=value are columns of every format, and --where passes over files unread.
mkdir -p 'p/dt=2026-11-01/c=a%20b' 'p/dt=2026-11-02/c=__HIVE_DEFAULT_PARTITION__' q
for to in parquet tfrecord csv jsonl; do
    for part in 'dt=2026-11-01/c=a%20b' 'dt=2026-11-02/c=__HIVE_DEFAULT_PARTITION__'; do
        rm -f "p/$part"/x.* "p/$part"/.x.*
        "$SHOAL" convert e.csv "p/$part/x.$to" --sql 'SELECT label, c0 FROM src LIMIT 2' 2>/dev/null
    done
    "$SHOAL" show p --json >"q/$to.jsonl"
    [ "$(wc -l <"q/$to.jsonl")" = 4 ] && grep -c '"dt":"2026-11-02","c":null}' "q/$to.jsonl" | grep -qx 2 || fail "partitions of $to: $(cat "q/$to.jsonl")"
    cmp q/parquet.jsonl "q/$to.jsonl" || fail "partitions of $to are other rows"
    : >'p/dt=2026-11-01/c=a%20b/broken.'$to
    "$SHOAL" show p --json --where "dt > '2026-11-01' AND c IS NULL" >left.jsonl; tail -2 q/parquet.jsonl | cmp - left.jsonl || fail "--where reads files of $to that it need not"
    "$SHOAL" show p --json --where "dt = '2026-11-02' AND label + length(c0) < 0" | cmp - /dev/null || fail "--where leaves rows of $to"
    rm 'p/dt=2026-11-01/c=a%20b/broken.'$to
done

# Queries may read their source twice, and other tables.
"$SHOAL" convert e.csv two.tfrecord --sql 'SELECT label, c0, n0::FLOAT AS n0 FROM src' 2>/dev/null
join='SELECT a.c0, count(*) AS n FROM src a JOIN src b USING (c0) GROUP BY a.c0 ORDER BY n DESC, a.c0 LIMIT 20'
"$SHOAL" show e.csv --json --sql "$join" >want.jsonl
"$SHOAL" show two.tfrecord --json --sql "$join" | cmp - want.jsonl || fail "a query that reads records twice"
"$SHOAL" show two.tfrecord --json --where 'label = 1' --sql "WITH t AS (SELECT * FROM src) SELECT count(*) FROM t x, (SELECT max(label) AS m FROM t) WHERE x.label = m" >got.jsonl
"$SHOAL" show e.csv --json --sql 'SELECT count(*) FROM src WHERE label = 1' | sed 's/{"[^"]*"/{/' >want.jsonl
sed 's/{"[^"]*"/{/' got.jsonl | cmp - want.jsonl || fail "--where under a query that reads records twice"
for side in e.csv two.tfrecord; do
    "$SHOAL" show two.tfrecord --json -n 5 --sql 'SELECT s.c0, t.n FROM src s JOIN (SELECT c0, count(*) AS n FROM side GROUP BY c0) t USING (c0) ORDER BY 1, 2' --table side=$side >"join.$side"
done
[ -s join.e.csv ] && cmp join.e.csv join.two.tfrecord || fail "--table of records"

# An output that is there is kept without --overwrite.
code=0
"$SHOAL" convert e.csv b.tfrecord 2>err || code=$?
[ $code = 5 ] && grep -q -- --overwrite err || fail "an output that exists: $code $(cat err)"
[ "$(rows b.tfrecord)" = "$want" ] || fail "it was changed all the same"
"$SHOAL" convert b.tfrecord folder --overwrite --compression gzip 2>/dev/null
[ "$(rows folder)" = "$want" ] && ls folder/part-00000.tfrecord.gz >/dev/null || fail "--overwrite of a folder"
"$SHOAL" convert b.tfrecord folder --append 2>/dev/null
[ "$("$SHOAL" check folder | tail -1)" = "2 files, 10000 rows: all sound" ] || fail "--append: $("$SHOAL" check folder)"

# The manifest lists all of them; a folder of others has none until it is asked for.
[ "$("$SHOAL" show folder --count)" = 10000 ] || fail "--count"
grep -q '"rows": 10000' folder/_manifest.json && grep -q 'part-00001' folder/_manifest.json || fail "the manifest: $(cat folder/_manifest.json)"
mkdir others && cp folder/part-0000* others
"$SHOAL" convert a.parquet others --to tfrecord --append 2>/dev/null
[ ! -e others/_manifest.json ] && [ "$("$SHOAL" show others --count)" = 15000 ] || fail "a manifest of part of a folder"
"$SHOAL" index others >/dev/null 2>&1
grep -q '"rows": 15000' others/_manifest.json || fail "shoal index makes no manifest"
"$SHOAL" convert others others.csv --sql "$sql" 2>/dev/null && "$SHOAL" convert others.csv texts --to csv 2>/dev/null
mv texts/part-00000.csv texts/x.csv
"$SHOAL" show texts --count >/dev/null 2>&1 && fail "a renamed file is not noticed"
"$SHOAL" index texts >/dev/null 2>&1 && [ "$("$SHOAL" show texts --count)" = 15000 ] || fail "the manifest of CSV is not made anew"

# What fails leaves nothing behind.
printf 'a,b\n1,2\n3\n' >short.csv
for to in x.tfrecord x.parquet x.csv x.jsonl xfolder; do
    code=0
    "$SHOAL" convert short.csv $to 2>err || code=$?
    [ $code = 3 ] || fail "a broken row to $to: exit code $code: $(cat err)"
    [ "$(wc -l <err)" = 1 ] && grep -q 'line 3 has 1 fields' err || fail "the message does not name the line: $(cat err)"
    [ -z "$(ls -A | grep '^\.\{0,1\}x')" ] || fail "left behind: $(ls -A)"
done

# Names.
mkdir "it's a dir" 'k=1'
cp e.csv "it's a dir/a \"b\" [1]*.csv"
[ "$(rows "it's a dir")" = "$(rows e.csv)" ] || fail "a name with quotes and globs"
cp a.parquet k=1/x.parquet
"$SHOAL" show k=1 --schema | grep -q '^k  *int64' || fail "a partition's column: $("$SHOAL" show k=1 --schema | tail -3)"

# Damage is found, named, and counted.
dd if=/dev/zero of=b.tfrecord bs=1 count=1 seek=100000 conv=notrunc 2>/dev/null
code=0
"$SHOAL" check b.tfrecord folder >out 2>err || code=$?
[ $code = 3 ] && grep -q '^BAD  b.tfrecord: record' out && grep -q '^ok   folder' out || fail "check: $code $(cat out err)"

# Parquet files of several columns: by name, null where a file lacks one
"$SHOAL" convert a.parquet evolved1.parquet --sql "SELECT 1::INT a, 'x' b FROM range(1)" 2>/dev/null >/dev/null
"$SHOAL" convert a.parquet evolved2.parquet --sql "SELECT 'y' b, 2::BIGINT a, 9 z FROM range(1)" 2>/dev/null >/dev/null
printf '{"a":1,"b":"x","z":null}\n{"a":2,"b":"y","z":9}\n' >evolved.want
"$SHOAL" show evolved1.parquet evolved2.parquet --json | cmp -s - evolved.want || fail "columns of several Parquet files"
