# Version and manifest of the programs. What the MSI takes is gathered by packaging/windows/msi.sh.
enable_language(RC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/program.rc.in ${CMAKE_BINARY_DIR}/program.rc @ONLY)
foreach(program ml-agent mlctl)
  target_sources(${program} PRIVATE ${CMAKE_BINARY_DIR}/program.rc)
endforeach()
