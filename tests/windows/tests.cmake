# What of the unit suite is not built for Windows, by the reason (docs/windows.md tells the same to readers).
set(MLC_NOT_ON_WINDOWS
  # of the relay, which does not run there
  relay
  # they fork
  test_store_kill test_store_life test_store_room test_store_snapshot test_fresh
  # POSIX itself is what they test: resource limits, the socket of systemd, modes of files
  test_log test_notify test_service test_root_key test_config test_program test_socket test_map_cmd test_backup_cmd
  # their peers are raw POSIX sockets or a server with OpenSSL (tests/support/net_test.h); tests/windows/flow.test.mjs goes
  # the same way with real peers
  admin link test_ais_read test_ais_session test_ais_write test_enroll test_executor test_order_config test_row_fetch
  test_audit_cmd test_mlctl test_review test_http_client test_http_server test_http_server_raw test_http_trace
  test_timer_waker test_bridge test_http_server_life test_replay)
function(mlc_on_windows out part name)
  if(part IN_LIST MLC_NOT_ON_WINDOWS OR name IN_LIST MLC_NOT_ON_WINDOWS)
    set(${out} OFF PARENT_SCOPE)
  else()
    set(${out} ON PARENT_SCOPE)
  endif()
endfunction()
add_library(windows_tests STATIC windows/posix_tests.c)
target_link_libraries(windows_tests PUBLIC mlc_options)
target_compile_options(windows_tests PUBLIC "SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/posix_tests.h")
target_include_directories(windows_tests SYSTEM PUBLIC ${CMAKE_CURRENT_LIST_DIR}/include)
