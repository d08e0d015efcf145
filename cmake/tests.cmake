# tests.cmake: every test is found by its name; see docs/building.md.
#
# Labels: check (quick), test (what `make test` adds to check), full (what `make test-full` adds to both). A test's label is
# in a line `label: NAME` within its first lines, else a unit test is check and an end-to-end test is test.
# Builds with sanitizers live in build/asan, build/tsan and build/fuzz; where they exist, build/ runs their tests as well,
# their names led by the folder's.

set(test_prefix "")
if(SHOAL_SANITIZE STREQUAL "address")
  set(test_prefix "asan/")
elseif(SHOAL_SANITIZE STREQUAL "thread")
  set(test_prefix "tsan/")
elseif(SHOAL_SANITIZE STREQUAL "fuzz")
  set(test_prefix "fuzz/")
endif()

# What the sanitizers' libraries read. TSan cannot map its shadow where the kernel randomises many bits, so no randomising.
set(test_environment
  "ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:halt_on_error=1:exitcode=66:history_size=4")
set(launcher "")
if(SHOAL_SANITIZE STREQUAL "thread")
  set(launcher setarch x86_64 -R)
endif()

# label_of(FILE DEFAULT OUT): the label that a test file asks for
function(label_of file default out)
  set(label ${default})
  file(STRINGS ${file} lines LIMIT_COUNT 12 REGEX "label: *(check|test|full)")
  if(lines MATCHES "label: *(check|test|full)")
    set(label ${CMAKE_MATCH_1})
  endif()
  if(test_prefix AND label STREQUAL "check")
    set(label test)
  endif()
  set(${out} ${label} PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

function(shoal_test name label)
  add_test(NAME ${test_prefix}${name} COMMAND ${launcher} ${ARGN})
  set(timeout 900)
  if(label STREQUAL "full")
    set(timeout 7200)
  endif()
  set_tests_properties(${test_prefix}${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "${test_environment}")
endfunction()

# ---- unit tests: one program a file ----

if(NOT SHOAL_SANITIZE STREQUAL "fuzz")
  find_library(LIB_cmocka cmocka REQUIRED)
  foreach(source ${SHOAL_TESTS})
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} single LIMIT_COUNT 12 REGEX "threads: *none") # nothing for TSan to see, and slow under it
    if(single AND SHOAL_SANITIZE STREQUAL "thread")
      continue()
    endif()
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE shoal_static ${LIB_cmocka})
    target_compile_definitions(${name} PRIVATE SHOAL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit INSTALL_RPATH "$ORIGIN/..")
    label_of(${source} check label)
    shoal_test(${name} ${label} sh ${CMAKE_SOURCE_DIR}/tools/in_scratch.sh ${CMAKE_BINARY_DIR}/scratch/${name}
      $<TARGET_FILE:${name}>)
  endforeach()
endif()

# ---- fuzzers: a short run each in test, a long one in full ----

if(SHOAL_SANITIZE STREQUAL "fuzz")
  file(GLOB fuzzers CONFIGURE_DEPENDS fuzz/fuzz_*.c)
  foreach(source ${fuzzers})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE shoal_static)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    foreach(label_and_seconds test:5 full:120)
      string(REPLACE ":" ";" pair ${label_and_seconds})
      list(GET pair 0 label)
      list(GET pair 1 seconds)
      shoal_test(${name}.${seconds}s ${label} sh ${CMAKE_SOURCE_DIR}/tools/fuzz.sh $<TARGET_FILE:${name}>
        ${CMAKE_SOURCE_DIR}/fuzz/corpus ${CMAKE_BINARY_DIR}/found ${seconds})
    endforeach()
  endforeach()
endif()

# ---- checks of the tree and end-to-end tests ----

# e2e_tests(PROGRAM): those of tests/e2e; in a sanitizer's build only those that say `sanitize: yes`. Those that say `long: yes`
# run once more in full, with SHOAL_LONG=1.
function(e2e_tests program)
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/e2e/*.sh ${CMAKE_SOURCE_DIR}/tests/e2e/*.py)
  foreach(script ${scripts})
    get_filename_component(name ${script} NAME)
    if(name MATCHES "^_") # shared by others, not a test
      continue()
    endif()
    file(STRINGS ${script} sanitize LIMIT_COUNT 12 REGEX "sanitize: *yes")
    if(test_prefix AND NOT sanitize)
      continue()
    endif()
    label_of(${script} test label)
    shoal_test(e2e/${name} ${label} sh ${CMAKE_SOURCE_DIR}/tools/e2e.sh ${script} ${program} ${CMAKE_BINARY_DIR})
    file(STRINGS ${script} long LIMIT_COUNT 16 REGEX "long: *yes")
    if(long AND NOT test_prefix)
      shoal_test(e2e/${name}.long full env SHOAL_LONG=1 sh ${CMAKE_SOURCE_DIR}/tools/e2e.sh ${script} ${program} ${CMAKE_BINARY_DIR})
    endif()
  endforeach()
endfunction()

if(TARGET shoal)
  e2e_tests($<TARGET_FILE:shoal>)
endif()
if(NOT SHOAL_SANITIZE)
  shoal_test(tree/order check sh ${CMAKE_SOURCE_DIR}/tools/check_order.sh ${CMAKE_SOURCE_DIR})
  shoal_test(tree/symbols check sh ${CMAKE_SOURCE_DIR}/tools/check_symbols.sh ${CMAKE_SOURCE_DIR}
    $<TARGET_FILE:shoal_shared>)
  shoal_test(tree/text check sh ${CMAKE_SOURCE_DIR}/tools/check_text.sh ${CMAKE_SOURCE_DIR})
  file(WRITE ${CMAKE_BINARY_DIR}/sanitizer_tests.cmake [[
foreach(folder asan tsan fuzz)
  if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/${folder}/CTestTestfile.cmake")
    subdirs("${folder}")
  endif()
endforeach()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_BINARY_DIR}/sanitizer_tests.cmake)
endif()
