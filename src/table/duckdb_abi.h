/* duckdb_abi.h: the part of DuckDB's C interface (1.5) that Shoal calls, declared here because the binary package of the
 * library comes without a header. Names and meanings are DuckDB's: https://duckdb.org/docs/stable/clients/c/api */
#ifndef TABLE_DUCKDB_ABI_H
#define TABLE_DUCKDB_ABI_H

#include <stdbool.h>
#include <stdint.h>

#include "shoal.h"

typedef struct duckdb_database_ *duckdb_database;
typedef struct duckdb_connection_ *duckdb_connection;
typedef struct duckdb_config_ *duckdb_config;
typedef struct duckdb_prepared_statement_ *duckdb_prepared_statement;
typedef struct duckdb_extracted_statements_ *duckdb_extracted_statements;
typedef struct duckdb_data_chunk_ *duckdb_data_chunk;
typedef struct duckdb_vector_ *duckdb_vector;
typedef struct duckdb_logical_type_ *duckdb_logical_type;
typedef struct duckdb_arrow_options_ *duckdb_arrow_options;
typedef struct duckdb_error_data_ *duckdb_error_data;
typedef struct duckdb_arrow_stream_ *duckdb_arrow_stream;

typedef struct duckdb_result {
    uint64_t deprecated_column_count, deprecated_row_count, deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
} duckdb_result;

typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;

enum {
    DUCKDB_ERROR_CATALOG = 13, DUCKDB_ERROR_PARSER = 14, DUCKDB_ERROR_PLANNER = 15, DUCKDB_ERROR_SYNTAX = 22,
    DUCKDB_ERROR_BINDER = 24, DUCKDB_ERROR_IO = 28, DUCKDB_ERROR_INTERRUPT = 29, DUCKDB_ERROR_FATAL = 30,
    DUCKDB_ERROR_INTERNAL = 31, DUCKDB_ERROR_OUT_OF_MEMORY = 33, DUCKDB_ERROR_PERMISSION = 34
};
enum { DUCKDB_STATEMENT_TYPE_SELECT = 1 };

duckdb_state duckdb_open_ext(const char *path, duckdb_database *out, duckdb_config config, char **error);
void duckdb_close(duckdb_database *db);
duckdb_state duckdb_connect(duckdb_database db, duckdb_connection *out);
void duckdb_disconnect(duckdb_connection *c);
void duckdb_interrupt(duckdb_connection c); /* from any thread */
duckdb_state duckdb_create_config(duckdb_config *out);
duckdb_state duckdb_set_config(duckdb_config config, const char *name, const char *value);
void duckdb_destroy_config(duckdb_config *config);
void duckdb_free(void *p);

duckdb_state duckdb_query(duckdb_connection c, const char *sql, duckdb_result *out);
void duckdb_destroy_result(duckdb_result *r);
const char *duckdb_result_error(duckdb_result *r);
int duckdb_result_error_type(duckdb_result *r);
uint64_t duckdb_column_count(duckdb_result *r);
const char *duckdb_column_name(duckdb_result *r, uint64_t column);
duckdb_logical_type duckdb_column_logical_type(duckdb_result *r, uint64_t column);
void duckdb_destroy_logical_type(duckdb_logical_type *t);
int duckdb_get_type_id(duckdb_logical_type t);
duckdb_logical_type duckdb_list_type_child_type(duckdb_logical_type t);
duckdb_logical_type duckdb_array_type_child_type(duckdb_logical_type t);
duckdb_logical_type duckdb_map_type_key_type(duckdb_logical_type t);
duckdb_logical_type duckdb_map_type_value_type(duckdb_logical_type t);
uint64_t duckdb_struct_type_child_count(duckdb_logical_type t);
duckdb_logical_type duckdb_struct_type_child_type(duckdb_logical_type t, uint64_t i);
uint64_t duckdb_row_count(duckdb_result *r);
char *duckdb_value_varchar(duckdb_result *r, uint64_t column, uint64_t row); /* for duckdb_free */
int64_t duckdb_value_int64(duckdb_result *r, uint64_t column, uint64_t row);

uint64_t duckdb_extract_statements(duckdb_connection c, const char *sql, duckdb_extracted_statements *out);
const char *duckdb_extract_statements_error(duckdb_extracted_statements s);
duckdb_state duckdb_prepare_extracted_statement(duckdb_connection c, duckdb_extracted_statements s, uint64_t index, duckdb_prepared_statement *out);
void duckdb_destroy_extracted(duckdb_extracted_statements *s);
const char *duckdb_prepare_error(duckdb_prepared_statement p);
int duckdb_prepared_statement_type(duckdb_prepared_statement p);
uint64_t duckdb_nparams(duckdb_prepared_statement p);
void duckdb_destroy_prepare(duckdb_prepared_statement *p);
duckdb_state duckdb_execute_prepared_streaming(duckdb_prepared_statement p, duckdb_result *out);
duckdb_data_chunk duckdb_fetch_chunk(duckdb_result r);
uint64_t duckdb_data_chunk_get_size(duckdb_data_chunk chunk);
duckdb_vector duckdb_data_chunk_get_vector(duckdb_data_chunk chunk, uint64_t column);
void *duckdb_vector_get_data(duckdb_vector v);
uint64_t *duckdb_vector_get_validity(duckdb_vector v); /* a bit a row; NULL: all are there */
void duckdb_destroy_data_chunk(duckdb_data_chunk *chunk);

duckdb_arrow_options duckdb_result_get_arrow_options(duckdb_result *r);
void duckdb_destroy_arrow_options(duckdb_arrow_options *o);
duckdb_error_data duckdb_to_arrow_schema(duckdb_arrow_options o, duckdb_logical_type *types, const char **names, uint64_t n, struct ArrowSchema *out);
duckdb_error_data duckdb_data_chunk_to_arrow(duckdb_arrow_options o, duckdb_data_chunk chunk, struct ArrowArray *out);
bool duckdb_error_data_has_error(duckdb_error_data e);
const char *duckdb_error_data_message(duckdb_error_data e);
void duckdb_destroy_error_data(duckdb_error_data *e);
duckdb_state duckdb_arrow_scan(duckdb_connection c, const char *view, duckdb_arrow_stream stream);

#endif
