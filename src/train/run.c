/* run.c: from the name of a command to its job. */
#include <string.h>

#include "base/option.h"

SHOAL_API int shoal_run(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    static const struct {
        const char *name;
        int (*run)(const shoal_options *o, const shoal_host *host, shoal_error *err);
    } JOB[] = {
        {"convert", shoal_convert}, {"show", shoal_show},   {"check", shoal_check}, {"index", shoal_index},
        {"synth", shoal_synth},     {"plan", shoal_plan},   {"train", shoal_train}, {"eval", shoal_eval},
        {"predict", shoal_predict}, {"explain", shoal_explain}, {"summary", shoal_summary},
    };
    const char *command = option_command(o);
    for (size_t i = 0; i < sizeof JOB / sizeof JOB[0]; i++)
        if (strcmp(JOB[i].name, command) == 0) return JOB[i].run(o, host, err);
    return error_set(err, SHOAL_INTERNAL, "the command '%s' has no job", command);
}
