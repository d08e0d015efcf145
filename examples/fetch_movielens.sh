#!/bin/sh
# fetch_movielens.sh: MovieLens 100k as a click log, and prints the folder that holds it.
#
#   movielens/all.parquet                         100,000 ratings with both splits as columns
#   movielens/{time,line}/{train,valid,test}.parquet    the same rows apart, without the split columns
#
# A rating of 4 or 5 is a click (label 1). Split "time": the first 80,000 ratings by clock train, 10,000 choose, 10,000
# test; most people of the test part were never seen in training. Split "line": by the number of the line in the file,
# modulo 10: 0-7 train, 8 valid, 9 test.
#
# The ratings come inside the PyPI package recbole. They are GroupLens's, for research use, and may not be passed on
# without permission (https://grouplens.org/datasets/movielens/100k/): they are fetched, never shipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pypi.sh"
data_lock
shoal=$(shoal_program "$here")
out=$SHOAL_DATA/movielens
raw=$SHOAL_DATA/raw/ml-100k

wheel=recbole-1.2.1-py3-none-any.whl
if [ ! -s "$out/line/test.parquet" ]; then
    pypi_file recbole 1.2.1 $wheel 9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407
    mkdir -p "$raw"
    python3 - "$SHOAL_DATA/raw/$wheel" "$raw" <<'UNPACK'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for kind in "inter", "user", "item":
        member = f"recbole/dataset_example/ml-100k/ml-100k.{kind}"
        pathlib.Path(sys.argv[2], kind + ".tsv").write_bytes(wheel.read(member))
UNPACK

    # The three files carry typed headings ("user_id:token"); they are skipped and the columns named here.
    tsv() { echo "read_csv('$raw/$1.tsv', delim = '\t', quote = '', header = false, skip = 1, columns = {$2})"; }
    ratings=$(tsv inter "'user_id': 'INTEGER', 'item_id': 'INTEGER', 'rating': 'FLOAT', 'ts': 'BIGINT'")
    people=$(tsv user "'user_id': 'INTEGER', 'age': 'INTEGER', 'gender': 'VARCHAR', 'occupation': 'VARCHAR', 'zip': 'VARCHAR'")
    films=$(tsv item "'item_id': 'INTEGER', 'title': 'VARCHAR', 'released': 'VARCHAR', 'genre_words': 'VARCHAR'")
    table "$out/all.parquet" "$raw/inter.tsv" "
        WITH numbered AS (SELECT *, row_number() OVER () - 1 AS line FROM $ratings),
             clocked AS (SELECT *, row_number() OVER (ORDER BY ts, user_id, item_id) - 1 AS place FROM numbered)
        SELECT CASE WHEN place >= 90000 THEN 'test' WHEN place >= 80000 THEN 'valid' ELSE 'train' END AS split,
               CASE line % 10 WHEN 9 THEN 'test' WHEN 8 THEN 'valid' ELSE 'train' END AS split_rows,
               CAST(rating > 3.5 AS TINYINT) AS label,
               c.user_id, c.item_id, p.age, p.gender, p.occupation, p.zip,
               string_split(f.genre_words, ' ') AS genres,
               CAST((ts // 3600) % 24 AS INTEGER) AS hour, ts
        FROM clocked c JOIN $people p ON p.user_id = c.user_id JOIN $films f ON f.item_id = c.item_id
        ORDER BY place"
    for part in train valid test; do
        for split in time line; do
            column=split
            [ $split = time ] || column=split_rows
            table "$out/$split/$part.parquet" "$raw/inter.tsv" \
                "SELECT * EXCLUDE (split, split_rows) FROM read_parquet('$out/all.parquet') WHERE $column = '$part'"
        done
    done
fi
echo "$out"
