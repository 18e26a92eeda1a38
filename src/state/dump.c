/*
 * dump.c - a stream printed for people, by what it says of itself.
 *
 * Works on any bytes: depth is limited, everything else is bounded by the records.
 */
#include <errno.h>
#include <inttypes.h>
#include "state/state_impl.h"

#define DUMP_ELEMENTS_MAX 64 /* of an array; the rest is "..." */

static int dump_body(struct state_span *s, unsigned depth, FILE *out, struct err *err);

static void dump_indent(unsigned depth, FILE *out)
{
    fprintf(out, "%*s", (int)(4 * depth), "");
}

/* Letters, then zeroes to the end: a name in its array. */
static bool is_text(const struct state_record *r)
{
    const u8 *p = r->payload.p;
    u64 n = 0;
    if (r->type != STATE_TYPE_BYTES)
        return false;
    while (n < r->count && p[n] >= ' ' && p[n] < 127)
        n++;
    bool any = n > 0;
    while (n < r->count && !p[n])
        n++;
    return any && n == r->count;
}

static void dump_elements(const struct state_record *r, FILE *out)
{
    static const char *const types[] = {
        [STATE_TYPE_UINT] = "u", [STATE_TYPE_BOOL] = "bool", [STATE_TYPE_BYTES] = "byte"};
    fprintf(out, "%s", types[r->type]);
    if (r->type == STATE_TYPE_UINT)
        fprintf(out, "%" PRIu64, 8 * r->size);
    if (r->count != 1)
        fprintf(out, "[%" PRIu64 "]", r->count);
    if (is_text(r)) {
        fprintf(out, " \"%.*s\"\n", (int)MIN(r->count, 4096), (const char *)r->payload.p);
        return;
    }
    for (u64 i = 0; i < r->count && i < DUMP_ELEMENTS_MAX; i++)
        fprintf(out, " %s%" PRIx64, r->type == STATE_TYPE_UINT ? "0x" : "",
                load_le(r->payload.p + i * r->size, (unsigned)r->size));
    fprintf(out, "%s\n", r->count > DUMP_ELEMENTS_MAX ? " ..." : "");
}

static int dump_structs(struct state_record *r, unsigned depth, FILE *out, struct err *err)
{
    bool one = r->count == 1;
    fprintf(out, "%s", r->type == STATE_TYPE_SUBSECTION ? "subsection" : "struct");
    if (!one)
        fprintf(out, "[%" PRIu64 "]", r->count);
    fprintf(out, " version %" PRIu64 "\n", r->version);
    int ret = 0;
    for (u64 i = 0; !ret && i < r->count; i++) {
        if (!one) {
            dump_indent(depth + 1, out);
            fprintf(out, "[%" PRIu64 "]\n", i);
        }
        ret = dump_body(&r->payload, depth + (one ? 1 : 2), out, err);
    }
    return ret;
}

static int dump_body(struct state_span *s, unsigned depth, FILE *out, struct err *err)
{
    if (depth > STATE_DEPTH_MAX)
        return err_set(err, EBADMSG, "the state is damaged: structs nest too deeply");
    for (;;) {
        struct state_record r;
        int ret = state_record_read(s, &r, err);
        if (ret || r.type == STATE_TYPE_END)
            return ret;
        dump_indent(depth, out);
        fprintf(out, "%s%s: ", r.name, r.flags & STATE_FLAG_OPTIONAL ? " (optional)" : "");
        if (r.type == STATE_TYPE_STRUCT || r.type == STATE_TYPE_SUBSECTION)
            ret = dump_structs(&r, depth, out, err);
        else if (r.type <= STATE_TYPE_BYTES)
            dump_elements(&r, out);
        else
            fprintf(out, "type %" PRIu64 ", %" PRIu64 " bytes\n", r.type, r.bytes);
        if (ret)
            return ret;
    }
}

static int dump_section(struct state_reader *r, const struct state_section *s, FILE *out,
                        struct err *err)
{
    if (s->kind == STATE_SECTION_BULK) {
        fprintf(out, "%s: memory %s at 0x%" PRIx64 ", 0x%" PRIx64 " bytes%s\n", s->owner, s->name,
                s->offset, s->length, s->zero ? " of zero" : "");
        return 0;
    }
    if (s->kind == STATE_SECTION_END) {
        fprintf(out, "end\n");
        return 0;
    }
    fprintf(out, "%s: %s version %u\n", s->owner, s->name, s->version);
    struct state_span body = state_reader_body(r);
    return dump_body(&body, 1, out, err);
}

int state_stream_dump(struct state_io *io, FILE *out, struct err *err)
{
    struct state_reader *r = state_reader_new(io, err);
    if (!r)
        return err ? -err->code : -EINVAL;
    fprintf(out, "GUISE state, stream format %u: %s\n", state_reader_format(r),
            state_reader_info(r));
    struct state_section s = {0};
    int ret = 0;
    while (!ret && s.kind != STATE_SECTION_END) {
        ret = state_reader_next(r, &s, err);
        if (!ret)
            ret = dump_section(r, &s, out, err);
    }
    state_reader_free(r);
    return ret;
}
