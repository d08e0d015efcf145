/* option_preset.c: `--preset NAME`. */
#include "base/presets.h"

#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/option_set.h"

#define NEAR_MAX 512 /* bytes of names that an unknown one may have meant */

const shoal_preset *shoal_presets(size_t *n)
{
    *n = preset_count;
    return preset_entries;
}

static const shoal_preset *find(const char *name)
{
    for (size_t i = 0; i < preset_count; i++)
        if (strcmp(preset_entries[i].name, name) == 0)
            return &preset_entries[i];
    return NULL;
}

/* Those that have the word in their name, else the one that is a few letters away. */
static int unknown(const char *name, shoal_error *err)
{
    char near[NEAR_MAX] = "";
    for (size_t i = 0, used = 0; i < preset_count && used < sizeof near; i++)
        if (strstr(preset_entries[i].name, name))
            used += (size_t)snprintf(near + used, sizeof near - used, "%s'%s'", used ? ", " : "", preset_entries[i].name);
    const char *one = conf_nearest(name, preset_names);
    if (!near[0] && one)
        snprintf(near, sizeof near, "'%s'", one);
    return error_set(err, SHOAL_USAGE, "unknown preset '%s'; shoal --presets lists them%s%s%s", name,
                     near[0] ? "; did you mean " : "", near, near[0] ? "?" : "");
}

int option_preset(shoal_options *o, const char *name, shoal_error *err)
{
    const shoal_preset *p = find(name);
    char where[128];
    conf *settings = NULL;
    if (!p)
        return unknown(name, err);
    for (size_t i = 0; i < option_table_size; i++)
        option_forget_preset(&o->value[i]);
    snprintf(where, sizeof where, "preset '%s'", name);
    int rc = conf_parse(where, p->text, strlen(p->text), &settings, err);
    if (rc == 0)
        rc = option_load(o, settings, where, GIVEN_BY_PRESET, err);
    conf_free(settings);
    return rc;
}
