#include "net/http_server_private.h"

static void arm(mlc_http_server *server)
{
    if (server->closing || uv_is_active((const uv_handle_t *)&server->timer))
        return;
    const http_wait *waits[] = {&server->wait_request, &server->wait_idle, &server->wait_linger};
    int64_t first = INT64_MAX, now = (int64_t)uv_now(server->timer.loop);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        if (waits[i]->head != NULL && waits[i]->head->expires_ms < first)
            first = waits[i]->head->expires_ms;
    if (first != INT64_MAX)
        uv_timer_start(&server->timer, mlc_http_wait_timer, first > now ? (uint64_t)(first - now) : 0, 0);
}

void mlc_http_wait_none(http_conn *conn)
{
    http_wait *wait = conn->wait;
    if (wait == NULL)
        return;
    if (conn->wait_prev != NULL)
        conn->wait_prev->wait_next = conn->wait_next;
    else
        wait->head = conn->wait_next;
    if (conn->wait_next != NULL)
        conn->wait_next->wait_prev = conn->wait_prev;
    else
        wait->tail = conn->wait_prev;
    conn->wait = NULL;
    conn->wait_prev = conn->wait_next = NULL;
}

void mlc_http_wait_for(http_conn *conn, http_wait *wait)
{
    mlc_http_wait_none(conn);
    conn->expires_ms = (int64_t)uv_now(conn->server->timer.loop) + wait->duration_ms;
    conn->wait = wait;
    conn->wait_prev = wait->tail;
    if (wait->tail != NULL)
        wait->tail->wait_next = conn;
    else
        wait->head = conn;
    wait->tail = conn;
    /* An armed timer fires early at worst and is set again then: nothing to do per request. Only the
     * short linger may have to overtake it. */
    if (wait == &conn->server->wait_linger)
        uv_timer_stop(&conn->server->timer);
    arm(conn->server);
}

static void expire(http_wait *wait, int64_t now)
{
    while (wait->head != NULL && wait->head->expires_ms <= now) {
        http_conn *conn = wait->head;
        mlc_http_wait_none(conn);
        mlc_http_conn_expired(conn);
    }
}

void mlc_http_wait_timer(uv_timer_t *timer)
{
    mlc_http_server *server = timer->data;
    int64_t now = (int64_t)uv_now(timer->loop);
    expire(&server->wait_request, now);
    expire(&server->wait_idle, now);
    expire(&server->wait_linger, now);
    arm(server);
}
