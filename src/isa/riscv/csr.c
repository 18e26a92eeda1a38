/*
 * csr.c - control and status registers: one table (csr.def), the functions its rows name, and
 * access by instructions.
 *
 * Manual: privileged architecture, "Control and Status Registers"; unprivileged, "Zicsr".
 * Values are zero-extended from XLEN; a register as an instruction returns it is sign-extended.
 * Runs on the hart's thread.
 */
#include "isa/riscv/riscv.h"
#include "jit/translate.h"

enum { ENDS = 1, WIDE = 2, RV32_ONLY = 4 };
#define EPC_MASK UINT64_C(0) /* in a PLAIN row: IALIGN's, see plain_mask */

/* ---- Float ----------------------------------------------------------------------------------- */

static bool check_float(const struct riscv_cpu *rv, unsigned number)
{
    return rv->mstatus & MSTATUS_FS;
}

static void float_dirty(struct riscv_cpu *rv)
{
    rv->mstatus |= MSTATUS_FS;
}

static u64 get_fflags(struct riscv_cpu *rv, unsigned number)
{
    return rv->fflags;
}

static void set_fflags(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->fflags = v & 0x1f;
    float_dirty(rv);
}

static u64 get_frm(struct riscv_cpu *rv, unsigned number)
{
    return rv->frm;
}

static void set_frm(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->frm = v & 7;
    float_dirty(rv);
    riscv_state_changed(rv);
}

static u64 get_fcsr(struct riscv_cpu *rv, unsigned number)
{
    return rv->fflags | (u64)rv->frm << 5;
}

static void set_fcsr(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    set_fflags(rv, number, v, touched);
    set_frm(rv, number, v >> 5, touched);
}

/* ---- Status ---------------------------------------------------------------------------------- */

#define SXL_64 (UINT64_C(2) << 34)

/* Bits that instructions can write, by what the hart has. */
static u64 mstatus_mask(const struct riscv_cpu *rv)
{
    u64 mask = MSTATUS_MIE | MSTATUS_MPIE;
    if (riscv_cpu_has(rv, RISCV_EXT_U))
        mask |= MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TW;
    if (riscv_cpu_has(rv, RISCV_EXT_S))
        mask |= MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_TSR;
    if (rv->vm_modes)
        mask |= MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM;
    if (riscv_cpu_has(rv, RISCV_EXT_F))
        mask |= MSTATUS_FS;
    return mask;
}

u64 riscv_sstatus_writable(const struct riscv_cpu *rv)
{
    return mstatus_mask(rv) & SSTATUS_MASK;
}

static u64 with_sd(const struct riscv_cpu *rv, u64 v)
{
    return (v & MSTATUS_FS) == MSTATUS_FS ? v | BIT(rv->xlen - 1) : v;
}

bool riscv_has_priv(const struct riscv_cpu *rv, unsigned priv)
{
    return priv == RISCV_M || (priv == RISCV_S && riscv_cpu_has(rv, RISCV_EXT_S)) ||
           (priv == RISCV_U && riscv_cpu_has(rv, RISCV_EXT_U));
}

static u64 get_mstatus(struct riscv_cpu *rv, unsigned number)
{
    u64 v = rv->mstatus;
    if (rv->xlen == 64 && riscv_cpu_has(rv, RISCV_EXT_U))
        v |= SSTATUS_UXL_64;
    if (rv->xlen == 64 && riscv_cpu_has(rv, RISCV_EXT_S))
        v |= SXL_64;
    return with_sd(rv, v);
}

/* MPP keeps its value when a mode is written that the hart does not have. */
static void set_mstatus(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    u64 mask = mstatus_mask(rv);
    if (!riscv_has_priv(rv, (unsigned)((v & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT)))
        mask &= ~MSTATUS_MPP;
    rv->mstatus = (rv->mstatus & ~mask) | (v & mask);
    riscv_state_changed(rv);
}

static u64 get_sstatus(struct riscv_cpu *rv, unsigned number)
{
    return with_sd(rv, rv->mstatus & SSTATUS_MASK) | (rv->xlen == 64 ? SSTATUS_UXL_64 : 0);
}

static void set_sstatus(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    set_mstatus(rv, number, (rv->mstatus & ~SSTATUS_MASK) | (v & SSTATUS_MASK), touched);
}

static u64 get_misa(struct riscv_cpu *rv, unsigned number)
{
    static const struct {
        u8 ext;
        char letter;
    } letters[] = {{RISCV_EXT_A, 'a'}, {RISCV_EXT_B, 'b'}, {RISCV_EXT_C, 'c'},
                   {RISCV_EXT_D, 'd'}, {RISCV_EXT_F, 'f'}, {RISCV_EXT_I, 'i'},
                   {RISCV_EXT_M, 'm'}, {RISCV_EXT_S, 's'}, {RISCV_EXT_U, 'u'}};
    u64 v = (rv->xlen == 32 ? UINT64_C(1) : UINT64_C(2)) << (rv->xlen - 2);
    for (unsigned i = 0; i < ARRAY_SIZE(letters); i++) {
        if (riscv_cpu_has(rv, letters[i].ext))
            v |= BIT(letters[i].letter - 'a');
    }
    return v;
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

#define S_INTERRUPTS (BIT(RISCV_IRQ_SSI) | BIT(RISCV_IRQ_STI) | BIT(RISCV_IRQ_SEI))
#define M_INTERRUPTS (BIT(RISCV_IRQ_MSI) | BIT(RISCV_IRQ_MTI) | BIT(RISCV_IRQ_MEI))

static u64 get_mideleg(struct riscv_cpu *rv, unsigned number)
{
    return rv->mideleg;
}

static void set_mideleg(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->mideleg = v & S_INTERRUPTS;
}

static u64 get_mie(struct riscv_cpu *rv, unsigned number)
{
    return rv->mie;
}

static void set_mie(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->mie = v & (M_INTERRUPTS | (riscv_cpu_has(rv, RISCV_EXT_S) ? S_INTERRUPTS : 0));
}

static u64 get_sie(struct riscv_cpu *rv, unsigned number)
{
    return rv->mie & rv->mideleg;
}

static void set_sie(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->mie = (rv->mie & ~rv->mideleg) | (v & rv->mideleg);
}

/* Other threads set bits at any time, so only the bits that the instruction touches are changed,
 * each atomically. That also keeps the wire of SEIP out of the software bit when csrrs and csrrc
 * write back what they read ("Machine Interrupt Registers"). */
static void write_pending(struct riscv_cpu *rv, u64 v, u64 bits)
{
    atomic_fetch_or(&rv->irq_soft, v & bits);
    atomic_fetch_and(&rv->irq_soft, v | ~bits);
}

static u64 get_mip(struct riscv_cpu *rv, unsigned number)
{
    if (rv->menvcfg & ENVCFG_STCE)
        riscv_stimer_update(rv); /* exact, however late the loop is */
    return riscv_mip(rv);
}

static void set_mip(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    u64 writable = riscv_cpu_has(rv, RISCV_EXT_S) ? S_INTERRUPTS : 0;
    if (rv->menvcfg & ENVCFG_STCE)
        writable &= ~BIT(RISCV_IRQ_STI);
    write_pending(rv, v, touched & writable);
}

static u64 get_sip(struct riscv_cpu *rv, unsigned number)
{
    return get_mip(rv, number) & rv->mideleg;
}

static void set_sip(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    write_pending(rv, v, touched & rv->mideleg & BIT(RISCV_IRQ_SSI));
}

/* ---- Identity -------------------------------------------------------------------------------- */

static u64 get_zero(struct riscv_cpu *rv, unsigned number)
{
    return 0;
}

static u64 get_mvendorid(struct riscv_cpu *rv, unsigned number)
{
    return rv->mvendorid;
}

static u64 get_marchid(struct riscv_cpu *rv, unsigned number)
{
    return rv->marchid;
}

static u64 get_mimpid(struct riscv_cpu *rv, unsigned number)
{
    return rv->mimpid;
}

static u64 get_mhartid(struct riscv_cpu *rv, unsigned number)
{
    return rv->cpu.index;
}

/* ---- Environment, translation ---------------------------------------------------------------- */

/* CBIE = 2 is reserved: the field keeps its value. */
static u64 envcfg_legal(u64 old, u64 v, u64 mask)
{
    if (((v & ENVCFG_CBIE) >> ENVCFG_CBIE_SHIFT) == 2)
        mask &= ~ENVCFG_CBIE;
    return (old & ~mask) | (v & mask);
}

static u64 senvcfg_mask(const struct riscv_cpu *rv)
{
    u64 mask = ENVCFG_FIOM;
    if (riscv_cpu_has(rv, RISCV_EXT_ZICBOM))
        mask |= ENVCFG_CBIE | ENVCFG_CBCFE;
    if (riscv_cpu_has(rv, RISCV_EXT_ZICBOZ))
        mask |= ENVCFG_CBZE;
    return mask;
}

static u64 menvcfg_mask(const struct riscv_cpu *rv)
{
    u64 mask = senvcfg_mask(rv);
    if (riscv_cpu_has(rv, RISCV_EXT_SSTC))
        mask |= ENVCFG_STCE;
    if (riscv_cpu_has(rv, RISCV_EXT_SVPBMT))
        mask |= ENVCFG_PBMTE;
    if (riscv_cpu_has(rv, RISCV_EXT_SVADU))
        mask |= ENVCFG_ADUE;
    return mask;
}

static u64 get_senvcfg(struct riscv_cpu *rv, unsigned number)
{
    return rv->senvcfg;
}

static void set_senvcfg(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->senvcfg = envcfg_legal(rv->senvcfg, v, senvcfg_mask(rv));
}

static u64 get_menvcfg(struct riscv_cpu *rv, unsigned number)
{
    return rv->menvcfg;
}

static void set_menvcfg(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    u64 old = rv->menvcfg;
    rv->menvcfg = envcfg_legal(old, v, menvcfg_mask(rv));
    if ((old ^ rv->menvcfg) & (ENVCFG_ADUE | ENVCFG_PBMTE))
        jit_flush_all(&rv->cpu);
    riscv_stimer_update(rv);
}

static bool check_satp(const struct riscv_cpu *rv, unsigned number)
{
    return rv->priv == RISCV_M || !(rv->mstatus & MSTATUS_TVM);
}

static u64 get_satp(struct riscv_cpu *rv, unsigned number)
{
    return rv->satp;
}

static void set_satp(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    rv->satp = riscv_satp_legal(rv, v);
    riscv_state_changed(rv);
}

/* ---- Physical memory protection -------------------------------------------------------------- */

/* 16 or 64 registers exist when there are any entries; the entries beyond pmp_count read as zero.
 */
static unsigned pmp_registers(const struct riscv_cpu *rv)
{
    return !rv->pmp_count ? 0 : rv->pmp_count <= 16 ? 16 : 64;
}

/* RV64 has the even ones, of eight entries each. */
static bool check_pmpcfg(const struct riscv_cpu *rv, unsigned number)
{
    unsigned n = number - 0x3a0;
    return !(rv->xlen == 64 && n & 1) && 4 * n < pmp_registers(rv);
}

static u64 get_pmpcfg(struct riscv_cpu *rv, unsigned number)
{
    return riscv_pmp_cfg_read(rv, 4 * (number - 0x3a0), rv->xlen / 8);
}

static void set_pmpcfg(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_pmp_cfg_write(rv, 4 * (number - 0x3a0), rv->xlen / 8, v);
}

static bool check_pmpaddr(const struct riscv_cpu *rv, unsigned number)
{
    return number - 0x3b0 < pmp_registers(rv);
}

static u64 get_pmpaddr(struct riscv_cpu *rv, unsigned number)
{
    return riscv_pmp_addr_read(rv, number - 0x3b0);
}

static void set_pmpaddr(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_pmp_addr_write(rv, number - 0x3b0, v);
}

static u64 get_mseccfg(struct riscv_cpu *rv, unsigned number)
{
    return rv->mseccfg;
}

static void set_mseccfg(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_mseccfg_write(rv, v);
}

/* ---- Counters, timer ------------------------------------------------------------------------- */

/* "Machine Counter-Enable", "Supervisor Counter-Enable": each level enables the next. */
static bool check_counter(const struct riscv_cpu *rv, unsigned number)
{
    u64 bit = BIT(number & 31);
    if (rv->priv != RISCV_M && !(rv->mcounteren & bit))
        return false;
    return rv->priv != RISCV_U || !riscv_cpu_has(rv, RISCV_EXT_S) || rv->scounteren & bit;
}

static u64 get_counter(struct riscv_cpu *rv, unsigned number)
{
    return riscv_counter_read(rv, number & 31);
}

static void set_counter(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_counter_write(rv, number & 31, v);
}

static u64 get_time(struct riscv_cpu *rv, unsigned number)
{
    return riscv_time(rv);
}

static u64 get_mcountinhibit(struct riscv_cpu *rv, unsigned number)
{
    return rv->mcountinhibit;
}

static void set_mcountinhibit(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_counter_inhibit(rv, v);
}

static bool check_stimecmp(const struct riscv_cpu *rv, unsigned number)
{
    return rv->priv == RISCV_M || (rv->menvcfg & ENVCFG_STCE && rv->mcounteren & 2);
}

static u64 get_stimecmp(struct riscv_cpu *rv, unsigned number)
{
    return rv->stimecmp;
}

static void set_stimecmp(struct riscv_cpu *rv, unsigned number, u64 v, u64 touched)
{
    riscv_stimer_set(rv, v);
}

/* ---- The table ------------------------------------------------------------------------------- */

struct csr {
    u16 number;
    u16 low; /* HIGH rows: the row it is the upper half of */
    u8 ext, flags;
    const char *name;
    u32 offset; /* PLAIN rows: of the field; else 0 */
    u64 mask;
    bool (*check)(const struct riscv_cpu *rv, unsigned number);
    u64 (*get)(struct riscv_cpu *rv, unsigned number);
    void (*set)(struct riscv_cpu *rv, unsigned number, u64 v,
                u64 touched); /* touched: bits that the instruction may change */
};

/* clang-format off */
#define FROM_0_TO_15(R)                                                                            \
    R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7) R(8) R(9) R(10) R(11) R(12) R(13) R(14) R(15)
#define FROM_16_TO_31(R)                                                                           \
    R(16) R(17) R(18) R(19) R(20) R(21) R(22) R(23) R(24) R(25) R(26) R(27) R(28) R(29) R(30) R(31)
#define FROM_3_TO_31(R)                                                                            \
    R(3) R(4) R(5) R(6) R(7) R(8) R(9) R(10) R(11) R(12) R(13) R(14) R(15) FROM_16_TO_31(R)
#define FROM_16_TO_63(R)                                                                           \
    FROM_16_TO_31(R)                                                                               \
    R(32) R(33) R(34) R(35) R(36) R(37) R(38) R(39) R(40) R(41) R(42) R(43) R(44) R(45) R(46)      \
    R(47) R(48) R(49) R(50) R(51) R(52) R(53) R(54) R(55) R(56) R(57) R(58) R(59) R(60) R(61)      \
    R(62) R(63)

#define PLAIN(number_, name_, ext_, field, mask_)                                                  \
    {.number = number_, .name = name_, .ext = RISCV_EXT_##ext_, .mask = mask_,                     \
     .offset = offsetof(struct riscv_cpu, field)},
#define FUNC(number_, name_, ext_, check_, get_, set_, flags_)                                     \
    {.number = number_, .name = name_, .ext = RISCV_EXT_##ext_, .check = check_, .get = get_,      \
     .set = set_, .flags = flags_},
#define HIGH(number_, name_, ext_, check_, get_, set_, flags_, low_)                               \
    {.number = number_, .name = name_, .ext = RISCV_EXT_##ext_, .check = check_, .get = get_,      \
     .set = set_, .flags = (flags_) | RV32_ONLY, .low = low_},
#define FIXED(number_, name_, ext_, get_)   FUNC(number_, name_, ext_, 0, get_, 0, 0)
#define FIXED32(number_, name_, ext_, get_) FUNC(number_, name_, ext_, 0, get_, 0, RV32_ONLY)
/* clang-format on */

static const struct csr csrs[] = {
#include "isa/riscv/csr.def"
};

/* ---- Look-up and checks ---------------------------------------------------------------------- */

static const struct csr *csr_find(unsigned number)
{
    unsigned low = 0, high = ARRAY_SIZE(csrs);
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (csrs[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < ARRAY_SIZE(csrs) && csrs[low].number == number ? &csrs[low] : NULL;
}

const char *riscv_csr_name(unsigned number)
{
    const struct csr *r = csr_find(number);
    return r ? r->name : NULL;
}

static bool csr_exists(const struct riscv_cpu *rv, const struct csr *r)
{
    return r && (r->ext == RISCV_EXT_NONE || riscv_cpu_has(rv, r->ext)) &&
           !(r->flags & RV32_ONLY && rv->xlen != 32);
}

static bool number_read_only(unsigned number)
{
    return number >> 10 == 3;
}

/* The number's part of an access check: privilege and read-only. */
static bool number_allows(unsigned number, unsigned priv, bool write)
{
    return (number >> 8 & 3) <= priv && !(write && number_read_only(number));
}

/* ---- Values ---------------------------------------------------------------------------------- */

static u64 plain_mask(const struct riscv_cpu *rv, const struct csr *r)
{
    if (r->mask != EPC_MASK)
        return r->mask;
    return riscv_cpu_has(rv, RISCV_EXT_ZCA) ? ~UINT64_C(1) : ~UINT64_C(3);
}

static u64 *plain_field(struct riscv_cpu *rv, const struct csr *r)
{
    return (u64 *)((u8 *)rv + r->offset);
}

/* Zero-extended from XLEN. */
static u64 csr_get(struct riscv_cpu *rv, const struct csr *r)
{
    if (r->low)
        return r->get(rv, r->low) >> 32;
    return riscv_zext_xlen(rv, r->offset ? *plain_field(rv, r) : r->get(rv, r->number));
}

static void csr_set(struct riscv_cpu *rv, const struct csr *r, u64 v, u64 touched)
{
    v = riscv_zext_xlen(rv, v);
    if (r->offset) {
        u64 *field = plain_field(rv, r), mask = plain_mask(rv, r);
        *field = (*field & ~mask) | (v & mask);
    } else if (!r->set) {
        return;
    } else if (r->low) {
        r->set(rv, r->low, (u32)r->get(rv, r->low) | v << 32, touched << 32);
    } else if (r->flags & WIDE && rv->xlen == 32) {
        r->set(rv, r->number, (r->get(rv, r->number) & ~UINT64_C(0xffffffff)) | v, (u32)touched);
    } else {
        r->set(rv, r->number, v, touched);
    }
}

bool riscv_csr_read(struct riscv_cpu *rv, unsigned number, u64 *out)
{
    const struct csr *r = csr_find(number);
    if (!csr_exists(rv, r))
        return false;
    *out = csr_get(rv, r);
    return true;
}

bool riscv_csr_read_named(struct riscv_cpu *rv, const char *name, u64 *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(csrs); i++) {
        if (strcmp(csrs[i].name, name) == 0)
            return riscv_csr_read(rv, csrs[i].number, out);
    }
    return false;
}

bool riscv_csr_write(struct riscv_cpu *rv, unsigned number, u64 value)
{
    const struct csr *r = csr_find(number);
    if (!csr_exists(rv, r) || number_read_only(number))
        return false;
    csr_set(rv, r, value, ~UINT64_C(0));
    return true;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

enum { CSR_OP_WRITE = 1, CSR_OP_SET = 2, CSR_OP_CLEAR = 3 };

void riscv_helper_sstatus(struct cpu *cpu, u64 mstatus)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    rv->mstatus = mstatus;
    riscv_state_changed(rv);
    jit_context_again(cpu);
}

u64 riscv_helper_csr(struct cpu *cpu, u64 insn, u64 operand)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    unsigned number = (unsigned)bits_get(insn, 20, 12), op = (unsigned)bits_get(insn, 12, 2);
    bool write =
        op == CSR_OP_WRITE ||
        bits_get(insn, 15, 5); /* "rs1=x0: the instruction will not write to the CSR at all" */
    bool read = op != CSR_OP_WRITE || bits_get(insn, 7, 5);
    const struct csr *r = csr_find(number);
    if (!csr_exists(rv, r) || !number_allows(number, rv->priv, write) ||
        (r->check && !r->check(rv, number))) {
        riscv_helper_illegal(cpu, insn);
        return 0;
    }
    u64 old = read ? csr_get(rv, r) : 0;
    if (write && op == CSR_OP_WRITE)
        csr_set(rv, r, operand, ~UINT64_C(0));
    else if (write && op == CSR_OP_SET)
        csr_set(rv, r, old | operand, operand);
    else if (write)
        csr_set(rv, r, old & ~operand, operand);
    return riscv_sext_xlen(rv, old);
}

#define CSR_IMMEDIATE BIT(14) /* of funct3 */

void riscv_helper_csr_step(struct cpu *cpu, u64 insn)
{
    struct riscv_cpu *rv = riscv_cpu(cpu);
    unsigned rd = (unsigned)bits_get(insn, 7, 5);
    unsigned rs1 = (unsigned)bits_get(insn, 15, 5);
    u64 old = riscv_helper_csr(cpu, insn, insn & CSR_IMMEDIATE ? rs1 : rv->x[rs1]);
    if (cpu->unwind)
        return;
    if (rd)
        rv->x[rd] = old;
    rv->pc = riscv_zext_xlen(rv, rv->pc + 4);
}

struct riscv_csr_plan riscv_csr_plan(const struct riscv_ctx *c, unsigned number, bool write)
{
    const struct csr *r = csr_find(number);
    struct riscv_csr_plan plan = {.ends = r && r->flags & ENDS};
    if (!csr_exists(c->cpu, r) || !r->offset || !number_allows(number, c->priv, write))
        return plan;
    plan.in_line = true;
    plan.offset = r->offset;
    plan.mask = plain_mask(c->cpu, r);
    return plan;
}
