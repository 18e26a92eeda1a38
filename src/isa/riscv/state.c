/*
 * state.c - a hart's life and its state as a whole: start, reset, the table for snapshots,
 * registers for people.
 *
 * On the main thread, or on the hart's while it is stopped.
 */
#include <errno.h>
#include <stdio.h>

#include "isa/insn.h"
#include "isa/riscv/riscv.h"
#include "state/state.h"

/* ---- State ----------------------------------------------------------------------------------- */

static int pmp_post_load(void *obj, u32 version, struct err *err)
{
    struct riscv_pmp *p = obj;
    for (unsigned i = 0; i < RISCV_PMP_MAX; i++) {
        if (p->cfg[i] & 0x60 || p->addr[i] >> 54)
            return err_set(err, EINVAL, "PMP entry %u is impossible", i);
    }
    return 0;
}

static const struct state_table pmp_state = {
    .name = "riscv-pmp",
    .version = 1,
    .min_version = 1,
    .post_load = pmp_post_load,
    .fields = (const struct state_field[]){STATE_U8_ARRAY(struct riscv_pmp, cfg),
                                           STATE_U64_ARRAY(struct riscv_pmp, addr), STATE_END},
};

static int state_pre_save(void *obj, struct err *err)
{
    struct riscv_cpu *rv = obj;
    rv->saved_model = riscv_model_identity(rv);
    return 0;
}

/* Streams are hostile: brings every register into the range that the rest of this folder takes for
 * granted. */
static void state_legalize(struct riscv_cpu *rv)
{
    u64 *const zext[] = {&rv->pc,     &rv->stvec,  &rv->sscratch, &rv->sepc,
                         &rv->scause, &rv->stval,  &rv->mtvec,    &rv->mscratch,
                         &rv->mepc,   &rv->mcause, &rv->mtval,    &rv->medeleg};
    for (unsigned i = 0; i < ARRAY_SIZE(zext); i++)
        *zext[i] = riscv_zext_xlen(rv, *zext[i]);
    for (unsigned i = 0; i < 32; i++)
        rv->x[i] = i ? riscv_sext_xlen(rv, rv->x[i]) : 0;
    u64 satp = rv->satp;
    rv->satp = 0;
    rv->satp = riscv_satp_legal(rv, riscv_zext_xlen(rv, satp));
    rv->mcountinhibit &= 5;
    for (unsigned i = rv->pmp_count; i < RISCV_PMP_MAX; i++)
        rv->pmp.cfg[i] = 0;
}

static int state_post_load(void *obj, u32 version, struct err *err)
{
    struct riscv_cpu *rv = obj;
    unsigned mpp = (unsigned)((rv->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
    if (rv->saved_model != riscv_model_identity(rv))
        return err_set(err, EINVAL, "CPU %u was saved by another -cpu model or other features",
                       rv->cpu.index);
    if (!riscv_has_priv(rv, rv->priv) || !riscv_has_priv(rv, mpp))
        return err_set(err, EINVAL, "CPU %u: a privilege mode that it does not have",
                       rv->cpu.index);
    state_legalize(rv);
    riscv_pmp_update(rv);
    riscv_state_changed(rv);
    riscv_stimer_update(rv);
    return 0;
}

const struct state_table riscv_state = {
    .name = "riscv-cpu",
    .version = 1,
    .min_version = 1,
    .pre_save = state_pre_save,
    .post_load = state_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U64(struct riscv_cpu, saved_model),
            STATE_BOOL(struct riscv_cpu, cpu.halted),
            STATE_U64_ARRAY(struct riscv_cpu, x),
            STATE_U64(struct riscv_cpu, pc),
            STATE_U64_ARRAY(struct riscv_cpu, f),
            STATE_U8_MAX(struct riscv_cpu, priv, RISCV_M),
            STATE_U8_MAX(struct riscv_cpu, fflags, 31),
            STATE_U8_MAX(struct riscv_cpu, frm, 7),
            STATE_U64_MAX(struct riscv_cpu, mstatus, BITS(22, 0)),
            STATE_U64(struct riscv_cpu, irq_wires),
            STATE_U64(struct riscv_cpu, irq_soft),
            STATE_U64(struct riscv_cpu, mie),
            STATE_U64(struct riscv_cpu, mideleg),
            STATE_U64(struct riscv_cpu, stvec),
            STATE_U64(struct riscv_cpu, sscratch),
            STATE_U64(struct riscv_cpu, sepc),
            STATE_U64(struct riscv_cpu, scause),
            STATE_U64(struct riscv_cpu, stval),
            STATE_U64(struct riscv_cpu, satp),
            STATE_U64(struct riscv_cpu, scounteren),
            STATE_U64(struct riscv_cpu, senvcfg),
            STATE_U64(struct riscv_cpu, mtvec),
            STATE_U64(struct riscv_cpu, mscratch),
            STATE_U64(struct riscv_cpu, mepc),
            STATE_U64(struct riscv_cpu, mcause),
            STATE_U64(struct riscv_cpu, mtval),
            STATE_U64(struct riscv_cpu, medeleg),
            STATE_U64(struct riscv_cpu, mcounteren),
            STATE_U64(struct riscv_cpu, mcountinhibit),
            STATE_U64(struct riscv_cpu, menvcfg),
            STATE_U64_MAX(struct riscv_cpu, mseccfg, 7),
            STATE_U64(struct riscv_cpu, stimecmp),
            STATE_U64_ARRAY(struct riscv_cpu, counter),
            STATE_STRUCT(struct riscv_cpu, pmp, &pmp_state),
            STATE_END,
        },
};

/* ---- Life ------------------------------------------------------------------------------------ */

int riscv_init(struct cpu *cpu, const char *arch, const char *model, struct err *err)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    int r = riscv_model_apply(rv, arch, model, err);
    if (r)
        return r;
    riscv_stimer_init(rv);
    return 0;
}

void riscv_fini(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    riscv_stimer_fini(rv);
    if (rv->coverage)
        insn_coverage_print(rv->coverage, cpu->host->log->file);
    insn_coverage_free(rv->coverage);
}

/* "Reset": M-mode, no translation, interrupts off. The rest is ours to choose: zero; page
 * attributes and hardware A/D updates on where no other choice was made, as kernels that start
 * without firmware expect. */
void riscv_reset(struct cpu *cpu)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    memset(rv->x, 0, sizeof(rv->x));
    memset(rv->f, 0, sizeof(rv->f));
    u64 *const zero[] = {&rv->pc,         &rv->mie,        &rv->mideleg,       &rv->stvec,
                         &rv->sscratch,   &rv->sepc,       &rv->scause,        &rv->stval,
                         &rv->satp,       &rv->scounteren, &rv->senvcfg,       &rv->mtvec,
                         &rv->mscratch,   &rv->mepc,       &rv->mcause,        &rv->mtval,
                         &rv->medeleg,    &rv->mcounteren, &rv->mcountinhibit, &rv->mseccfg,
                         &rv->counter[0], &rv->counter[1]};
    for (unsigned i = 0; i < ARRAY_SIZE(zero); i++)
        *zero[i] = 0;
    memset(&rv->pmp, 0, sizeof(rv->pmp));
    atomic_store(&rv->irq_soft, 0);
    rv->fflags = rv->frm = 0;
    rv->priv = RISCV_M;
    rv->mstatus = riscv_has_priv(rv, RISCV_U) ? 0 : MSTATUS_MPP;
    rv->menvcfg = riscv_cpu_has(rv, RISCV_EXT_SVPBMT) ? ENVCFG_PBMTE : 0;
    if (riscv_cpu_has(rv, RISCV_EXT_SVADU) && !riscv_cpu_has(rv, RISCV_EXT_SVADE))
        rv->menvcfg |= ENVCFG_ADUE;
    riscv_stimer_set(rv, UINT64_MAX);
    riscv_pmp_update(rv);
    riscv_state_changed(rv);
}

void riscv_cpu_set_start(struct cpu *cpu, u64 pc, u64 a0, u64 a1, u64 a2)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    rv->pc = riscv_zext_xlen(rv, pc);
    rv->x[10] = riscv_sext_xlen(rv, a0);
    rv->x[11] = riscv_sext_xlen(rv, a1);
    rv->x[12] = riscv_sext_xlen(rv, a2);
    riscv_state_changed(rv);
}

/* ---- Registers for people -------------------------------------------------------------------- */

void riscv_print_registers(struct cpu *cpu, void *file)
{
    static const char *const names[] = {"mstatus",  "mip",    "mie",    "mideleg", "medeleg",
                                        "mtvec",    "mepc",   "mcause", "mtval",   "stvec",
                                        "sepc",     "scause", "stval",  "satp",    "mscratch",
                                        "sscratch", "fcsr"};
    struct riscv_cpu *rv = riscv_cpu(cpu);
    const char *halted = cpu->halted ? ", halted" : "";
    int width = rv->xlen / 4;
    fprintf(file, "cpu %u: %c-mode%s, pc %0*llx\n", cpu->index, "US?M"[rv->priv], halted, width,
            (unsigned long long)rv -> pc);
    for (unsigned i = 0; i < 32; i++)
        fprintf(file, "x%-2u %0*llx%s", i, width, (unsigned long long)riscv_zext_xlen(rv, rv->x[i]),
                i % 4 == 3 ? "\n" : "  ");
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        u64 v;
        if (riscv_csr_read_named(rv, names[i], &v))
            fprintf(file, "%-8s %0*llx%s", names[i], width, (unsigned long long)v,
                    i % 3 == 2 ? "\n" : "  ");
    }
    fprintf(file, "\n");
    for (unsigned i = 0; i < 32 && riscv_cpu_has(rv, RISCV_EXT_F); i++)
        fprintf(file, "f%-2u %016llx%s", i, (unsigned long long)rv->f[i], i % 4 == 3 ? "\n" : "  ");
}
