/*
 * smbios.c - one function a type of structure, and the table of their options; smbios.h has the
 * rules.
 */
#include "boot/smbios.h"

#include <errno.h>

#include "boot/image.h"

/* ---- Options --------------------------------------------------------------------------------- */

static int check_release(void *texts, const char *value, struct err *err)
{
    unsigned major, minor;
    int end = 0;
    (void)texts;
    if (sscanf(value, "%3u.%3u%n", &major, &minor, &end) == 2 && !value[end] && major < 256 &&
        minor < 256)
        return 0;
    return err_set(err, EINVAL, "release=%s: accepted is MAJOR.MINOR, each up to 255", value);
}

static int check_uuid(void *texts, const char *value, struct err *err)
{
    u8 uuid[16];
    (void)texts;
    return option_parse_uuid("uuid", value, uuid, err);
}

#define TEXT(key, member, what) OPTION_STRING(key, struct smbios_texts, member, NULL, what)

static const struct option bios_options[] = {
    TEXT("vendor", vendor, "who made the firmware"),
    TEXT("version", version, "its version"),
    TEXT("date", date, "its date, MM/DD/YYYY"),
    OPTION_NAMED("release", OPTION_TYPE_STRING, struct smbios_texts, release, NULL,
                 "its release, MAJOR.MINOR", .set = check_release),
    OPTION_BOOL("uefi", struct smbios_texts, uefi, "off", "it is UEFI firmware"),
    OPTION_LAST,
};
static const struct option system_options[] = {
    TEXT("manufacturer", manufacturer, "who made the machine"),
    TEXT("product", product, "its name"),
    TEXT("version", version, "its version"),
    TEXT("serial", serial, "its serial number"),
    OPTION_NAMED("uuid", OPTION_TYPE_STRING, struct smbios_texts, uuid, NULL,
                 "its identity (default: -uuid)", .set = check_uuid),
    TEXT("sku", sku, "stock-keeping unit"),
    TEXT("family", family, "the family of machines"),
    OPTION_LAST,
};
static const struct option board_options[] = {
    TEXT("manufacturer", manufacturer, "who made the board"),
    TEXT("product", product, "its name"),
    TEXT("version", version, "its version"),
    TEXT("serial", serial, "its serial number"),
    TEXT("asset", asset, "asset tag"),
    TEXT("location", location, "where it is in the chassis"),
    OPTION_LAST,
};
static const struct option chassis_options[] = {
    TEXT("manufacturer", manufacturer, "who made the chassis"),
    TEXT("version", version, "its version"),
    TEXT("serial", serial, "its serial number"),
    TEXT("asset", asset, "asset tag"),
    TEXT("sku", sku, "stock-keeping unit"),
    OPTION_LAST,
};
static const struct option processor_options[] = {
    TEXT("sock_pfx", socket, "the socket's name, before its number"),
    TEXT("manufacturer", manufacturer, "who made the processor"),
    TEXT("version", version, "its version"),
    TEXT("serial", serial, "its serial number"),
    TEXT("asset", asset, "asset tag"),
    TEXT("part", part, "part number"),
    OPTION_INT("max-speed", struct smbios_texts, max_speed, NULL, 0, 65535, "in MHz"),
    OPTION_INT("current-speed", struct smbios_texts, speed, NULL, 0, 65535, "in MHz"),
    OPTION_INT("processor-family", struct smbios_texts, processor_family, NULL, 0, 65535,
               "its number in DSP0134"),
    OPTION_U64("processor-id", struct smbios_texts, processor_id, NULL, "its identification"),
    OPTION_LAST,
};
static const struct option strings_options[] = {
    OPTION_STRINGS("value", struct smbios_texts, values, "a text (may be repeated)"),
    OPTION_LAST,
};
static const struct option memory_options[] = {
    TEXT("loc_pfx", socket, "the memory's place, before its number"),
    TEXT("bank", bank, "its bank"),
    TEXT("manufacturer", manufacturer, "who made it"),
    TEXT("serial", serial, "its serial number"),
    TEXT("asset", asset, "asset tag"),
    TEXT("part", part, "part number"),
    OPTION_INT("speed", struct smbios_texts, speed, NULL, 0, 65534, "in millions of transfers"),
    OPTION_LAST,
};

enum kind { BIOS, SYSTEM, BOARD, CHASSIS, PROCESSOR, STRINGS, MEMORY };
static const struct kind_of_structure {
    const char *name;
    const struct option *options;
    u8 type;
} kinds[SMBIOS_KINDS] = {
    [BIOS] = {"0", bios_options, 0},           [SYSTEM] = {"1", system_options, 1},
    [BOARD] = {"2", board_options, 2},         [CHASSIS] = {"3", chassis_options, 3},
    [PROCESSOR] = {"4", processor_options, 4}, [STRINGS] = {"11", strings_options, 11},
    [MEMORY] = {"17", memory_options, 17},
};

/* ---- Files ------------------------------------------------------------------------------------
 */

enum { HEADER = 4, TYPE_END = 127, FILE_LIMIT = 64 * KiB };

/* Where the texts behind a structure end: the first two zeroes (6.1.3); 0: nowhere. */
static u64 texts_end(const u8 *data, u64 size)
{
    for (u64 at = data[1]; at + 2 <= size; at++) {
        if (!data[at] && !data[at + 1])
            return at + 2;
    }
    return 0;
}

/* One structure with its texts, as /sys/firmware/dmi/entries has them. */
static int check_structure(const struct smbios_options *o, const char *path, const u8 *data,
                           u64 size, struct err *err)
{
    if (size < HEADER || data[1] < HEADER || data[1] > size)
        return err_set(err, EINVAL,
                       "-smbios file=%s: accepted is one structure; its header says %u bytes, and "
                       "there are %llu",
                       path, size < 2 ? 0u : data[1], (unsigned long long)size);
    if (texts_end(data, size) != size)
        return err_set(err, EINVAL,
                       "-smbios file=%s: accepted is one structure, which ends with its texts and "
                       "two zeroes",
                       path);
    if (data[0] == TYPE_END)
        return err_set(err, EINVAL, "-smbios file=%s: type 127 is the table's end", path);
    if (o->given[data[0]])
        return err_set(err, EINVAL, "-smbios file=%s: it has type %u, which type=%u is about too",
                       path, data[0], data[0]);
    return 0;
}

static int add_file(struct smbios_options *o, const char *path, struct err *err)
{
    u8 *data;
    u64 size;
    int r = boot_file_read(path, FILE_LIMIT, &data, &size, err);
    if (r)
        return err_prefix(err, "-smbios");
    r = check_structure(o, path, data, size, err);
    if (!r) {
        o->from_file[data[0]] = true;
        blob_add(&o->files, data, (u32)size);
    }
    free(data);
    return r;
}

static const struct option no_options[] = {OPTION_LAST};

static int take_file(struct smbios_options *o, struct option_list *list, struct err *err)
{
    char *path = option_take(list, "file");
    int r = option_done(list, (const struct option *const[]){no_options, NULL}, err);
    r = r ? r : add_file(o, path, err);
    free(path);
    return r;
}

int boot_smbios_option(struct smbios_options *o, struct option_list *list, struct err *err)
{
    char *type;
    unsigned i = 0;
    if (option_get(list, "file"))
        return take_file(o, list, err);
    int r = option_need(list, "type", &type, err);
    if (r)
        return r;
    while (i < SMBIOS_KINDS && strcmp(kinds[i].name, type))
        i++;
    if (i == SMBIOS_KINDS)
        r = err_set(err, EINVAL, "-smbios type=%s: accepted are 0, 1, 2, 3, 4, 11 and 17", type);
    else if (o->from_file[kinds[i].type])
        r = err_set(err, EINVAL, "-smbios type=%s: a file= has this type", type);
    free(type);
    if (r)
        return r;
    o->given[kinds[i].type] = true;
    r = option_apply(list, kinds[i].options, &o->kind[i], err);
    return r ? r : option_done(list, (const struct option *const[]){kinds[i].options, NULL}, err);
}

void boot_smbios_options_fini(struct smbios_options *o)
{
    for (unsigned i = 0; i < SMBIOS_KINDS; i++)
        option_free(kinds[i].options, &o->kind[i]);
    blob_fini(&o->files);
}

void boot_smbios_help(FILE *out)
{
    for (unsigned i = 0; i < SMBIOS_KINDS; i++) {
        fprintf(out, "type=%s\n", kinds[i].name);
        option_help(kinds[i].options, out);
    }
    fprintf(out, "file=FILE: a structure with its texts, as it is\n");
}

/* ---- Structures ------------------------------------------------------------------------------ */

/* Fields that hold a text's number and the texts, which follow the structure. */
struct structure {
    struct blob *b;
    u32 at;
    struct blob texts;
    unsigned count;
};

enum { HANDLE_BOARD = 0x200, HANDLE_CHASSIS = 0x300, HANDLE_ARRAY = 0x1000, NO_HANDLE = 0xffff };

static struct structure begin(struct smbios *s, unsigned type, unsigned handle)
{
    struct structure t = {.b = &s->tables, .at = s->tables.size};
    blob_number(t.b, type, 1);
    blob_number(t.b, 0, 1); /* its length */
    blob_number(t.b, handle, 2);
    return t;
}

static void text(struct structure *t, const char *given, const char *otherwise)
{
    const char *value = given ? given : otherwise;
    bool any = value && *value;
    blob_number(t->b, any ? ++t->count : 0, 1);
    if (any)
        blob_text(&t->texts, value, (u32)strlen(value) + 1);
}

static void number(struct structure *t, u64 value, unsigned size)
{
    blob_number(t->b, value, size);
}

static void end(struct structure *t)
{
    blob_set(t->b, t->at + 1, t->b->size - t->at, 1);
    blob_add(t->b, t->texts.data, t->texts.size);
    blob_zero(t->b, t->count ? 1 : 2);
    blob_fini(&t->texts);
}

static void add_bios(struct smbios *s, const struct smbios_facts *f)
{
    enum { NOT_SUPPORTED = 8, EXT1_ACPI = 1, EXT2_UEFI = 8, EXT2_VIRTUAL = 16, NONE = 255 };
    const struct smbios_texts *o = &s->options->kind[BIOS];
    unsigned major = 0, minor = 0;
    if (o->release)
        (void)!sscanf(o->release, "%u.%u", &major, &minor);
    struct structure t = begin(s, 0, 0);
    text(&t, o->vendor, "Guise");
    text(&t, o->version, GUISE_VERSION);
    number(&t, 0, 2); /* segment */
    text(&t, o->date, "01/01/2026");
    number(&t, 0, 1); /* 64 KiB of ROM */
    number(&t, NOT_SUPPORTED, 8);
    number(&t, EXT1_ACPI, 1);
    number(&t, EXT2_VIRTUAL | (o->uefi ? EXT2_UEFI : 0), 1);
    number(&t, o->release ? major : NONE, 1);
    number(&t, o->release ? minor : NONE, 1);
    number(&t, NONE, 1);
    number(&t, NONE, 1);
    end(&t);
}

/* The first three groups of a UUID are little-endian numbers here (7.2.1). */
static void add_uuid(struct structure *t, const u8 *uuid)
{
    static const u8 place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++)
        number(t, uuid[place[i]], 1);
}

static void add_system(struct smbios *s, const struct smbios_facts *f)
{
    enum { POWER_SWITCH = 6 };
    const struct smbios_texts *o = &s->options->kind[SYSTEM];
    struct err err = {0};
    u8 uuid[16];
    struct structure t = begin(s, 1, 0x100);
    text(&t, o->manufacturer, "Guise");
    text(&t, o->product, "Guise Virtual Machine");
    text(&t, o->version, f->board);
    text(&t, o->serial, NULL);
    memcpy(uuid, f->uuid, sizeof(uuid));
    if (o->uuid)
        (void)!option_parse_uuid("uuid", o->uuid, uuid, &err); /* it was checked */
    add_uuid(&t, uuid);
    number(&t, POWER_SWITCH, 1);
    text(&t, o->sku, NULL);
    text(&t, o->family, NULL);
    end(&t);
}

static void add_board(struct smbios *s, const struct smbios_facts *f)
{
    enum { HOSTS = 1, MOTHERBOARD = 10 };
    const struct smbios_texts *o = &s->options->kind[BOARD];
    struct structure t = begin(s, 2, HANDLE_BOARD);
    text(&t, o->manufacturer, "Guise");
    text(&t, o->product, f->board);
    text(&t, o->version, GUISE_VERSION);
    text(&t, o->serial, NULL);
    text(&t, o->asset, NULL);
    number(&t, HOSTS, 1);
    text(&t, o->location, NULL);
    number(&t, HANDLE_CHASSIS, 2);
    number(&t, MOTHERBOARD, 1);
    number(&t, 0, 1);
    end(&t);
}

static void add_chassis(struct smbios *s, const struct smbios_facts *f)
{
    enum { OTHER = 1, UNKNOWN = 2, SAFE = 3 };
    const struct smbios_texts *o = &s->options->kind[CHASSIS];
    struct structure t = begin(s, 3, HANDLE_CHASSIS);
    text(&t, o->manufacturer, "Guise");
    number(&t, OTHER, 1);
    text(&t, o->version, GUISE_VERSION);
    text(&t, o->serial, NULL);
    text(&t, o->asset, NULL);
    number(&t, SAFE, 1); /* when it started, its power, its temperature */
    number(&t, SAFE, 1);
    number(&t, SAFE, 1);
    number(&t, UNKNOWN, 1); /* security */
    number(&t, 0, 4);
    number(&t, 0, 4); /* height, cords, contained elements */
    text(&t, o->sku, NULL);
    end(&t);
}

/* All CPUs are cores of one processor. */
static void add_processor(struct smbios *s, const struct smbios_facts *f)
{
    enum { CENTRAL = 3, FAMILY_2 = 0xfe, POPULATED = 0x41, UPGRADE_OTHER = 1, BITS_64 = 4 };
    const struct smbios_texts *o = &s->options->kind[PROCESSOR];
    struct structure t = begin(s, 4, 0x400);
    char socket[64];
    snprintf(socket, sizeof(socket), "%s 0", o->socket ? o->socket : "CPU");
    text(&t, socket, NULL);
    number(&t, CENTRAL, 1);
    number(&t, FAMILY_2, 1);
    text(&t, o->manufacturer, "Guise");
    number(&t, o->processor_id ? o->processor_id : f->processor_id, 8);
    text(&t, o->version, f->processor);
    number(&t, 0, 3); /* voltage, external clock */
    number(&t, o->max_speed ? o->max_speed : 2000, 2);
    number(&t, o->speed ? o->speed : 2000, 2);
    number(&t, POPULATED, 1);
    number(&t, UPGRADE_OTHER, 1);
    for (unsigned i = 0; i < 3; i++)
        number(&t, NO_HANDLE, 2); /* caches */
    text(&t, o->serial, NULL);
    text(&t, o->asset, NULL);
    text(&t, o->part, NULL);
    number(&t, MIN(f->max_cpus, 255), 1); /* cores, enabled ones, threads */
    number(&t, MIN(f->cpus, 255), 1);
    number(&t, MIN(f->max_cpus, 255), 1);
    number(&t, f->family & 1 ? BITS_64 : 0, 2);
    number(&t, o->processor_family ? o->processor_family : f->family, 2);
    number(&t, f->max_cpus, 2);
    number(&t, f->cpus, 2);
    number(&t, f->max_cpus, 2);
    end(&t);
}

static void add_strings(struct smbios *s, const struct smbios_facts *f)
{
    char **values = s->options->kind[STRINGS].values;
    if (!values)
        return;
    struct structure t = begin(s, 11, 0xe00);
    u32 at = blob_zero(t.b, 1);
    for (; *values && t.count < 255; values++) {
        t.count++;
        blob_text(&t.texts, *values, (u32)strlen(*values) + 1);
    }
    blob_set(t.b, at, t.count, 1);
    end(&t);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void add_array(struct smbios *s, const struct smbios_facts *f)
{
    enum { OTHER = 1, SYSTEM_MEMORY = 3, ECC = 6, NO_ERROR = 0xfffe };
    const u64 most = UINT64_C(0x80000000); /* in KiB: the wide field says it */
    struct structure t = begin(s, 16, HANDLE_ARRAY);
    number(&t, OTHER, 1);
    number(&t, SYSTEM_MEMORY, 1);
    number(&t, ECC, 1);
    number(&t, MIN(f->ram_size / KiB, most), 4);
    number(&t, NO_ERROR, 2);
    number(&t, 1, 2);
    number(&t, f->ram_size / KiB < most ? 0 : f->ram_size, 8);
    end(&t);
}

static void add_device(struct smbios *s, const struct smbios_facts *f)
{
    enum { NO_ERROR = 0xfffe, UNKNOWN = 0xffff, WIDE = 0x7fff, DIMM = 9, RAM = 7, OTHER = 2 };
    const struct smbios_texts *o = &s->options->kind[MEMORY];
    u64 size = f->ram_size / MiB;
    char place[64];
    snprintf(place, sizeof(place), "%s 0", o->socket ? o->socket : "DIMM");
    struct structure t = begin(s, 17, 0x1100);
    number(&t, HANDLE_ARRAY, 2);
    number(&t, NO_ERROR, 2);
    number(&t, UNKNOWN, 2);
    number(&t, UNKNOWN, 2);
    number(&t, size < WIDE ? size : WIDE, 2);
    number(&t, DIMM, 1);
    number(&t, 0, 1);
    text(&t, place, NULL);
    text(&t, o->bank, NULL);
    number(&t, RAM, 1);
    number(&t, OTHER, 2);
    number(&t, o->speed, 2);
    text(&t, o->manufacturer, "Guise");
    text(&t, o->serial, NULL);
    text(&t, o->asset, NULL);
    text(&t, o->part, NULL);
    number(&t, 0, 1);
    number(&t, size < WIDE ? 0 : size, 4);
    number(&t, o->speed, 2);
    number(&t, 0, 6); /* voltages */
    end(&t);
}

static void add_mapping(struct smbios *s, const struct smbios_facts *f)
{
    u64 first = f->ram_base, last = f->ram_base + f->ram_size - 1;
    bool narrow = last / KiB < UINT32_MAX;
    struct structure t = begin(s, 19, 0x1300);
    number(&t, narrow ? first / KiB : UINT32_MAX, 4);
    number(&t, narrow ? last / KiB : UINT32_MAX, 4);
    number(&t, HANDLE_ARRAY, 2);
    number(&t, 1, 1);
    number(&t, narrow ? 0 : first, 8);
    number(&t, narrow ? 0 : last, 8);
    end(&t);
}

static void add_boot(struct smbios *s, const struct smbios_facts *f)
{
    struct structure t = begin(s, 32, 0x2000);
    blob_zero(t.b, 7); /* no errors */
    end(&t);
}

static void add_end(struct smbios *s, const struct smbios_facts *f)
{
    struct structure t = begin(s, TYPE_END, 0x7f00);
    end(&t);
}

/* ---- All ------------------------------------------------------------------------------------- */

/* The 64-bit entry point (5.2.2); firmware places it and the tables, and sums it again. */
static void make_anchor(struct smbios *s)
{
    enum { SIZE = 24, SUM = 5 };
    struct blob *b = &s->anchor;
    u8 sum = 0;
    blob_text(b, "_SM3_", 5);
    blob_number(b, 0, 1);
    blob_number(b, SIZE, 1);
    blob_number(b, 3, 1);
    blob_number(b, 0, 2); /* 3.0, revision 0 */
    blob_number(b, 1, 1); /* of the entry point */
    blob_number(b, 0, 1);
    blob_number(b, s->tables.size, 4);
    blob_number(b, 0, 8);
    for (u32 i = 0; i < SIZE; i++)
        sum = (u8)(sum - b->data[i]);
    blob_set(b, SUM, sum, 1);
}

static const struct {
    u8 type;
    void (*add)(struct smbios *s, const struct smbios_facts *f);
} makers[] = {
    {0, add_bios},      {1, add_system},   {2, add_board},      {3, add_chassis},
    {4, add_processor}, {11, add_strings}, {16, add_array},     {17, add_device},
    {19, add_mapping},  {32, add_boot},    {TYPE_END, add_end},
};

void boot_smbios_make(struct smbios *s, const struct smbios_options *options,
                      const struct smbios_facts *facts)
{
    static const struct smbios_options defaults;
    *s = (struct smbios){.options = options ? options : &defaults};
    blob_add(&s->tables, s->options->files.data, s->options->files.size);
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        if (!s->options->from_file[makers[i].type])
            makers[i].add(s, facts);
    }
    make_anchor(s);
}

void boot_smbios_fini(struct smbios *s)
{
    blob_fini(&s->tables);
    blob_fini(&s->anchor);
}
