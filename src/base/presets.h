/* presets.h: the run files of presets/ inside the library. presets_data.c is made from those files by presets.cmake. */
#ifndef BASE_PRESETS_H
#define BASE_PRESETS_H

#include "shoal.h"

extern const shoal_preset preset_entries[]; /* in order of name */
extern const size_t preset_count;
extern const char *const preset_names[]; /* the same names, NULL-terminated */

#endif
