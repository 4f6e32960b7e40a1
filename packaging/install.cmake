# install.cmake - what is installed where, in three components: agent, relay and common (mlctl, manuals, mappings).
# Examples of configurations and manual pages are made from what the programs themselves say, so that they are complete.
include(GNUInstallDirs)

set(MLC_UNIT_DIR ${CMAKE_INSTALL_PREFIX}/lib/systemd/system CACHE PATH "Folder of systemd's units")
# A day for the manual pages; package.sh gives that of the last commit.
set(MLC_DATE "" CACHE STRING "Date in the manual pages, YYYY-MM-DD")

set(packaging ${CMAKE_CURRENT_LIST_DIR})
set(made ${CMAKE_BINARY_DIR}/packaging)
find_program(MLC_AWK NAMES awk REQUIRED)
find_program(MLC_GZIP NAMES gzip REQUIRED)

# A file from the standard output of a command.
function(mlc_made_file file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND;DEPENDS")
  add_custom_command(OUTPUT ${made}/${file} COMMAND ${arg_COMMAND} > ${made}/${file}
    DEPENDS ${arg_DEPENDS} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY mlc_made_files ${made}/${file})
endfunction()

file(MAKE_DIRECTORY ${made})
foreach(program ml-agent ml-relay mlctl)
  mlc_made_file(${program}.help COMMAND ${program} --help DEPENDS ${program})
endforeach()
foreach(part agent relay)
  mlc_made_file(ml-${part}.table COMMAND ml-${part} --help-config DEPENDS ml-${part})
  mlc_made_file(${part}.conf
    COMMAND ${MLC_AWK} -v name=ml-${part} -v file=${part}.conf -f ${packaging}/config/example.awk
      ${packaging}/config/${part}.values ${made}/ml-${part}.table
    DEPENDS ${made}/ml-${part}.table ${packaging}/config/example.awk ${packaging}/config/${part}.values)
endforeach()

function(mlc_manual page component)
  mlc_made_file(${page}
    COMMAND ${MLC_AWK} -v version=${PROJECT_VERSION} -v date=${MLC_DATE} -v dir=${made} -f ${packaging}/man/page.awk
      ${packaging}/man/${page}.in
    DEPENDS ${made}/ml-agent.help ${made}/ml-relay.help ${made}/mlctl.help ${made}/ml-agent.table
      ${made}/ml-relay.table ${packaging}/man/page.awk ${packaging}/man/${page}.in)
  mlc_made_file(${page}.gz COMMAND ${MLC_GZIP} -9nc ${made}/${page} DEPENDS ${made}/${page})
  string(REGEX REPLACE ".*\\." "" section ${page})
  install(FILES ${made}/${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()

# Unit and user of one program.
function(mlc_service part title secret)
  set(name ml-${part})
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "reload;capabilities;private_users" "")
  foreach(value reload capabilities private_users)
    set(${value} "${arg_${value}}")
  endforeach()
  configure_file(${packaging}/systemd/service.in ${made}/${name}.service @ONLY)
  configure_file(${packaging}/systemd/sysusers.in ${made}/sysusers/${name}.conf @ONLY)
  configure_file(${packaging}/systemd/tmpfiles.in ${made}/tmpfiles/${name}.conf @ONLY)
  install(FILES ${made}/${name}.service DESTINATION ${MLC_UNIT_DIR} COMPONENT ${part})
  install(FILES ${made}/sysusers/${name}.conf DESTINATION lib/sysusers.d COMPONENT ${part})
  install(FILES ${made}/tmpfiles/${name}.conf DESTINATION lib/tmpfiles.d COMPONENT ${part})
  install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT ${part})
  install(FILES ${made}/${part}.conf DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/ml-connector COMPONENT ${part})
  mlc_manual(${name}.8 ${part})
endfunction()

mlc_service(agent "agent beside JD Edwards" ais-password
  reload "ExecReload=/bin/sh -c \"kill -HUP $MAINPID\"" private_users "PrivateUsers=yes")
# A port below 1024 is bound with a capability of the machine's user namespace.
mlc_service(relay "relay between agents and Dynamics" acme-client
  reload "ExecReload=/bin/sh -c \"kill -HUP $MAINPID\"" capabilities CAP_NET_BIND_SERVICE)
install(FILES ${packaging}/systemd/ml-relay.socket DESTINATION ${MLC_UNIT_DIR} COMPONENT relay)

install(TARGETS mlctl DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT common)
mlc_manual(mlctl.1 common)
mlc_manual(ml-connector.conf.5 common)
install(FILES ${map_defaults} DESTINATION ${CMAKE_INSTALL_DATADIR}/ml-connector/mappings COMPONENT common)
install(FILES ${packaging}/completion/ml-connector RENAME mlctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT common)
foreach(name ml-agent ml-relay)
  install(CODE "
    set(folder \"\$ENV{DESTDIR}${CMAKE_INSTALL_FULL_DATADIR}/bash-completion/completions\")
    file(MAKE_DIRECTORY \"\${folder}\")
    file(CREATE_LINK mlctl \"\${folder}/${name}\" SYMBOLIC)" COMPONENT common)
endforeach()

get_property(files GLOBAL PROPERTY mlc_made_files)
add_custom_target(package_files ALL DEPENDS ${files})
# Not part of a build under sanitizers or for fuzzing: nothing is installed from there.
if(MLC_SANITIZE OR MLC_BUILD_FUZZ)
  set_target_properties(package_files PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
