#include "base/clocks.h"

const char *clocks_name(enum clock_stage stage)
{
    static const char *const NAME[CLOCK_STAGES] = {"storage", "inflate", "checksum", "parse", "transform", "wait_rows", "wait_model"};
    return NAME[stage];
}
