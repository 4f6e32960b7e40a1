/* main.c - mlctl: the operator's tool. */
#include "cli/mlctl.h"

#include <curl/curl.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const mlctl_env env = {
        .socket = getenv("MLC_ADMIN_SOCKET"), .sudo_user = getenv("SUDO_USER"), .user = getenv("USER")};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)fputs("mlctl: libcurl cannot be initialised\n", stderr);
        return MLCTL_FAILED;
    }
    const mlctl_exit code = mlctl_main(argc, argv, &env, "mlctl " MLC_VERSION, stdout, stderr);
    curl_global_cleanup();
    return (int)code;
}
