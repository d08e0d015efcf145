# presets.cmake: writes presets_data.c (see presets.h) from presets/ into the build folder.
embed_yaml(${CMAKE_SOURCE_DIR}/presets)
string(REGEX REPLACE ", sizeof [a-z0-9_]* - 1}" "}" entries "${entries}")
set(presets_source ${CMAKE_BINARY_DIR}/presets_data.c)
file(CONFIGURE OUTPUT ${presets_source} @ONLY CONTENT "/* Made by src/base/presets.cmake. */
#include \"base/presets.h\"

@arrays@
const shoal_preset preset_entries[] = {
@entries@};
const size_t preset_count = sizeof preset_entries / sizeof *preset_entries;
const char *const preset_names[] = {@names@NULL};
")
