# zoo.cmake: writes zoo_data.c (see zoo.h) from models/*.yaml into the build folder, as arrays of bytes.
file(GLOB zoo_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/*.yaml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${zoo_files})
set(zoo_arrays "")
set(zoo_entries "")
set(zoo_names "")
foreach(file ${zoo_files})
  get_filename_component(name ${file} NAME_WE)
  string(MAKE_C_IDENTIFIER ${name} id)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND zoo_arrays "static const unsigned char text_${id}[] = {${bytes}0};\n")
  string(APPEND zoo_entries "    {\"${name}\", (const char *)text_${id}, sizeof text_${id} - 1},\n")
  string(APPEND zoo_names "\"${name}\", ")
endforeach()
set(zoo_source ${CMAKE_BINARY_DIR}/zoo_data.c)
file(CONFIGURE OUTPUT ${zoo_source} @ONLY CONTENT "/* Made by src/model/zoo.cmake. */
#include \"model/zoo.h\"

@zoo_arrays@
const zoo_entry zoo_entries[] = {
@zoo_entries@    {NULL, NULL, 0},
};
const char *const zoo_names[] = {@zoo_names@NULL};
")
