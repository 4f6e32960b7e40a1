# The libraries of other people, each as one target. Debian's packages: packaging/setup.sh.
find_package(Threads REQUIRED)
find_package(CURL REQUIRED)
find_package(PkgConfig REQUIRED)
function(mlc_package target)
  pkg_check_modules(${target}_pc REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target}_pc)
endfunction()
mlc_package(cjson libcjson)
mlc_package(libconfig libconfig)
mlc_package(lmdb lmdb)
# Its pkg-config file has another name on each distribution; RHEL and Fedora call it lua.
pkg_search_module(lua_pc REQUIRED IMPORTED_TARGET lua5.4 lua-5.4 lua54 lua>=5.4)
add_library(lua INTERFACE)
target_link_libraries(lua INTERFACE PkgConfig::lua_pc)
mlc_package(libuv libuv)
# Client certificates are read with OpenSSL, which libwebsockets is built with.
mlc_package(libwebsockets libwebsockets openssl)
# Loads the library of a token's maker and reads PKCS#11 URIs.
if(MLC_PKCS11)
  mlc_package(p11kit p11-kit-1)
endif()
# Only tests link it: an image's build does without.
if(MLC_BUILD_TESTS OR MLC_BUILD_FUZZ OR MLC_BUILD_BENCH)
  mlc_package(cmocka cmocka)
endif()
# Debian's mbedTLS 2.28 ships no pkg-config file.
find_library(MLC_MBEDCRYPTO mbedcrypto REQUIRED)
find_library(MLC_MBEDX509 mbedx509 REQUIRED)
find_path(MLC_MBEDTLS_INCLUDE mbedtls/gcm.h REQUIRED)
add_library(mbedcrypto INTERFACE)
target_link_libraries(mbedcrypto INTERFACE ${MLC_MBEDX509} ${MLC_MBEDCRYPTO})
target_include_directories(mbedcrypto SYSTEM INTERFACE ${MLC_MBEDTLS_INCLUDE})
