/*
 * monitor_memory.c - x, xp and print: a format, and what it shows.
 *
 * Memory is read without side effects: RAM only, never a device's registers; page tables are walked
 * as a debugger does (ISA_PROBE), on the CPU's thread.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "control/monitor_impl.h"

enum { COUNT_MAX = 65536, INSN_MAX = 16 };

struct format {
    u32 count;
    char kind; /* x d u o c i */
    unsigned size;
};

/* ---- "/20xw" --------------------------------------------------------------------------------- */

static const char *const kinds = "xduoci";
static const char sizes[] = "bhwg"; /* 1, 2, 4, 8 bytes */

static int parse_letters(struct monitor *mon, const char *p, const char *text, struct err *err)
{
    for (; *p && *p != ' '; p++) {
        if (strchr(kinds, *p))
            mon->format = *p;
        else if (strchr(sizes, *p))
            mon->size = *p;
        else
            return err_set(err, EINVAL, "'%s': accepted is /count, then one of %s, then one of %s",
                           text, kinds, sizes);
    }
    return 0;
}

/* Takes the format, if there is one, off *args. Kind and size are kept for the next time. */
static int parse_format(struct monitor *mon, char **args, struct format *f, struct err *err)
{
    *f = (struct format){.count = 1};
    if (**args == '/') {
        char *end, *text = monitor_word(args);
        unsigned long n = strtoul(text + 1, &end, 10);
        if (!isdigit((u8)text[1]))
            n = 1;
        int r = parse_letters(mon, isdigit((u8)text[1]) ? end : text + 1, text, err);
        if (r)
            return r;
        if (!n || n > COUNT_MAX)
            return err_set(err, EINVAL, "'%s': accepted is a count of 1 to %d", text, COUNT_MAX);
        f->count = (u32)n;
    }
    f->kind = mon->format;
    f->size = 1u << (strchr(sizes, mon->size) - sizes);
    *args += strspn(*args, " ");
    return 0;
}

static void print_char(u64 v, FILE *out)
{
    static const char escapes[] = "\n\r\t\\'", letters[] = "nrt\\'";
    u8 c = (u8)v;
    const char *e = c ? strchr(escapes, c) : NULL;
    if (e)
        fprintf(out, "'\\%c'", letters[e - escapes]);
    else if (isprint(c))
        fprintf(out, "'%c'", c);
    else
        fprintf(out, "'\\x%02x'", c);
}

static void print_value(const struct format *f, u64 v, FILE *out)
{
    unsigned bits = 8 * f->size;
    unsigned long long u = bits_get(v, 0, bits);
    switch (f->kind) {
    case 'd':
        fprintf(out, "%*lld", (int)(bits * 5 + 15) / 16, (long long)bits_sext(v, bits));
        break;
    case 'u': fprintf(out, "%*llu", (int)(bits * 5 + 15) / 16, u); break;
    case 'o': fprintf(out, "0%0*llo", (int)(bits + 2) / 3, u); break;
    case 'c': print_char(v, out); break;
    default: fprintf(out, "0x%0*llx", (int)bits / 4, u); break;
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is to be read, and how far that went. */
struct look {
    bool physical;
    u64 addr, len, done;
    u8 *data;
};

/* Up to the end of a page; false: there is no memory. */
static bool read_physical(struct mem_space *space, u64 addr, u8 *to, u64 n)
{
    while (n) {
        struct mem_section s;
        if (!mem_find(space, addr, &s) || !s.ram)
            return false;
        u64 piece = s.last - addr < n ? s.last - addr + 1 : n;
        memcpy(to, s.ram->host + s.ram_offset, piece);
        addr += piece;
        to += piece;
        n -= piece;
    }
    return true;
}

static void look_on_cpu(struct cpu *cpu, void *arg)
{
    struct look *l = arg;
    struct isa_context context;
    cpu->isa->context(cpu, 0, &context);
    while (l->done < l->len) {
        u64 at = l->addr + l->done, physical = at;
        u64 n = MIN(l->len - l->done, MEM_PAGE - (at & (MEM_PAGE - 1)));
        struct isa_mapping mapping;
        struct isa_fault fault;
        if (!l->physical) {
            if (cpu->isa->walk(cpu, &context, at, ISA_PROBE, &mapping, &fault))
                return;
            physical = mapping.paddr;
        }
        if (!read_physical(cpu->space, physical, l->data + l->done, n))
            return;
        l->done += n;
    }
}

/* As many bytes as are there. */
static u64 look(struct monitor *mon, bool physical, u64 addr, u8 *data, u64 len)
{
    struct look l = {.physical = physical, .addr = addr, .len = len, .data = data};
    cpu_run_on(monitor_cpu(mon), look_on_cpu, &l);
    return l.done;
}

/* ---- Showing --------------------------------------------------------------------------------- */

static int no_memory(bool physical, u64 addr, struct err *err)
{
    return err_set(err, EFAULT, "no memory at %s address 0x%llx", physical ? "physical" : "virtual",
                   (unsigned long long)addr);
}

static int show_values(struct monitor *mon, const struct format *f, bool physical, u64 addr,
                       FILE *out, struct err *err)
{
    unsigned line = f->size == 1 ? 8 : 16;
    u64 left = (u64)f->count * f->size;
    while (left) {
        u8 data[16];
        u64 n = MIN(left, line);
        if (look(mon, physical, addr, data, n) < n)
            return no_memory(physical, addr, err);
        fprintf(out, "%016llx:", (unsigned long long)addr);
        for (unsigned i = 0; i < n; i += f->size) {
            fputc(' ', out);
            print_value(f,
                        monitor_cpu(mon)->isa->big_endian ? load_be(data + i, f->size)
                                                          : load_le(data + i, f->size),
                        out);
        }
        fputc('\n', out);
        addr += n;
        left -= n;
    }
    return 0;
}

static int show_insns(struct monitor *mon, u32 count, bool physical, u64 addr, FILE *out,
                      struct err *err)
{
    struct cpu *cpu = monitor_cpu(mon);
    for (; count; count--) {
        u8 code[INSN_MAX];
        char text[128];
        u64 have = look(mon, physical, addr, code, sizeof(code));
        if (!have)
            return no_memory(physical, addr, err);
        unsigned n = cpu->isa->disassemble(cpu, addr, code, (unsigned)have, text, sizeof(text));
        fprintf(out, "0x%016llx:  ", (unsigned long long)addr);
        for (unsigned i = n; i--;)
            fprintf(out, "%02x", code[i]);
        fprintf(out, "%*s%s\n", n < 8 ? (int)(18 - 2 * n) : 2, "", text);
        addr += MAX(n, 1);
    }
    return 0;
}

static int examine(struct monitor *mon, bool physical, char *args, FILE *out, struct err *err)
{
    struct format f;
    u64 addr;
    int r = parse_format(mon, &args, &f, err);
    if (!r)
        r = monitor_expr_all(mon, args, &addr, err);
    if (r)
        return r;
    return f.kind == 'i' ? show_insns(mon, f.count, physical, addr, out, err)
                         : show_values(mon, &f, physical, addr, out, err);
}

int monitor_examine(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    return examine(mon, false, args, out, err);
}

int monitor_examine_physical(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    return examine(mon, true, args, out, err);
}

int monitor_print(struct monitor *mon, char *args, FILE *out, struct err *err)
{
    struct format f;
    u64 v;
    char kept_size = mon->size;
    int r = parse_format(mon, &args, &f, err);
    mon->size = kept_size;
    if (!r)
        r = monitor_expr_all(mon, args, &v, err);
    if (r)
        return r;
    f.size = 8;
    if (f.kind == 'x' || f.kind == 'i')
        fprintf(out, "0x%llx", (unsigned long long)v);
    else if (f.kind == 'd')
        fprintf(out, "%lld", (long long)v);
    else if (f.kind == 'u')
        fprintf(out, "%llu", (unsigned long long)v);
    else
        print_value(&f, v, out);
    fputc('\n', out);
    return 0;
}
