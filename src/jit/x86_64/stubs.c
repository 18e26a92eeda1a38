/*
 * stubs.c - what lies at the start of the code memory: runtime table, entry and exit, slow-path stubs; processor features; links.
 *
 * Before each stub that is called with a site inline stand the 8 bytes X64_SITE_MARK, by which disasm.c knows to skip it.
 */
#include "jit/x86_64/stubs.h"

#include <cpuid.h>
#include <errno.h>

#include "float/soft.h"

/* ---- Processor ------------------------------------------------------------------------------- */

static bool os_saves_ymm(u32 leaf1_ecx)
{
    u32 low, high;
    if (!(leaf1_ecx & bit_OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

u32 x64_features(void)
{
    u32 a, b, c, d, f = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    bool avx = (c & bit_AVX) && os_saves_ymm(c);
    f |= c & bit_SSE4_1 ? X64_SSE41 : 0;
    f |= c & bit_SSE4_2 ? X64_SSE42 : 0;
    f |= c & bit_PCLMUL ? X64_CLMUL : 0;
    f |= c & bit_POPCNT ? X64_POPCNT : 0;
    f |= c & bit_MOVBE ? X64_MOVBE : 0;
    f |= avx ? X64_AVX : 0;
    f |= avx && (c & bit_FMA) ? X64_FMA : 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        f |= b & bit_BMI ? X64_BMI1 : 0;
        f |= avx && (b & bit_BMI2) ? X64_BMI2 : 0;
        f |= avx && (b & bit_AVX2) ? X64_AVX2 : 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f |= c & bit_LZCNT ? X64_LZCNT : 0;
    return f;
}

void x64_disable(struct jit *jit, u32 features)
{
    ((struct x64_runtime *)jit->code.rw)->features &= ~features;
}

/* ---- Stubs ----------------------------------------------------------------------------------- */

enum { FRAME = (sizeof(struct jit_frame) + 15) / 16 * 16 + 8 }; /* keeps rsp aligned below six pushes and a return address */
static const u8 pushed[] = {RBP, RBX, R12, R13, R14, R15};

static struct asm_mem frame_at(size_t offset)
{
    return asm_at(RSP, (s32)offset);
}
#define FRAME_CPU     frame_at(offsetof(struct jit_frame, scratch) + 24)
#define FRAME_SITE    frame_at(offsetof(struct jit_frame, scratch) + 8)

static void push(struct asm_buf *s, unsigned reg)
{
    asm_rr(s, X_GROUP5, G5_PUSH, reg);
}

static void pop(struct asm_buf *s, unsigned reg)
{
    asm_rr(s, X_POP, 0, reg);
}

/* struct jit_link *enter(cpu rdi, context rsi, code rdx, pc rcx): units have the pc in rax when they are jumped to. */
static void stub_enter(struct asm_buf *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pushed); i++)
        push(s, pushed[i]);
    asm_alu_imm(s, ALU_SUB, ASM_W, RSP, FRAME);
    asm_rm(s, X_MOV_STORE | ASM_W, RDI, FRAME_CPU);
    asm_mov(s, ASM_W, X64_TLB, RSI);
    asm_rm(s, X_MOV | ASM_W, RAX, asm_at(RDI, offsetof(struct cpu, isa)));
    asm_rm(s, X_MOV, RAX, asm_at(RAX, offsetof(struct isa, state_bias)));
    asm_rm(s, X_LEA | ASM_W, X64_STATE, asm_indexed(RDI, RAX, 0, 0));
    asm_mov(s, ASM_W, RAX, RCX);
    asm_rr(s, X_GROUP5, G5_JMP, RDX);
}

static void stub_leave(struct asm_buf *s)
{
    asm_alu_imm(s, ALU_ADD, ASM_W, RSP, FRAME);
    for (unsigned i = ARRAY_SIZE(pushed); i-- > 0;)
        pop(s, pushed[i]);
    asm_u8(s, 0xc3);
}

static void save_registers(struct asm_buf *s, size_t above, bool xmm)
{
    for (unsigned r = 0; r < 16; r++) {
        if (X64_GPRS >> r & 1)
            asm_rm(s, X_MOV_STORE | ASM_W, r, frame_at(above + offsetof(struct jit_frame, gpr) + 8 * r));
    }
    for (unsigned r = 0; xmm && r < 16; r++)
        asm_rm(s, X_MOVUPS_STORE, r, frame_at(above + offsetof(struct jit_frame, xmm) + 16 * r));
}

static void restore_registers(struct asm_buf *s, bool xmm)
{
    for (unsigned r = 0; r < 16; r++) {
        if (X64_GPRS >> r & 1)
            asm_rm(s, X_MOV | ASM_W, r, frame_at(offsetof(struct jit_frame, gpr) + 8 * r));
    }
    for (unsigned r = 0; xmm && r < 16; r++)
        asm_rm(s, X_MOVUPS, r, frame_at(offsetof(struct jit_frame, xmm) + 16 * r));
}

/* Called; the site follows the call. fn: bool (cpu, frame, site); false leaves to the engine. */
static void stub_site(struct asm_buf *s, u32 fn, bool xmm, u32 leave_lookup)
{
    save_registers(s, 8, xmm);
    pop(s, RDX);
    asm_rm(s, X_MOV_STORE | ASM_W, RDX, FRAME_SITE);
    asm_rm(s, X_MOV | ASM_W, RDI, FRAME_CPU);
    asm_mov(s, ASM_W, RSI, RSP);
    asm_rm(s, X_GROUP5, G5_CALL, x64_table(fn));
    asm_rr(s, 0x84 | ASM_B | ASM_B_RM, RAX, RAX);
    asm_fix(asm_jcc(s, CC_E), s->base + leave_lookup);
    asm_rm(s, X_MOV | ASM_W, RDX, FRAME_SITE);
    asm_rm(s, X_MOVZX16, RAX, asm_at(RDX, offsetof(struct jit_site, map_bytes)));
    asm_rm(s, X_LEA | ASM_W, RAX, asm_indexed(RDX, RAX, 0, sizeof(struct jit_site)));
    asm_rm(s, X_MOV_STORE | ASM_W, RAX, FRAME_SITE);
    restore_registers(s, xmm);
    asm_rm(s, X_GROUP5, G5_JMP, FRAME_SITE);
}

/* rax = helper, arguments set: host flags to the guest before, guest rounding to the host after. */
static void stub_call_float(struct asm_buf *s)
{
    static const u8 args[] = {RDI, RSI, RDX, RCX, R8, RAX};
    struct asm_mem cpu = FRAME_CPU;
    for (unsigned i = 0; i < ARRAY_SIZE(args); i++)
        push(s, args[i]);
    asm_alu_imm(s, ALU_SUB, ASM_W, RSP, 8);
    asm_rm(s, X_GROUP5, G5_CALL, X64_TABLE(float_merge));
    asm_alu_imm(s, ALU_ADD, ASM_W, RSP, 8);
    for (unsigned i = ARRAY_SIZE(args); i-- > 0;)
        pop(s, args[i]);
    asm_alu_imm(s, ALU_SUB, ASM_W, RSP, 8);
    asm_rr(s, X_GROUP5, G5_CALL, RAX);
    asm_rm(s, X_MOV_STORE | ASM_W, RAX, frame_at(0));
    cpu.disp += 16; /* below the return address and the saved result */
    asm_rm(s, X_MOV | ASM_W, RDI, cpu);
    asm_rm(s, X_GROUP5, G5_CALL, X64_TABLE(float_reload));
    asm_rm(s, X_MOV | ASM_W, RAX, frame_at(0));
    asm_alu_imm(s, ALU_ADD, ASM_W, RSP, 8);
    asm_u8(s, 0xc3);
}

static u32 begin_stub(struct asm_buf *s, bool site)
{
    while (asm_offset(s) & 15)
        asm_u8(s, 0xcc);
    if (site) {
        asm_u64(s, X64_SITE_MARK);
        asm_u64(s, X64_SITE_MARK);
    }
    return asm_offset(s);
}

static void write_stubs(struct asm_buf *s, struct x64_runtime *rt)
{
    rt->stub[X64_ENTER] = begin_stub(s, false);
    stub_enter(s);
    rt->stub[X64_LEAVE_LOOKUP] = begin_stub(s, false);
    asm_rr(s, X_XOR, RAX, RAX);
    rt->stub[X64_LEAVE] = asm_offset(s);
    stub_leave(s);
    rt->stub[X64_SLOW] = begin_stub(s, true);
    stub_site(s, offsetof(struct x64_runtime, slow_access), false, rt->stub[X64_LEAVE_LOOKUP]);
    rt->stub[X64_SLOW_XMM] = begin_stub(s, true);
    stub_site(s, offsetof(struct x64_runtime, slow_access), true, rt->stub[X64_LEAVE_LOOKUP]);
    rt->stub[X64_SOFT] = begin_stub(s, true);
    stub_site(s, offsetof(struct x64_runtime, soft_op), true, rt->stub[X64_LEAVE_LOOKUP]);
    rt->stub[X64_CALL_FLOAT] = begin_stub(s, false);
    stub_call_float(s);
}

/* ---- Table ----------------------------------------------------------------------------------- */

/* Operands at which a signed conversion gives the unsigned result. f64, then f32 bit patterns. */
static void set_bounds(struct x64_runtime *rt)
{
    static const u64 minus_one_up[2] = {0xbf7fffff, UINT64_C(0xbfefffffffffffff)}; /* next after -1 toward 0 */
    static const u64 below_2_32[2] = {0x4f7fffff, UINT64_C(0x41efffffffffffff)};
    static const u64 integer_below_2_32[2] = {0x4f7fffff, UINT64_C(0x41efffffffe00000)};
    static const u64 below_2_63[2] = {0x5effffff, UINT64_C(0x43dfffffffffffff)};
    for (unsigned f = 0; f < 2; f++) {
        rt->bounds[f][0][0] = (struct x64_bounds){minus_one_up[f], below_2_32[f]};
        rt->bounds[f][0][1] = (struct x64_bounds){0, integer_below_2_32[f]};
        rt->bounds[f][1][0] = (struct x64_bounds){minus_one_up[f], below_2_63[f]};
        rt->bounds[f][1][1] = (struct x64_bounds){0, below_2_63[f]};
    }
}

enum { MXCSR_DEFAULT = 0x1f80, MXCSR_FLAGS = 0x3f };

/* MXCSR's sticky flags as enum float_flag. */
static unsigned float_flags(u32 m)
{
    return (m & 0x01 ? FLOAT_NV : 0) | (m & 0x04 ? FLOAT_DZ : 0) | (m & 0x08 ? FLOAT_OF : 0) | (m & 0x10 ? FLOAT_UF : 0) |
           (m & 0x20 ? FLOAT_NX : 0) | (m & 0x02 ? FLOAT_DN : 0);
}

static void set_constants(struct x64_runtime *rt)
{
    u64 sign32 = UINT64_C(0x8000000080000000), sign64 = BIT(63);
    for (unsigned i = 0; i < 2; i++) {
        rt->sign[0][i] = sign32;
        rt->sign[1][i] = sign64;
        rt->magnitude[0][i] = ~sign32;
        rt->magnitude[1][i] = ~sign64;
        rt->smallest[0][i] = UINT64_C(0x0080000000800000);
        rt->smallest[1][i] = BIT(52);
    }
    for (unsigned i = 0; i < 2; i++) {
        rt->table_bias[i] = UINT64_C(0x7070707070707070);
        rt->nibble[i] = UINT64_C(0x0f0f0f0f0f0f0f0f);
    }
    rt->nibble_ones[0] = UINT64_C(0x0302020102010100);
    rt->nibble_ones[1] = UINT64_C(0x0403030203020201);
    rt->nanbox[0] = UINT64_C(0xffffffff00000000);
    rt->nan[0] = 0x7fc00000;
    rt->nan[1] = UINT64_C(0x7ff8000000000000);
    for (unsigned m = 0; m <= MXCSR_FLAGS; m++)
        rt->float_flags[m] = (u8)float_flags(m);
    set_bounds(rt);
}

/* A machine that named no architectures may have CPUs of any. */
static void choose_isas(struct jit *jit)
{
    if (jit->isa_list[0])
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(jit->isa_list) && isa_registry[i]; i++)
        jit->isa_list[i] = isa_registry[i];
}

static int write_helpers(struct jit *jit, struct asm_buf *s, struct x64_runtime *rt, struct err *err)
{
    for (unsigned i = 0; i < ARRAY_SIZE(jit->isa_list) && jit->isa_list[i]; i++) {
        const struct isa *isa = jit->isa_list[i];
        if ((u64)(asm_offset(s) + 8 * isa->helper_count + ASM_MARGIN) > jit->code.size)
            return err_set(err, ENOMEM, "code memory of %llu bytes is too small", (unsigned long long)jit->code.size);
        rt->isa[i] = isa;
        rt->helpers[i] = asm_offset(s);
        for (u32 h = 0; h < isa->helper_count; h++)
            asm_u64(s, (u64)(uintptr_t)isa->helpers[h].fn);
    }
    return 0;
}

int x64_init(struct jit *jit, struct err *err)
{
    struct x64_runtime *rt = (struct x64_runtime *)jit->code.rw;
    struct asm_buf s = {.p = jit->code.rw + sizeof(*rt), .base = jit->code.rw};
    _Static_assert(sizeof(struct x64_runtime) % 8 == 0, "helpers follow aligned");
    if (jit->code.size < 4 * ASM_MARGIN)
        return err_set(err, EINVAL, "code memory of %llu bytes is too small", (unsigned long long)jit->code.size);
    memset(rt, 0, sizeof(*rt));
    set_constants(rt);
    rt->slow_access = (void *)jit_slow_access;
    rt->soft_op = (void *)x64_soft_op;
    rt->float_merge = (void *)jit_float_merge;
    rt->float_reload = (void *)jit_float_reload;
    rt->features = x64_features();
    choose_isas(jit);
    int r = write_helpers(jit, &s, rt, err);
    if (r)
        return r;
    write_stubs(&s, rt);
    jit->enter = (struct jit_link * (*)(struct cpu *, struct tlb_context *, const u8 *, u64))(void *)(jit->code.rx +
                                                                                                  rt->stub[X64_ENTER]);
    return (int)align_up(asm_offset(&s), 64);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static void write_field(struct jit *jit, u32 offset, u32 value)
{
    __atomic_store_n((u32 *)(jit->code.rw + offset), value, __ATOMIC_RELEASE);
}

/* Target before id when linking, id before target when unlinking: an id that matches always stands before the right jump.
 * X64_NO_PAGE, unlike the 0 of an empty code entry, matches nothing, whatever the jump behind it is just then. */
static void x64_patch(struct jit *jit, struct jit_link *link, const u8 *target, u32 id)
{
    u32 to = target ? (u32)(target - jit->code.rx) : link->stub;
    if (!target && link->id_patch)
        write_field(jit, link->id_patch, X64_NO_PAGE);
    write_field(jit, link->patch, to - (link->patch + 4));
    if (target && link->id_patch)
        write_field(jit, link->id_patch, id);
}

/* ---- Float control --------------------------------------------------------------------------- */

static unsigned x64_float_accrued(void)
{
    u32 m = __builtin_ia32_stmxcsr();
    if (!(m & MXCSR_FLAGS))
        return 0;
    __builtin_ia32_ldmxcsr(m & ~(u32)MXCSR_FLAGS);
    return float_flags(m);
}

static void x64_float_control(unsigned round)
{
    static const u32 rc[] = {[FLOAT_RNE] = 0, [FLOAT_RTZ] = 3, [FLOAT_RDN] = 1, [FLOAT_RUP] = 2, [FLOAT_RMM] = 0, [FLOAT_RTO] = 0};
    __builtin_ia32_ldmxcsr(MXCSR_DEFAULT | rc[round] << 13);
}

static void x64_float_restore(void)
{
    __builtin_ia32_ldmxcsr(MXCSR_DEFAULT);
}

static u32 x64_features_used(const struct jit *jit)
{
    return ((const struct x64_runtime *)jit->code.rx)->features;
}

static bool x64_usable(void)
{
    return true; /* SSE2 is all that is required, and every x86-64 has it */
}

const struct jit_backend jit_x86_64 = {
    .name = "x86-64",
    .elf_machine = 62, /* EM_X86_64 */
    .usable = x64_usable,
    .init = x64_init,
    .emit = x64_emit,
    .features = x64_features_used,
    .patch = x64_patch,
    .float_accrued = x64_float_accrued,
    .float_control = x64_float_control,
    .float_restore = x64_float_restore,
};
