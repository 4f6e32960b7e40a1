# Version and manifest of the programs, and the installer's own library. What the MSI takes is gathered by
# packaging/windows/msi.sh.
enable_language(RC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/program.rc.in ${CMAKE_BINARY_DIR}/program.rc @ONLY)
foreach(program ml-agent mlctl)
  target_sources(${program} PRIVATE ${CMAKE_BINARY_DIR}/program.rc)
endforeach()

# Custom actions of the MSI: nothing of ours but these files, nothing of others' but Windows.
add_library(ml-setup MODULE ${CMAKE_CURRENT_LIST_DIR}/setup/setup.c ${CMAKE_CURRENT_LIST_DIR}/setup/setup_child.c)
set_target_properties(ml-setup PROPERTIES PREFIX "")
target_compile_definitions(ml-setup PRIVATE UNICODE _UNICODE WIN32_LEAN_AND_MEAN)
target_compile_options(ml-setup PRIVATE -std=c11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla -Werror
  -fno-common -fstack-protector-strong)
target_link_options(ml-setup PRIVATE -static -fstack-protector-strong -Wl,--dynamicbase,--nxcompat,--high-entropy-va
  ${CMAKE_CURRENT_LIST_DIR}/setup/setup.def)
target_link_libraries(ml-setup PRIVATE msi advapi32)
