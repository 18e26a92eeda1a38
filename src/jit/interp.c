/*
 * interp.c - the IR executed in plain C: the reference engine, the one that `-accel jit,check=on`
 * compares with, and the engine of hosts without a back end.
 *
 * Slots are read and written in the CPU's struct at once, in program order, so state is precise at
 * every op; only the pc is written late, by the first op after an insn that can leave or show it.
 * What pure ops compute is ir_eval's and float is ir_eval_float's; memory goes through the same
 * slow path as translated code's misses (slow.c, atomic.c).
 *
 * On the vCPU's thread; no state of its own.
 */
#include "jit/check.h"
#include "jit/interp.h"

#include "jit/cache.h"
#include "jit/eval.h"
#include "jit/profile.h"

struct run {
    struct cpu *cpu;
    const struct ir_unit *u;
    u64 *values;
    bool pc_due; /* the pc slot must still be written */
    u64 pc;      /* of the last insn */
    struct ir_interp_exit exit;
};

static void *slot_at(const struct run *r, u32 slot)
{
    return (u8 *)r->cpu + r->u->isa->slots[slot].offset;
}

static unsigned type_bytes(unsigned type)
{
    return ir_type_bits(type) / 8;
}

static void write_pc(struct run *r)
{
    const struct isa *isa = r->u->isa;
    if (!r->pc_due)
        return;
    store_le(slot_at(r, isa->pc_slot), r->pc, type_bytes(isa->slots[isa->pc_slot].type));
    r->pc_due = false;
}

/* Where the upper half of a v128 result is. */
static u64 *upper(const struct run *r, u32 value)
{
    return &r->values[IR_MAX_OPS + value];
}

static u32 index_of(const struct run *r, const struct ir_op *op)
{
    return (u32)(op - r->u->ops);
}

static u64 get_slot(struct run *r, const struct ir_op *op)
{
    const u8 *slot = slot_at(r, op->a);
    if (op->a == r->u->isa->pc_slot)
        write_pc(r);
    if (op->type != IR_V128)
        return load_le(slot, type_bytes(op->type));
    *upper(r, index_of(r, op)) = load_le(slot + 8, 8);
    return load_le(slot, 8);
}

static void put_slot(struct run *r, const struct ir_op *op)
{
    if (op->b == r->u->isa->pc_slot)
        r->pc_due = false;
    u8 *slot = slot_at(r, op->b);
    if (op->type == IR_V128)
        store_le(slot + 8, *upper(r, op->a), 8);
    store_le(slot, r->values[op->a], MIN(type_bytes(op->type), 8u));
}

/* ---- Guest memory ---- */

/* 16 bytes. */
static bool run_memory_wide(struct run *r, const struct ir_op *op, u64 *result)
{
    struct isa_fault *f = &r->exit.fault;
    struct ir_v128 v = {{0}};
    s32 offset = (s32)(op->op == IR_LOAD ? op->b : op->c);
    u64 vaddr = r->values[op->a] + (u64)(s64)offset;
    enum isa_fault_kind kind;
    if (op->op == IR_STORE) {
        v = (struct ir_v128){{r->values[op->b], *upper(r, op->b)}};
        kind = slow_store_wide(r->cpu, op->aux, vaddr, &v, f);
    } else {
        kind = slow_load_wide(r->cpu, op->aux, vaddr, &v, f);
    }
    if (kind != ISA_FAULT_NONE) {
        write_pc(r);
        r->exit.kind = IR_INTERP_FAULT;
        return false;
    }
    if (op->op == IR_LOAD) {
        *result = v.d[0];
        *upper(r, index_of(r, op)) = v.d[1];
    }
    return true;
}

/* False when the access failed: the exit is filled. */
static bool run_memory(struct run *r, const struct ir_op *op, u64 *result)
{
    const u64 *v = r->values;
    struct isa_fault *f = &r->exit.fault;
    struct cpu *cpu = r->cpu;
    enum isa_fault_kind kind;
    u64 out = 0;
    switch (op->op) {
    case IR_LOAD:
        if (op->type == IR_V128)
            return run_memory_wide(r, op, result);
        kind = slow_load(cpu, op->aux, v[op->a] + (u64)(s64)(s32)op->b, &out, f);
        break;
    case IR_STORE:
        if (op->type == IR_V128)
            return run_memory_wide(r, op, result);
        kind = slow_store(cpu, op->aux, v[op->a] + (u64)(s64)(s32)op->c, v[op->b], f);
        break;
    case IR_RMW: kind = slow_rmw(cpu, op->aux, op->c, v[op->a], v[op->b], &out, f); break;
    case IR_CAS: kind = slow_cas(cpu, op->aux, v[op->a], v[op->b], v[op->c], &out, f); break;
    case IR_LOAD_LINKED: kind = slow_load_linked(cpu, op->aux, v[op->a], &out, f); break;
    default: kind = slow_store_cond(cpu, op->aux, v[op->a], v[op->b], &out, f); break;
    }
    if (kind != ISA_FAULT_NONE) {
        write_pc(r);
        r->exit.kind = IR_INTERP_FAULT;
        return false;
    }
    *result = op->op == IR_STORE_COND ? out : ir_extend(op->aux, op->type, out);
    return true;
}

static void run_fence(unsigned fence)
{
    if (fence & IR_FENCE_SL)
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_thread_fence(memory_order_acq_rel);
}

/* ---- Calls ---- */

/* A helper without a result is called like the others: on every host's calling convention that only
 * leaves rubbish in the result. */
static u64 call_function(struct cpu *cpu, const struct ir_helper *h, const u64 *arg)
{
    switch (h->args) {
    case 0: return ((u64(*)(struct cpu *))h->fn)(cpu);
    case 1: return ((u64(*)(struct cpu *, u64))h->fn)(cpu, arg[0]);
    case 2: return ((u64(*)(struct cpu *, u64, u64))h->fn)(cpu, arg[0], arg[1]);
    case 3: return ((u64(*)(struct cpu *, u64, u64, u64))h->fn)(cpu, arg[0], arg[1], arg[2]);
    default:
        return ((u64(*)(struct cpu *, u64, u64, u64, u64))h->fn)(cpu, arg[0], arg[1], arg[2],
                                                                 arg[3]);
    }
}

static u64 call_helper(const struct run *r, u32 n, const u64 *arg)
{
    u32 was = jit_place_enter(r->cpu, JIT_IN_HELPER + n);
    u64 result = call_function(r->cpu, &r->u->isa->helpers[n], arg);
    jit_place_set(r->cpu, was);
    return result;
}

/* False when the helper entered a trap. */
static bool run_call(struct run *r, const struct ir_op *op, u64 *result)
{
    unsigned effects = ir_call_effects(r->u, op);
    u64 arg[IR_CALL_ARGS];
    for (unsigned i = 0; i < op->aux; i++)
        arg[i] = r->values[r->u->args[op->b + i]];
    if (effects & (IR_FX_READ | IR_FX_WRITE))
        write_pc(r);
    *result = call_helper(r, op->a, arg) & ir_type_mask(op->type);
    r->exit.kind = IR_INTERP_LOOKUP;
    return !(effects & IR_FX_FAULT && r->cpu->unwind);
}

static void run_trap(struct run *r, const struct ir_op *op)
{
    u64 argument = op->c;
    r->exit.kind = IR_INTERP_LOOKUP;
    if (r->cpu->engine_data && jit_check_refuses_io(jit_cpu(r->cpu)))
        return; /* C with effects: not in a rehearsal */
    write_pc(r);
    (void)call_helper(r, op->b, &argument);
}

/* ---- Float ---- */

static u64 run_float(struct run *r, const struct ir_op *op)
{
    const struct isa *isa = r->u->isa;
    bool is_dynamic = (op->aux & IR_FLOAT_ROUND) == IR_FLOAT_DYN;
    unsigned flags = 0, dynamic = is_dynamic ? isa->float_round(r->cpu) : FLOAT_RNE;
    const u64 *v = r->values;
    u64 result =
        ir_eval_float(op, r->u->ops[op->a].type, dynamic, v[op->a], v[op->b], v[op->c], &flags);
    if (flags)
        isa->float_accrue(r->cpu, flags);
    return result;
}

/* ---- Vectors ---- */

static struct ir_v128 operand(const struct run *r, const struct ir_op *op, unsigned n)
{
    const u32 field[3] = {op->a, op->b, op->c};
    if (!(ir_op_info[op->op].values >> n & 1))
        return (struct ir_v128){{0}};
    return (struct ir_v128){{r->values[field[n]], *upper(r, field[n])}};
}

static u64 run_vector(struct run *r, const struct ir_op *op)
{
    const struct isa *isa = r->u->isa;
    struct ir_v128 a = operand(r, op, 0), b = operand(r, op, 1), c = operand(r, op, 2);
    bool dynamic = ir_op_is_vector_float(op->op) && (op->aux & IR_FLOAT_ROUND) == IR_FLOAT_DYN;
    unsigned flags = 0;
    if (op->op == IR_VZEXT)
        a.d[0] &= ir_type_mask(r->u->ops[op->a].type);
    struct ir_v128 v = ir_eval_vector(op, dynamic ? isa->float_round(r->cpu) : FLOAT_RNE, &a, &b, &c, &flags);
    if (flags)
        isa->float_accrue(r->cpu, flags);
    *upper(r, index_of(r, op)) = v.d[1];
    return v.d[0] & ir_type_mask(op->type);
}

/* ---- The rest ---- */

static u64 run_load_state(const struct run *r, const struct ir_op *op)
{
    u64 v = load_le((const u8 *)r->cpu + op->a, IR_MEM_BYTES(op->aux));
    return ir_extend(op->aux, op->type, v);
}

static u64 run_pure(const struct run *r, const struct ir_op *op)
{
    const u64 *v = r->values;
    return ir_eval(op, r->u->ops[op->a].type, v[op->a], v[op->b], v[op->c]);
}

static bool jump(struct run *r, u64 pc)
{
    r->exit.kind = IR_INTERP_JUMP;
    r->exit.pc = pc;
    return false;
}

/* Executes op; false when it leaves the unit, with r->exit filled. */
static bool run_op(struct run *r, const struct ir_op *op, u64 *result)
{
    switch (op->op) {
    case IR_CONST: *result = ir_imm(op); return true;
    case IR_GET: *result = get_slot(r, op); return true;
    case IR_PUT: put_slot(r, op); return true;
    case IR_INSN:
        r->pc = ir_imm(op);
        r->pc_due = true;
        return true;
    case IR_LOAD_STATE: *result = run_load_state(r, op); return true;
    case IR_FLOAT_FLAGS: *result = 0; return true; /* accrued at once */
    case IR_STORE_STATE:
        store_le((u8 *)r->cpu + op->b, r->values[op->a], IR_MEM_BYTES(op->aux));
        return true;
    case IR_LOAD:
    case IR_STORE:
    case IR_RMW:
    case IR_CAS:
    case IR_LOAD_LINKED:
    case IR_STORE_COND: return run_memory(r, op, result);
    case IR_FENCE: run_fence(op->aux); return true;
    case IR_CALL: return run_call(r, op, result);
    case IR_EXIT_IF: return r->values[op->a] ? jump(r, ir_exit_imm(op)) : true;
    case IR_TRAP_IF:
        if (!r->values[op->a])
            return true;
        run_trap(r, op);
        return false;
    case IR_EXIT_JUMP: return jump(r, ir_imm(op));
    case IR_EXIT_INDIRECT: return jump(r, r->values[op->a]);
    case IR_EXIT_LOOKUP:
        write_pc(r);
        r->exit.kind = IR_INTERP_LOOKUP;
        return false;
    case IR_SELECT:
        *result = run_pure(r, op);
        if (op->type == IR_V128)
            *upper(r, index_of(r, op)) = *upper(r, r->values[op->a] ? op->b : op->c);
        return true;
    default:
        *result = ir_op_is_vector(op->op)  ? run_vector(r, op)
                  : ir_op_is_float(op->op) ? run_float(r, op)
                                           : run_pure(r, op);
        return true;
    }
}

struct ir_interp_exit interp_run(struct cpu *cpu, const struct ir_unit *u, u64 *values)
{
    struct run r = {.cpu = cpu, .u = u, .values = values};
    const struct ir_op *op = u->ops;
    while (run_op(&r, op, values))
        op++, values++;
    return r.exit;
}
