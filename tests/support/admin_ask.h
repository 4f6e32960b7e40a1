/* admin_ask.h - requests to the admin routes of admin_test.h by libcurl. Include after cmocka.h. */
#ifndef MLC_TESTS_ADMIN_ASK_H
#define MLC_TESTS_ADMIN_ASK_H

#include "support/admin_test.h"

#include <curl/curl.h>

typedef struct asked {
    const char *socket, *path, *body; /* body NULL: GET */
    const char *header;               /* NULL: none of its own */
    long status;
    mlc_buf text;
    char type[80];
    CURLcode rc;
} asked;

static inline size_t on_data(char *data, size_t size, size_t count, void *user)
{
    mlc_buf *const text = user;
    return mlc_buf_append(text, data, size * count, NULL) == MLC_OK ? size * count : 0;
}

static inline void ask_in_thread(void *arg)
{
    asked *const a = arg;
    char url[512];
    const char *type = NULL;
    CURL *const curl = curl_easy_init();
    (void)snprintf(url, sizeof url, "http://localhost%s", a->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, a->socket);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 15L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a->text);
    if (a->body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, a->body);
    struct curl_slist *const headers = a->header != NULL ? curl_slist_append(NULL, a->header) : NULL;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    a->rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    (void)snprintf(a->type, sizeof a->type, "%s", type != NULL ? type : "");
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

/* The answer as text; the caller frees a->text. */
static inline void ask_text(admin_fix *f, asked *a, const char *path, const char *body)
{
    *a = (asked){.socket = f->socket, .path = path, .body = body};
    admin_fix_meanwhile(f, ask_in_thread, a);
    assert_int_equal(a->rc, CURLE_OK);
}

/* The answer as a tree, which the caller deletes. */
static inline cJSON *ask(admin_fix *f, const char *path, const char *body, long status)
{
    asked a;
    cJSON *tree = NULL;
    mlc_error err;
    ask_text(f, &a, path, body);
    if (a.status != status)
        fail_msg("%s: %ld instead of %ld: %s", path, a.status, status, mlc_buf_text(&a.text));
    lst_check(mlc_json_parse(mlc_buf_text(&a.text), a.text.len, 0, 0, &tree, &err), &err);
    mlc_buf_free(&a.text);
    return tree;
}

static inline void expect_error(admin_fix *f, const char *path, const char *body, long status,
                                const char *words)
{
    cJSON *const tree = ask(f, path, body, status);
    const char *const message = mlc_json_str(mlc_json_get(tree, "error"), "message");
    if (message == NULL || strstr(message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, message != NULL ? message : "(none)");
    cJSON_Delete(tree);
}

#endif
