/* read.c: shoal_read, the sources of shoal as a stream for programs. */
#include "base/option.h"
#include "table/table.h"

int shoal_read(const shoal_options *o, struct ArrowArrayStream *out, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    table_spec spec;
    table *t;
    out->release = NULL;
    int r = table_spec_from(o, args, n, 0, &spec, err);
    if (r == 0) r = table_open(&spec, &t, err);
    if (r < 0) return r;
    if ((r = arrow_check_columns(table_schema(t), "handed over", err)) == 0) return table_to_stream(t, out, err);
    table_free(t);
    return r;
}
