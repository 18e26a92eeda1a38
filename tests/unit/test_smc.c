/*
 * test_smc.c - code that another CPU writes while it is translated: the stores that tell nobody, since they passed their
 * check before the page's write entries became slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "x64_world.h"

enum { CODE = 0x3000, INTEGER = 2 /* aux of 4 bytes */ };

static struct cpu *translator(struct world *w)
{
    struct err err = {0};
    struct cpu *cpu = cpu_create(&toy_isa, &w->host, &w->space, 1, "toy", "", &err);
    assert_non_null(cpu);
    jit_context_refresh(cpu);
    return cpu;
}

static void write_code(struct world *w, u32 value)
{
    struct isa_fault f;
    assert_int_equal(slow_store(&w->toy->cpu, INTEGER, CODE, value, &f), ISA_FAULT_NONE);
}

/* What a store does that has passed its check already. */
static void store_lands(struct world *w, u32 value)
{
    memcpy(w->ram->host + CODE, &value, sizeof(value));
}

static struct jit_unit *unit(struct cpu *cpu)
{
    struct isa_fault f;
    struct jit_unit *u = jit_unit_at(cpu, CODE, &f);
    assert_non_null(u);
    assert_true(u->valid);
    return u;
}

static void test_store_under_way(void **state)
{
    struct world *w = world_new("jit");
    struct cpu *cpu = translator(w);
    jit_context_refresh(&w->toy->cpu);
    epoch_online(&w->epoch, &w->toy->cpu.epoch);
    write_code(w, 0x100);
    struct jit_unit *u = unit(cpu);
    assert_int_equal(w->jit->unsettled_count, 1);
    store_lands(w, 0x200);
    assert_true(u->valid);
    jit_sync_code(cpu);
    assert_false(u->valid);
    assert_int_equal(w->jit->unsettled_count, 1); /* another may come */
    u = unit(cpu);
    jit_sync_code(cpu);
    assert_true(u->valid);
    epoch_quiescent(&w->epoch, &w->toy->cpu.epoch);
    store_lands(w, 0x300); /* the last: it had passed its check, and now its CPU goes on */
    jit_sync_code(cpu);
    assert_false(u->valid);
    assert_int_equal(w->jit->unsettled_count, 0);
    epoch_offline(&w->epoch, &w->toy->cpu.epoch);
    cpu_destroy(cpu);
    world_free(w);
}

static void test_nobody_writes(void **state)
{
    struct world *w = world_new("jit");
    struct cpu *cpu = translator(w);
    struct isa_fault f;
    jit_context_refresh(&w->toy->cpu);
    assert_int_equal(slow_store(cpu, INTEGER, CODE, 5, &f), ISA_FAULT_NONE); /* the translator's own thread */
    struct jit_unit *u = unit(cpu);
    assert_int_equal(w->jit->unsettled_count, 0);
    write_code(w, 0x100); /* seen at once */
    assert_false(u->valid);
    cpu_destroy(cpu);
    world_free(w);
}

/* Pages are kept no longer than needed, however many there are, barriers or not. */
static void test_many_pages(void **state)
{
    struct world *w = world_new("jit");
    struct cpu *cpu = translator(w);
    struct isa_fault f;
    jit_context_refresh(&w->toy->cpu);
    for (u32 round = 0; round < 20; round++) {
        for (u64 page = 0; page < 14; page++) {
            assert_int_equal(slow_store(&w->toy->cpu, INTEGER, page << 12, round, &f), ISA_FAULT_NONE);
            assert_non_null(jit_unit_at(cpu, page << 12, &f));
        }
    }
    assert_in_range(w->jit->unsettled_count, 1, 17);
    cpu_destroy(cpu);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_under_way),
        cmocka_unit_test(test_nobody_writes),
        cmocka_unit_test(test_many_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
