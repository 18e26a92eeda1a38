/*
 * aml.c - AML's encodings; aml.h has the rules.
 */
#include "boot/aml.h"

enum {
    OP_ZERO = 0x00,
    OP_ONE = 0x01,
    OP_NAME = 0x08,
    OP_BYTE = 0x0a,
    OP_WORD = 0x0b,
    OP_DWORD = 0x0c,
    OP_STRING = 0x0d,
    OP_QWORD = 0x0e,
    OP_SCOPE = 0x10,
    OP_BUFFER = 0x11,
    OP_PACKAGE = 0x12,
    OP_METHOD = 0x14,
    OP_DUAL_NAME = 0x2e,
    OP_MULTI_NAME = 0x2f,
    OP_EXTENDED = 0x5b, /* the next byte says what */
    OP_DEVICE = 0x82,
    OP_LOCAL = 0x60,
    OP_ARGUMENT = 0x68,
    OP_IF = 0xa0,
    OP_ELSE = 0xa1,
    METHOD_SERIALIZED = 8,
};

static void byte(struct blob *b, unsigned value)
{
    blob_number(b, value, 1);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static unsigned segments(const char *path)
{
    unsigned n = *path != 0;
    for (; *path; path++)
        n += *path == '.';
    return n;
}

void aml_path(struct blob *b, const char *path)
{
    for (; *path == '\\' || *path == '^'; path++)
        byte(b, (u8)*path);
    unsigned n = segments(path);
    if (n == 0)
        byte(b, 0); /* NullName */
    if (n == 2)
        byte(b, OP_DUAL_NAME);
    if (n > 2) {
        byte(b, OP_MULTI_NAME);
        byte(b, n);
    }
    while (*path) {
        size_t length = strcspn(path, ".");
        char segment[5] = "____";
        assert(length >= 1 && length <= 4);
        memcpy(segment, path, length);
        blob_text(b, segment, 4);
        path += length + (path[length] == '.');
    }
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* PkgLength counts its own bytes too. A length that fits six bits is one byte; else the low four
 * bits are in the first, which says how many follow. */
void aml_end(struct blob *b, u32 mark)
{
    u32 body = b->size - mark;
    unsigned more = body + 1 < 1u << 6 ? 0 : body + 2 < 1u << 12 ? 1 : body + 3 < 1u << 20 ? 2 : 3;
    u32 length = body + more + 1;
    u8 code[4] = {(u8)length};
    if (more)
        code[0] = (u8)(more << 6 | (length & 15));
    for (unsigned i = 1; i <= more; i++)
        code[i] = (u8)(length >> (8 * i - 4));
    blob_insert(b, mark, code, more + 1);
}

u32 aml_scope(struct blob *b, const char *path)
{
    byte(b, OP_SCOPE);
    u32 mark = b->size;
    aml_path(b, path);
    return mark;
}

u32 aml_device(struct blob *b, const char *path)
{
    byte(b, OP_EXTENDED);
    byte(b, OP_DEVICE);
    u32 mark = b->size;
    aml_path(b, path);
    return mark;
}

u32 aml_method(struct blob *b, const char *path, unsigned args)
{
    byte(b, OP_METHOD);
    u32 mark = b->size;
    aml_path(b, path);
    byte(b, METHOD_SERIALIZED | args);
    return mark;
}

u32 aml_package(struct blob *b, unsigned count)
{
    assert(count < 256);
    byte(b, OP_PACKAGE);
    u32 mark = b->size;
    byte(b, count);
    return mark;
}

u32 aml_if(struct blob *b)
{
    byte(b, OP_IF);
    return b->size;
}

u32 aml_else(struct blob *b)
{
    byte(b, OP_ELSE);
    return b->size;
}

/* ---- Objects --------------------------------------------------------------------------------- */

void aml_integer(struct blob *b, u64 value)
{
    static const struct {
        u8 op, size;
    } forms[] = {{OP_BYTE, 1}, {OP_WORD, 2}, {OP_DWORD, 4}, {OP_QWORD, 8}};
    unsigned i = 0;
    if (value <= 1) {
        byte(b, value ? OP_ONE : OP_ZERO);
        return;
    }
    while (forms[i].size < 8 && value >> 8 * forms[i].size)
        i++;
    byte(b, forms[i].op);
    blob_number(b, value, forms[i].size);
}

void aml_string(struct blob *b, const char *text)
{
    byte(b, OP_STRING);
    blob_text(b, text, (u32)strlen(text) + 1);
}

void aml_buffer(struct blob *b, const void *data, u32 size)
{
    byte(b, OP_BUFFER);
    u32 mark = b->size;
    aml_integer(b, size);
    blob_add(b, data, size);
    aml_end(b, mark);
}

static unsigned hex_digit(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : c >= 'A' ? (unsigned)(c - 'A') + 10 : (unsigned)(c - '0');
}

/* The first three groups are little-endian numbers. */
void aml_uuid(struct blob *b, const char *text)
{
    static const u8 place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    u8 uuid[16] = {0};
    for (unsigned i = 0; i < 32; text++) {
        if (*text == '-')
            continue;
        u8 *at = &uuid[place[i++ / 2]];
        *at = (u8)(*at << 4 | hex_digit(*text));
    }
    aml_buffer(b, uuid, sizeof(uuid));
}

/* Three letters of five bits and four digits, as a big-endian number (ACPI 6.3, 19.6.36). */
void aml_eisa_id(struct blob *b, const char *text)
{
    u32 id = 0;
    assert(strlen(text) == 7);
    for (unsigned i = 0; i < 3; i++)
        id = id << 5 | (text[i] & 31);
    for (unsigned i = 3; i < 7; i++)
        id = id << 4 | hex_digit(text[i]);
    byte(b, OP_DWORD);
    blob_number(b, __builtin_bswap32(id), 4);
}

void aml_name(struct blob *b, const char *path)
{
    byte(b, OP_NAME);
    aml_path(b, path);
}

void aml_name_integer(struct blob *b, const char *path, u64 value)
{
    aml_name(b, path);
    aml_integer(b, value);
}

void aml_name_string(struct blob *b, const char *path, const char *text)
{
    aml_name(b, path);
    aml_string(b, text);
}

void aml_name_id(struct blob *b, const char *path, const char *id)
{
    aml_name(b, path);
    if (strlen(id) == 7)
        aml_eisa_id(b, id);
    else
        aml_string(b, id);
}

void aml_operator(struct blob *b, enum aml_operator op)
{
    byte(b, op);
}

void aml_local(struct blob *b, unsigned n)
{
    byte(b, OP_LOCAL + n);
}

void aml_argument(struct blob *b, unsigned n)
{
    byte(b, OP_ARGUMENT + n);
}

/* ---- Resources ------------------------------------------------------------------------------- */

enum {
    RES_END = 0x79,
    RES_MEMORY32 = 0x86,
    RES_DWORD = 0x87,
    RES_WORD = 0x88,
    RES_INTERRUPT = 0x89,
    RES_QWORD = 0x8a,
    RES_GPIO = 0x8c,
    CONSUMER = 1,
    FIXED = 4 | 8, /* both ends */
    READ_WRITE = 1,
    ENTIRE_RANGE = 3, /* I/O: not only ISA's ports */
    PULL_UP = 1,
};

void aml_resources(struct blob *b, const char *name, struct blob *r)
{
    byte(r, RES_END);
    byte(r, 0); /* no checksum */
    aml_name(b, name);
    aml_buffer(b, r->data, r->size);
    blob_fini(r);
}

/* Large descriptors: kind, length of what follows. */
static u32 begin_resource(struct blob *r, unsigned kind)
{
    byte(r, kind);
    return blob_zero(r, 2);
}

static void end_resource(struct blob *r, u32 at)
{
    blob_set(r, at, r->size - at - 2, 2);
}

void aml_memory32(struct blob *r, u32 base, u32 size)
{
    u32 at = begin_resource(r, RES_MEMORY32);
    byte(r, READ_WRITE);
    blob_number(r, base, 4);
    blob_number(r, size, 4);
    end_resource(r, at);
}

void aml_interrupt(struct blob *r, unsigned flags, u32 gsi)
{
    u32 at = begin_resource(r, RES_INTERRUPT);
    byte(r, CONSUMER | flags);
    byte(r, 1);
    blob_number(r, gsi, 4);
    end_resource(r, at);
}

void aml_gpio_interrupt(struct blob *r, unsigned line, const char *path)
{
    enum { REVISION = 1, INTERRUPT = 0, EDGE_HIGH = 1, PINS = 23 };
    u32 at = begin_resource(r, RES_GPIO), name = (u32)strlen(path) + 1;
    byte(r, REVISION);
    byte(r, INTERRUPT);
    blob_number(r, CONSUMER, 2);
    blob_number(r, EDGE_HIGH, 2);
    byte(r, PULL_UP);
    blob_number(r, 0, 2);               /* output drive */
    blob_number(r, 0, 2);               /* debounce */
    blob_number(r, PINS, 2);            /* offsets from the descriptor's start: lines, */
    byte(r, 0);                         /* (index of the controller) */
    blob_number(r, PINS + 2, 2);        /* its name, */
    blob_number(r, PINS + 2 + name, 2); /* and the vendor's data, of which there are none */
    blob_number(r, 0, 2);
    blob_number(r, line, 2);
    blob_text(r, path, name);
    end_resource(r, at);
}

static void address(struct blob *r, unsigned bits, enum aml_space space, unsigned flags, u64 base,
                    u64 size, u64 translation)
{
    u32 at = begin_resource(r, bits == 16 ? RES_WORD : bits == 32 ? RES_DWORD : RES_QWORD);
    const u64 values[] = {0 /* granularity */, base, base + size - 1, translation, size};
    byte(r, space);
    byte(r, FIXED | flags);
    byte(r, space == AML_MEMORY ? READ_WRITE : space == AML_IO ? ENTIRE_RANGE : 0);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
        blob_number(r, values[i], bits / 8);
    end_resource(r, at);
}

void aml_window(struct blob *r, unsigned bits, enum aml_space space, u64 base, u64 size,
                u64 translation)
{
    address(r, bits, space, 0, base, size, translation);
}

void aml_memory64(struct blob *r, u64 base, u64 size)
{
    address(r, 64, AML_MEMORY, CONSUMER, base, size, 0);
}
