/*
 * sysreg.c - the table of system registers (sysreg.def): look-up, values, access by instructions,
 * names.
 *
 * Translated code reads and writes plain rows in line (trans_system.c); everything else comes here
 * with the row's place in the table, which the translation found. On the CPU's thread.
 */
#include "isa/arm/sysreg.h"

#include "isa/arm/control.h"
#include "jit/translate.h"

enum { ENDS = ARM_SYSREG_ENDS, LEAVES = ARM_SYSREG_LEAVES, ALWAYS = ARM_EXTS };
enum { ARM_EXT_ALWAYS = ARM_EXTS };

#define FIELD(member) offsetof(struct arm_cpu, member)
#define CPACR_MASK    (BITS(21, 20) | BIT(28) | CPACR32_ASEDIS)
#define MDCR2_MASK    (BITS(11, 0) | BIT(17) | BIT(23) | BIT(26))
#define MDCR3_MASK    (BIT(6) | BITS(10, 9) | BITS(17, 14) | BITS(21, 20) | BIT(23))
#define DBGBCR_MASK   (BIT(0) | BITS(2, 1) | BITS(8, 5) | BITS(23, 13))

/* ---- The table ---------------------------------------------------------------------------------
 */

/* clang-format off */
#define ROW(op0, op1, crn, crm, op2, id, ext_, access_, trap_, ...)                                                    \
    {.name = #id, .encoding = ARM_ENC(op0, op1, crn, crm, op2), .ext = ARM_EXT_##ext_,                                 \
     .access = ARM_ACCESS_##access_, .trap = ARM_TRAP_##trap_, .mask = ~UINT64_C(0), __VA_ARGS__},
#define SYSFN(op0, op1, crn, crm, op2, id, ext, access, trap, ...)                                                     \
    ROW(op0, op1, crn, crm, op2, id, ext, access, trap, ##__VA_ARGS__)
#define SYSOP SYSFN
#define SYSREG(op0, op1, crn, crm, op2, id, ext, access, trap, ...)                                                    \
    ROW(op0, op1, crn, crm, op2, id, ext, access, trap, .at = FIELD(sysreg[ARM_SYS_##id]), ##__VA_ARGS__)
#define SYSID(op0, op1, crn, crm, op2, id, ext, access, trap, ...)                                                     \
    ROW(op0, op1, crn, crm, op2, id, ext, access, trap, .at = FIELD(sysreg[ARM_SYS_##id]),                             \
        .flags = ARM_SYSREG_CONST, ##__VA_ARGS__)
/* clang-format on */

/* A later designator replaces .mask's default. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct arm_sysreg arm_sysregs[] = {
#include "isa/arm/sysreg.def"
    /* What is not a register by itself: */
    {.name = "(reserved ID)",
     .ext = ARM_EXTS,
     .access = ARM_ACCESS_R1W_,
     .trap = ARM_TRAP_TID3,
     .get = arm_get_zero},
    {.name = "(implementation defined)",
     .ext = ARM_EXTS,
     .access = ARM_ACCESS_R1W1,
     .trap = ARM_TRAP_IMPDEF,
     .get = arm_get_zero,
     .set = arm_set_ignored},
    {.name = "(GIC)",
     .ext = ARM_EXTS,
     .access = ARM_ACCESS_R1W1,
     .trap = ARM_TRAP_GIC,
     .flags = LEAVES},
};
#pragma GCC diagnostic pop
const unsigned arm_sysreg_count = ARRAY_SIZE(arm_sysregs);

enum { NAMED = ARRAY_SIZE(arm_sysregs) - 3, RESERVED_ID = NAMED, IMPDEF, GIC };

/* ---- Look-up ------------------------------------------------------------------------------------
 */

static const struct arm_sysreg *find(u32 encoding)
{
    for (unsigned i = 0; i < NAMED; i++) {
        if (arm_sysregs[i].encoding == encoding)
            return &arm_sysregs[i];
    }
    return NULL;
}

/* ICC_* and ICH_* (GIC architecture, 12.2). */
static bool is_gic(u32 encoding)
{
    unsigned op1 = arm_enc_op1(encoding), crn = arm_enc_crn(encoding), crm = arm_enc_crm(encoding);
    if (encoding >> 14 != 3)
        return false;
    if (op1 == 0)
        return (crn == 12 && crm >= 8) || (crn == 4 && crm == 6);
    return (op1 == 4 || op1 == 6) && crn == 12 && crm >= 8;
}

/* Rows that no table lists: the ID space that reads as zero, registers of the implementation, the
 * GIC. */
static const struct arm_sysreg *find_range(u32 encoding)
{
    unsigned crn = arm_enc_crn(encoding), crm = arm_enc_crm(encoding);
    if (encoding >> 14 == 3 && arm_enc_op1(encoding) == 0 && crn == 0 && crm >= 1 && crm <= 7)
        return &arm_sysregs[RESERVED_ID];
    if (is_gic(encoding))
        return &arm_sysregs[GIC];
    if ((encoding >> 14 == 3 || encoding >> 14 == 1) && (crn == 11 || crn == 15))
        return &arm_sysregs[IMPDEF];
    return NULL;
}

/* op1 = 5: EL1's or EL0's register under its own name, for a host at EL2. */
static const struct arm_sysreg *find_el12(u32 encoding)
{
    u32 base = encoding & ~(7u << 11);
    const struct arm_sysreg *r = find(base);
    if (!r || !r->e2h)
        r = find(base | 3u << 11);
    return r && r->e2h ? r : NULL;
}

static bool exists(const struct arm_cpu *a, const struct arm_sysreg *r)
{
    return r->ext == ARM_EXTS || arm_cpu_has(a, (enum arm_ext)r->ext);
}

const struct arm_sysreg *arm_sysreg_find(const struct arm_cpu *a, u32 encoding, unsigned el,
                                         bool e2h)
{
    const struct arm_sysreg *r;
    if (encoding >> 14 == 3 && arm_enc_op1(encoding) == 5)
        r = el >= 2 && e2h ? find_el12(encoding) : NULL;
    else
        r = find(encoding);
    if (r && el == 2 && e2h && r->e2h && arm_enc_op1(encoding) != 5)
        r = find(r->e2h);
    if (!r)
        r = find_range(encoding);
    return r && exists(a, r) ? r : NULL;
}

const char *arm_sysreg_name(u32 encoding)
{
    const struct arm_sysreg *r = find(encoding);
    return r ? r->name : NULL;
}

/* ---- Values ---------------------------------------------------------------------------------- */

u64 arm_sysreg_get(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return r->get ? r->get(a, r) : r->at ? *arm_sysreg_at(a, r) : 0;
}

void arm_sysreg_set(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
    if (r->set) {
        r->set(a, r, v);
    } else if (r->at) {
        u64 *at = arm_sysreg_at(a, r);
        *at = (*at & ~r->mask) | (v & r->mask);
    }
    if (r->flags & ARM_SYSREG_ENDS && !a->cpu.unwind) {
        a->known_contexts = 0;
        arm_pac_refresh(a);
        arm_state_changed(a);
    }
}

void arm_sysreg_reset(struct arm_cpu *a)
{
    for (unsigned i = 0; i < NAMED; i++) {
        const struct arm_sysreg *r = &arm_sysregs[i];
        if (r->at && !(r->flags & ARM_SYSREG_CONST) && r->at != FIELD(rvbar))
            *arm_sysreg_at(a, r) = r->reset;
    }
}

bool arm_sysreg_read_named(struct arm_cpu *a, const char *name, u64 *value)
{
    for (unsigned i = 0; i < NAMED; i++) {
        const struct arm_sysreg *r = &arm_sysregs[i];
        if (strcasecmp(r->name, name) == 0 && exists(a, r) && (r->get || r->at)) {
            *value = arm_sysreg_get(a, r);
            return true;
        }
    }
    return false;
}

u64 arm_get_zero(struct arm_cpu *a, const struct arm_sysreg *r)
{
    return 0;
}

void arm_set_ignored(struct arm_cpu *a, const struct arm_sysreg *r, u64 v)
{
}

/* ---- The GIC's CPU interface ----------------------------------------------------------------- */

/* Registers of group 0 follow FMO, those of group 1 IMO, common ones both (GIC
 * architecture, 8.1.4). */
static bool gic_is_virtual(const struct arm_cpu *a, u32 encoding)
{
    unsigned crn = arm_enc_crn(encoding), crm = arm_enc_crm(encoding), op2 = encoding & 7;
    u64 mo = HCR_IMO | HCR_FMO;
    if (arm_el(a) != 1 || arm_enc_op1(encoding) != 0)
        return false;
    if (crn == 12 && (crm == 8 || (crm == 12 && op2 == 6)))
        mo = HCR_FMO;
    else if (crn == 12 && (crm == 9 || (crm == 12 && (op2 <= 3 || op2 == 7))))
        mo = HCR_IMO;
    return arm_hcr(a) & mo;
}

bool arm_sysreg_is_gic(const struct arm_sysreg *r)
{
    return r == &arm_sysregs[GIC];
}

enum arm_gic_result arm_sysreg_gic(struct arm_cpu *a, u32 encoding, bool write, u64 *value)
{
    struct arm_gic_access at = {.encoding = encoding,
                                .el = (u8)arm_el(a),
                                .secure = a->has_el3 && !(a->sysreg[ARM_SYS_SCR_EL3] & SCR_NS),
                                .virtual = gic_is_virtual(a, encoding),
                                .fiq_to_el3 =
                                    a->has_el3 && a->sysreg[ARM_SYS_SCR_EL3] & SCR_FIQ};
    return write ? a->gic.write(a->gic.opaque, &at, *value)
                 : a->gic.read(a->gic.opaque, &at, value);
}

static void gic_access(struct arm_cpu *a, u32 insn, bool write, u64 *value)
{
    switch (arm_sysreg_gic(a, insn >> 5 & 0xffff, write, value)) {
    case ARM_GIC_OK: break;
    case ARM_GIC_UNDEFINED: arm_undefined(a); break;
    case ARM_GIC_TRAP_EL2: arm_trap_unwind(a, 2, arm_sysreg_syndrome(insn)); break;
    case ARM_GIC_TRAP_EL3: arm_trap_unwind(a, 3, arm_sysreg_syndrome(insn)); break;
    }
}

/* ---- Instructions ---------------------------------------------------------------------------- */

u64 arm_helper_sysreg_read(struct cpu *cpu, u64 insn, u64 row)
{
    struct arm_cpu *a = arm_cpu(cpu);
    const struct arm_sysreg *r = &arm_sysregs[row];
    u64 v = 0;
    if (!arm_sysreg_allowed(a, r, (u32)insn, false))
        return 0;
    if (row == GIC)
        gic_access(a, (u32)insn, false, &v);
    else
        v = arm_sysreg_get(a, r);
    return v;
}

void arm_helper_sysreg_write(struct cpu *cpu, u64 insn, u64 row, u64 value)
{
    struct arm_cpu *a = arm_cpu(cpu);
    const struct arm_sysreg *r = &arm_sysregs[row];
    if (!arm_sysreg_allowed(a, r, (u32)insn, true))
        return;
    if (row == GIC)
        gic_access(a, (u32)insn, true, &value);
    else
        arm_sysreg_set(a, r, value);
}

/* Of TRAP_IF: a whole MRS or MSR (register), when what it reads in line turns out to be trapped. */
void arm_helper_sysreg_step(struct cpu *cpu, u64 insn)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned rt = insn & 31, el = arm_el(a);
    bool read = insn >> 21 & 1;
    const struct arm_sysreg *r =
        arm_sysreg_find(a, insn >> 5 & 0xffff, el, el >= 2 && arm_hcr(a) & HCR_E2H);
    u64 v = 0;
    if (!r) {
        arm_undefined(a);
        return;
    }
    if (read)
        v = arm_helper_sysreg_read(cpu, insn, (u64)(r - arm_sysregs));
    else
        arm_helper_sysreg_write(cpu, insn, (u64)(r - arm_sysregs), rt == 31 ? 0 : a->x[rt]);
    if (cpu->unwind)
        return;
    if (read && rt != 31)
        a->x[rt] = v;
    a->pc += 4;
}
