/* presets.c: `shoal --presets`: what --preset of train and plan takes. A preset's first comment tells what it is. */
#include "cli/cli.h"

#include <string.h>

void cli_presets(cli_text *t, size_t columns)
{
    size_t n;
    const shoal_preset *p = shoal_presets(&n);
    for (size_t i = 0; i < n; i++) {
        char about[256] = "";
        const char *line = p[i].text;
        size_t bytes = strcspn(line, "\n");
        while (bytes > 0 && (*line == '#' || *line == ' ')) line++, bytes--;
        snprintf(about, sizeof about, "%.*s", (int)bytes, line);
        cli_help_entry(t, p[i].name, about, columns);
    }
}

int cli_preset(cli_text *t, const char *name, shoal_error *err)
{
    size_t n;
    const shoal_preset *p = shoal_presets(&n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(p[i].name, name)) {
            cli_text_add(t, "%s", p[i].text);
            return 0;
        }
    shoal_options *o = shoal_options_new("train", err); /* the library knows which names come nearest */
    int rc = o ? shoal_options_set(o, "preset", name, err) : SHOAL_NOMEM;
    shoal_options_free(o);
    return rc;
}
