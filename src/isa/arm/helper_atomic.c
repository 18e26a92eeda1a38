/*
 * helper_atomic.c - atomic accesses of 16 bytes, and those of FEAT_LSE2 that are not aligned.
 *
 * On the CPU's thread. The memory operations are the host's own of 16 bytes, sequentially
 * consistent, so every order that an instruction asks for holds. An unaligned access within 16
 * bytes is a compare-and-swap of all of them.
 */
#include "isa/arm/control.h"
#include "isa/arm/trans.h"
#include "jit/translate.h"

static u64 get_x(const struct arm_cpu *a, unsigned n)
{
    return n == 31 ? 0 : a->x[n];
}

static void set_x(struct arm_cpu *a, unsigned n, u64 v)
{
    if (n != 31)
        a->x[n] = v;
}

static void raise_fault(struct cpu *cpu, const struct isa_fault *f)
{
    arm_fault(cpu, f);
    cpu->unwind = 1;
}

/* ---- Pairs of X registers ---- */

static u64 turned(u64 v, u64 registers)
{
    return registers & ARM_PAIR_BIG ? bswap_size(v, 8) : v;
}

void arm_helper_ldxp(struct cpu *cpu, u64 vaddr, u64 registers)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct isa_fault f;
    u64 v[2];
    if (jit_load_linked_wide(cpu, vaddr, v, &f)) {
        raise_fault(cpu, &f);
        return;
    }
    set_x(a, registers & 31, turned(v[0], registers));
    set_x(a, registers >> 8 & 31, turned(v[1], registers));
}

void arm_helper_stxp(struct cpu *cpu, u64 vaddr, u64 registers)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct isa_fault f;
    u64 failed, v[2] = {turned(get_x(a, registers & 31), registers),
                        turned(get_x(a, registers >> 8 & 31), registers)};
    if (jit_store_cond_wide(cpu, vaddr, v, &failed, &f))
        raise_fault(cpu, &f);
    else
        set_x(a, registers >> 16 & 31, failed);
}

static u128 get_pair(const struct arm_cpu *a, unsigned n, u64 registers)
{
    return (u128)turned(get_x(a, n + 1), registers) << 64 | turned(get_x(a, n), registers);
}

/* The host's address of 16 bytes to change; NULL: the fault was raised. */
static u128 *host_16(struct cpu *cpu, u64 vaddr)
{
    struct isa_fault f = {
        .kind = ISA_FAULT_ALIGNMENT, .access = ISA_WRITE, .vaddr = vaddr, .atomic = true};
    u128 *p = vaddr & 15 ? NULL : jit_host_address(cpu, 0, vaddr, 16, ISA_WRITE, &f);
    if (!p)
        raise_fault(cpu, &f);
    return p;
}

void arm_helper_casp(struct cpu *cpu, u64 vaddr, u64 registers)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned rt = registers & 31, rs = registers >> 16 & 31;
    u128 *p = host_16(cpu, vaddr), old = get_pair(a, rs, registers);
    if (!p)
        return;
    __atomic_compare_exchange_n(p, &old, get_pair(a, rt, registers), false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    jit_host_stored(cpu, vaddr, 16);
    set_x(a, rs, turned((u64)old, registers));
    set_x(a, rs + 1, turned((u64)(old >> 64), registers));
}

/* ---- Unaligned, within 16 bytes (FEAT_LSE2) ---- */

enum what { LOAD, STORE, SWAP_IF, MODIFY };

/* An ordered or atomic instruction, taken apart. */
struct access {
    enum what what;
    unsigned size; /* bytes */
    u32 sign;      /* enum arm_load_sign */
    u32 rmw;       /* enum ir_rmw; inverted: of the inverted operand */
    bool inverted;
    unsigned rt, rt2, rs, rn; /* rt2: 31 and no second access, or a pair */
    bool pair;
    s64 offset, moved;
    bool big;
};

static void access_rcpc3(struct access *x, u32 insn)
{
    unsigned opc = insn >> 22 & 3;
    bool moves = opc >= 2 || !(insn >> 12 & 1);
    s64 total = opc < 2 ? 2 * (s64)x->size : (s64)x->size;
    x->what = opc & 1 ? LOAD : STORE;
    x->pair = opc < 2;
    x->rt2 = insn >> 16 & 31;
    if (moves)
        x->moved = x->what == LOAD ? total : -total;
    x->offset = x->what == STORE ? x->moved : 0;
}

static void access_lse(struct access *x, u32 insn)
{
    static const u8 kinds[] = {IR_RMW_ADD, IR_RMW_AND, IR_RMW_XOR,  IR_RMW_OR,
                               IR_RMW_MAX, IR_RMW_MIN, IR_RMW_MAXU, IR_RMW_MINU};
    unsigned opc = insn >> 12 & 7;
    bool o3 = insn >> 15 & 1;
    x->what = o3 && opc == 4 ? LOAD : MODIFY; /* LDAPR */
    x->rmw = o3 ? IR_RMW_XCHG : kinds[opc];
    x->inverted = !o3 && opc == 1;
}

static struct access access_of(u32 insn, u64 mode)
{
    static const u8 signs[4] = {ARM_LOAD_ZERO, ARM_LOAD_ZERO, ARM_LOAD_S64, ARM_LOAD_S32};
    struct access x = {
        .size = 1u << (insn >> 30), .rt = insn & 31, .rn = insn >> 5 & 31, .rs = insn >> 16 & 31};
    x.big = mode & ARM_MODE_BE;
    switch (insn >> 24 & 0x3f) {
    case 0x08: x.what = insn >> 21 & 1 ? SWAP_IF : insn >> 22 & 1 ? LOAD : STORE; break;
    case 0x19:
        if (insn >> 10 & 3) {
            access_rcpc3(&x, insn);
        } else {
            x.what = insn >> 22 & 3 ? LOAD : STORE;
            x.sign = signs[insn >> 22 & 3];
            x.offset = bits_sext(insn >> 12, 9);
        }
        break;
    default: access_lse(&x, insn); break;
    }
    return x;
}

static u64 in_order(const struct access *x, u64 v)
{
    return x->big ? bswap_size(v, x->size) : v;
}

static u64 modified(const struct access *x, u64 old, u64 v)
{
    s64 so = bits_sext(old, 8 * x->size), sv = bits_sext(v, 8 * x->size);
    u64 mask = ~UINT64_C(0) >> (64 - 8 * x->size), uv = v & mask;
    switch (x->rmw) {
    case IR_RMW_XCHG: return v;
    case IR_RMW_ADD: return old + v;
    case IR_RMW_AND: return old & ~v;
    case IR_RMW_OR: return old | v;
    case IR_RMW_XOR: return old ^ v;
    case IR_RMW_MIN: return so < sv ? old : v;
    case IR_RMW_MAX: return so > sv ? old : v;
    case IR_RMW_MINU: return old < uv ? old : v;
    default: return old > uv ? old : v;
    }
}

/* SWAP_IF and MODIFY: the old value, of bytes `at` of the 16 at p. */
static u64 change(u128 *p, unsigned at, const struct access *x, u64 expected, u64 v)
{
    u64 mask = ~UINT64_C(0) >> (64 - 8 * x->size);
    u128 old = __atomic_load_n(p, __ATOMIC_RELAXED), new;
    u64 part;
    do {
        part = in_order(x, (u64)(old >> (8 * at)) & mask);
        u64 next = x->what == MODIFY ? modified(x, part, v) : part == (expected & mask) ? v : part;
        new = (old & ~((u128)mask << (8 * at))) | (u128)(in_order(x, next & mask)) << (8 * at);
    } while (!__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return part;
}

static bool do_change(struct cpu *cpu, const struct access *x, u64 vaddr)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 block = align_down(vaddr, 16);
    u128 *p = host_16(cpu, block);
    if (!p)
        return false;
    bool swaps = x->what == SWAP_IF;
    u64 old = change(p, vaddr & 15, x, get_x(a, x->rs), get_x(a, swaps ? x->rt : x->rs));
    jit_host_stored(cpu, block, 16);
    set_x(a, swaps ? x->rs : x->rt, old);
    return true;
}

static bool transfer(struct cpu *cpu, const struct access *x, u64 vaddr, u64 *v)
{
    struct isa_fault f;
    u64 out = in_order(x, *v);
    if (x->what == LOAD ? jit_read(cpu, 0, vaddr, x->size, v, &f)
                        : jit_write(cpu, 0, vaddr, x->size, out, &f)) {
        raise_fault(cpu, &f);
        return false;
    }
    if (x->what == LOAD)
        *v = in_order(x, *v);
    return true;
}

static u64 extended(const struct access *x, u64 v)
{
    s64 wide = bits_sext(v, 8 * x->size);
    return x->sign == ARM_LOAD_ZERO ? v : x->sign == ARM_LOAD_S64 ? (u64)wide : (u32)wide;
}

static bool do_transfer(struct cpu *cpu, const struct access *x, u64 vaddr)
{
    struct arm_cpu *a = arm_cpu(cpu);
    u64 v[2] = {get_x(a, x->rt), get_x(a, x->rt2)};
    atomic_thread_fence(memory_order_seq_cst);
    if (!transfer(cpu, x, vaddr, &v[0]) || (x->pair && !transfer(cpu, x, vaddr + x->size, &v[1])))
        return false;
    atomic_thread_fence(memory_order_seq_cst);
    u64 *base = x->rn == 31 ? &a->sp : &a->x[x->rn];
    *base += (u64)x->moved;
    if (x->what == LOAD) {
        set_x(a, x->rt, extended(x, v[0]));
        if (x->pair)
            set_x(a, x->rt2, v[1]);
    }
    return true;
}

static bool crosses(u64 vaddr, unsigned size)
{
    return (vaddr & 15) + size > 16;
}

/* Of TRAP_IF. SCTLR_ELx.nAA lets ordered loads and stores be anywhere. */
void arm_helper_unaligned(struct cpu *cpu, u64 insn)
{
    struct arm_cpu *a = arm_cpu(cpu);
    struct access x = access_of((u32)insn, cpu->mode);
    u64 vaddr = (x.rn == 31 ? a->sp : a->x[x.rn]) + (u64)x.offset;
    bool changes = x.what >= SWAP_IF;
    bool anywhere = !changes && arm_sctlr(a) & SCTLR_NAA;
    if ((!anywhere && crosses(vaddr, x.pair ? 2 * x.size : x.size)) ||
        (changes && arm_is_device(a, vaddr))) {
        struct isa_fault f = {.kind = ISA_FAULT_ALIGNMENT, .vaddr = vaddr, .atomic = changes};
        f.access = x.what == LOAD ? ISA_READ : ISA_WRITE;
        raise_fault(cpu, &f);
        return;
    }
    if (changes ? do_change(cpu, &x, vaddr) : do_transfer(cpu, &x, vaddr))
        a->pc += 4;
}
