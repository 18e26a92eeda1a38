/*
 * check.c - the interpreter as the judge of host code, unit by unit.
 *
 * The interpreter runs first: its stores to memory and state are recorded and undone, its result
 * kept; then the host code runs for good and is compared. Units that call C with effects, or reach
 * devices, cannot be run twice and are not compared. With one CPU the comparison is exact; memory
 * that a device changes in between can raise a false alarm.
 */
#include "jit/check.h"

#include <stdio.h>

#include "jit/cache.h"
#include "jit/interp.h"
#include "jit/stats.h"
#include "jit/translate.h"

void jit_check_store(struct jit_check *c, u8 *host, unsigned size)
{
    if (c->stores == CHECK_STORES) {
        c->spoiled = true;
        return;
    }
    c->store[c->stores].host = host;
    c->store[c->stores].size = size;
    c->store[c->stores++].old = load_le(host, size);
}

static bool can_run_twice(const struct ir_unit *ir)
{
    for (u32 i = 0; i < ir->count; i++) {
        const struct ir_op *op = &ir->ops[i];
        if (op->op == IR_CALL && !(ir_call_effects(ir, op) & IR_FX_PURE))
            return false;
        if (op->op == IR_LOAD_LINKED || op->op == IR_STORE_COND)
            return false;
    }
    return true;
}

static u64 *slot_at(struct cpu *cpu, u32 i)
{
    return (u64 *)((u8 *)cpu + cpu->isa->slots[i].offset);
}

static bool is_wide(const struct cpu *cpu, u32 slot)
{
    return cpu->isa->slots[slot].type == IR_V128;
}

static void save_slots(struct cpu *cpu, u64 (*to)[2])
{
    for (u32 i = 0; i < cpu->isa->slot_count; i++) {
        to[i][0] = slot_at(cpu, i)[0];
        to[i][1] = is_wide(cpu, i) ? slot_at(cpu, i)[1] : 0;
    }
}

static void restore_slots(struct cpu *cpu, u64 (*from)[2])
{
    for (u32 i = 0; i < cpu->isa->slot_count; i++) {
        slot_at(cpu, i)[0] = from[i][0];
        if (is_wide(cpu, i))
            slot_at(cpu, i)[1] = from[i][1];
    }
}

static bool is_recorded(const struct jit_check *c, u32 offset, u32 size)
{
    for (u32 i = 0; i < c->states; i++) {
        if (c->state[i].offset == offset && c->state[i].size == size)
            return true;
    }
    return false;
}

static bool reads_flags(const struct ir_unit *ir)
{
    for (u32 i = 0; i < ir->count; i++) {
        if (ir->ops[i].op == IR_FLOAT_FLAGS)
            return true;
    }
    return false;
}

/* The members that the unit stores to, once each. Where it reads the float flags also those that it loads, as what the
 * interpreter raises is in one of them at once; others may change at any time, by other threads. */
static void record_states(struct cpu *cpu, struct jit_check *c, const struct ir_unit *ir)
{
    bool loads = reads_flags(ir);
    c->states = 0;
    for (u32 i = 0; i < ir->count; i++) {
        const struct ir_op *op = &ir->ops[i];
        u32 offset = op->op == IR_STORE_STATE ? op->b : op->a, size = IR_MEM_BYTES(op->aux);
        bool moves = op->op == IR_STORE_STATE || (loads && op->op == IR_LOAD_STATE);
        if (!moves || is_recorded(c, offset, size))
            continue;
        if (c->states == CHECK_STATES) {
            c->spoiled = true;
            return;
        }
        c->state[c->states].offset = offset;
        c->state[c->states].size = size;
        c->state[c->states++].old = load_le((u8 *)cpu + offset, size);
    }
}

static u64 state_now(const struct cpu *cpu, const struct jit_check *c, u32 n)
{
    return load_le((const u8 *)cpu + c->state[n].offset, c->state[n].size);
}

/* The interpreter's turn, undone at the end; its results are in c. */
static struct ir_interp_exit rehearse(struct cpu *cpu, const struct ir_unit *ir,
                                      struct jit_check *c)
{
    c->stores = 0;
    c->spoiled = false;
    save_slots(cpu, c->slots);
    record_states(cpu, c, ir);
    c->recording = true;
    struct ir_interp_exit e = interp_run(cpu, ir, jit_cpu(cpu)->values);
    c->recording = false;
    if (e.kind == IR_INTERP_JUMP)
        *slot_at(cpu, cpu->isa->pc_slot) = e.pc;
    save_slots(cpu, c->result);
    for (u32 i = 0; i < c->states; i++)
        c->state[i].new = state_now(cpu, c, i);
    for (u32 i = 0; i < c->states; i++)
        store_le((u8 *)cpu + c->state[i].offset, c->state[i].old, c->state[i].size);
    for (u32 i = 0; i < c->stores; i++)
        c->store[i].new = load_le(c->store[i].host, c->store[i].size);
    for (u32 i = c->stores; i-- > 0;)
        store_le(c->store[i].host, c->store[i].old, c->store[i].size);
    restore_slots(cpu, c->slots);
    return e;
}

static u32 compare_slots(struct cpu *cpu, struct jit_check *c, FILE *f)
{
    u32 wrong = 0;
    for (u32 i = 0; i < cpu->isa->slot_count; i++) {
        for (u32 n = 0; n <= (u32)is_wide(cpu, i); n++) {
            u64 host = slot_at(cpu, i)[n];
            if (host == c->result[i][n])
                continue;
            wrong++;
            fprintf(f, "check: %-6s%s before %016llx interpreter %016llx host code %016llx\n",
                    cpu->isa->slots[i].name, n ? " (high)" : "", (unsigned long long)c->slots[i][n],
                    (unsigned long long)c->result[i][n], (unsigned long long)host);
        }
    }
    return wrong;
}

static u32 compare_memory(struct cpu *cpu, struct jit_check *c, FILE *f)
{
    u32 wrong = 0;
    for (u32 i = 0; i < c->stores; i++) {
        u64 host = load_le(c->store[i].host, c->store[i].size);
        if (host == c->store[i].new)
            continue;
        wrong++;
        fprintf(f, "check: store of %u bytes: interpreter %016llx host code %016llx\n",
                c->store[i].size, (unsigned long long)c->store[i].new, (unsigned long long)host);
    }
    for (u32 i = 0; i < c->states; i++) {
        u64 host = state_now(cpu, c, i);
        if (host == c->state[i].new)
            continue;
        wrong++;
        fprintf(f, "check: state at %u: interpreter %016llx host code %016llx\n",
                c->state[i].offset, (unsigned long long)c->state[i].new, (unsigned long long)host);
    }
    return wrong;
}

static void compare(struct cpu *cpu, struct jit_check *c, bool faulted)
{
    FILE *out = jit_cpu(cpu)->jit->log->file;
    jit_float_merge(cpu); /* where the guest keeps its float flags may be a state that is compared */
    if (faulted != c->faults) {
        fprintf(out, "check: %s faults\n", faulted ? "only the host code" : "only the interpreter");
        c->wrong++;
    }
    c->wrong += compare_slots(cpu, c, out) + compare_memory(cpu, c, out);
    c->ir = NULL;
}

void jit_check_fault(struct cpu *cpu, struct jit_check *c)
{
    if (c->ir && !c->spoiled)
        compare(cpu, c, true);
}

void jit_check_enter(struct cpu *cpu, u64 pc, void (*enter)(struct cpu *cpu, const u8 *code, u64 pc),
                     const u8 *code)
{
    struct jit_cpu *jc = jit_cpu(cpu);
    struct jit_check *c = jc->check;
    struct isa_fault f;
    struct jit_unit *u = jit_unit_at(cpu, pc, &f);
    if (!u || !u->ir || cpu_exit_pending(cpu) || !can_run_twice(u->ir)) {
        c->skipped++;
        enter(cpu, code, pc);
        return;
    }
    jit_float_merge(cpu);
    c->faults = rehearse(cpu, u->ir, c).kind == IR_INTERP_FAULT;
    c->wrong = 0;
    c->trapped = false;
    c->ir = u->ir;
    enter(cpu, code, pc);
    /* An interrupt that came between the turns ends the second one by the poll, or by a trap that
     * looks for it. */
    bool polled = cpu_exit_pending(cpu) && (c->trapped || *slot_at(cpu, cpu->isa->pc_slot) == pc);
    if (c->ir && !c->spoiled && !polled)
        compare(cpu, c, false);
    bool skipped = c->ir;
    c->ir = NULL;
    c->skipped += skipped;
    c->compared += !skipped;
    if (!c->wrong)
        return;
    FILE *out = jc->jit->log->file;
    fprintf(out, "check: pc %016llx, after %llu units compared\n", (unsigned long long)pc,
            (unsigned long long)c->compared);
    ir_print(out, u->ir);
    jit_print_code(out, u->code, u->code_size);
    cpu->host->guest_panic(cpu->host->opaque, cpu,
                           "jit,check=on: host code and interpreter differ (see the log)");
}
