# The simulators' own tests, by node --test: sim.ais and sim.dataverse, label "sim".
# Files are named one by one: what "node --test DIR" does differs between versions of Node.js.
find_program(MLC_NODE NAMES node nodejs)
foreach(sim ais dataverse)
  if(MLC_NODE)
    file(GLOB sim_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${sim}/test/*.test.mjs)
    add_test(NAME sim.${sim} COMMAND ${MLC_NODE} --test ${sim_tests})
    set_tests_properties(sim.${sim} PROPERTIES LABELS sim TIMEOUT 300)
  endif()
endforeach()
