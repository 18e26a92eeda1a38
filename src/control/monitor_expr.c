/*
 * monitor_expr.c - numbers as people type them into the monitor.
 *
 *   expr    factor { operator factor }     operators as in C, with C's precedence
 *   factor  - ~ + factor | ( expr ) | number | $register
 *
 * All is u64 and wraps. Registers are the isa's slots, read on the CPU's thread.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "control/monitor_impl.h"

enum { EXPR_DEPTH = 64, REGISTERS_MAX = 512 };

struct expr {
    struct monitor *mon;
    const char *at;
    unsigned depth;
    struct err *err;
};

static int parse_level(struct expr *x, unsigned level, u64 *v);

static void skip_spaces(struct expr *x)
{
    x->at += strspn(x->at, " ");
}

/* ---- Registers ------------------------------------------------------------------------------- */

struct slot_read {
    const struct isa_slot *slot;
    u64 value;
};

static void read_slot(struct cpu *cpu, void *arg)
{
    struct slot_read *r = arg;
    memcpy(&r->value, (const u8 *)cpu + r->slot->offset, sizeof(r->value));
}

static int parse_register(struct expr *x, u64 *v)
{
    struct cpu *cpu = monitor_cpu(x->mon);
    const char *names[REGISTERS_MAX + 1] = {0};
    char name[32];
    size_t n = strspn(++x->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    snprintf(name, sizeof(name), "%.*s", (int)MIN(n, sizeof(name) - 1), x->at);
    x->at += n;
    for (u32 i = 0; i < cpu->isa->slot_count && i < REGISTERS_MAX; i++) {
        struct slot_read read = {.slot = &cpu->isa->slots[i]};
        names[i] = read.slot->name;
        if (strcmp(names[i], name))
            continue;
        cpu_run_on(cpu, read_slot, &read);
        *v = read.value;
        return 0;
    }
    err_set(x->err, ENOENT, "$%s: no such register", name);
    err_suggest(x->err, name, names);
    return -ENOENT;
}

/* ---- Factors --------------------------------------------------------------------------------- */

static int parse_number(struct expr *x, u64 *v)
{
    char *end;
    errno = 0;
    *v = strtoull(x->at, &end, 0);
    if (errno || end == x->at || isalnum((u8)*end))
        return err_set(x->err, EINVAL, "'%s': a number or $register is accepted there", x->at);
    x->at = end;
    return 0;
}

static int parse_parens(struct expr *x, u64 *v)
{
    x->at++;
    int r = parse_level(x, 0, v);
    if (r)
        return r;
    skip_spaces(x);
    if (*x->at != ')')
        return err_set(x->err, EINVAL, "'%s': a ) is missing there", x->at);
    x->at++;
    return 0;
}

static int parse_factor(struct expr *x, u64 *v)
{
    skip_spaces(x);
    char c = *x->at;
    int r;
    if (++x->depth > EXPR_DEPTH)
        return err_set(x->err, EINVAL, "the expression is nested too deeply");
    if (c == '-' || c == '~' || c == '+') {
        x->at++;
        r = parse_factor(x, v);
        *v = c == '-' ? -*v : c == '~' ? ~*v : *v;
    } else if (c == '(') {
        r = parse_parens(x, v);
    } else if (c == '$') {
        r = parse_register(x, v);
    } else if (isdigit((u8)c)) {
        r = parse_number(x, v);
    } else {
        r = err_set(x->err, EINVAL,
                    *x->at ? "'%s': a number or $register is accepted there"
                           : "%sa number or $register is missing",
                    x->at);
    }
    x->depth--;
    return r;
}

/* ---- Operators ------------------------------------------------------------------------------- */

struct operation {
    const char *text;
    unsigned level; /* binds looser than higher ones */
};
static const struct operation operators[] = {
    {"|", 0}, {"^", 1}, {"&", 2}, {"<<", 3}, {">>", 3},
    {"+", 4}, {"-", 4}, {"*", 5}, {"/", 5},  {"%", 5},
};
enum { LEVELS = 6 };

static int calculate(char operator, u64 right, u64 *v, struct err *err)
{
    switch (operator) {
    case '|': *v |= right; break;
    case '^': *v ^= right; break;
    case '&': *v &= right; break;
    case '<': *v = right < 64 ? *v << right : 0; break;
    case '>': *v = right < 64 ? *v >> right : 0; break;
    case '+': *v += right; break;
    case '-': *v -= right; break;
    case '*': *v *= right; break;
    default:
        if (!right)
            return err_set(err, EDOM, "division by zero");
        *v = operator== '/' ? *v / right : * v % right;
    }
    return 0;
}

static const struct operation *operator_here(struct expr *x, unsigned level)
{
    skip_spaces(x);
    for (unsigned i = 0; i < ARRAY_SIZE(operators); i++) {
        const struct operation *o = &operators[i];
        if (o->level == level && !strncmp(x->at, o->text, strlen(o->text)))
            return o;
    }
    return NULL;
}

static int parse_level(struct expr *x, unsigned level, u64 *v)
{
    if (level == LEVELS)
        return parse_factor(x, v);
    int r = parse_level(x, level + 1, v);
    const struct operation *o;
    while (!r && (o = operator_here(x, level))) {
        u64 right;
        x->at += strlen(o->text);
        r = parse_level(x, level + 1, &right);
        if (!r)
            r = calculate(o->text[0], right, v, x->err);
    }
    return r;
}

int monitor_expr(struct monitor *mon, const char **text, u64 *value, struct err *err)
{
    struct expr x = {.mon = mon, .at = *text, .err = err};
    *value = 0;
    int r = parse_level(&x, 0, value);
    *text = x.at + strspn(x.at, " ");
    return r;
}

int monitor_expr_all(struct monitor *mon, const char *text, u64 *value, struct err *err)
{
    int r = monitor_expr(mon, &text, value, err);
    return r ? r : *text ? err_set(err, EINVAL, "'%s' is too much", text) : 0;
}
