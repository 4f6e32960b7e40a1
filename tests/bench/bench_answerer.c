/* bench_answerer.c CERT_FILE KEY_FILE - an HTTPS server of bare libwebsockets that reads each POST and answers at once.
 *
 * Prints its port, then serves until it is killed. */
#include "bench.h"

#include <libwebsockets.h>

static const char ANSWER[] = "{\"accepted\":true}";

static int answer(struct lws *wsi)
{
    uint8_t room[LWS_PRE + 1024];
    uint8_t *const start = room + LWS_PRE;
    uint8_t *at = start;
    uint8_t *const end = room + sizeof room;
    if (lws_add_http_common_headers(wsi, 200, "application/json", sizeof ANSWER - 1, &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0)
        return 1;
    lws_callback_on_writable(wsi);
    return 0;
}

static int write_body(struct lws *wsi)
{
    uint8_t room[LWS_PRE + sizeof ANSWER];
    memcpy(room + LWS_PRE, ANSWER, sizeof ANSWER - 1);
    if (lws_write(wsi, room + LWS_PRE, sizeof ANSWER - 1, LWS_WRITE_HTTP_FINAL) < 0)
        return 1;
    return lws_http_transaction_completed(wsi);
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP: /* the body follows */
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return answer(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_body(wsi);
    default:
        return lws_callback_http_dummy(wsi, reason, session, in, len);
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_http}, {.name = NULL}};
    struct lws_context_creation_info info = {0};
    if (argc != 3)
        bench_die(argv[0], "give certificate and key");
    lws_set_log_level(LLL_ERR, NULL);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.ssl_cert_filepath = argv[1];
    info.ssl_private_key_filepath = argv[2];
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6;
    info.alpn = "http/1.1";
    info.keepalive_timeout = 60;
    struct lws_context *const context = lws_create_context(&info);
    if (context == NULL)
        bench_die("libwebsockets", "no context");
    (void)printf("%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    (void)fflush(stdout);
    while (lws_service(context, 0) >= 0)
        continue;
    return 0;
}
