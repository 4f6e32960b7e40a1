# Compiler options every target of the project shares, through the interface library mlc_options.
add_library(mlc_options INTERFACE)
target_include_directories(mlc_options INTERFACE ${CMAKE_SOURCE_DIR}/common)
target_compile_definitions(mlc_options INTERFACE _GNU_SOURCE)
target_compile_options(mlc_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -Werror -fno-common -fstack-protector-strong)
if(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_definitions(mlc_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(MLC_SANITIZE)
  target_compile_options(mlc_options INTERFACE -fsanitize=${MLC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mlc_options INTERFACE -fsanitize=${MLC_SANITIZE})
endif()
if(MLC_BUILD_FUZZ)
  # Coverage in every object; the fuzzer's own main only in the fuzz targets (tests/fuzz).
  target_compile_options(mlc_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WIN32)
  # The POSIX names that mingw-w64 lacks (common/windows/posix.h) are there in every file.
  target_compile_definitions(mlc_options INTERFACE WIN32_LEAN_AND_MEAN _POSIX_THREAD_SAFE_FUNCTIONS=200112L __USE_MINGW_ANSI_STDIO=1)
  target_compile_options(mlc_options INTERFACE -include ${CMAKE_SOURCE_DIR}/common/windows/posix.h)
  target_include_directories(mlc_options SYSTEM INTERFACE ${CMAKE_SOURCE_DIR}/common/windows/include)
  target_link_options(mlc_options INTERFACE -fstack-protector-strong -Wl,--dynamicbase,--nxcompat,--high-entropy-va)
else()
  # Hardening of the programs: full RELRO and no executable stack.
  target_link_options(mlc_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
