/* audit_file.c - proof of an exported audit trail (audit_file.h). */
#include "store/audit_file.h"

#include "crypto/crypto.h"

#include <inttypes.h>
#include <string.h>

static mlc_code at_line(const mlc_audit_file *file, mlc_code code, mlc_error *err)
{
    if (code == MLC_OK || code == MLC_E_NOMEM || err == NULL)
        return code;
    char message[MLC_ERROR_MESSAGE_MAX];
    mlc_strlcpy(message, err->message, sizeof message);
    return mlc_fail(err, code, "line %" PRIu64 ": %.440s", file->lines, message);
}

static mlc_code take_head(mlc_audit_file *file, const cJSON *head, mlc_error *err)
{
    int64_t format = 0;
    int64_t from = 0;
    if (mlc_json_int64(head, "format", &format, NULL) != MLC_OK || format != 1 ||
        mlc_json_int64(head, "from", &from, NULL) != MLC_OK || from < 1)
        return mlc_fail(err, MLC_E_INVALID, "the head of the export is not readable, or of a newer program");
    file->from = (uint64_t)from;
    file->filtered = mlc_json_bool(head, "filtered", false);
    file->to_head = mlc_json_bool(head, "toHead", false);
    mlc_strlcpy(file->store, mlc_json_str(head, "store") != NULL ? mlc_json_str(head, "store") : "",
                sizeof file->store);
    return MLC_OK;
}

static mlc_code take_end(mlc_audit_file *file, const cJSON *end, mlc_error *err)
{
    int64_t entries = 0;
    int64_t index = 0;
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    const char *const hash = mlc_json_str(end, "hash");
    mlc_hex(file->check.hash, MLC_AUDIT_HASH_LEN, hex);
    if (mlc_json_int64(end, "entries", &entries, NULL) != MLC_OK ||
        mlc_json_int64(end, "index", &index, NULL) != MLC_OK || hash == NULL)
        return mlc_fail(err, MLC_E_INVALID, "the end of the export is not readable");
    if ((uint64_t)entries != file->check.count || (uint64_t)index != file->check.last ||
        strcmp(hash, hex) != 0)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "the file ends with entry %" PRIu64 ", but entry %" PRId64
                        " was exported last: lines are missing",
                        file->check.last, index);
    file->ended = true;
    return MLC_OK;
}

static mlc_code take_frame(mlc_audit_file *file, const mlc_audit_line *line, mlc_error *err)
{
    cJSON *tree = NULL;
    mlc_code code = mlc_json_parse(line->event, strlen(line->event), 0, 0, &tree, err);
    const cJSON *const head = mlc_json_get(tree, "export");
    const cJSON *const end = mlc_json_get(tree, "end");
    if (code == MLC_OK && head != NULL && file->from == 0)
        code = take_head(file, head, err);
    else if (code == MLC_OK && end != NULL && file->from > 0)
        code = take_end(file, end, err);
    else if (code != MLC_E_NOMEM)
        code = mlc_fail(err, MLC_E_INVALID, "it is no line of an exported audit trail");
    cJSON_Delete(tree);
    return code;
}

static mlc_code take_entry(mlc_audit_file *file, const mlc_audit_item *item, mlc_error *err)
{
    const mlc_audit_head *const known = file->known;
    if (file->from == 0)
        return mlc_fail(err, MLC_E_INVALID,
                        "the head of the export is missing: lines were cut at the beginning");
    if (file->check.first == 0 && (file->filtered ? item->index < file->from : item->index != file->from))
        return mlc_fail(err, MLC_E_CORRUPT,
                        "the export began with entry %" PRIu64 ", here stands entry %" PRIu64, file->from,
                        item->index);
    if (known != NULL && known->index == item->index) {
        file->met_known = true;
        if (memcmp(known->hash, item->hash, MLC_AUDIT_HASH_LEN) != 0)
            return mlc_fail(err, MLC_E_CORRUPT,
                            "entry %" PRIu64 " has another hash than the one that was noted", item->index);
    }
    return mlc_audit_check_next(&file->check, item, file->filtered, err);
}

mlc_code mlc_audit_file_next(mlc_audit_file *file, const char *text, size_t len, mlc_error *err)
{
    const char *const heading = mlc_audit_csv_heading();
    mlc_audit_line line;
    file->lines++;
    if (file->lines == 1 && len == strlen(heading) - 1 && memcmp(text, heading, len) == 0) {
        file->csv = true;
        return MLC_OK;
    }
    if (file->ended)
        return at_line(file, mlc_fail(err, MLC_E_CORRUPT, "something follows the end of the export"), err);
    mlc_code code = mlc_audit_line_parse(text, len, file->csv, &line, err);
    if (code == MLC_OK)
        code = line.item.index > 0 ? take_entry(file, &line.item, err) : take_frame(file, &line, err);
    mlc_audit_line_free(&line);
    return at_line(file, code, err);
}

mlc_code mlc_audit_file_end(mlc_audit_file *file, mlc_error *err)
{
    if (!file->ended)
        return mlc_fail(err, MLC_E_CORRUPT,
                        "after line %" PRIu64 " the end of the export is missing: it was cut", file->lines);
    if (file->known != NULL && !file->met_known)
        return mlc_fail(err, MLC_E_NOTFOUND, "the noted entry %" PRIu64 " is not in this file",
                        file->known->index);
    /* What explains a redaction may stand behind the part that was exported. */
    return file->filtered || !file->to_head ? MLC_OK : mlc_audit_check_end(&file->check, err);
}

void mlc_audit_file_free(mlc_audit_file *file)
{
    mlc_audit_check_free(&file->check);
}
