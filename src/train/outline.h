/* outline.h: a network as it is written in the files under models/, as a table, without data: sizes that only features can tell
 * stay names ("fields", "numeric"). */
#ifndef TRAIN_OUTLINE_H
#define TRAIN_OUTLINE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/conf.h"

int outline_text(const conf *network, int width, buf *out, shoal_error *err);
int outline_json(const conf *network, json_t **out, shoal_error *err);

#endif
