/* http.c - see http.h. */
#include "cli/http.h"

#include "cli/socket.h"
#include "net/local.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 5000, TIMEOUT_S = 600, ANSWER_MAX = 64 * 1024 * 1024 };

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    mlctl_answer *const out = user;
    return mlc_buf_append(&out->body, data, size * count, NULL) == MLC_OK ? size * count : 0;
}

static mlc_code unreachable(const char *door, CURLcode rc, mlc_error *err)
{
    return mlc_fail(err, MLC_E_UNREACHABLE,
                    "%s does not answer (%s); does the program run, and may this user open its socket? "
                    "Another one is named with --socket",
                    door, curl_easy_strerror(rc));
}

static bool never_sent(CURLcode rc)
{
    return rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST ||
           rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CONNECT_ERROR;
}

/* The words in {"error":{"message":..}}, or the status. */
static mlc_code refused(const mlctl_answer *answer, mlc_error *err)
{
    cJSON *tree = NULL;
    const char *words = NULL;
    if (mlc_json_parse(mlc_buf_text(&answer->body), answer->body.len, 0, 0, &tree, NULL) == MLC_OK)
        words = mlc_json_str(mlc_json_get(tree, "error"), "message");
    if (words != NULL)
        (void)mlc_fail(err, MLC_E_REJECTED, "%.400s", words);
    else
        (void)mlc_fail(err, MLC_E_REJECTED, "the program answered with HTTP status %ld", answer->status);
    cJSON_Delete(tree);
    return MLC_E_REJECTED;
}

/* `socket` NULL: over the network. */
static CURLcode set_up(CURL *curl, const char *socket, const char *url, const char *body,
                       struct curl_slist *headers, mlctl_answer *out)
{
    CURLcode rc = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (rc == CURLE_OK && socket != NULL)
        rc = mlc_local_connect(curl, socket);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (rc == CURLE_OK && body != NULL)
        rc = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (rc == CURLE_OK && body != NULL)
        rc = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    return rc;
}

static mlc_code transfer(CURL *curl, const char *socket, const char *url, const char *body, mlctl_answer *out,
                         mlc_error *err)
{
    struct curl_slist *const headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (headers == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    CURLcode rc = set_up(curl, socket, url, body, headers, out);
    if (rc == CURLE_OK)
        rc = curl_easy_perform(curl);
    if (rc == CURLE_OK)
        rc = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_slist_free_all(headers);
    if (never_sent(rc))
        return unreachable(socket != NULL ? socket : url, rc, err);
    if (rc != CURLE_OK)
        return mlc_fail(err, MLC_E_IO, "the answer did not arrive whole: %s", curl_easy_strerror(rc));
    return out->status >= 400 ? refused(out, err) : MLC_OK;
}

mlc_code mlctl_http(const mlctl_args *args, const char *path, const char *body, mlctl_answer *out,
                    mlc_error *err)
{
    mlc_buf url = {0};
    char there[MLCTL_SOCKET_MAX];
    const char *socket = args->socket;
    *out = (mlctl_answer){.body = {.max = ANSWER_MAX}};
    const char *const base = args->url != NULL ? args->url : "http://localhost";
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    mlc_code code = MLC_OK;
    if (args->url == NULL && socket == NULL) {
        code = mlctl_socket_find(MLCTL_SOCKET_DIR, there, err);
        socket = there;
    }
    if (code == MLC_OK)
        code = mlc_buf_append(&url, base, len, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(&url, path, err);
    CURL *const curl = code == MLC_OK ? curl_easy_init() : NULL;
    if (curl != NULL)
        code = transfer(curl, socket, mlc_buf_text(&url), body, out, err);
    else if (code == MLC_OK)
        code = mlc_fail(err, MLC_E_NOMEM, "out of memory");
    curl_easy_cleanup(curl);
    mlc_buf_free(&url);
    return code;
}

mlc_code mlctl_http_json(const mlctl_args *args, const char *path, const char *body, cJSON **tree,
                         mlc_error *err)
{
    mlctl_answer answer;
    *tree = NULL;
    mlc_code code = mlctl_http(args, path, body, &answer, err);
    if (code == MLC_OK &&
        mlc_json_parse(mlc_buf_text(&answer.body), answer.body.len, 0, 0, tree, err) != MLC_OK)
        code = mlc_wrap(err, MLC_E_PROTOCOL, "the program's answer is not readable");
    mlctl_answer_free(&answer);
    return code;
}

mlc_code mlctl_http_post(const mlctl_args *args, const char *path, cJSON *body, mlc_code code, cJSON **tree,
                         mlc_error *err)
{
    *tree = NULL;
    char *const text = code == MLC_OK ? mlc_json_print(body) : NULL;
    cJSON_Delete(body);
    if (code == MLC_OK && text == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "out of memory");
    if (code == MLC_OK)
        code = mlctl_http_json(args, path, text, tree, err);
    free(text);
    return code;
}

void mlctl_answer_free(mlctl_answer *answer)
{
    mlc_buf_free(&answer->body);
}

mlc_code mlctl_query(mlc_buf *path, const char *name, const char *value, mlc_error *err)
{
    if (value == NULL)
        return MLC_OK;
    const char join = strchr(mlc_buf_text(path), '?') == NULL ? '?' : '&';
    const mlc_code code = mlc_buf_printf(path, err, "%c%s=", join, name);
    return code == MLC_OK ? mlc_url_encode(path, value, err) : code;
}

int64_t mlctl_number(const cJSON *obj, const char *name)
{
    int64_t value = 0;
    return mlc_json_int64(obj, name, &value, NULL) == MLC_OK ? value : 0;
}

mlc_code mlctl_print_raw(FILE *out, const cJSON *tree, mlc_error *err)
{
    char *const text = mlc_json_print(tree);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    (void)fprintf(out, "%s\n", text);
    free(text);
    return MLC_OK;
}
