/*
 * test_gicv3_its.c - LPIs and the ITS of a GICv3 against the architecture (Arm IHI 0069, 5 and 6):
 * configuration and pending tables, translation of messages, each command, tables of one and two
 * levels, guests that lie about theirs, state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gicv3_driver.h"

enum {
    CTLR = 0,
    TYPER = 8,
    CBASER = 0x80,
    CWRITER = 0x88,
    CREADR = 0x90,
    BASER0 = 0x100,
    BASER1 = 0x108,
    TRANSLATER = 0x10040,
    /* Commands. */
    MOVI = 1,
    INT = 3,
    CLEAR = 4,
    SYNC = 5,
    MAPD = 8,
    MAPC = 9,
    MAPTI = 10,
    MAPI = 11,
    INV = 12,
    INVALL = 13,
    MOVALL = 14,
    DISCARD = 15,
    /* Where the guest keeps things. */
    PROPERTIES = 0x10000, /* 64 KiB */
    PENDING = 0x20000,    /* 64 KiB for each CPU */
    DEVICES = 0x60000,
    COLLECTIONS = 0x70000,
    ITT = 0x80000,
    QUEUE = 0x90000,
    LEVEL2 = 0xa0000,
    LPI = 8192,
    DEVICE = 0x18,
};
#define VALID (UINT64_C(1) << 63)

struct its_test {
    struct gic_test t;
    u64 written; /* offset of the next command */
};

static u64 its_get(struct its_test *s, u64 offset)
{
    return harness_read(&s->t.h, s->t.its, offset, 8);
}

static void its_put(struct its_test *s, u64 offset, u64 v)
{
    harness_write(&s->t.h, s->t.its, offset, v, 8);
}

static void ram_put(struct its_test *s, u64 addr, u64 v, unsigned size)
{
    gic_put(&s->t, addr, v, size);
}

static void command(struct its_test *s, u64 a, u64 b, u64 c, u64 d)
{
    const u64 words[] = {a, b, c, d};
    for (unsigned i = 0; i < 4; i++)
        ram_put(s, QUEUE + s->written + 8 * i, words[i], 8);
    s->written = (s->written + 32) % 4096;
    its_put(s, CWRITER, s->written);
    assert_int_equal(its_get(s, CREADR), s->written);
}

static void mapd(struct its_test *s, u64 device, u64 bits, u64 itt, bool valid)
{
    command(s, MAPD | device << 32, bits - 1, itt | (valid ? VALID : 0), 0);
}

static void mapc(struct its_test *s, u64 collection, u64 cpu, bool valid)
{
    command(s, MAPC, 0, collection | cpu << 16 | (valid ? VALID : 0), 0);
}

static void mapti(struct its_test *s, u64 device, u64 event, u64 lpi, u64 collection)
{
    command(s, MAPTI | device << 32, lpi << 32 | event, collection, 0);
}

static void event_command(struct its_test *s, u64 n, u64 event)
{
    command(s, n | (u64)DEVICE << 32, event, 0, 0);
}

static void message(struct its_test *s, u32 device, u32 event)
{
    u64 at = harness_base(&s->t.h, s->t.its) + TRANSLATER;
    assert_int_equal(mem_message(&s->t.h.space, at, event, device), MEM_OK);
}

static void configure(struct its_test *s, u32 lpi, u8 v)
{
    ram_put(s, PROPERTIES + lpi - LPI, v, 1);
}

static bool is_signalled(struct its_test *s, u32 cpu)
{
    return output(&s->t, cpu, GICV3_IRQ);
}

static u32 take(struct its_test *s, u32 cpu)
{
    s->t.cpu = cpu;
    u32 id = (u32)sys(&s->t, ICC_IAR1);
    if (id != SPURIOUS)
        sys_put(&s->t, ICC_EOIR1, id);
    return id;
}

static void enable_lpis(struct its_test *s, u32 cpu, bool zero)
{
    redist_put64(&s->t, cpu, GICR_PROPBASER, PROPERTIES | 15);
    redist_put64(&s->t, cpu, GICR_PENDBASER,
                 (PENDING + 0x10000 * (u64)cpu) | (zero ? UINT64_C(1) << 62 : 0));
    redist_put(&s->t, cpu, GICR_CTLR, 1);
}

static void open_cpu(struct its_test *s, u32 cpu)
{
    redist_put(&s->t, cpu, GICR_WAKER, 0);
    s->t.cpu = cpu;
    sys_put(&s->t, ICC_PMR, 0xf8);
    sys_put(&s->t, ICC_IGRPEN1, 1);
}

/* ITS and LPIs on; device 0x18 has 32 events, collections 0..3 are the CPUs. */
static void open_tables(struct its_test *s)
{
    s->written = 0;
    gic_open(&s->t, false);
    dist_put(&s->t, 0, 3);
    for (u32 i = 0; i < GIC_CPUS; i++) {
        open_cpu(s, i);
        enable_lpis(s, i, true);
    }
    its_put(s, CBASER, VALID | QUEUE);
    its_put(s, BASER0, VALID | DEVICES | 0xf);
    its_put(s, BASER1, VALID | COLLECTIONS);
    its_put(s, CTLR, 1);
}

static void turn_on(struct its_test *s)
{
    open_tables(s);
    mapd(s, DEVICE, 5, ITT, true);
    for (u32 i = 0; i < GIC_CPUS; i++)
        mapc(s, i, i, true);
}

/* An event is mapped, to a configured LPI. */
static void map(struct its_test *s, u32 event, u32 lpi, u32 cpu, u8 config)
{
    configure(s, lpi, config);
    mapti(s, DEVICE, event, lpi, cpu);
    event_command(s, INV, event);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void test_registers(void **state)
{
    struct its_test s;
    (void)state;
    open_tables(&s);
    u64 typer = its_get(&s, TYPER);
    assert_int_equal(typer & 3, 1);
    assert_int_equal(typer >> 4 & 15, 7);
    assert_int_equal(typer >> 8 & 31, 15);
    assert_int_equal(typer >> 13 & 31, 15);
    assert_int_equal(its_get(&s, BASER0) >> 56 & 7, 1);
    assert_int_equal(its_get(&s, BASER1) >> 56 & 7, 4);
    assert_int_equal(its_get(&s, BASER1) >> 48 & 31, 7);
    assert_int_equal(its_get(&s, BASER1 + 8), 0);
    assert_int_equal(its_get(&s, 0xffe8) >> 4 & 15, 3);
    assert_int_equal(its_get(&s, CTLR) & 0xffffffff, 1);
    /* In use, they stay. */
    its_put(&s, CBASER, 0);
    its_put(&s, BASER0, 0);
    assert_int_equal(its_get(&s, CBASER), VALID | QUEUE);
    assert_true(its_get(&s, BASER0) & VALID);
    its_put(&s, CTLR, 0);
    assert_int_equal(its_get(&s, CTLR) & 0xffffffff, 0x80000000);
    its_put(&s, CBASER, 0);
    assert_int_equal(its_get(&s, CBASER), 0);
    /* By halves. */
    harness_write(&s.t.h, s.t.its, CBASER + 4, 0x80000000, 4);
    harness_write(&s.t.h, s.t.its, CBASER, QUEUE, 4);
    assert_int_equal(its_get(&s, CBASER), VALID | QUEUE);
    /* Redistributors' tables stay too. */
    redist_put64(&s.t, 0, GICR_PROPBASER, 0);
    assert_int_equal(redist(&s.t, 0, GICR_PROPBASER), PROPERTIES | 15);
    gic_close(&s.t);
}

/* ---- Lives ----------------------------------------------------------------------------------- */

static void test_message(void **state)
{
    struct its_test s;
    (void)state;
    turn_on(&s);
    map(&s, 3, 8200, 2, 0xa1);
    message(&s, DEVICE, 3);
    assert_true(is_signalled(&s, 2));
    assert_false(is_signalled(&s, 0));
    s.t.cpu = 2;
    assert_int_equal(sys(&s.t, ICC_HPPIR1), 8200);
    assert_int_equal(sys(&s.t, ICC_IAR1), 8200);
    assert_int_equal(sys(&s.t, ICC_RPR), 0xa0);
    assert_false(is_signalled(&s, 2));
    message(&s, DEVICE, 3); /* never active: pending at once, but not of higher priority */
    assert_false(is_signalled(&s, 2));
    sys_put(&s.t, ICC_EOIR1, 8200);
    assert_int_equal(take(&s, 2), 8200);
    assert_int_equal(take(&s, 2), SPURIOUS);
    /* From whom it is matters; so does what for. */
    message(&s, DEVICE + 1, 3);
    message(&s, DEVICE, 4);
    message(&s, DEVICE, 32);
    assert_int_equal(mem_write(&s.t.h.space, harness_base(&s.t.h, s.t.its) + TRANSLATER, 3, 4),
                     MEM_OK);
    for (u32 i = 0; i < GIC_CPUS; i++)
        assert_false(is_signalled(&s, i));
    its_put(&s, CTLR, 0);
    message(&s, DEVICE, 3);
    assert_false(is_signalled(&s, 2));
    gic_close(&s.t);
}

static void test_priorities(void **state)
{
    struct its_test s;
    (void)state;
    turn_on(&s);
    map(&s, 0, 8200, 0, 0xa1);
    map(&s, 1, 8300, 0, 0x41);
    map(&s, 2, 8400, 0, 0x00); /* disabled */
    map(&s, 3, 60000, 0, 0xc1);
    for (u32 i = 0; i < 4; i++)
        message(&s, DEVICE, i);
    assert_int_equal(take(&s, 0), 8300);
    assert_int_equal(take(&s, 0), 8200);
    assert_int_equal(take(&s, 0), 60000);
    assert_int_equal(take(&s, 0), SPURIOUS);
    /* It stays pending, and is seen when it is enabled: after INV, or INVALL. */
    configure(&s, 8400, 0x81);
    assert_int_equal(take(&s, 0), SPURIOUS);
    event_command(&s, INV, 2);
    assert_int_equal(take(&s, 0), 8400);
    configure(&s, 8400, 0);
    command(&s, INVALL, 0, 0, 0);
    message(&s, DEVICE, 2);
    assert_int_equal(take(&s, 0), SPURIOUS);
    configure(&s, 8400, 1);
    command(&s, INVALL, 0, 0, 0);
    assert_int_equal(take(&s, 0), 8400);
    gic_close(&s.t);
}

static void test_commands(void **state)
{
    struct its_test s;
    (void)state;
    turn_on(&s);
    map(&s, 5, 8205, 0, 1);
    event_command(&s, INT, 5);
    assert_true(is_signalled(&s, 0));
    event_command(&s, CLEAR, 5);
    assert_false(is_signalled(&s, 0));
    /* MOVI takes what is pending along. */
    event_command(&s, INT, 5);
    command(&s, MOVI | (u64)DEVICE << 32, 5, 3, 0);
    assert_false(is_signalled(&s, 0));
    assert_int_equal(take(&s, 3), 8205);
    event_command(&s, INT, 5);
    assert_true(is_signalled(&s, 3));
    command(&s, MOVALL, 0, 3 << 16, 1 << 16);
    assert_false(is_signalled(&s, 3));
    assert_true(is_signalled(&s, 1));
    command(&s, MOVALL, 0, 1 << 16, 3 << 16);
    event_command(&s, DISCARD, 5);
    assert_false(is_signalled(&s, 3));
    event_command(&s, INT, 5);
    assert_false(is_signalled(&s, 3));
    /* MAPI: the event's number is the LPI's. */
    mapd(&s, 7, 14, ITT + 0x1000, true);
    configure(&s, 8222, 1);
    command(&s, MAPI | UINT64_C(7) << 32, 8222, 1, 0);
    command(&s, INV | UINT64_C(7) << 32, 8222, 0, 0);
    message(&s, 7, 8222);
    assert_int_equal(take(&s, 1), 8222);
    command(&s, SYNC, 0, 1 << 16, 0);
    /* Unmapped: a collection, a device. */
    mapc(&s, 1, 0, false);
    message(&s, 7, 8222);
    assert_false(is_signalled(&s, 1));
    mapc(&s, 1, 1, true);
    mapd(&s, 7, 14, 0, false);
    message(&s, 7, 8222);
    assert_false(is_signalled(&s, 1));
    gic_close(&s.t);
}

/* Commands that make no sense change nothing, and the queue goes on. */
static void test_bad_commands(void **state)
{
    struct its_test s;
    (void)state;
    turn_on(&s);
    map(&s, 0, 8200, 0, 1);
    mapti(&s, DEVICE, 32, 8201, 0);    /* beyond its events */
    mapti(&s, DEVICE, 1, 8191, 0);     /* no LPI */
    mapti(&s, DEVICE, 1, 65536, 0);    /* beyond LPIs */
    mapti(&s, DEVICE + 1, 1, 8200, 0); /* no device */
    mapd(&s, 0x10000, 5, ITT, true);   /* beyond devices */
    mapd(&s, 9, 17, ITT, true);        /* too many events */
    mapc(&s, 1, GIC_CPUS, true);       /* no CPU */
    mapc(&s, 0xffff, 0, true);         /* beyond the table */
    command(&s, 0x77, 0, 0, 0);
    command(&s, MOVALL, 0, 0, UINT64_MAX);
    command(&s, INVALL, 0, 77, 0);
    command(&s, SYNC, 0, UINT64_MAX, 0);
    event_command(&s, MOVI, 31);
    message(&s, DEVICE, 0);
    assert_int_equal(take(&s, 0), 8200);
    message(&s, DEVICE, 1);
    assert_int_equal(take(&s, 0), SPURIOUS);
    gic_close(&s.t);
}

/* More commands than are done at once; the queue wraps around. */
static void test_long_queue(void **state)
{
    struct its_test s;
    (void)state;
    turn_on(&s);
    for (u64 at = 0; at < 4096; at += 32) {
        ram_put(&s, QUEUE + at, SYNC, 8);
        ram_put(&s, QUEUE + at + 16, 0, 8);
    }
    u64 end = (s.written + 4096 - 32) % 4096;
    its_put(&s, CWRITER, end);
    assert_int_not_equal(its_get(&s, CREADR), end);
    assert_int_equal(its_get(&s, CTLR) >> 31 & 1, 0);
    harness_turn(&s.t.h);
    assert_int_equal(its_get(&s, CREADR), end);
    gic_close(&s.t);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void test_two_levels(void **state)
{
    struct its_test s;
    (void)state;
    open_tables(&s);
    its_put(&s, CTLR, 0);
    its_put(&s, BASER0, VALID | UINT64_C(1) << 62 | DEVICES);
    its_put(&s, CTLR, 1);
    mapc(&s, 0, 0, true);
    mapd(&s, 0x1234, 5, ITT, true); /* nothing is there yet */
    configure(&s, 8200, 1);
    mapti(&s, 0x1234, 1, 8200, 0);
    message(&s, 0x1234, 1);
    assert_false(is_signalled(&s, 0));
    ram_put(&s, DEVICES + 8 * (0x1234 / 512), VALID | LEVEL2, 8);
    mapd(&s, 0x1234, 5, ITT, true);
    mapti(&s, 0x1234, 1, 8200, 0);
    command(&s, INV | UINT64_C(0x1234) << 32, 1, 0, 0);
    message(&s, 0x1234, 1);
    assert_int_equal(take(&s, 0), 8200);
    gic_close(&s.t);
}

/* Tables that are not in memory stall the queue, until the guest says to go on. */
static void test_stall(void **state)
{
    struct its_test s;
    (void)state;
    open_tables(&s);
    its_put(&s, CTLR, 0);
    its_put(&s, BASER0, VALID | UINT64_C(0x7f000000000));
    its_put(&s, CTLR, 1);
    const u64 words[] = {MAPD | (u64)DEVICE << 32, 4, VALID | ITT, 0};
    for (unsigned i = 0; i < 4; i++)
        ram_put(&s, QUEUE + 8 * i, words[i], 8);
    its_put(&s, CWRITER, 32);
    assert_int_equal(its_get(&s, CREADR), 1);
    its_put(&s, CWRITER, 32);
    assert_int_equal(its_get(&s, CREADR), 1);
    its_put(&s, CTLR, 0);
    its_put(&s, BASER0, VALID | DEVICES);
    its_put(&s, CTLR, 1);
    its_put(&s, CWRITER, 32 | 1);
    assert_int_equal(its_get(&s, CREADR), 32);
    /* The queue itself. */
    its_put(&s, CTLR, 0);
    its_put(&s, CBASER, VALID | UINT64_C(0x7f000000000));
    its_put(&s, CTLR, 1);
    assert_int_equal(its_get(&s, CREADR), 1);
    gic_close(&s.t);
}

/* What a guest writes into tables is not believed. */
static void test_lies(void **state)
{
    struct its_test s;
    u64 seed = 88172645463325252;
    (void)state;
    turn_on(&s);
    map(&s, 0, 8200, 0, 1);
    for (unsigned i = 0; i < 20000; i++) {
        u64 v = harness_random(&seed) | (i & 1 ? VALID : 0);
        ram_put(&s, ITT, i & 2 ? v : VALID | (v & 0xffff), 8);
        ram_put(&s, COLLECTIONS + 8 * (v >> 32 & 3), i & 4 ? v : VALID | (v & 7), 8);
        ram_put(&s, DEVICES + 8 * DEVICE, i & 8 ? v : VALID | ITT | (v & 31), 8);
        message(&s, DEVICE, (u32)harness_random(&seed) & 1);
    }
    gic_close(&s.t);
}

static void test_pending_table(void **state)
{
    struct its_test s;
    u64 v;
    (void)state;
    turn_on(&s);
    map(&s, 0, 8200, 1, 1);
    message(&s, DEVICE, 0);
    /* Off: bits go to memory. On: they come back, from there. */
    redist_put(&s.t, 1, GICR_CTLR, 0);
    assert_false(is_signalled(&s, 1));
    assert_int_equal(mem_read(&s.t.h.space, PENDING + 0x10000 + 8200 / 8, &v, 1), MEM_OK);
    assert_int_equal(v, 1);
    message(&s, DEVICE, 0);
    ram_put(&s, PENDING + 0x10000 + 8208 / 8, 1, 1);
    configure(&s, 8208, 1);
    enable_lpis(&s, 1, false);
    assert_true(is_signalled(&s, 1));
    assert_int_equal(take(&s, 1), 8200);
    assert_int_equal(take(&s, 1), 8208);
    redist_put(&s.t, 1, GICR_CTLR, 0);
    assert_int_equal(mem_read(&s.t.h.space, PENDING + 0x10000 + 8200 / 8, &v, 2), MEM_OK);
    assert_int_equal(v, 0);
    /* Tables that are nowhere. */
    redist_put64(&s.t, 1, GICR_PROPBASER, UINT64_C(0x7f000000000) | 31);
    redist_put64(&s.t, 1, GICR_PENDBASER, UINT64_C(0x7f000000000));
    redist_put(&s.t, 1, GICR_CTLR, 1);
    message(&s, DEVICE, 0);
    assert_false(is_signalled(&s, 1));
    /* Room for fewer than there might be. */
    redist_put(&s.t, 1, GICR_CTLR, 0);
    redist_put64(&s.t, 1, GICR_PROPBASER, PROPERTIES | 12);
    redist_put(&s.t, 1, GICR_CTLR, 1);
    message(&s, DEVICE, 0);
    assert_false(is_signalled(&s, 1));
    gic_close(&s.t);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state(void **state)
{
    struct its_test s;
    struct err err = {0};
    (void)state;
    turn_on(&s);
    map(&s, 0, 8200, 2, 1);
    message(&s, DEVICE, 0);
    /* Commands are left to do. */
    for (u64 at = 0; at < 4096; at += 32)
        ram_put(&s, QUEUE + at, SYNC, 8);
    u64 end = (s.written + 4096 - 32) % 4096;
    its_put(&s, CWRITER, end);
    struct device *gic = gic_new(&s.t.h, false);
    struct device *its = harness_add(&s.t.h, "arm-gicv3-its", NULL, NULL);
    gicv3_its_connect(its, gic);
    memset(s.t.h.level, 0, sizeof(s.t.h.level));
    if (harness_copy_state(s.t.d, gic, &err) || harness_copy_state(s.t.its, its, &err))
        fail_msg("%s", err.text);
    s.t.d = gic;
    s.t.its = its;
    assert_true(is_signalled(&s, 2));
    assert_int_equal(take(&s, 2), 8200);
    harness_turn(&s.t.h);
    assert_int_equal(its_get(&s, CREADR), end);
    message(&s, DEVICE, 0);
    assert_int_equal(take(&s, 2), 8200);
    gic_close(&s.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers),    cmocka_unit_test(test_message),
        cmocka_unit_test(test_priorities),   cmocka_unit_test(test_commands),
        cmocka_unit_test(test_bad_commands), cmocka_unit_test(test_long_queue),
        cmocka_unit_test(test_two_levels),   cmocka_unit_test(test_stall),
        cmocka_unit_test(test_lies),         cmocka_unit_test(test_pending_table),
        cmocka_unit_test(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
