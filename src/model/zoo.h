/* zoo.h: the models of models/ inside the library. zoo_data.c is made from those files by zoo.cmake. */
#ifndef MODEL_ZOO_H
#define MODEL_ZOO_H

#include <stddef.h>

typedef struct zoo_entry {
    const char *name;
    const char *text; /* YAML */
    size_t bytes;
} zoo_entry;

extern const zoo_entry zoo_entries[];   /* in order of name; the end has name NULL */
extern const char *const zoo_names[];   /* NULL-terminated */

#endif
