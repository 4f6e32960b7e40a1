/* trial.c - see trial.h: life, and the kinds that run dry. */
#include "relay/trial_private.h"

#include "base/clock.h"
#include "deliver/held.h"
#include "relay/odata_dry.h"
#include "relay/sent.h"
#include "relay/source_version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *mlc_trial_setting(const mlc_trial *t, const char *name)
{
    char path[128];
    return mlc_cfg_str(t->opt.cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", t->opt.index, name));
}

static bool runs_dry(void *user, const char *kind)
{
    const mlc_trial *const t = user;
    char path[128];
    if (t->all_dry || !mlc_inbound_writes(kind))
        return t->all_dry && mlc_inbound_writes(kind);
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].dry_run_kinds", t->opt.index);
    for (size_t i = 0; i < mlc_cfg_count(t->opt.cfg, path); i++)
        if (strcmp(mlc_cfg_list_str(t->opt.cfg, path, i), kind) == 0)
            return true;
    return false;
}

/* ---- the report ---- */

static void report_trouble(mlc_trial *t, const char *what)
{
    if (!t->report_failed)
        mlc_log_warn(t->opt.log, "dry run", what, MLC_S("file", t->report_file),
                     MLC_S("error", strerror(errno)));
    t->report_failed = true;
}

static bool open_report(mlc_trial *t)
{
    struct stat found;
    if (t->report != NULL)
        return true;
    const int fd = open(t->report_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    t->report = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (t->report == NULL) {
        report_trouble(t, "the report cannot be opened");
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    t->report_size = fstat(fd, &found) == 0 ? (int64_t)found.st_size : 0;
    return true;
}

static void close_report(mlc_trial *t)
{
    if (t->report != NULL && fclose(t->report) != 0)
        report_trouble(t, "the report cannot be written");
    t->report = NULL;
}

static void turn_report(mlc_trial *t)
{
    char old[sizeof t->report_file + 4];
    close_report(t);
    (void)snprintf(old, sizeof old, "%s.1", t->report_file);
    if (rename(t->report_file, old) != 0)
        report_trouble(t, "the report cannot be renamed");
}

static void write_report(mlc_trial *t, const mlc_delivery *item, const mlc_delivery_result *result,
                         const char *words)
{
    char time[MLC_ISO_TEXT_MAX];
    cJSON *const line = cJSON_CreateObject();
    (void)mlc_json_add_str(line, "at", mlc_iso_text(mlc_wall_ms(), time), NULL);
    (void)mlc_json_add_str(line, "key", item->key, NULL);
    (void)mlc_json_add_str(line, "kind", item->kind, NULL);
    (void)mlc_json_add_str(line, "idem", item->idem, NULL);
    (void)mlc_json_add_str(line, "outcome", words, NULL);
    if (result->differences != NULL)
        (void)mlc_json_add(line, "differences", cJSON_Duplicate(result->differences, true), NULL);
    char *const text = mlc_json_print(line);
    cJSON_Delete(line);
    if (text == NULL || !open_report(t)) {
        free(text);
        return;
    }
    if (fprintf(t->report, "%s\n", text) < 0 || fflush(t->report) != 0)
        report_trouble(t, "the report cannot be written");
    t->report_size += (int64_t)strlen(text) + 1;
    free(text);
    if (t->report_size >= t->report_max)
        turn_report(t);
}

/* ---- deliveries that run dry ---- */

static void on_dry_end(mlc_delivery *item, const mlc_delivery_result *result)
{
    enum { WORDS_MAX = 800, OUTCOME_MAX = WORDS_MAX + 16 };
    mlc_trial *const t = item->sink_user;
    mlc_delivery_result told = *result;
    char words[WORDS_MAX] = "";
    char outcome[OUTCOME_MAX];
    item->sink = NULL;
    if (result->code == MLC_OK) {
        if (result->differences != NULL)
            mlc_odata_differences_text(result->differences, words, sizeof words);
        else
            mlc_strlcpy(words, result->outcome != NULL ? result->outcome : "", sizeof words);
        (void)snprintf(outcome, sizeof outcome, "dry run: %s", words);
        told.outcome = outcome;
        write_report(t, item, result, outcome);
    }
    mlc_deliverer_finish(t->opt.live->deliverer, item, &told);
}

static void deliver_dry(mlc_trial *t, mlc_delivery *const *items, size_t count)
{
    mlc_inbound inbound = mlc_side_inbound(&t->dry, t);
    for (size_t i = 0; i < count; i++) {
        items[i]->dry = true;
        items[i]->uncertain = false; /* there is nothing that could have arrived */
        items[i]->sink = on_dry_end;
        items[i]->sink_user = t;
    }
    mlc_inbound_deliver(&inbound, items, count);
}

void mlc_trial_deliver(void *user, mlc_delivery *const *items, size_t count)
{
    mlc_trial *const t = user;
    mlc_inbound live = *t->opt.live;
    size_t from = 0;
    /* Runs of one sort go together; what is dry depends on the kind alone, and kinds mostly come in runs. */
    for (size_t i = 0; i < count; i++) {
        const bool dry = runs_dry(t, items[i]->kind);
        if (i + 1 < count && runs_dry(t, items[i + 1]->kind) == dry)
            continue;
        if (dry)
            deliver_dry(t, items + from, i + 1 - from);
        else
            mlc_inbound_deliver(&live, items + from, i + 1 - from);
        from = i + 1;
    }
}

/* ---- single messages ---- */

static void deliver_one(void *user, bool replay, mlc_delivery *item)
{
    const mlc_trial *const t = user;
    mlc_inbound inbound = mlc_side_inbound(replay ? &t->replay : &t->dry, t);
    mlc_inbound_deliver(&inbound, &item, 1);
}

static mlc_rerun_desk desk_of(mlc_trial *t)
{
    return (mlc_rerun_desk){
        .store = t->opt.store,
        .tenant = t->opt.tenant,
        .stream = t->opt.stream,
        .held = t->opt.held,
        .peer = "Dynamics",
        .pruned = "a run of the flow at the agent sends the record as it is now",
        .at = t->replay_url,
        .unset =
            "no test target is configured for this tenant; set tenants[].replay.url and its credentials. "
            "A replay never goes to the organisation of dynamics.url",
        .takes = mlc_inbound_writes,
        .deliver = deliver_one,
        .words = mlc_odata_differences_text,
        .user = t};
}

const mlc_rerun_desk *mlc_trial_desk_of(const mlc_trial *trial)
{
    return &trial->desk;
}

/* ---- life ---- */

/* Of master records it is known what was written last. */
static mlc_code is_old(mlc_txn *txn, const mlc_entry *entry, bool *old, void *user, mlc_error *err)
{
    mlc_master master;
    mlc_sent sent;
    (void)user;
    *old = false;
    if (mlc_master_parse(entry->payload, entry->payload_len, &master, NULL) != MLC_OK)
        return MLC_OK;
    const mlc_code code = mlc_sent_get(txn, master.kind, master.id, &sent, err);
    *old = code == MLC_OK && mlc_source_version_cmp(sent.version, master.version) > 0;
    mlc_master_free(&master);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code release(mlc_trial *t, mlc_error *err)
{
    const mlc_held_keeper_options options = {.release = {.store = t->opt.store,
                                                         .held = t->opt.held,
                                                         .to = t->opt.stream,
                                                         .snapshots = true,
                                                         .log = t->opt.log,
                                                         .is_dry = runs_dry,
                                                         .is_old = is_old,
                                                         .user = t},
                                             .loop = t->opt.loop,
                                             .on_released = t->opt.on_released,
                                             .user = t->opt.user};
    return mlc_held_keeper_open(&t->keeper, &options, err);
}

mlc_code mlc_trial_open(mlc_trial **out, const mlc_trial_options *options, mlc_error *err)
{
    char path[128];
    char dir[900];
    *out = NULL;
    mlc_trial *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for dry runs");
    t->opt = *options;
    t->all_dry =
        mlc_cfg_bool(options->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dry_run", options->index));
    t->replay_url = mlc_trial_setting(t, "replay.url");
    t->desk = desk_of(t);
    t->report_max = mlc_cfg_int(
        options->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dry_run_report_max", options->index));
    (void)snprintf(dir, sizeof dir, "%s/dry-run", mlc_cfg_str(options->cfg, "relay.data_dir"));
    (void)mkdir(dir, 0700);
    (void)snprintf(t->report_file, sizeof t->report_file, "%s/%.64s.jsonl", dir, options->tenant);
    mlc_code code = mlc_side_open_dry(&t->dry, t, err);
    if (code == MLC_OK)
        code = mlc_side_open_replay(&t->replay, t, err);
    if (code == MLC_OK)
        code = release(t, err);
    if (code != MLC_OK) {
        mlc_trial_stop(t);
        mlc_trial_close(t);
        return code;
    }
    if (t->all_dry)
        mlc_log_warn(options->log, "dry run", "nothing is written into Dynamics for this tenant",
                     MLC_S("tenant", options->tenant), MLC_S("report", t->report_file));
    *out = t;
    return MLC_OK;
}

void mlc_trial_stop(mlc_trial *trial)
{
    if (trial == NULL)
        return;
    trial->desk.stopped = true;
    mlc_held_keeper_close(trial->keeper);
    trial->keeper = NULL;
    mlc_side_stop(&trial->dry);
    mlc_side_stop(&trial->replay);
}

void mlc_trial_close(mlc_trial *trial)
{
    if (trial == NULL)
        return;
    mlc_side_close(&trial->dry);
    mlc_side_close(&trial->replay);
    close_report(trial);
    free(trial);
}
