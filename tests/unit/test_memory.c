/*
 * test_memory.c - the region tree against a model that asks the tree address by address; access to
 * registers and RAM; DMA; views that change under readers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory/memory.h"

struct fixture {
    struct epoch epoch;
    struct memory memory;
    struct mem_region root;
    struct mem_space space;
};

static void open_fixture(struct fixture *f, u64 size)
{
    epoch_init(&f->epoch);
    memory_init(&f->memory, &f->epoch);
    mem_container(&f->root, "root", size);
    mem_space_init(&f->space, &f->memory, "space", &f->root);
}

static void close_fixture(struct fixture *f)
{
    mem_space_fini(&f->space);
    memory_fini(&f->memory);
    epoch_fini(&f->epoch);
}

/* ---- Random trees ---------------------------------------------------------------------------- */

enum { SPACE = 512, REGIONS = 24, TREES = 150, CHANGES = 12 };

static u64 next_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static u64 below(u64 *state, u64 n)
{
    return next_random(state) % n;
}

/* Who answers at offset of r, by the rules and nothing else: children by falling priority, of
 * equals the later one; a container without an answer lets lower ones through. */
static const struct mem_region *ask(const struct mem_region *r, u64 offset, u64 *leaf_offset,
                                    unsigned depth)
{
    if (!r->enabled || offset >= r->size || depth > 30)
        return NULL;
    if (r->kind == MEM_ALIAS)
        return ask(r->target, offset + r->target_offset, leaf_offset, depth + 1);
    if (r->kind != MEM_CONTAINER) {
        *leaf_offset = offset;
        return r;
    }
    for (const struct mem_region *c = r->children; c; c = c->next) {
        const struct mem_region *found =
            offset >= c->offset ? ask(c, offset - c->offset, leaf_offset, depth + 1) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static void compare_with_model(struct fixture *f)
{
    for (u64 addr = 0; addr < SPACE + 8; addr++) {
        struct mem_section s;
        u64 offset = 0;
        const struct mem_region *want = ask(&f->root, addr, &offset, 0);
        bool found = mem_find(&f->space, addr, &s);
        assert_int_equal(found, want != NULL);
        if (want) {
            assert_ptr_equal(s.region, want);
            assert_int_equal(s.offset, offset);
            assert_true(s.last >= addr && s.start <= addr);
        }
    }
    const struct mem_view *v = f->space.view;
    for (u32 i = 1; i < v->count; i++)
        assert_true(v->section[i].start > v->section[i - 1].last);
}

static u64 io_zero(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0;
}

static void io_ignore(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)value;
    (void)size;
}

static const struct mem_ops quiet_ops = {.read = io_zero, .write = io_ignore};

static void make_region(struct mem_region *all, unsigned n, struct ram_block *ram, u64 *seed)
{
    struct mem_region *r = &all[n];
    u64 size = 1 + below(seed, SPACE);
    switch (below(seed, n ? 5 : 4)) {
    case 0: mem_container(r, "container", size); break;
    case 1: mem_ram(r, "ram", ram, below(seed, SPACE), size); break;
    case 2: mem_rom(r, "rom", ram, below(seed, SPACE), size); break;
    case 3: mem_io(r, "io", size, &quiet_ops, NULL, NULL); break;
    default: mem_alias(r, "alias", &all[below(seed, n)], below(seed, SPACE), size); break;
    }
}

/* An alias whose target contains it would never end; the model and the code cut such at different
 * depths, so none is made. */
static bool reaches(const struct mem_region *from, const struct mem_region *to, unsigned depth)
{
    if (from == to || depth > 40)
        return true;
    if (from->kind == MEM_ALIAS)
        return reaches(from->target, to, depth + 1);
    for (const struct mem_region *c = from->children; c; c = c->next) {
        if (reaches(c, to, depth + 1))
            return true;
    }
    return false;
}

static bool has_loop(const struct mem_region *all, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (all[i].kind == MEM_ALIAS && reaches(all[i].target, &all[i], 0))
            return true;
    }
    return false;
}

static void map_somewhere(struct fixture *f, struct mem_region *all, unsigned n, unsigned made,
                          u64 *seed)
{
    struct mem_region *parent = &f->root;
    for (unsigned tries = 0; tries < 4 && n; tries++) {
        struct mem_region *p = &all[below(seed, n)];
        if (p->kind == MEM_CONTAINER)
            parent = p;
    }
    mem_map(&f->memory, parent, below(seed, SPACE), &all[n], (int)below(seed, 3) - 1);
    if (has_loop(all, made))
        mem_unmap(&f->memory, &all[n]);
}

static void change_something(struct fixture *f, struct mem_region *all, u64 *seed)
{
    unsigned n = (unsigned)below(seed, REGIONS);
    if (below(seed, 2)) {
        mem_enable(&f->memory, &all[n], below(seed, 2));
    } else if (all[n].parent) {
        mem_unmap(&f->memory, &all[n]);
        map_somewhere(f, all, n, REGIONS, seed);
    }
}

static void one_tree(u64 seed)
{
    struct fixture f;
    struct mem_region all[REGIONS];
    struct err err = {0};
    open_fixture(&f, SPACE);
    struct ram_block *ram = ram_block_new(&f.memory, "ram", 4 * MEM_PAGE, &err);
    assert_non_null(ram);
    for (unsigned i = 0; i < REGIONS; i++) {
        make_region(all, i, ram, &seed);
        map_somewhere(&f, all, i, i + 1, &seed);
    }
    compare_with_model(&f);
    for (unsigned i = 0; i < CHANGES; i++) {
        change_something(&f, all, &seed);
        compare_with_model(&f);
    }
    close_fixture(&f);
}

static void test_random_trees(void **state)
{
    (void)state;
    for (u64 i = 1; i <= TREES; i++)
        one_tree(i * 0x9e3779b97f4a7c15);
}

static void test_alias_loop_ends(void **state)
{
    struct fixture f;
    struct mem_region box, loop;
    (void)state;
    open_fixture(&f, UINT64_MAX);
    mem_container(&box, "box", 0x1000);
    mem_alias(&loop, "loop", &box, 0, 0x1000);
    mem_map(&f.memory, &box, 0, &loop, 0);
    mem_map(&f.memory, &f.root, 0x1000, &box, 0);
    struct mem_section s;
    assert_false(mem_find(&f.space, 0x1000, &s));
    close_fixture(&f);
}

static void test_top_of_the_space(void **state)
{
    struct fixture f;
    struct mem_region io;
    struct mem_section s;
    u64 v;
    (void)state;
    open_fixture(&f, UINT64_MAX);
    mem_io(&io, "io", 0x10, &quiet_ops, NULL, NULL);
    mem_map(&f.memory, &f.root, UINT64_MAX - 0xf, &io, 0);
    assert_true(mem_find(&f.space, UINT64_MAX, &s));
    assert_int_equal(s.last, UINT64_MAX);
    assert_int_equal(mem_read(&f.space, UINT64_MAX - 7, &v, 8), MEM_OK);
    assert_int_equal(mem_read(&f.space, UINT64_MAX - 3, &v, 8), MEM_UNMAPPED);
    close_fixture(&f);
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* Notes each access; reads give the offset's low byte in each byte. */
struct probe {
    unsigned calls;
    u64 offset[16], value[16];
    unsigned size[16];
    pthread_mutex_t *lock;
    bool locked;
};

static void probe_note(struct probe *p, u64 offset, u64 value, unsigned size)
{
    assert_true(p->calls < 16);
    p->offset[p->calls] = offset;
    p->value[p->calls] = value;
    p->size[p->calls++] = size;
    if (p->lock) {
        p->locked = pthread_mutex_trylock(p->lock) != 0;
        if (!p->locked)
            pthread_mutex_unlock(p->lock);
    }
}

static u64 probe_read(void *opaque, u64 offset, unsigned size)
{
    u64 v = 0;
    probe_note(opaque, offset, 0, size);
    for (unsigned i = 0; i < size; i++)
        v |= (u64)(u8)(offset + i) << (8 * i);
    return v;
}

static void probe_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    probe_note(opaque, offset, value, size);
}

#define PROBE .read = probe_read, .write = probe_write

static void probe_open(struct fixture *f, struct mem_region *r, const struct mem_ops *ops,
                       struct probe *p)
{
    memset(p, 0, sizeof(*p));
    open_fixture(f, UINT64_MAX);
    mem_io(r, "probe", 0x100, ops, p, NULL);
    mem_map(&f->memory, &f->root, 0x1000, r, 0);
}

static void test_wide_access_is_split(void **state)
{
    static const struct mem_ops ops = {PROBE, .min_size = 1, .max_size = 2};
    struct fixture f;
    struct mem_region r;
    struct probe p;
    u64 v;
    (void)state;
    probe_open(&f, &r, &ops, &p);
    assert_int_equal(mem_read(&f.space, 0x1010, &v, 8), MEM_OK);
    assert_int_equal(v, 0x1716151413121110);
    assert_int_equal(p.calls, 4);
    p.calls = 0;
    assert_int_equal(mem_write(&f.space, 0x1011, 0xddccbbaa, 4), MEM_OK); /* 1, 2, 1 */
    assert_int_equal(p.calls, 3);
    assert_int_equal(p.size[0], 1);
    assert_int_equal(p.value[0], 0xaa);
    assert_int_equal(p.size[1], 2);
    assert_int_equal(p.offset[1], 0x12);
    assert_int_equal(p.value[1], 0xccbb);
    assert_int_equal(p.value[2], 0xdd);
    close_fixture(&f);
}

static void test_narrow_access(void **state)
{
    static const struct mem_ops ops = {PROBE, .min_size = 4, .max_size = 4};
    struct fixture f;
    struct mem_region r;
    struct probe p;
    u64 v;
    (void)state;
    probe_open(&f, &r, &ops, &p);
    assert_int_equal(mem_read(&f.space, 0x1006, &v, 2), MEM_OK);
    assert_int_equal(v, 0x0706);
    assert_int_equal(p.offset[0], 4);
    assert_int_equal(p.size[0], 4);
    assert_int_equal(mem_write(&f.space, 0x1006, 1, 2), MEM_REFUSED);
    close_fixture(&f);
}

static void test_big_endian_device(void **state)
{
    static const struct mem_ops ops = {PROBE, .min_size = 4, .max_size = 4, .big_endian = true};
    struct fixture f;
    struct mem_region r;
    struct probe p;
    u64 v;
    (void)state;
    probe_open(&f, &r, &ops, &p);
    assert_int_equal(mem_write(&f.space, 0x1000, 0x11223344, 4), MEM_OK);
    assert_int_equal(p.value[0], 0x44332211);
    assert_int_equal(mem_read(&f.space, 0x1000, &v, 4), MEM_OK);
    assert_int_equal(v, 0x00010203);
    close_fixture(&f);
}

static void test_lock_is_held(void **state)
{
    static const struct mem_ops ops = {PROBE};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct fixture f;
    struct mem_region r;
    struct probe p = {.lock = &lock};
    u64 v;
    (void)state;
    open_fixture(&f, UINT64_MAX);
    mem_io(&r, "probe", 0x100, &ops, &p, &lock);
    mem_map(&f.memory, &f.root, 0, &r, 0);
    assert_int_equal(mem_read(&f.space, 0, &v, 4), MEM_OK);
    assert_true(p.locked);
    assert_int_equal(pthread_mutex_trylock(&lock), 0);
    close_fixture(&f);
}

/* ---- RAM, ROM, flash, DMA -------------------------------------------------------------------- */

struct written {
    struct ram_block *ram;
    u64 offset, size;
    unsigned calls;
};

static void note_written(void *opaque, struct ram_block *ram, u64 offset, u64 size)
{
    struct written *w = opaque;
    w->ram = ram;
    w->offset = offset;
    w->size = size;
    w->calls++;
}

struct ram_fixture {
    struct fixture f;
    struct mem_region ram, rom, io, flash;
    struct ram_block *block, *rom_block, *flash_block;
    struct probe probe, flash_probe;
    struct written written;
};

/* 0x0000 RAM, 4 pages; 0x4000 ROM, 1 page; 0x5000 registers; 0x6000 flash */
static void ram_open(struct ram_fixture *t)
{
    static const struct mem_ops ops = {PROBE};
    memset(t, 0, sizeof(*t));
    open_fixture(&t->f, UINT64_MAX);
    struct memory *m = &t->f.memory;
    t->block = ram_block_new(m, "ram", 4 * MEM_PAGE, NULL);
    t->rom_block = ram_block_new(m, "rom", MEM_PAGE, NULL);
    t->flash_block = ram_block_new(m, "flash", MEM_PAGE, NULL);
    assert_non_null(t->block);
    assert_non_null(t->rom_block);
    assert_non_null(t->flash_block);
    mem_ram(&t->ram, "ram", t->block, 0, 4 * MEM_PAGE);
    mem_rom(&t->rom, "rom", t->rom_block, 0, MEM_PAGE);
    mem_io(&t->io, "io", 0x1000, &ops, &t->probe, NULL);
    mem_romd(&t->flash, "flash", t->flash_block, MEM_PAGE, &ops, &t->flash_probe, NULL);
    mem_map(m, &t->f.root, 0, &t->ram, 0);
    mem_map(m, &t->f.root, 0x4000, &t->rom, 0);
    mem_map(m, &t->f.root, 0x5000, &t->io, 0);
    mem_map(m, &t->f.root, 0x6000, &t->flash, 0);
    m->code_written = note_written;
    m->code_opaque = &t->written;
}

static void test_block_names_are_unique(void **state)
{
    struct ram_fixture t;
    struct err err = {0};
    (void)state;
    ram_open(&t);
    assert_null(ram_block_new(&t.f.memory, "ram", MEM_PAGE, &err));
    assert_int_equal(err.code, 17);
    assert_ptr_equal(ram_block_find(&t.f.memory, "rom"), t.rom_block);
    assert_null(ram_block_find(&t.f.memory, "nothing"));
    close_fixture(&t.f);
}

static void test_rom_is_not_written(void **state)
{
    struct ram_fixture t;
    u64 v;
    (void)state;
    ram_open(&t);
    t.rom_block->host[8] = 0x5a;
    assert_int_equal(mem_write(&t.f.space, 0x4008, 0xff, 1), MEM_OK);
    assert_int_equal(mem_read(&t.f.space, 0x4008, &v, 1), MEM_OK);
    assert_int_equal(v, 0x5a);
    assert_int_equal(dma_write(&t.f.space, 0x4008, "x", 1), MEM_UNMAPPED);
    close_fixture(&t.f);
}

static void test_access_across_sections(void **state)
{
    struct ram_fixture t;
    u64 v;
    (void)state;
    ram_open(&t);
    store_le(t.block->host + 0x3ffe, 0x2211, 2);
    store_le(t.rom_block->host, 0x4433, 2);
    assert_int_equal(mem_read(&t.f.space, 0x3ffe, &v, 4), MEM_OK);
    assert_int_equal(v, 0x44332211);
    assert_int_equal(mem_read(&t.f.space, 0x7000 - 4, &v, 8), MEM_UNMAPPED);
    assert_int_equal(mem_read(&t.f.space, 0x7000, &v, 1), MEM_UNMAPPED);
    close_fixture(&t.f);
}

static void test_flash_switches(void **state)
{
    struct ram_fixture t;
    u64 v;
    (void)state;
    ram_open(&t);
    t.flash_block->host[0] = 0x77;
    assert_int_equal(mem_read(&t.f.space, 0x6000, &v, 1), MEM_OK);
    assert_int_equal(v, 0x77);
    assert_int_equal(t.flash_probe.calls, 0);
    assert_int_equal(mem_write(&t.f.space, 0x6000, 0x90, 1), MEM_OK);
    assert_int_equal(t.flash_probe.calls, 1);
    mem_romd_direct(&t.f.memory, &t.flash, false);
    assert_int_equal(mem_read(&t.f.space, 0x6021, &v, 1), MEM_OK);
    assert_int_equal(v, 0x21);
    assert_int_equal(t.flash_probe.calls, 2);
    mem_romd_direct(&t.f.memory, &t.flash, true);
    assert_int_equal(mem_read(&t.f.space, 0x6000, &v, 1), MEM_OK);
    assert_int_equal(v, 0x77);
    close_fixture(&t.f);
}

static void test_code_and_dirty_are_noted(void **state)
{
    struct ram_fixture t;
    u8 bytes[0x1800] = {1};
    (void)state;
    ram_open(&t);
    assert_int_equal(dma_write(&t.f.space, 0x800, bytes, sizeof(bytes)), MEM_OK);
    assert_int_equal(t.written.calls, 0);
    atomic_store(&t.block->code_lines[1], 1);
    assert_int_equal(dma_write(&t.f.space, 0x800, bytes, sizeof(bytes)), MEM_OK);
    assert_int_equal(t.written.calls, 1); /* cut to the page with code */
    assert_ptr_equal(t.written.ram, t.block);
    assert_int_equal(t.written.offset, 0x1000);
    assert_int_equal(t.written.size, 0x1000);
    assert_false(ram_block_logging(t.block));
    assert_int_equal(ram_block_log(t.block, true, NULL), 0);
    assert_true(ram_block_logging(t.block));
    assert_int_equal(mem_write(&t.f.space, 0x3ffc, 1, 4), MEM_OK);
    assert_int_equal(atomic_load(&t.block->dirty)[0], BIT(3));
    assert_int_equal(dma_store(&t.f.space, 0, 8, 1), MEM_OK);
    assert_int_equal(atomic_load(&t.block->dirty)[0], BIT(3) | BIT(0));
    assert_int_equal(ram_block_log(t.block, false, NULL), 0);
    close_fixture(&t.f);
}

static void test_dma(void **state)
{
    struct ram_fixture t;
    struct dma_map map;
    u8 buf[16] = {0};
    u64 v;
    (void)state;
    ram_open(&t);
    assert_int_equal(dma_write(&t.f.space, 0x3ff8, "12345678", 8), MEM_OK);
    assert_int_equal(dma_read(&t.f.space, 0x3ff8, buf, 16), MEM_OK); /* goes on into ROM */
    assert_memory_equal(buf, "12345678", 8);
    assert_int_equal(dma_read(&t.f.space, 0x4ff8, buf, 16), MEM_UNMAPPED); /* into registers */
    assert_int_equal(dma_read(&t.f.space, UINT64_MAX - 3, buf, 16), MEM_UNMAPPED);
    assert_int_equal(dma_read(&t.f.space, 0x5000, buf, 1), MEM_UNMAPPED);
    assert_int_equal(t.probe.calls, 0);
    assert_true(dma_map(&t.f.space, 0x3000, UINT64_MAX, true, &map));
    assert_int_equal(map.len, 0x1000); /* cut at the section's end */
    assert_ptr_equal(map.host, t.block->host + 0x3000);
    assert_false(dma_map(&t.f.space, 0x4000, 8, true, &map));
    assert_true(dma_map(&t.f.space, 0x4000, 8, false, &map));
    assert_false(dma_map(&t.f.space, 0x7000, 8, false, &map));
    assert_false(dma_map(&t.f.space, 0, 0, false, &map));
    assert_int_equal(dma_load(&t.f.space, 0x3ffc, 4, &v), MEM_OK);
    assert_int_equal(v, 0x38373635);
    assert_int_equal(dma_load(&t.f.space, 0x3ffd, 4, &v), MEM_UNMAPPED); /* not aligned */
    assert_int_equal(dma_store(&t.f.space, 0x4000, 4, 0), MEM_UNMAPPED);
    close_fixture(&t.f);
}

/* ---- Readers and a writer -------------------------------------------------------------------- */

enum { READERS = 2, UPDATES = 3000 };
struct race {
    struct fixture f;
    struct mem_region left, right;
    _Atomic bool stop;
    _Atomic unsigned bad;
    _Atomic u64 looks;
};

/* One of the two is always there, in whole. */
static void *reader(void *arg)
{
    struct race *race = arg;
    struct epoch_thread thread;
    epoch_register(&race->f.epoch, &thread);
    epoch_online(&race->f.epoch, &thread);
    while (!atomic_load(&race->stop)) {
        struct mem_section s;
        bool good = mem_find(&race->f.space, 0x1800, &s) && s.offset == 0x800 &&
                    (s.region == &race->left || s.region == &race->right) && s.last == 0x1fff;
        atomic_fetch_add(&race->bad, !good);
        atomic_fetch_add(&race->looks, 1);
        epoch_quiescent(&race->f.epoch, &thread);
    }
    epoch_offline(&race->f.epoch, &thread);
    epoch_unregister(&race->f.epoch, &thread);
    return NULL;
}

static void test_views_change_under_readers(void **state)
{
    struct race race = {.stop = false};
    pthread_t thread[READERS];
    (void)state;
    open_fixture(&race.f, UINT64_MAX);
    mem_io(&race.left, "left", 0x1000, &quiet_ops, NULL, NULL);
    mem_io(&race.right, "right", 0x1000, &quiet_ops, NULL, NULL);
    mem_map(&race.f.memory, &race.f.root, 0x1000, &race.left, 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, reader, &race), 0);
    for (unsigned i = 0; i < UPDATES; i++) {
        struct mem_region *gone = i & 1 ? &race.right : &race.left;
        memory_begin(&race.f.memory);
        mem_unmap(&race.f.memory, gone);
        mem_map(&race.f.memory, &race.f.root, 0x1000, i & 1 ? &race.left : &race.right, 0);
        memory_end(&race.f.memory);
        epoch_reclaim(&race.f.epoch);
    }
    while (atomic_load(&race.looks) < UPDATES)
        ;
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(race.bad, 0);
    close_fixture(&race.f);
}

static void count_change(void *opaque, struct mem_space *s)
{
    (void)s;
    ++*(unsigned *)opaque;
}

static void test_transactions(void **state)
{
    struct fixture f;
    struct mem_region a, b;
    struct mem_section s;
    unsigned changes = 0;
    (void)state;
    open_fixture(&f, UINT64_MAX);
    mem_io(&a, "a", 0x10, &quiet_ops, NULL, NULL);
    mem_io(&b, "b", 0x10, &quiet_ops, NULL, NULL);
    f.space.changed = count_change;
    f.space.changed_opaque = &changes;
    memory_begin(&f.memory);
    mem_map(&f.memory, &f.root, 0, &a, 0);
    mem_map(&f.memory, &f.root, 0x10, &b, 0);
    assert_false(mem_find(&f.space, 0, &s));
    memory_end(&f.memory);
    assert_true(mem_find(&f.space, 0x10, &s));
    assert_int_equal(changes, 1);
    mem_enable(&f.memory, &a, true); /* it is so already */
    assert_int_equal(changes, 1);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_trees),
        cmocka_unit_test(test_alias_loop_ends),
        cmocka_unit_test(test_top_of_the_space),
        cmocka_unit_test(test_wide_access_is_split),
        cmocka_unit_test(test_narrow_access),
        cmocka_unit_test(test_big_endian_device),
        cmocka_unit_test(test_lock_is_held),
        cmocka_unit_test(test_block_names_are_unique),
        cmocka_unit_test(test_rom_is_not_written),
        cmocka_unit_test(test_access_across_sections),
        cmocka_unit_test(test_flash_switches),
        cmocka_unit_test(test_code_and_dirty_are_noted),
        cmocka_unit_test(test_dma),
        cmocka_unit_test(test_views_change_under_readers),
        cmocka_unit_test(test_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
