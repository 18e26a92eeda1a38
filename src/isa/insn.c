/*
 * insn.c - operands, disassembly and coverage from the tables that tools/decode.py makes (insn.h).
 *
 * Pure but for the coverage counters, which are atomic.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "isa/insn.h"

s64 insn_operand_get(const struct insn_operand *op, u64 insn)
{
    u64 v = 0;
    for (unsigned i = 0; i < op->pieces; i++) {
        const struct insn_piece *p = &op->piece[i];
        v |= bits_get(insn, p->pos, p->width) << p->at;
    }
    return (op->is_signed ? bits_sext(v, op->bits) : (s64)v) + op->bias;
}

u64 insn_operand_put(const struct insn_operand *op, u64 insn, s64 value)
{
    u64 v = (u64)value - op->bias;
    for (unsigned i = 0; i < op->pieces; i++) {
        const struct insn_piece *p = &op->piece[i];
        insn = bits_set(insn, p->pos, p->width, bits_get(v, p->at, p->width));
    }
    return insn;
}

static const struct insn_operand *
find_operand(const struct insn_set *set, const struct insn_desc *d, const char *name, size_t len)
{
    for (unsigned i = 0; i < d->operands; i++) {
        const struct insn_operand *op = &set->operands[d->operand[i]];
        if (!strncmp(op->name, name, len) && !op->name[len])
            return op;
    }
    return NULL;
}

const struct insn_operand *insn_find_operand(const struct insn_set *set, const struct insn_desc *d,
                                             const char *name)
{
    return find_operand(set, d, name, strlen(name));
}

/* -- Disassembly ------------------------------------------------------------------------------- */

struct out {
    char *text;
    size_t size, used;
};

static void put_text(struct out *o, const char *s, size_t len)
{
    for (; len && o->used + 1 < o->size; len--)
        o->text[o->used++] = *s++;
    o->text[o->used] = 0;
}

static void put_operand(struct out *o, const struct insn_operand *op, u64 insn, u64 pc,
                        insn_print_fn *print)
{
    char buf[64];
    s64 v = insn_operand_get(op, insn);
    int n;
    switch (op->kind) {
    case INSN_OPERAND_DEC: n = snprintf(buf, sizeof buf, "%" PRId64, v); break;
    case INSN_OPERAND_HEX: n = snprintf(buf, sizeof buf, "%#" PRIx64, v); break;
    case INSN_OPERAND_PCREL: n = snprintf(buf, sizeof buf, "%#" PRIx64, pc + (u64)v); break;
    default: n = print(buf, sizeof buf, op->kind, v, insn, pc); break;
    }
    put_text(o, buf, MIN((size_t)MAX(n, 0), sizeof buf - 1));
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void insn_disassemble(const struct insn_set *set, unsigned id, u64 insn, u64 pc,
                      insn_print_fn *print, char *text, size_t size)
{
    const struct insn_desc *d = &set->insns[id];
    struct out o = {text, size, 0};
    const char *s = d->syntax;
    put_text(&o, d->name, strlen(d->name));
    if (*s && *s != '.' && !strchr(s, ' '))
        put_text(&o, " ", 1);
    while (*s) {
        size_t len = 0;
        while (is_word(s[len]))
            len++;
        const struct insn_operand *op = len ? find_operand(set, d, s, len) : NULL;
        len = len ? len : 1;
        if (op)
            put_operand(&o, op, insn, pc, print);
        else if (*s != '|')
            put_text(&o, s, len);
        s += len;
    }
}

/* -- Coverage ---------------------------------------------------------------------------------- */

struct insn_coverage *insn_coverage_new(const struct insn_set *set)
{
    struct insn_coverage *c = calloc(1, sizeof *c + set->count * sizeof c->hits[0]);
    if (c)
        c->set = set;
    return c;
}

void insn_coverage_free(struct insn_coverage *c)
{
    free(c);
}

void insn_coverage_print(const struct insn_coverage *c, FILE *f)
{
    const struct insn_set *set = c->set;
    for (unsigned i = 1; i < set->count; i++)
        fprintf(f, "%s %s %u\n", set->insns[i].name,
                *set->insns[i].mode ? set->insns[i].mode : "any",
                atomic_load_explicit(&c->hits[i], memory_order_relaxed));
}
