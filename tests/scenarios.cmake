# End-to-end and fault tests: Node.js scripts that start agent, relay and simulators as processes of their own.
# The heavy ones lock the machine, so that not more than one of them runs at a time.
find_program(MLC_NODE NAMES node nodejs)

function(mlc_scenario name label file seconds)
  if(NOT MLC_NODE)
    return()
  endif()
  add_test(NAME ${label}.${name} COMMAND ${MLC_NODE} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT ${seconds} RESOURCE_LOCK scenario
    ENVIRONMENT "MLC_AGENT=$<TARGET_FILE:ml-agent>;MLC_RELAY=$<TARGET_FILE:ml-relay>;MLC_MLCTL=$<TARGET_FILE:mlctl>;${ARGN}")
endfunction()

mlc_scenario(customers e2e e2e/customers.test.mjs 180)
mlc_scenario(orders e2e e2e/orders.test.mjs 180)
mlc_scenario(addresses e2e e2e/addresses.test.mjs 400)
mlc_scenario(addresses_lost e2e e2e/addresses_lost.test.mjs 300)
mlc_scenario(addresses_race e2e e2e/addresses_race.test.mjs 300)
mlc_scenario(webhooks e2e e2e/webhooks.test.mjs 240 MLC_CTL=$<TARGET_FILE:mlctl>)
mlc_scenario(order_flow e2e e2e/order_flow.test.mjs 240)
mlc_scenario(masters e2e e2e/masters.test.mjs 300)
mlc_scenario(flows e2e e2e/flows.test.mjs 240)
mlc_scenario(trial e2e e2e/trial.test.mjs 300)
mlc_scenario(refresh e2e e2e/refresh.test.mjs 240)
mlc_scenario(replay e2e e2e/replay.test.mjs 300)
mlc_scenario(review e2e e2e/review.test.mjs 180)
mlc_scenario(audit e2e e2e/audit.test.mjs 180)
mlc_scenario(reconcile e2e e2e/reconcile.test.mjs 400)
mlc_scenario(doctor e2e e2e/doctor.test.mjs 300)
mlc_scenario(tenants e2e e2e/tenants.test.mjs 300)
mlc_scenario(identity e2e e2e/identity.test.mjs 500)
mlc_scenario(secrets e2e e2e/secrets.test.mjs 300)
mlc_scenario(backup e2e e2e/backup.test.mjs 400)
mlc_scenario(token e2e e2e/token.test.mjs 300)

# Corporate networks. The two in network namespaces need root, and say so when they are skipped.
mlc_scenario(proxy net net/proxy.test.mjs 400)
mlc_scenario(firewall net net/firewall.test.mjs 240)
mlc_scenario(ipv6 net net/ipv6.test.mjs 300)
if(MLC_NODE)
  set_tests_properties(net.firewall net.ipv6 PROPERTIES SKIP_RETURN_CODE 77)
endif()

if(MLC_NODE)
  add_test(NAME docs.flows COMMAND ${MLC_NODE} ${CMAKE_SOURCE_DIR}/packaging/flow_docs.mjs --check)
  set_tests_properties(docs.flows PROPERTIES LABELS docs TIMEOUT 60)
endif()

# The acceptance test. A smaller one, for a minute: -D MLC_SPINE_SMALL=ON, or the variables of spine.test.mjs.
option(MLC_SPINE_SMALL "Run the acceptance test with small numbers" OFF)
if(MLC_SPINE_SMALL)
  mlc_scenario(spine e2e e2e/spine.test.mjs 300)
else()
  mlc_scenario(spine e2e e2e/spine.test.mjs 900 MLC_E2E_CUSTOMERS=10000 MLC_E2E_ORDERS=1000 MLC_E2E_KILLS=50 MLC_E2E_CUTS=50
    MLC_E2E_SECONDS=300)
endif()

foreach(group status network data life)
  mlc_scenario(ais.${group} fault fault/ais.test.mjs 300 MLC_FAULT_GROUP=${group})
endforeach()
foreach(group status network life webhooks)
  mlc_scenario(dataverse.${group} fault fault/dataverse.test.mjs 300 MLC_FAULT_GROUP=${group})
endforeach()
