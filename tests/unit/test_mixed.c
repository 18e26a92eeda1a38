/*
 * test_mixed.c - a machine whose CPUs are of two architectures: a RISC-V one and an AArch64 one
 * share memory, a lock, atomic counters and mailboxes (arm.mhu). Each has its own view: memory and
 * mailboxes are at other addresses for the other one.
 *
 * The programs count to the same numbers, in the same words of memory: under a lock (LR/SC here,
 * LDAXR/STXR there), by AMOADD and LDADD, and by LR/SC and LDXR/STXR loops. Then the Arm CPU tells
 * the other by mail, hears an answer and says farewell; the RISC-V CPU looks at the numbers and
 * ends the machine. On both engines, and going on from a state that was saved in the middle of it,
 * on the other engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#include "loop/timer.h"
#include "machine/machine.h"
#include "migration/snapshot.h"

enum {
    SHARED = 0x8000,
    LOCKED = SHARED + 8,
    ROUNDS = SHARED + 32,
    PROGRAM_ARM = 0x1000,
    RAM_SIZE = 0x10000
};
enum { MSIP = 3, MEIP = 11, ARM_IRQ = 0 };

static const u32 program_riscv[] = {
    0x000104b7, /* lui s1,0x10 */
    0x0014849b, /* addw s1,s1,1 */
    0x00f49493, /* sll s1,s1,0xf */
    0x01048a13, /* add s4,s1,16 */
    0x01848a93, /* add s5,s1,24 */
    0x0204b903, /* ld s2,32(s1) */
    0x1404a2af, /* lr.w.aq t0,(s1) */
    0xfe029ee3, /* bnez t0,18 */
    0x00100313, /* li t1,1 */
    0x1864a2af, /* sc.w t0,t1,(s1) */
    0xfe0298e3, /* bnez t0,18 */
    0x0084b383, /* ld t2,8(s1) */
    0x00138393, /* add t2,t2,1 */
    0x0074b423, /* sd t2,8(s1) */
    0x0a04a02f, /* amoswap.w.rl zero,zero,(s1) */
    0x006a302f, /* amoadd.d zero,t1,(s4) */
    0x100ab2af, /* lr.d t0,(s5) */
    0x00128293, /* add t0,t0,1 */
    0x185ab3af, /* sc.d t2,t0,(s5) */
    0xfe039ae3, /* bnez t2,40 */
    0xfff90913, /* add s2,s2,-1 */
    0xfc0912e3, /* bnez s2,18 */
    0x100109b7, /* lui s3,0x10010 */
    0x000012b7, /* lui t0,0x1 */
    0x8082829b, /* addw t0,t0,-2040 */
    0x30429073, /* csrw mie,t0 */
    0x1009a283, /* lw t0,256(s3) */
    0x00029663, /* bnez t0,78 */
    0x10500073, /* wfi */
    0xff5ff06f, /* j 68 */
    0x00006337, /* lui t1,0x6 */
    0x00d3031b, /* addw t1,t1,13 */
    0x04629c63, /* bne t0,t1,d8 */
    0x1059a823, /* sw t0,272(s3) */
    0x0069a423, /* sw t1,8(s3) */
    0x1209a283, /* lw t0,288(s3) */
    0x00029663, /* bnez t0,9c */
    0x10500073, /* wfi */
    0xff5ff06f, /* j 8c */
    0x0204be03, /* ld t3,32(s1) */
    0x001e1e13, /* sll t3,t3,0x1 */
    0x0084b283, /* ld t0,8(s1) */
    0x03c29863, /* bne t0,t3,d8 */
    0x0104b283, /* ld t0,16(s1) */
    0x03c29463, /* bne t0,t3,d8 */
    0x0184b283, /* ld t0,24(s1) */
    0x03c29063, /* bne t0,t3,d8 */
    0x0009a283, /* lw t0,0(s3) */
    0x00029c63, /* bnez t0,d8 */
    0x00005337, /* lui t1,0x5 */
    0x5553031b, /* addw t1,t1,1365 */
    0x001002b7, /* lui t0,0x100 */
    0x0062a023, /* sw t1,0(t0) */
    0x0000006f, /* j d4 */
    0x00013337, /* lui t1,0x13 */
    0x3333031b, /* addw t1,t1,819 */
    0xfedff06f, /* j cc */
};

static const u32 program_arm[] = {
    0xd2a80001, /* mov x1, #0x40000000 */
    0x91402021, /* add x1, x1, #0x8, lsl #12 */
    0x9100602a, /* add x10, x1, #0x18 */
    0x9100402c, /* add x12, x1, #0x10 */
    0xf9401022, /* ldr x2, [x1, #32] */
    0x885ffc23, /* ldaxr w3, [x1] */
    0x35ffffe3, /* cbnz w3, 14 */
    0x52800024, /* mov w4, #0x1 */
    0x88057c24, /* stxr w5, w4, [x1] */
    0x35ffff85, /* cbnz w5, 14 */
    0xf9400426, /* ldr x6, [x1, #8] */
    0x910004c6, /* add x6, x6, #0x1 */
    0xf9000426, /* str x6, [x1, #8] */
    0x889ffc3f, /* stlr wzr, [x1] */
    0xd2800027, /* mov x7, #0x1 */
    0xf8270188, /* ldadd x7, x8, [x12] */
    0xc85f7d49, /* ldxr x9, [x10] */
    0x91000529, /* add x9, x9, #0x1 */
    0xc80b7d49, /* stxr w11, x9, [x10] */
    0x35ffffab, /* cbnz w11, 40 */
    0xf1000442, /* subs x2, x2, #0x1 */
    0x54fffe01, /* b.ne 14 */
    0xd5033f9f, /* dsb sy */
    0xd2a5e00d, /* mov x13, #0x2f000000 */
    0x528c01ae, /* mov w14, #0x600d */
    0xb90109ae, /* str w14, [x13, #264] */
    0xb94001af, /* ldr w15, [x13] */
    0x3500006f, /* cbnz w15, 78 */
    0xd503207f, /* wfi */
    0x17fffffd, /* b 68 */
    0xb90011af, /* str w15, [x13, #16] */
    0x5280002e, /* mov w14, #0x1 */
    0xb90129ae, /* str w14, [x13, #296] */
    0xd503207f, /* wfi */
    0x17ffffff, /* b 84 */
};

/* ---- The board ------------------------------------------------------------------------------- */

struct mixed {
    struct mem_space arm_space;
    struct mem_region arm_root, arm_ram, arm_mhu;
    bool has_space;
};

/* What the Arm CPU sees: the same memory and mailboxes, elsewhere. */
static void make_view(struct machine *m, struct mixed *x, struct device *mhu)
{
    mem_container(&x->arm_root, "arm", UINT64_MAX);
    mem_alias(&x->arm_ram, "arm-ram", &m->ram, 0, RAM_SIZE);
    mem_alias(&x->arm_mhu, "arm-mhu", device_mmio(mhu, 0), 0, 0x1000);
    machine_space_init(m, &x->arm_space, "arm", &x->arm_root);
    x->has_space = true;
    mem_map(&m->memory, &x->arm_root, 0x40000000, &x->arm_ram, 0);
    mem_map(&m->memory, &x->arm_root, 0x2f000000, &x->arm_mhu, 0);
}

static int mixed_init(struct machine *m, struct err *err)
{
    const struct machine_cpu riscv = {.arch = "riscv64", .model = "max", .reset_pc = 0x80000000};
    struct mixed *x = m->board_data;
    int r = machine_make_ram(m, "mixed.ram", err);
    if (r)
        return r;
    mem_map(&m->memory, &m->root, 0x80000000, &m->ram, 0);
    struct device *mhu = machine_device(m, "arm.mhu", "mhu", err);
    struct device *finisher = machine_device(m, "riscv.sifive.test", "finisher", err);
    assert_non_null(mhu);
    assert_non_null(finisher);
    assert_int_equal(machine_realize(m, mhu, err), 0);
    assert_int_equal(machine_realize(m, finisher, err), 0);
    machine_map(m, mhu, 0, 0x10010000);
    machine_map(m, finisher, 0, 0x100000);
    make_view(m, x, mhu);
    const struct machine_cpu arm = {.arch = "aarch64",
                                    .model = "max",
                                    .space = &x->arm_space,
                                    .reset_pc = 0x40000000 + PROGRAM_ARM};
    struct cpu *cpu[2] = {machine_add_cpu(m, &riscv, err), machine_add_cpu(m, &arm, err)};
    if (!cpu[0] || !cpu[1])
        return -err->code;
    device_connect(mhu, 0, cpu_irq(cpu[1], ARM_IRQ));
    device_connect(mhu, 3, cpu_irq(cpu[0], MEIP));
    device_connect(mhu, 4, cpu_irq(cpu[0], MSIP));
    return 0;
}

static void put(struct machine *m, u32 at, const void *from, size_t size)
{
    assert_int_equal(dma_write(&m->space, 0x80000000 + at, from, size), MEM_OK);
}

static int mixed_load(struct machine *m, struct err *err)
{
    (void)err;
    put(m, 0, program_riscv, sizeof(program_riscv));
    put(m, PROGRAM_ARM, program_arm, sizeof(program_arm));
    return 0;
}

static void mixed_fini(struct machine *m)
{
    struct mixed *x = m->board_data;
    if (!x->has_space)
        return;
    mem_unmap(&m->memory, &x->arm_ram);
    mem_unmap(&m->memory, &x->arm_mhu);
    mem_space_fini(&x->arm_space);
}

static const struct board mixed_board = {
    .name = "mixed",
    .help = "CPUs of two architectures",
    .archs = (const struct board_arch[]){{"riscv64", "max"}, {NULL, NULL}},
    .max_cpus = 2,
    .default_ram = RAM_SIZE,
    .size = sizeof(struct mixed),
    .init = mixed_init,
    .load = mixed_load,
    .fini = mixed_fini,
};

/* ---- Machines -------------------------------------------------------------------------------- */

static u64 shared(struct machine *m, u32 at)
{
    u64 v = 0;
    assert_int_equal(dma_read(&m->space, 0x80000000 + at, &v, 8), MEM_OK);
    return v;
}

static struct machine *make(const char *accel, bool incoming, u64 rounds)
{
    const struct machine_config c = {
        .board = &mixed_board, .accel = accel, .cpus = 2, .incoming = incoming};
    struct err err = {0};
    struct machine *m = machine_new(NULL, &err);
    assert_non_null(m);
    if (machine_init(m, &c, &err))
        fail_msg("%s", err.text);
    put(m, ROUNDS, &rounds, sizeof(rounds));
    return m;
}

static void run_whole(const char *accel, u64 rounds)
{
    struct err err = {0};
    int status = -1;
    struct machine *m = make(accel, false, rounds);
    assert_int_equal(machine_run(m, &status, &err), 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared(m, LOCKED), 2 * rounds);
    machine_free(m);
}

static void test_interp(void **state)
{
    run_whole("interp", 3000);
}

static void test_jit(void **state)
{
    run_whole("jit", 100000);
}

static void test_stressed(void **state)
{
    run_whole("jit,tlb-bits=2,stress-spill=on,max-insns=3", 5000);
    run_whole("jit,stress-flush=50", 5000);
}

/* ---- In the middle --------------------------------------------------------------------------- */

struct saver {
    struct machine *m;
    struct timer timer;
    const char *uri;
    u64 at;
    bool saved;
};

static void look(void *opaque)
{
    struct saver *s = opaque;
    struct err err = {0};
    u64 count = shared(s->m, LOCKED);
    if (count < s->at) {
        timer_set(&s->timer, clock_now(&s->m->clock) + NS_PER_MS / 4);
        return;
    }
    s->saved = !snapshot_save(s->m, s->uri, &err);
    if (s->saved)
        machine_request_quit(s->m, 0);
    else if (!s->m->ended) /* else they were faster than this timer */
        fail_msg("%s", err.text);
}

/* Saves a machine that is not through with it. */
static bool save(const char *accel, const char *uri, u64 rounds)
{
    struct saver s = {.m = make(accel, false, rounds), .uri = uri, .at = rounds / 10};
    struct err err = {0};
    int status = -1;
    timer_init(&s.timer, s.m->loop, &s.m->clock, look, &s);
    timer_set(&s.timer, 1);
    assert_int_equal(machine_run(s.m, &status, &err), 0);
    assert_int_equal(status, 0);
    timer_fini(&s.timer);
    machine_free(s.m);
    return s.saved;
}

static void go_on(const char *before, const char *after, u64 rounds)
{
    char path[64], uri[80];
    struct err err = {0};
    int status = -1;
    snprintf(path, sizeof(path), "/tmp/guise-mixed-%d", (int)getpid());
    snprintf(uri, sizeof(uri), "file:%s", path);
    while (!save(before, uri, rounds))
        rounds *= 4;
    struct machine *m = make(after, true, 0);
    if (snapshot_load(m, uri, &err))
        fail_msg("%s", err.text);
    assert_in_range(shared(m, LOCKED), rounds / 10, 2 * rounds);
    assert_int_equal(machine_run(m, &status, &err), 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared(m, LOCKED), 2 * rounds);
    machine_free(m);
    unlink(path);
}

static void test_jit_then_interp(void **state)
{
    go_on("jit", "interp", 20000);
}

static void test_interp_then_jit(void **state)
{
    go_on("interp", "jit", 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interp),          cmocka_unit_test(test_jit),
        cmocka_unit_test(test_stressed),        cmocka_unit_test(test_jit_then_interp),
        cmocka_unit_test(test_interp_then_jit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
