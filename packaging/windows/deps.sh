#!/usr/bin/env bash
# deps.sh - the libraries of the Windows programs: Debian's source packages, cross-built as static libraries.
#
#   packaging/windows/deps.sh [--tools]
#     --tools   only install what is needed to build for Windows and to run it (mingw-w64, wine, msitools)
# Result: build/windows/deps/{include,lib}. Done again only when a version, this script or the toolchain file changed.
# The source packages are those of the Debian release this machine runs, from the archives it is set up with; apt
# verifies them. Their indexes go to build/windows, the machine's own lists stay as they are.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root=$PWD/build/windows
work=$root/src
prefix=$root/deps
toolchain=$PWD/cmake/mingw.cmake
patches=$PWD/packaging/windows
jobs=${MLC_JOBS:-$(nproc)}
sources=(libuv1 mbedtls openssl curl libwebsockets cjson lmdb libconfig lua5.4 cmocka)
tools=(gcc-mingw-w64-x86-64-posix libz-mingw-w64-dev wine wine64 wixl msitools dpkg-dev cmake ninja-build make patch perl)
cc=x86_64-w64-mingw32-gcc-posix
ar=x86_64-w64-mingw32-gcc-ar-posix

install_tools() {
    local missing=() package as_root=()
    for package in "${tools[@]}"; do
        [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] ||
            missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return; fi
    if ((EUID != 0)); then as_root=(sudo); fi
    "${as_root[@]}" apt-get --quiet update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${missing[@]}"
}

# ---- source packages ----

# The machine's entries for Debian's own archives, as entries for source packages.
source_entries() {
    local file
    for file in /etc/apt/sources.list.d/*.sources; do
        if [[ -f $file ]]; then
            awk 'BEGIN { RS = ""; ORS = "\n\n" } /URIs:[^\n]*\/debian/ { sub(/Types:[^\n]*/, "Types: deb-src"); print }' "$file" \
                >"$root/apt/parts/$(basename "$file")"
        fi
    done
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb \(.*\/debian.*\)/deb-src \1/p' >"$root/apt/parts/debian.list" || true
}

private_apt() {
    mkdir -p "$root"/apt/{parts,lists/partial,cache/archives/partial}
    source_entries
    cat >"$root/apt/apt.conf" <<TEXT
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$root/apt/parts";
Dir::State::lists "$root/apt/lists";
Dir::Cache "$root/apt/cache";
APT::Sandbox::User "";
APT::Get::Only-Source "true";
TEXT
    export APT_CONFIG=$root/apt/apt.conf
}

# "curl 7.88.1-10", a line for each version that the archives list; of a package the newest first.
versions() {
    local name
    for name in "${sources[@]}"; do
        apt-cache showsrc "$name" | awk -v name="$name" '
            /^Package:/ { mine = $2 == name } mine && /^Version:/ { print $2 }' | sort -rV | sed "s/^/$name /"
    done
}

fetch() { # name version
    local folder=$work/$1
    rm -rf "$folder"
    mkdir -p "$work/archive"
    (cd "$work/archive" && apt-get --quiet --download-only source "$1=$2")
    dpkg-source --extract --no-copy "$work/archive/${1}_${2#*:}.dsc" "$folder"
    local patch
    for patch in "$patches/$1"-*.patch; do
        patch --directory="$folder" --strip=1 --batch <"$patch"
    done
}

# ---- builds ----
# Most are compiled without their own build systems: under mingw-w64 those spend minutes on finding out what is known.

compile_one() { # object source options...
    local object=$1 source=$2
    shift 2
    ${CMAKE_C_COMPILER_LAUNCHER:-} "$cc" -O2 "$@" -c "$source" -o "$object"
}
export -f compile_one
export cc

with_cc() { # library source... -- options...
    local library=$1 folder=$work/objects/$1 source
    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    local files=()
    while [[ $1 != -- ]]; do
        files+=("$1")
        shift
    done
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    for source in "${files[@]}"; do
        printf '%s\0%s\0' "$folder/$(basename "$(dirname "$source")")-$(basename "$source").o" "$source"
    done | xargs -0 -n 2 -P "$jobs" bash -c 'compile_one "${@: -2}" "${@:1:$#-2}"' _ -D_WIN32_WINNT=0x0A00 "$@"
    rm -f "$prefix/lib/$library.a"
    "$ar" rcs "$prefix/lib/$library.a" "$folder"/*.o
}

build_libuv1() {
    local dir=$work/libuv1
    with_cc libuv "$dir"/src/*.c "$dir"/src/win/*.c -- -DWIN32_LEAN_AND_MEAN -I"$dir/include" -I"$dir/src"
    cp -r "$dir/include/." "$prefix/include/"
}

# For sealing alone: TLS is OpenSSL's, as in the other programs.
build_mbedtls() {
    local dir=$work/mbedtls
    with_cc libmbedtls "$dir"/library/*.c -- -I"$dir/include" -I"$dir/library"
    cp -r "$dir/include/mbedtls" "$dir/include/psa" "$prefix/include/"
}

# What TLS 1.2 and 1.3 with certificates need, and curl's sign-in at proxies (DES), nothing else: a third is left out.
# OpenSSL reads no configuration by itself: a static library would look for it where it was built, in a folder that on
# Windows any user may create.
build_openssl() {
    local without=(shared module tests engine dso comp legacy ui-console autoload-config makedepend async
        aria bf blake2 camellia cast gost idea md4 mdc2 ocb rc2 rc4 rmd160 scrypt seed siphash siv sm2 sm3 sm4 whirlpool
        cmp cms ct dgram dsa ec2m nextprotoneg psk rfc3779 srp srtp ssl-trace ts)
    cd "$work/openssl"
    CC="${CMAKE_C_COMPILER_LAUNCHER:-} $cc" AR=$ar RANLIB=x86_64-w64-mingw32-gcc-ranlib-posix CFLAGS=-O2 \
        ./Configure mingw64 "${without[@]/#/no-}" -D_WIN32_WINNT=0x0A00 --openssldir='C:/Program Files/Common Files/SSL'
    make -j "$jobs" build_generated
    make -j "$jobs" libcrypto.a libssl.a
    cp libcrypto.a libssl.a "$prefix/lib/"
    cp -r include/openssl "$prefix/include/"
}

build_curl() {
    local dir=$work/curl
    # SSPI signs in at the customer's proxy as the service's account; host names with other letters by Windows itself.
    with_cc libcurl "$dir"/lib/*.c "$dir"/lib/{vauth,vtls,vquic,vssh}/*.c -- -DBUILDING_LIBCURL -DCURL_STATICLIB -DHTTP_ONLY \
        -DUSE_OPENSSL -DUSE_WINDOWS_SSPI -DUSE_WIN32_IDN -DWANT_IDN_PROTOTYPES -DCURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG \
        -I"$dir/include" -I"$dir/lib" -I"$prefix/include"
    cp -r "$dir/include/curl" "$prefix/include/"
}

build_libwebsockets() {
    local dir=$work/libwebsockets
    local has=()
    # What OpenSSL has is known. One that is not found would be done without in silence: the host name in certificates.
    mapfile -t has < <(sed -n 's/^CHECK_.*[ (]\(LWS_HAVE_[A-Za-z0-9_]*\)\( PARENT_SCOPE\)\?)$/-D\1=1/p' "$dir/lib/tls/CMakeLists.txt" |
        grep -v -e RSA_verify_pss_mgf1)
    cmake -S "$dir" -B "$dir/build" -G Ninja --toolchain "$toolchain" -Wno-dev \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_PREFIX_PATH="$prefix" \
        -DLWS_WITH_SSL=ON -DLWS_WITH_LIBUV=ON -DLWS_WITH_EVLIB_PLUGINS=OFF \
        -DLWS_WITH_SHARED=OFF -DLWS_WITH_STATIC=ON -DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITH_MINIMAL_EXAMPLES=OFF \
        -DLWS_IPV6=ON -DLWS_WITH_HTTP2=OFF -DLWS_WITHOUT_EXTENSIONS=OFF -DLWS_WITH_ZLIB=ON -DLWS_WITH_BUNDLED_ZLIB=OFF \
        -DDISABLE_WERROR=ON "${has[@]}" -DLWS_OPENSSL_INCLUDE_DIRS="$prefix/include" \
        -DLWS_OPENSSL_LIBRARIES="$prefix/lib/libssl.a;$prefix/lib/libcrypto.a" \
        -DLWS_ZLIB_INCLUDE_DIRS="$prefix/include" -DLWS_ZLIB_LIBRARIES="$prefix/lib/libz.a" \
        -DLWS_LIBUV_INCLUDE_DIRS="$prefix/include" -DLWS_LIBUV_LIBRARIES="$prefix/lib/libuv.a"
    grep -q '^#define LWS_HAVE_X509_VERIFY_PARAM_set1_host' "$dir/build/lws_config.h"
    cmake --build "$dir/build" -j "$jobs" --target install
}

build_cjson() {
    with_cc libcjson "$work/cjson/cJSON.c" --
    mkdir -p "$prefix/include/cjson"
    cp "$work/cjson/cJSON.h" "$prefix/include/cjson/"
}

build_lmdb() {
    local dir=$work/lmdb/libraries/liblmdb
    if [[ ! -d $dir ]]; then dir=$work/lmdb; fi
    with_cc liblmdb "$dir/mdb.c" "$dir/midl.c" -- -DNDEBUG
    cp "$dir/lmdb.h" "$prefix/include/"
}

build_libconfig() {
    local dir=$work/libconfig/lib
    with_cc libconfig "$dir"/{grammar,libconfig,scanctx,scanner,strbuf}.c -- -DLIBCONFIG_STATIC -DYY_NO_UNISTD_H -I"$dir"
    cp "$dir/libconfig.h" "$prefix/include/"
}

build_lua5.4() {
    local dir=$work/lua5.4/src file
    local files=()
    for file in "$dir"/*.c; do
        case $(basename "$file") in lua.c | luac.c) ;; *) files+=("$file") ;; esac
    done
    with_cc liblua "${files[@]}" -- -DNDEBUG
    cp "$dir"/{lua,luaconf,lualib,lauxlib}.h "$prefix/include/"
}

build_cmocka() {
    local dir=$work/cmocka
    with_cc libcmocka "$dir/src/cmocka.c" -- -I"$dir/include" -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H \
        -DHAVE_STRINGS_H -DHAVE_STRING_H -DHAVE_STDINT_H -DHAVE_STDLIB_H -DHAVE_SYS_STAT_H -DHAVE_TIME_H -DHAVE_SNPRINTF \
        -DHAVE_VSNPRINTF -DHAVE_FREE -DHAVE_MALLOC -DHAVE_CALLOC -DHAVE_REALLOC -DHAVE_GCC_THREAD_LOCAL_STORAGE \
        -D__USE_MINGW_ANSI_STDIO=1
    cp "$dir"/include/cmocka*.h "$prefix/include/"
}

install_tools
if [[ ${1:-} == --tools ]]; then exit 0; fi

mkdir -p "$root" "$work/objects" "$prefix"/{include,lib,stamps}
private_apt
if [[ -z $(find "$root/apt/lists" -name '*Sources*' -mmin -1440 -print -quit) ]]; then
    apt-get --quiet update
fi
# zlib is there as a package of Debian.
cp -u /usr/x86_64-w64-mingw32/include/{zlib,zconf}.h "$prefix/include/"
cp -u /usr/x86_64-w64-mingw32/lib/libz.a "$prefix/lib/"

# What a library was built from and how; the same again need not be built again.
stamp() { # name version
    local how
    how=$(declare -f with_cc compile_one "build_$1" | cat - "$toolchain" "$patches/$1"-*.patch | sha256sum)
    echo "$1 $2 $("$cc" -dumpfullversion) $how"
}

build_one() { # name version
    "build_$1"
    cp "$work/$1/debian/copyright" "$prefix/copyright-$1"
}

# Its outcome is in status. A function that is judged by an "if" does not stop at its first error: hence this way.
logged() { # name command...
    local log=$work/$1.log
    shift
    set +e
    (
        set -e
        "$@"
    ) >>"$log" 2>&1
    status=$?
    set -e
}

rm -f "$prefix/built"
done_with='' behind=''
while read -r name version; do
    if [[ $name == "$done_with" ]]; then continue; fi
    now=$(stamp "$name" "$version")
    if [[ ! -f $prefix/stamps/$name || $(<"$prefix/stamps/$name") != "$now" ]]; then
        : >"$work/$name.log"
        # A mirror may list a version before it has it.
        logged "$name" fetch "$name" "$version"
        if ((status != 0)); then
            echo "deps.sh: $name $version cannot be fetched; see $work/$name.log" >&2
            behind=$name
            continue
        fi
        echo "deps.sh: $name $version"
        started=$SECONDS
        logged "$name" build_one "$name" "$version"
        if ((status != 0)); then
            tail -n 40 "$work/$name.log" >&2
            echo "deps.sh: $name $version could not be built; all of it: $work/$name.log" >&2
            exit 1
        fi
        echo "deps.sh: $name took $((SECONDS - started)) s"
        echo "$now" >"$prefix/stamps/$name"
    fi
    if [[ $behind == "$name" ]]; then echo "deps.sh: $name $version, which is older, is used instead" >&2; fi
    done_with=$name
done < <(versions)
for name in "${sources[@]}"; do
    if [[ ! -f $prefix/stamps/$name ]]; then
        echo "deps.sh: no version of $name could be fetched" >&2
        exit 1
    fi
done
echo "deps.sh: $prefix is up to date"
touch "$prefix/built"
