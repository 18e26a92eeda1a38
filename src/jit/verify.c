/*
 * verify.c - the invariants of ir.h, checked op by op: after the front end and after each pass in
 * debug builds, and for parsed text.
 *
 * Reads the unit only. Nothing is assumed: indices are checked before they are used.
 */
#include <errno.h>

#include "base/err.h"
#include "cpu/isa.h"
#include "jit/eval.h"
#include "jit/text.h"

/*
 * Types, a letter for the result (or the op's type) and one for each operand:
 *   i  i32 or i64          6  i64          3  i32          f  f32 or f64      x  any of the four      m  any of the five
 *   t  the op's type       V  v128            a  operand a's  s  f32          d  f64             -  no value
 */
static const char *signature(unsigned op)
{
    switch (op) {
    case IR_CONST: return "i---";
    case IR_GET: return "m---";
    case IR_LOAD_STATE: return "x---";
    case IR_FLOAT_FLAGS: return "6---";
    case IR_PUT: return "mt--";
    case IR_STORE_STATE: return "xt--";
    case IR_NOT:
    case IR_NEG:
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT:
    case IR_BSWAP: return "it--";
    case IR_CLMUL:
    case IR_CLMULH: return "6tt-";
    case IR_SEXT8:
    case IR_SEXT16:
    case IR_ZEXT8:
    case IR_ZEXT16: return "ii--";
    case IR_SEXT32:
    case IR_ZEXT32: return "6i--";
    case IR_TRUNC: return "36--";
    case IR_CMP: return "6ia-";
    case IR_SELECT: return "m6tt";
    case IR_LOAD: return "m6--";
    case IR_STORE: return "m6t-";
    case IR_RMW: return "i6t-";
    case IR_CAS: return "i6ti"; /* only the bytes of the new value that are stored count */
    case IR_LOAD_LINKED: return "i6--";
    case IR_STORE_COND: return "66i-";
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV:
    case IR_FMIN:
    case IR_FMAX:
    case IR_FSGNJ:
    case IR_FSGNJN:
    case IR_FSGNJX: return "ftt-";
    case IR_FSQRT: return "ft--";
    case IR_FMADD: return "fttt";
    case IR_FCMP: return "6fa-";
    case IR_FCVT: return "ff--";
    case IR_FTOI: return "if--";
    case IR_ITOF: return "fi--";
    case IR_NANBOX: return "ds--";
    case IR_UNBOX: return "sd--";
    case IR_BITCAST: return "xx--";
    case IR_VPAIR: return "V66-";
    case IR_VLOW: return "xV--";
    case IR_VZEXT: return "Vx--";
    case IR_VDUP: return "V6--";
    case IR_VGET: return "6V--";
    case IR_VSET: return "VV6-";
    case IR_EXIT_IF:
    case IR_TRAP_IF:
    case IR_EXIT_INDIRECT: return "v6--";
    case IR_INSN:
    case IR_FENCE:
    case IR_EXIT_JUMP:
    case IR_EXIT_LOOKUP: return "v---";
    case IR_CALL: return "----"; /* by the helper */
    default: return ir_op_is_vector(op) ? "Vttt" : "itt-"; /* arithmetic */
    }
}

static bool type_is(char letter, unsigned type, unsigned own, unsigned first)
{
    switch (letter) {
    case 'i': return type == IR_I32 || type == IR_I64;
    case '6': return type == IR_I64;
    case '3': return type == IR_I32;
    case 'f': return type == IR_F32 || type == IR_F64;
    case 'V': return type == IR_V128;
    case 'm': return type == IR_V128 || (type >= IR_I32 && type <= IR_F64);
    case 'x': return type >= IR_I32 && type <= IR_F64;
    case 't': return type == own;
    case 'a': return type == first;
    case 's': return type == IR_F32;
    case 'd': return type == IR_F64;
    case 'v': return type == IR_VOID;
    default: return true;
    }
}

struct checker {
    const struct ir_unit *u;
    u32 index;
    const struct ir_op *op;
    struct err *err;
    bool insn_seen;
};

static int broken(const struct checker *ck, const char *what)
{
    unsigned op = ck->op->op;
    return err_set(ck->err, EINVAL, "IR op %u (%s): %s", ck->index,
                   op < IR_OPCODES ? ir_op_info[op].text : "?", what);
}

static bool makes_value(const struct ir_op *op)
{
    return ir_op_info[op->op].result[0] != '-' && op->type != IR_VOID;
}

static int check_value(const struct checker *ck, u32 v)
{
    if (v >= ck->index)
        return broken(ck, "an operand is not made before it");
    return makes_value(&ck->u->ops[v]) ? 0 : broken(ck, "an operand is an op without a result");
}

static int check_values(const struct checker *ck)
{
    const struct ir_op *op = ck->op;
    const char *types = signature(op->op);
    const u32 field[3] = {op->a, op->b, op->c};
    unsigned values = ir_op_info[op->op].values;
    if (!type_is(types[0], op->type, op->type, op->type))
        return broken(ck, "wrong type");
    for (unsigned n = 0; n < 3; n++) {
        if (!(values >> n & 1))
            continue;
        int r = check_value(ck, field[n]);
        if (r)
            return r;
        unsigned first = ck->u->ops[op->a].type;
        if (!type_is(types[n + 1], ck->u->ops[field[n]].type, op->type, first))
            return broken(ck, "an operand has the wrong type");
    }
    return 0;
}

/* Bytes moved by a memory op must fit the type of what is moved. */
static int check_size(const struct checker *ck)
{
    const struct ir_op *op = ck->op;
    unsigned moved = op->op == IR_STORE_COND ? ck->u->ops[op->b].type : op->type;
    unsigned bytes = IR_MEM_BYTES(op->aux), full = ir_type_bits(moved) / 8;
    bool whole = moved == IR_F32 || moved == IR_F64 || moved == IR_V128;
    if (op->op == IR_CAS && bytes > ir_type_bits(ck->u->ops[op->c].type) / 8)
        return broken(ck, "the new value has fewer bytes than are stored");
    if (bytes > full || (whole && bytes != full))
        return broken(ck, "the access's size does not fit the type");
    return 0;
}

static int check_aux(const struct checker *ck)
{
    const struct ir_op *op = ck->op;
    const struct ir_attr *a = ir_attrs(op->op);
    u16 named = 0;
    if (!a)
        return 0;
    for (; a->name; a++)
        if ((op->aux & a->mask) == a->value)
            named |= a->value;
    if (named != op->aux)
        return broken(ck, "aux has bits without a meaning");
    if ((op->op == IR_VSXT || op->op == IR_VZXT) && op->aux == 3)
        return broken(ck, "lanes of 64 bits cannot be widened");
    return ir_attrs(op->op) == ir_attrs(IR_LOAD) ? check_size(ck) : 0;
}

static int check_slot(const struct checker *ck, u32 slot)
{
    if (slot >= ck->u->isa->slot_count)
        return broken(ck, "no such slot");
    return ck->u->isa->slots[slot].type == ck->op->type ? 0 : broken(ck, "not the slot's type");
}

static int check_state_offset(const struct checker *ck, u32 offset)
{
    u64 end = (u64)offset + IR_MEM_BYTES(ck->op->aux);
    return end <= ck->u->isa->cpu_size ? 0 : broken(ck, "offset outside the CPU's state");
}

static int check_effects(const struct checker *ck, const struct ir_helper *h)
{
    enum { known = IR_FX_READ | IR_FX_WRITE | IR_FX_FAULT | IR_FX_FLOAT | IR_FX_PURE | IR_FX_CONTEXT };
    if (h->effects & ~known)
        return broken(ck, "the helper's effects have unknown bits");
    if (h->effects & IR_FX_PURE && h->effects != IR_FX_PURE)
        return broken(ck, "the helper is pure and has effects");
    return h->fn ? 0 : broken(ck, "the helper has no function");
}

static int check_call(const struct checker *ck)
{
    const struct ir_unit *u = ck->u;
    const struct ir_op *op = ck->op;
    const struct ir_helper *h = &u->isa->helpers[op->a];
    if (op->aux != h->args || h->args > IR_CALL_ARGS)
        return broken(ck, "wrong number of arguments");
    if (op->b > u->arg_count || op->aux > u->arg_count - op->b)
        return broken(ck, "arguments outside the unit's");
    if (op->type != h->result || !(type_is('x', h->result, 0, 0) || h->result == IR_VOID))
        return broken(ck, "not the helper's result");
    for (u32 i = 0; i < op->aux; i++) {
        int r = check_value(ck, u->args[op->b + i]);
        if (r)
            return r;
    }
    return 0;
}

static int check_helper(const struct checker *ck, u32 helper)
{
    if (helper >= ck->u->isa->helper_count)
        return broken(ck, "no such helper");
    int r = check_effects(ck, &ck->u->isa->helpers[helper]);
    if (r || ck->op->op == IR_CALL)
        return r ? r : check_call(ck);
    return ck->u->isa->helpers[helper].args == 1
               ? 0
               : broken(ck, "the helper does not take one argument");
}

/* A small constant: kind, lane, count of bits or bytes. */
static int check_small(const struct checker *ck, u32 v)
{
    unsigned lane = ck->op->aux & 3, bits = 8u << lane;
    switch (ck->op->op) {
    case IR_RMW: return v >= IR_RMW_KINDS ? broken(ck, "no such operation") : 0;
    case IR_VGET:
    case IR_VSET: return v >= 16u >> lane ? broken(ck, "no such lane") : 0;
    case IR_VEXT: return v > 16 ? broken(ck, "more than 16 bytes") : 0;
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR: return v > bits ? broken(ck, "shifts by more than a lane") : 0;
    default: return 0;
    }
}

/* What is not a value, by operand letter; unused fields are 0, so that equal ops have equal words.
 */
static int check_field(const struct checker *ck, char letter, u32 v)
{
    unsigned op = ck->op->op;
    switch (letter) {
    case 's': return check_slot(ck, v);
    case 'h': return check_helper(ck, v);
    case '-': return v ? broken(ck, "an unused field is not 0") : 0;
    case 'k': return check_small(ck, v);
    case 'o': return ir_op_info[op].flags & IR_OP_MEMORY ? 0 : check_state_offset(ck, v);
    default: return 0;
    }
}

static int check_fields(const struct checker *ck)
{
    const u32 field[3] = {ck->op->a, ck->op->b, ck->op->c};
    int r = 0;
    for (unsigned n = 0; n < 3 && !r; n++)
        r = check_field(ck, ir_op_info[ck->op->op].operands[n], field[n]);
    if (!r && ck->op->op == IR_CONST && ck->op->type == IR_I32 && ck->op->b)
        r = broken(ck, "the upper half of an i32 constant is not 0");
    return r;
}

static int check_place(struct checker *ck)
{
    unsigned flags = ir_op_info[ck->op->op].flags;
    bool last = ck->index + 1 == ck->u->count;
    if (!(flags & IR_OP_ENDS) == last)
        return broken(ck, last ? "the last op does not end the unit"
                               : "ends the unit but is not the last op");
    ck->insn_seen |= ck->op->op == IR_INSN;
    return flags & IR_OP_EXITS && !ck->insn_seen ? broken(ck, "may leave before the first insn")
                                                 : 0;
}

int ir_verify(const struct ir_unit *u, struct err *err)
{
    struct checker ck = {.u = u, .err = err};
    if (u->count == 0 || u->count > IR_MAX_OPS || u->arg_count > IR_MAX_ARGS)
        return err_set(err, EINVAL, "IR unit with %u ops and %u arguments", u->count, u->arg_count);
    for (; ck.index < u->count; ck.index++) {
        ck.op = &u->ops[ck.index];
        if (ck.op->op >= IR_OPCODES || ck.op->type >= IR_TYPES)
            return broken(&ck, "no such opcode or type");
        int r = check_values(&ck);
        if (!r)
            r = check_aux(&ck);
        if (!r)
            r = check_fields(&ck);
        if (!r)
            r = check_place(&ck);
        if (r)
            return r;
    }
    return 0;
}
