# zoo.cmake: writes zoo_data.c (see zoo.h) from models/*.yaml into the build folder.
embed_yaml(${CMAKE_SOURCE_DIR}/models)
set(zoo_source ${CMAKE_BINARY_DIR}/zoo_data.c)
file(CONFIGURE OUTPUT ${zoo_source} @ONLY CONTENT "/* Made by src/model/zoo.cmake. */
#include \"model/zoo.h\"

@arrays@
const zoo_entry zoo_entries[] = {
@entries@    {NULL, NULL, 0},
};
const char *const zoo_names[] = {@names@NULL};
")
