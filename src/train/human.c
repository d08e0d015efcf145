/* human.c: see human.h. */
#include "train/human.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static char *scaled(double v, double base, const char *const *unit, int n, const char *gap, char out[HUMAN_BYTES])
{
    int u = 0;
    while (u + 1 < n && v >= (u ? base * 0.9995 : base)) {
        v /= base;
        u++;
    }
    if (!isfinite(v)) snprintf(out, HUMAN_BYTES, "-");
    else snprintf(out, HUMAN_BYTES, u && v < 99.95 ? "%.1f%s%s" : "%.0f%s%s", v, gap, unit[u]);
    return out;
}

char *human_count(double v, char out[HUMAN_BYTES])
{
    static const char *const UNIT[] = {"", "k", "M", "G", "T"};
    return scaled(v, 1000, UNIT, 5, "", out);
}

char *human_bytes(double v, char out[HUMAN_BYTES])
{
    static const char *const UNIT[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scaled(v, 1024, UNIT, 5, " ", out);
}

char *human_clock(double seconds, char out[HUMAN_BYTES])
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
        snprintf(out, HUMAN_BYTES, "-:--");
        return out;
    }
    long s = lround(seconds), h = s / 3600;
    if (h) snprintf(out, HUMAN_BYTES, "%ld:%02ld:%02ld", h, s / 60 % 60, s % 60);
    else snprintf(out, HUMAN_BYTES, "%ld:%02ld", s / 60, s % 60);
    return out;
}

char *human_time(double wall, char out[HUMAN_BYTES])
{
    time_t seconds = (time_t)wall;
    struct tm t;
    gmtime_r(&seconds, &t);
    snprintf(out, HUMAN_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (t.tm_year + 1900) % 10000, t.tm_mon + 1, t.tm_mday, t.tm_hour,
             t.tm_min, t.tm_sec, (int)((wall - floor(wall)) * 1000) % 1000);
    return out;
}
