/*
 * text.c - units as text, printed and parsed: for logs, tests and bug reports.
 *
 *   unit pc 0x80000000 mode 0x3 bytes 8 insns 2
 *     insn.4 0x80000000
 *     %1:i64 = get a0
 *     %2:i64 = const 0x10
 *     %3:i64 = add %1, %2
 *     put %3, a0
 *     insn.4 0x80000004
 *     %6:i64 = load.32.s %1, 8
 *     %7:i64 = call helper(%6, %1)
 *     exit_jump 0x80000008
 *
 * Operands stand as in ir.def; aux is written as attributes behind dots. The unit line may be
 * missing; a label's number is any below IR_MAX_OPS (printing uses the op's index); ';' starts a
 * comment. Parsing resolves names and labels, so indices are in bounds; everything else is
 * ir_verify's.
 */
#include "jit/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "cpu/isa.h"
#include "float/soft.h"

/* ---- Attributes ---- */

#define CONTEXT(n)                                                                                 \
    {                                                                                              \
        "ctx" #n, IR_MEM_CONTEXT, (n) << IR_MEM_CONTEXT_SHIFT                                      \
    }
static const struct ir_attr attrs_mem[] = {
    {"8", IR_MEM_SIZE, 0},
    {"16", IR_MEM_SIZE, 1},
    {"32", IR_MEM_SIZE, 2},
    {"64", IR_MEM_SIZE, 3},
    {"128", IR_MEM_SIZE, 4},
    {"s", IR_MEM_SIGNED, IR_MEM_SIGNED},
    {"be", IR_MEM_BIG, IR_MEM_BIG},
    {"align", IR_MEM_ALIGN, IR_MEM_ALIGN},
    {"acq", IR_MEM_ACQUIRE, IR_MEM_ACQUIRE},
    {"rel", IR_MEM_RELEASE, IR_MEM_RELEASE},
    {"atomic", IR_MEM_ATOMIC, IR_MEM_ATOMIC},
    {"unit8", IR_MEM_UNIT, IR_MEM_PARTS(0)},
    {"unit16", IR_MEM_UNIT, IR_MEM_PARTS(1)},
    {"unit32", IR_MEM_UNIT, IR_MEM_PARTS(2)},
    {"unit64", IR_MEM_UNIT, IR_MEM_PARTS(3)},
    {"never", IR_MEM_UNIT, IR_MEM_UNIT_NONE},
    CONTEXT(1),
    CONTEXT(2),
    CONTEXT(3),
    CONTEXT(4),
    CONTEXT(5),
    CONTEXT(6),
    CONTEXT(7),
    CONTEXT(8),
    CONTEXT(9),
    CONTEXT(10),
    CONTEXT(11),
    CONTEXT(12),
    CONTEXT(13),
    CONTEXT(14),
    CONTEXT(15),
    {NULL},
};

#define COND(NAME, name)                                                                           \
    {                                                                                              \
        name, 0xffff, IR_##NAME                                                                    \
    }
static const struct ir_attr attrs_cond[] = {
    COND(EQ, "eq"),   COND(NE, "ne"),   COND(LT, "lt"),   COND(GE, "ge"),
    COND(LE, "le"),   COND(GT, "gt"),   COND(LTU, "ltu"), COND(GEU, "geu"),
    COND(LEU, "leu"), COND(GTU, "gtu"), {NULL},
};

static const struct ir_attr attrs_fence[] = {
    {"ll", IR_FENCE_LL, IR_FENCE_LL},
    {"ls", IR_FENCE_LS, IR_FENCE_LS},
    {"sl", IR_FENCE_SL, IR_FENCE_SL},
    {"ss", IR_FENCE_SS, IR_FENCE_SS},
    {NULL},
};

#define FLOAT_ATTRS                                                                                \
    {"rtz", IR_FLOAT_ROUND, FLOAT_RTZ}, {"rdn", IR_FLOAT_ROUND, FLOAT_RDN},                        \
        {"rup", IR_FLOAT_ROUND, FLOAT_RUP}, {"rmm", IR_FLOAT_ROUND, FLOAT_RMM},                    \
        {"rto", IR_FLOAT_ROUND, FLOAT_RTO}, {"dyn", IR_FLOAT_ROUND, IR_FLOAT_DYN},                 \
        {"nan_x86", IR_FLOAT_NAN, FLOAT_NAN_X86 << IR_FLOAT_NAN_SHIFT},                            \
        {"nan_arm", IR_FLOAT_NAN, FLOAT_NAN_ARM << IR_FLOAT_NAN_SHIFT},                            \
        {"negp", IR_FLOAT_NEG_PRODUCT, IR_FLOAT_NEG_PRODUCT},                                      \
        {"nega", IR_FLOAT_NEG_ADDEND, IR_FLOAT_NEG_ADDEND},                                        \
        {"tiny", IR_FLOAT_TINY_BEFORE, IR_FLOAT_TINY_BEFORE},                                      \
    {                                                                                              \
        "u", IR_FLOAT_UNSIGNED, IR_FLOAT_UNSIGNED                                                  \
    }

static const struct ir_attr attrs_float[] = {
    {"rne", IR_FLOAT_ROUND, FLOAT_RNE}, FLOAT_ATTRS, {NULL}};
static const struct ir_attr attrs_fcmp[] = {
    {"eq", IR_FLOAT_COND, IR_FLOAT_EQ},
    {"lt", IR_FLOAT_COND, IR_FLOAT_LT},
    {"le", IR_FLOAT_COND, IR_FLOAT_LE},
    {"sig", IR_FLOAT_SIGNAL, IR_FLOAT_SIGNAL},
    FLOAT_ATTRS,
    {NULL},
};

static const struct ir_attr attrs_lane[] = {{"b", 3, 0}, {"h", 3, 1}, {"s", 3, 2}, {"d", 3, 3}, {NULL}};
static const struct ir_attr attrs_lanes_float[] = {
    {"rne", IR_FLOAT_ROUND, FLOAT_RNE}, {"wide", IR_FLOAT_WIDE, IR_FLOAT_WIDE}, FLOAT_ATTRS, {NULL}};
static const struct ir_attr attrs_lanes_cmp[] = {
    {"eq", IR_FLOAT_COND, IR_FLOAT_EQ},
    {"lt", IR_FLOAT_COND, IR_FLOAT_LT},
    {"le", IR_FLOAT_COND, IR_FLOAT_LE},
    {"sig", IR_FLOAT_SIGNAL, IR_FLOAT_SIGNAL},
    {"wide", IR_FLOAT_WIDE, IR_FLOAT_WIDE},
    FLOAT_ATTRS,
    {NULL},
};
static const struct ir_attr attrs_hint[] = {
    {"call", 3, IR_JUMP_CALL}, {"ret", 3, IR_JUMP_RETURN}, {NULL}};
static const struct ir_attr attrs_trap[] = {{"lasts", IR_TRAP_LASTS, IR_TRAP_LASTS}, {NULL}};
static const struct ir_attr attrs_unbox[] = {{"boxed", IR_UNBOX_BOXED, IR_UNBOX_BOXED}, {NULL}};
static const struct ir_attr attrs_none[] = {{NULL}};

const struct ir_attr *ir_attrs(unsigned op)
{
    if (ir_op_info[op].flags & IR_OP_MEMORY)
        return attrs_mem;
    switch (op) {
    case IR_LOAD_STATE:
    case IR_STORE_STATE: return attrs_mem;
    case IR_CMP: return attrs_cond;
    case IR_FENCE: return attrs_fence;
    case IR_FCMP: return attrs_fcmp;
    case IR_EXIT_INDIRECT: return attrs_hint;
    case IR_TRAP_IF: return attrs_trap;
    case IR_UNBOX: return attrs_unbox;
    case IR_INSN:
    case IR_CALL: return NULL;
    case IR_VFCMP: return attrs_lanes_cmp;
    default: break;
    }
    if (ir_op_is_vector_float(op))
        return attrs_lanes_float;
    if (ir_op_is_vector(op))
        return attrs_lane;
    return ir_op_is_float(op) ? attrs_float : attrs_none;
}

const char *const ir_rmw_names[] = {
    [IR_RMW_XCHG] = "xchg", [IR_RMW_ADD] = "add",   [IR_RMW_AND] = "and",
    [IR_RMW_OR] = "or",     [IR_RMW_XOR] = "xor",   [IR_RMW_MIN] = "min",
    [IR_RMW_MAX] = "max",   [IR_RMW_MINU] = "minu", [IR_RMW_MAXU] = "maxu",
};

unsigned ir_effect_type(const struct ir_unit *u, const struct ir_op *op)
{
    switch (op->op) {
    case IR_PUT:
    case IR_STORE_STATE: return u->ops[op->a].type;
    case IR_STORE: return u->ops[op->b].type;
    default: return IR_VOID;
    }
}

/* ---- Printing ---- */

static void print_attrs(FILE *f, const struct ir_op *op)
{
    const struct ir_attr *a = ir_attrs(op->op);
    if (op->op == IR_INSN)
        fprintf(f, ".%u", op->aux);
    for (; a && a->name; a++)
        if ((op->aux & a->mask) == a->value)
            fprintf(f, ".%s", a->name);
}

static void print_args(FILE *f, const struct ir_unit *u, const struct ir_op *op)
{
    fprintf(f, "(");
    for (u32 i = 0; i < op->aux; i++)
        fprintf(f, "%s%%%u", i ? ", " : "", u->args[op->b + i]);
    fprintf(f, ")");
}

static void print_operand(FILE *f, const struct ir_unit *u, const struct ir_op *op, char letter,
                          u32 v)
{
    switch (letter) {
    case 'v': fprintf(f, "%%%u", v); break;
    case 's': fprintf(f, "%s", u->isa->slots[v].name); break;
    case 'o': fprintf(f, "%" PRId32, (s32)v); break;
    case 'h': fprintf(f, "%s", u->isa->helpers[v].name); break;
    case 'p': print_args(f, u, op); break;
    case 'k':
        if (op->op == IR_RMW)
            fprintf(f, "%s", ir_rmw_names[v]);
        else
            fprintf(f, "%" PRIu32, v);
        break;
    }
}

void ir_print_op(FILE *f, const struct ir_unit *u, u32 index)
{
    const struct ir_op *op = &u->ops[index];
    const struct ir_op_info *info = &ir_op_info[op->op];
    const u32 field[3] = {op->a, op->b, op->c};
    fprintf(f, "  ");
    if (info->result[0] != '-' && op->type != IR_VOID)
        fprintf(f, "%%%u:%s = ", index, ir_type_names[op->type]);
    fprintf(f, "%s", info->text);
    print_attrs(f, op);
    for (unsigned n = 0; n < 3 && info->operands[n] != '-'; n++) {
        char letter = info->operands[n];
        fprintf(f, "%s", n == 0 ? " " : letter == 'p' ? "" : ", ");
        if (letter == 'i') {
            fprintf(f, "0x%" PRIx64, (u64)field[n + 1] << 32 | field[n]);
            n++;
        } else {
            print_operand(f, u, op, letter, field[n]);
        }
    }
    fprintf(f, "\n");
}

void ir_print(FILE *f, const struct ir_unit *u)
{
    fprintf(f, "unit pc 0x%" PRIx64 " mode 0x%" PRIx64 " bytes %" PRIu32 " insns %" PRIu32 "\n",
            u->pc, u->mode, u->guest_bytes, u->guest_insns);
    for (u32 i = 0; i < u->count; i++)
        ir_print_op(f, u, i);
}

/* ---- Parsing ---- */

struct parser {
    const char *p;
    unsigned line;
    struct ir_unit *u;
    struct err *err;
    u32 *label; /* op of each label, or ~0 */
};

struct word {
    char text[64];
};

static int fail(struct parser *ps, const char *what, const char *given)
{
    return err_set(ps->err, EINVAL, "IR line %u: %s '%s'", ps->line, what, given);
}

static void skip_blank(struct parser *ps)
{
    while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\r')
        ps->p++;
    if (*ps->p == ';')
        ps->p += strcspn(ps->p, "\n");
}

static bool at_end(struct parser *ps)
{
    skip_blank(ps);
    return *ps->p == '\n' || !*ps->p;
}

static bool accept(struct parser *ps, char c)
{
    skip_blank(ps);
    if (*ps->p != c)
        return false;
    ps->p++;
    return true;
}

/* What stands at the cursor, for messages. */
static struct word rest(struct parser *ps)
{
    struct word w;
    skip_blank(ps);
    snprintf(w.text, sizeof(w.text), "%.*s", (int)strcspn(ps->p, "\n"), ps->p);
    return w;
}

static int expect(struct parser *ps, char c)
{
    char what[] = "expected '?' instead of";
    what[10] = c;
    return accept(ps, c) ? 0 : fail(ps, what, rest(ps).text);
}

static struct word read_word(struct parser *ps)
{
    struct word w;
    size_t n = 0;
    skip_blank(ps);
    for (; isalnum((unsigned char)*ps->p) || *ps->p == '_'; ps->p++)
        if (n < sizeof(w.text) - 1)
            w.text[n++] = *ps->p;
    w.text[n] = 0;
    return w;
}

static int read_number(struct parser *ps, u64 *out)
{
    char *end;
    skip_blank(ps);
    bool negative = *ps->p == '-';
    const char *digits = ps->p + negative;
    if (!isdigit((unsigned char)*digits))
        return fail(ps, "expected a number instead of", rest(ps).text);
    errno = 0;
    *out = strtoull(digits, &end, 0);
    if (errno)
        return fail(ps, "number out of range:", rest(ps).text);
    if (negative)
        *out = -*out;
    ps->p = end;
    return 0;
}

/* A number that fits in 32 bits, signed or not. */
static int read_u32(struct parser *ps, u32 *out)
{
    u64 v;
    struct word given = rest(ps);
    int r = read_number(ps, &v);
    if (r)
        return r;
    if (v != (u32)v && (s64)v != (s32)v)
        return fail(ps, "number out of range:", given.text);
    *out = (u32)v;
    return 0;
}

static int read_label(struct parser *ps, u32 *out)
{
    struct word given = rest(ps);
    if (!accept(ps, '%'))
        return fail(ps, "expected a value (%N) instead of", given.text);
    int r = read_u32(ps, out);
    if (r)
        return r;
    return *out < IR_MAX_OPS ? 0 : fail(ps, "label too great:", given.text);
}

static int read_value(struct parser *ps, u32 *out)
{
    u32 label = 0;
    struct word given = rest(ps);
    int r = read_label(ps, &label);
    if (r)
        return r;
    *out = ps->label[label];
    return *out != ~0u ? 0 : fail(ps, "value not made before:", given.text);
}

/* The index of a word in names[0..count-1], `stride` bytes apart, each entry beginning with its
 * name. */
static int read_name(struct parser *ps, const char *what, const void *names, size_t count,
                     size_t stride, u32 *out)
{
    struct word w = read_word(ps);
    const char *known[256];
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride);
        if (!strcmp(name, w.text)) {
            *out = i;
            return 0;
        }
        known[MIN(i, ARRAY_SIZE(known) - 2)] = name;
    }
    known[MIN(count, ARRAY_SIZE(known) - 1)] = NULL;
    int r = fail(ps, what, w.text);
    err_suggest(ps->err, w.text, known);
    return r;
}

static int read_attr(struct parser *ps, struct ir_op *op)
{
    const struct ir_attr *list = ir_attrs(op->op);
    u32 n = 0;
    if (op->op == IR_INSN) {
        int r = read_u32(ps, &n);
        op->aux = n;
        return r;
    }
    while (list && list[n].name)
        n++;
    int r = read_name(ps, "unknown attribute", list, n, sizeof(*list), &n);
    if (r)
        return r;
    op->aux = (op->aux & ~list[n].mask) | list[n].value;
    return 0;
}

static int read_args(struct parser *ps, struct ir_op *op, u32 *first)
{
    struct ir_unit *u = ps->u;
    int r = expect(ps, '(');
    *first = u->arg_count;
    while (!r && !accept(ps, ')')) {
        if (op->aux)
            r = expect(ps, ',');
        if (!r && (op->aux == IR_CALL_ARGS || u->arg_count == IR_MAX_ARGS))
            r = fail(ps, "too many arguments at", rest(ps).text);
        if (!r)
            r = read_value(ps, &u->args[u->arg_count]);
        if (!r) {
            u->arg_count++;
            op->aux++;
        }
    }
    return r;
}

static int read_operand(struct parser *ps, struct ir_op *op, char letter, u32 *out)
{
    const struct isa *isa = ps->u->isa;
    switch (letter) {
    case 'v': return read_value(ps, out);
    case 's':
        return read_name(ps, "unknown slot", isa->slots, isa->slot_count, sizeof(isa->slots[0]),
                         out);
    case 'h':
        return read_name(ps, "unknown helper", isa->helpers, isa->helper_count,
                         sizeof(isa->helpers[0]), out);
    case 'p': return read_args(ps, op, out);
    case 'k':
        if (op->op == IR_RMW)
            return read_name(ps, "unknown operation", ir_rmw_names, IR_RMW_KINDS, sizeof(char *),
                             out);
        return read_u32(ps, out);
    default: return read_u32(ps, out);
    }
}

static int read_operands(struct parser *ps, struct ir_op *op)
{
    const char *letters = ir_op_info[op->op].operands;
    u32 *field[3] = {&op->a, &op->b, &op->c};
    int r = 0;
    for (unsigned n = 0; !r && n < 3 && letters[n] != '-'; n++) {
        u64 imm;
        if (n && letters[n] != 'p')
            r = expect(ps, ',');
        if (r)
            return r;
        if (letters[n] != 'i') {
            r = read_operand(ps, op, letters[n], field[n]);
            continue;
        }
        r = read_number(ps, &imm);
        if (!r) {
            *field[n] = (u32)imm;
            *field[++n] = imm >> 32;
        }
    }
    return r;
}

/* "%N:type =", if there. */
static int read_result(struct parser *ps, struct ir_op *op, u32 *label)
{
    u32 type;
    *label = ~0u;
    skip_blank(ps);
    if (*ps->p != '%')
        return 0;
    int r = read_label(ps, label);
    if (!r)
        r = expect(ps, ':');
    if (!r)
        r = read_name(ps, "unknown type", ir_type_names, IR_TYPES, sizeof(char *), &type);
    if (!r)
        r = expect(ps, '=');
    if (!r)
        op->type = type;
    return r;
}

static int read_op(struct parser *ps)
{
    struct ir_unit *u = ps->u;
    struct ir_op op = {0};
    u32 label, opcode;
    if (u->count == IR_MAX_OPS)
        return fail(ps, "too many operations at", rest(ps).text);
    int r = read_result(ps, &op, &label);
    if (!r)
        r = read_name(ps, "unknown operation", ir_op_info, IR_OPCODES, sizeof(ir_op_info[0]),
                      &opcode);
    if (r)
        return r;
    op.op = opcode;
    while (!r && *ps->p == '.') {
        ps->p++;
        r = read_attr(ps, &op);
    }
    if (!r)
        r = read_operands(ps, &op);
    if (r)
        return r;
    if (label == ~0u)
        op.type = ir_effect_type(u, &op);
    else if (ir_op_info[opcode].result[0] == '-')
        return fail(ps, "no result is made by", ir_op_info[opcode].text);
    else
        ps->label[label] = u->count;
    u->guest_insns += opcode == IR_INSN;
    u->ops[u->count++] = op;
    return 0;
}

/* The unit line: pairs of a field's name and its number. */
static int read_header(struct parser *ps)
{
    static const char *const fields[] = {"pc", "mode", "bytes", "insns"};
    u64 value[] = {ps->u->pc, ps->u->mode, 0, 0};
    int r = 0;
    while (!r && !at_end(ps)) {
        u32 n = 0;
        r = read_name(ps, "unknown field", fields, ARRAY_SIZE(fields), sizeof(char *), &n);
        if (!r)
            r = read_number(ps, &value[n]);
    }
    ps->u->pc = value[0];
    ps->u->mode = value[1];
    ps->u->guest_bytes = (u32)value[2];
    return r;
}

static int read_line(struct parser *ps)
{
    const char *start = ps->p;
    if (!strcmp(read_word(ps).text, "unit"))
        return read_header(ps);
    ps->p = start;
    int r = read_op(ps);
    if (!r && !at_end(ps))
        r = fail(ps, "unexpected", rest(ps).text);
    return r;
}

int ir_parse(struct ir_unit *u, struct arena *arena, const struct isa *isa, const char *text,
             struct err *err)
{
    *u = (struct ir_unit){
        .isa = isa,
        .may = IR_MAY_ANY,
        .ops = arena_alloc(arena, IR_MAX_OPS * sizeof(struct ir_op)),
        .args = arena_alloc(arena, IR_MAX_ARGS * sizeof(u32)),
    };
    struct parser ps = {.p = text, .line = 1, .u = u, .err = err};
    ps.label = arena_alloc(arena, IR_MAX_OPS * sizeof(u32));
    memset(ps.label, 0xff, IR_MAX_OPS * sizeof(u32));
    for (;; ps.line++, ps.p++) {
        int r = at_end(&ps) ? 0 : read_line(&ps);
        if (r)
            return r;
        if (!*ps.p)
            return 0;
    }
}
