/* parts: relay */
/* fuzz_enroll.c - any bytes as the body of an enrolment, of a new token, a revocation, a check or a renewal (the first byte chooses), with a
 * real registry behind: every request is answered, and who is in the registry has a proper name. */
#include "net/http_server_private.h"
#include "relay/agent_check.h"
#include "relay/enroll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 60 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct office {
    char dir[128];
    mlc_store *store;
    mlc_agents *agents;
    mlc_keyring ring;
    mlc_issuer issuer;
    mlc_enroll_desk desk;
} office;

static office *the_office; /* libFuzzer has no argument for it */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool tenant_known(void *user, const char *tenant)
{
    (void)user;
    return strcmp(tenant, "acme") == 0;
}

static mlc_code find_agent(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err)
{
    (void)user;
    (void)out;
    return mlc_fail(err, MLC_E_NOTFOUND, "agent %s is unknown", agent_id);
}

static void on_issued(void *user, mlc_code code, const mlc_error *err)
{
    (void)user;
    (void)err;
    must(code == MLC_OK);
}

static void close_office(void)
{
    static const char *const files[] = {"/data.mdb", "/lock.mdb", ""};
    char path[160];
    mlc_store_close(the_office->store);
    mlc_agents_close(the_office->agents);
    mlc_tunnel_server_close(the_office->desk.tunnel);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", the_office->dir, files[i]);
        (void)remove(path);
    }
    free(the_office);
}

static void open_office(void)
{
    static const uint8_t root[MLC_KEY_LEN] = {3};
    const mlc_tunnel_server_options tunnel = {.software = "fuzz", .find_agent = find_agent};
    office *const o = calloc(1, sizeof *o);
    must(o != NULL);
    (void)snprintf(o->dir, sizeof o->dir, "%s/mlc-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(o->dir) != NULL);
    const mlc_store_options store = {.dir = o->dir};
    must(mlc_store_open(&o->store, &store, NULL) == MLC_OK);
    o->ring = mlc_keyring_of(root);
    const mlc_issuer_options issuer = {.control = o->store, .ring = &o->ring, .life_ms = 3600000};
    must(mlc_issuer_open(&o->issuer, &issuer, NULL) == MLC_OK);
    must(mlc_agents_open(&o->agents, o->store, &o->ring, &o->issuer, NULL, NULL) == MLC_OK);
    must(mlc_tunnel_server_open(&o->desk.tunnel, &tunnel, NULL) == MLC_OK);
    o->desk.agents = o->agents;
    o->desk.issuer = &o->issuer;
    o->desk.tenant_known = tenant_known;
    must(mlc_agents_issue(o->agents, "acme", "agent-1", "seed-token", INT64_MAX / 2, NULL, on_issued, NULL,
                          NULL) == MLC_OK);
    must(mlc_store_drain(o->store, NULL) == MLC_OK);
    the_office = o;
    must(atexit(close_office) == 0);
}

/* A request whose peer has gone: the answer is dropped. */
static mlc_http_req *request_of(const uint8_t *body, size_t len)
{
    mlc_http_req *const req = calloc(1, sizeof *req);
    must(req != NULL);
    req->method = "POST";
    req->body.max = BODY_MAX;
    must(mlc_buf_append(&req->body, body, len, NULL) == MLC_OK);
    return req;
}

static void check_registry(const mlc_agents *agents)
{
    const mlc_agent_record *record = NULL;
    for (size_t i = 0; (record = mlc_agents_at(agents, i)) != NULL; i++) {
        must(record->id[0] != '\0' && strcmp(record->tenant, "acme") == 0);
        for (const char *p = record->id; *p != '\0'; p++)
            must(*p > ' ' && *p <= '~');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mlc_http_handler const faces[] = {mlc_enroll_handle, mlc_enroll_tokens_handle, mlc_revoke_handle,
                                             mlc_agent_check_handle, mlc_renew_handle};
    if (size == 0 || size > BODY_MAX)
        return 0;
    if (the_office == NULL)
        open_office();
    faces[data[0] % 5](request_of(data + 1, size - 1), &the_office->desk);
    must(mlc_store_drain(the_office->store, NULL) == MLC_OK);
    check_registry(the_office->agents);
    return 0;
}
