#include "features/cross.h"

#include "features/value.h"

#define PART_EXTRA (CELL_SCRATCH + 1) /* bytes of a length and its colon */

static int put_part(buf *room, view v, shoal_error *err)
{
    char scratch[CELL_SCRATCH];
    if (v.n == 0)
        return buf_putc(room, '-', err);
    int rc = buf_reserve(room, v.n + PART_EXTRA, err);
    if (rc)
        return rc;
    const view length = cell_decimal_text(v.n, 0, scratch);
    uint8_t *p = room->data + room->len;
    memcpy(p, length.p, length.n);
    p[length.n] = ':';
    memcpy(p + length.n + 1, v.p, v.n);
    room->len += length.n + 1 + v.n;
    return 0;
}

int cross_text(const cross_cells *c, int64_t row, buf *room, view *out, uint32_t *bad, shoal_error *err)
{
    int any = 0, rc = 0;
    buf_clear(room);
    for (uint32_t k = 0; k < c->n && !rc; k++) {
        char scratch[CELL_SCRATCH];
        view v;
        *bad = k;
        rc = value_category(&c->column[k], row, scratch, &v);
        any |= v.n > 0;
        if (!rc)
            rc = put_part(room, v, err);
    }
    *out = any && !rc ? view_of((const char *)room->data, room->len) : view_of(NULL, 0);
    return rc;
}
