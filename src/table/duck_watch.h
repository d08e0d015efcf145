/* duck_watch.h: inside table/: ends DuckDB's queries when the host asks the job to end. A query that computes (a sort, a join that
 * finds nothing) gives no row after which anybody could look; a thread looks for it. */
#ifndef TABLE_DUCK_WATCH_H
#define TABLE_DUCK_WATCH_H

#include "base/host.h"
#include "table/duckdb_abi.h"

typedef struct duck_watch duck_watch;
/* *out stays NULL for a host that never asks. */
int duck_watch_new(const shoal_host *host, duck_watch **out, shoal_error *err);
/* From now on, until it is dropped, the connection's queries end with DUCKDB_ERROR_INTERRUPT when the host asks. Both do nothing
 * for NULL. */
int duck_watch_add(duck_watch *w, duckdb_connection c, shoal_error *err);
void duck_watch_drop(duck_watch *w, duckdb_connection c);
void duck_watch_free(duck_watch *w); /* NULL is nothing */

#endif
