/*
 * fuzz_translations.c - files of translations behind a MAC that is right (-accel jit,cache=).
 * Variants:
 *
 *   tables    header and tables
 *   records   a segment: each record that is taken is placed as code
 */
#include "fuzz.h"
#include "jit/store_file.h"
#include "jit/stored.h"

enum variant { TABLES, RECORDS, VARIANTS };
static const char *const names[VARIANTS] = {"tables", "records"};

enum { SEED_CODE = 96 };

static enum variant variant;

static const char *translations_variant(unsigned n)
{
    return n < VARIANTS ? names[n] : NULL;
}

static void translations_open(const char *name)
{
    while (strcmp(names[variant], name))
        variant++;
}

/* What is taken can be used as the store does. */
static void run_tables(struct fuzz_input *in)
{
    struct store_file f = {.fd = -1};
    struct err err = {0};
    size_t size;
    u64 file_bytes = fuzz_number(in, 4);
    const u8 *p = fuzz_take(in, in->left, &size);
    if (store_file_parse(&f, p, size, file_bytes, &err)) {
        fuzz_must(err.text[0] && !f.segments && !f.entries);
        return;
    }
    u64 end = store_file_tables(&f.head);
    for (u32 i = 0; i < f.head.segments; i++) {
        fuzz_must(f.segments[i].offset == end && f.segments[i].size <= STORE_SEGMENT);
        end += f.segments[i].size;
    }
    fuzz_must(end == file_bytes);
    for (u32 i = 0; i < f.head.entries; i++)
        fuzz_must(f.entries[i].offset < f.segments[f.entries[i].segment].size);
    store_file_close(&f);
}

static void place(const struct stored_unit *u)
{
    struct jit_link *links = calloc(u->links + 1u, sizeof(*links));
    u8 *code = malloc(u->code_bytes), *guest = malloc(u->guest_bytes);
    fuzz_must(links && code && guest);
    memcpy(guest, stored_guest(u), u->guest_bytes);
    stored_place(u, code, 0x100000, links, 7);
    for (u32 i = 0; i < u->links; i++)
        fuzz_must(links[i].patch - 0x100000 <= u->code_bytes - 4);
    free(guest);
    free(code);
    free(links);
}

static void run_records(struct fuzz_input *in)
{
    size_t size;
    const u8 *p = fuzz_take(in, STORE_SEGMENT, &size);
    u8 *segment = malloc(size + 1); /* aligned, and its end is known to ASan */
    fuzz_must(segment);
    memcpy(segment, p, size);
    for (size_t at = 0; at + 8 <= size;) {
        const struct stored_unit *u = (const struct stored_unit *)(segment + at);
        bool sound = stored_is_sound(u, size - at);
        if (sound)
            place(u);
        at += sound ? u->size : 8;
    }
    free(segment);
}

static void translations_run(struct fuzz_input *in)
{
    if (variant == TABLES)
        run_tables(in);
    else
        run_records(in);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static u32 make_record(struct stored_unit *u, u32 links)
{
    static u8 code[SEED_CODE], guest[8];
    struct ir_unit ir = {.pc = 0x1000, .mode = 1, .guest_bytes = 8, .guest_insns = 2};
    struct jit_emit *e = calloc(1, sizeof(*e));
    fuzz_must(e);
    e->block[0].ir = &ir;
    e->rw = code;
    e->size = SEED_CODE;
    e->far[0] = 8;
    e->far_count = 1;
    e->link_count = links;
    for (u32 i = 0; i < links; i++)
        e->links[i] = (struct jit_link){
            .pc = 0x2000, .patch = 16, .stub = 40, .id_patch = 24, .self = 48, .head = 4};
    u32 size = stored_size(e, ir.guest_bytes);
    stored_write(u, e, 5, guest);
    free(e);
    return size;
}

static void seed_tables(struct fuzz_seed *s, u32 segments, u32 entries)
{
    struct store_header head = {.magic = "GuiseTC2", .segments = segments, .entries = entries};
    u64 end = store_file_tables(&head);
    head.file_bytes = end + 64 * segments;
    fuzz_put_number(s, head.file_bytes, 4);
    fuzz_put(s, &head, sizeof(head));
    for (u32 i = 0; i < segments; i++) {
        struct store_segment segment = {.offset = end + 64 * i, .size = 64};
        fuzz_put(s, &segment, sizeof(segment));
    }
    for (u32 i = 0; i < entries; i++) {
        struct store_entry entry = {.key = i, .segment = i % segments, .offset = 8};
        fuzz_put(s, &entry, sizeof(entry));
    }
    fuzz_seed_end(s);
}

static void translations_seeds(struct fuzz_seed *s)
{
    struct stored_unit *u = calloc(1, 4096);
    fuzz_must(u);
    for (u32 n = 0; n < 4; n++) {
        if (variant == TABLES) {
            seed_tables(s, n, n ? 3 * n : 0);
            continue;
        }
        for (u32 i = 0; i <= n; i++)
            fuzz_put(s, u, make_record(u, i));
        fuzz_seed_end(s);
    }
    free(u);
}

const struct fuzz_target fuzz_target = {.variant = translations_variant,
                                        .open = translations_open,
                                        .run = translations_run,
                                        .seeds = translations_seeds};
