/*
 * test_board.c - the RISC-V virt board against its contract with firmware and kernels: device tree,
 * memory map, places of images, reset code; two machines in one process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <libfdt.h>
#include <unistd.h>

#include "machine/machine.h"

#define RAM UINT64_C(0x80000000)

static struct machine *make(const char *arch, const struct machine_config *given)
{
    struct machine_config c = given ? *given : (struct machine_config){0};
    struct loop_config loop = {.force_poll = true};
    struct err err = {0};
    c.arch = arch;
    c.accel = c.accel ? c.accel : "interp";
    c.bios = c.bios ? c.bios : "none";
    c.board = board_find("virt", arch, &err);
    assert_non_null(c.board);
    struct machine *m = machine_new(&loop, &err);
    assert_non_null(m);
    if (machine_init(m, &c, &err)) {
        print_message("%s\n", err.text);
        machine_free(m);
        return NULL;
    }
    return m;
}

static int refused(const struct machine_config *given, struct err *err)
{
    struct machine_config c = *given;
    struct loop_config loop = {.force_poll = true};
    c.accel = "interp";
    c.bios = c.bios ? c.bios : "none";
    c.board = board_find("virt", "riscv64", err);
    struct machine *m = machine_new(&loop, err);
    assert_non_null(m);
    int r = machine_init(m, &c, err);
    machine_free(m);
    return r;
}

static u64 peek(struct machine *m, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_read(&m->space, addr, &v, size), MEM_OK);
    return v;
}

/* The tree that the reset code hands over; malloc'ed. */
static void *tree(struct machine *m)
{
    bool rv32 = !strcmp(m->arch, "riscv32");
    u64 addr = peek(m, 0x1000 + 32, rv32 ? 4 : 8);
    u8 head[8];
    assert_int_equal(addr % (2 * MiB), 0);
    assert_int_equal(dma_read(&m->space, addr, head, 8), MEM_OK);
    u32 size = (u32)load_be(head + 4, 4);
    assert_true(size < MiB);
    void *blob = malloc(size);
    assert_int_equal(dma_read(&m->space, addr, blob, size), MEM_OK);
    assert_int_equal(fdt_check_full(blob, size), 0);
    return blob;
}

/* ---- What a tree must say -------------------------------------------------------------------- */

enum value { CELLS, STRINGS, FLAG };
struct fact {
    const char *path, *name;
    enum value kind;
    const char *text; /* STRINGS: entries with their NULs but the last */
    u32 size;
    u32 cells[16], count;
};
#define FACT_CELLS(p, n, ...)                                                                      \
    {                                                                                              \
        p, n, CELLS, NULL, 0, {__VA_ARGS__}, sizeof((u32[]){__VA_ARGS__}) / 4                      \
    }
#define FACT_TEXT(p, n, t)                                                                         \
    {                                                                                              \
        p, n, STRINGS, t, sizeof(t), {0}, 0                                                        \
    }
#define FACT_FLAG(p, n)                                                                            \
    {                                                                                              \
        p, n, FLAG, NULL, 0, {0}, 0                                                                \
    }
#define VIRTIO(a, irq)                                                                             \
    FACT_CELLS("/soc/virtio_mmio@1000" #a "000", "reg", 0, 0x1000##a##000, 0, 0x1000),             \
        FACT_CELLS("/soc/virtio_mmio@1000" #a "000", "interrupts", irq),                           \
        FACT_CELLS("/soc/virtio_mmio@1000" #a "000", "interrupt-parent", 3),                       \
        FACT_TEXT("/soc/virtio_mmio@1000" #a "000", "compatible", "virtio,mmio")

/* Of one CPU and 128 MiB, as the peer's board says it. */
static const struct fact facts[] = {
    FACT_CELLS("/", "#address-cells", 2),
    FACT_CELLS("/", "#size-cells", 2),
    FACT_TEXT("/", "compatible", "riscv-virtio"),
    FACT_TEXT("/poweroff", "compatible", "syscon-poweroff"),
    FACT_CELLS("/poweroff", "value", 0x5555),
    FACT_CELLS("/poweroff", "offset", 0),
    FACT_CELLS("/poweroff", "regmap", 4),
    FACT_TEXT("/reboot", "compatible", "syscon-reboot"),
    FACT_CELLS("/reboot", "value", 0x7777),
    FACT_CELLS("/reboot", "offset", 0),
    FACT_CELLS("/reboot", "regmap", 4),
    FACT_TEXT("/platform-bus@4000000", "compatible", "qemu,platform\0simple-bus"),
    FACT_CELLS("/platform-bus@4000000", "ranges", 0, 0, 0x4000000, 0x2000000),
    FACT_CELLS("/platform-bus@4000000", "interrupt-parent", 3),
    FACT_TEXT("/soc/pci@30000000", "compatible", "pci-host-ecam-generic"),
    FACT_TEXT("/soc/pci@30000000", "device_type", "pci"),
    FACT_CELLS("/soc/pci@30000000", "bus-range", 0, 255),
    FACT_CELLS("/soc/pci@30000000", "reg", 0, 0x30000000, 0, 0x10000000),
    FACT_CELLS("/soc/pci@30000000", "interrupt-map-mask", 0x1800, 0, 0, 7),
    FACT_CELLS("/soc/pci@30000000", "linux,pci-domain", 0),
    FACT_FLAG("/soc/pci@30000000", "dma-coherent"),
    FACT_TEXT("/memory@80000000", "device_type", "memory"),
    FACT_CELLS("/memory@80000000", "reg", 0, 0x80000000, 0, 0x8000000),
    FACT_CELLS("/cpus", "#address-cells", 1),
    FACT_CELLS("/cpus", "#size-cells", 0),
    FACT_CELLS("/cpus", "timebase-frequency", 10000000),
    FACT_CELLS("/cpus/cpu@0", "phandle", 1),
    FACT_TEXT("/cpus/cpu@0", "device_type", "cpu"),
    FACT_CELLS("/cpus/cpu@0", "reg", 0),
    FACT_TEXT("/cpus/cpu@0", "status", "okay"),
    FACT_TEXT("/cpus/cpu@0", "compatible", "riscv"),
    FACT_CELLS("/cpus/cpu@0", "riscv,cbom-block-size", 64),
    FACT_CELLS("/cpus/cpu@0", "riscv,cbop-block-size", 64),
    FACT_CELLS("/cpus/cpu@0", "riscv,cboz-block-size", 64),
    FACT_CELLS("/cpus/cpu@0/interrupt-controller", "#interrupt-cells", 1),
    FACT_FLAG("/cpus/cpu@0/interrupt-controller", "interrupt-controller"),
    FACT_TEXT("/cpus/cpu@0/interrupt-controller", "compatible", "riscv,cpu-intc"),
    FACT_CELLS("/cpus/cpu@0/interrupt-controller", "phandle", 2),
    FACT_CELLS("/cpus/cpu-map/cluster0/core0", "cpu", 1),
    FACT_TEXT("/pmu", "compatible", "riscv,pmu"),
    FACT_FLAG("/fw-cfg@10100000", "dma-coherent"),
    FACT_CELLS("/fw-cfg@10100000", "reg", 0, 0x10100000, 0, 0x18),
    FACT_TEXT("/fw-cfg@10100000", "compatible", "qemu,fw-cfg-mmio"),
    FACT_CELLS("/flash@20000000", "bank-width", 4),
    FACT_CELLS("/flash@20000000", "reg", 0, 0x20000000, 0, 0x2000000, 0, 0x22000000, 0, 0x2000000),
    FACT_TEXT("/flash@20000000", "compatible", "cfi-flash"),
    FACT_TEXT("/aliases", "serial0", "/soc/serial@10000000"),
    FACT_TEXT("/chosen", "stdout-path", "/soc/serial@10000000"),
    FACT_CELLS("/soc", "#address-cells", 2),
    FACT_CELLS("/soc", "#size-cells", 2),
    FACT_TEXT("/soc", "compatible", "simple-bus"),
    FACT_FLAG("/soc", "ranges"),
    FACT_CELLS("/soc/rtc@101000", "interrupts", 11),
    FACT_CELLS("/soc/rtc@101000", "interrupt-parent", 3),
    FACT_CELLS("/soc/rtc@101000", "reg", 0, 0x101000, 0, 0x1000),
    FACT_TEXT("/soc/rtc@101000", "compatible", "google,goldfish-rtc"),
    FACT_CELLS("/soc/serial@10000000", "interrupts", 10),
    FACT_CELLS("/soc/serial@10000000", "interrupt-parent", 3),
    FACT_CELLS("/soc/serial@10000000", "clock-frequency", 3686400),
    FACT_CELLS("/soc/serial@10000000", "reg", 0, 0x10000000, 0, 0x100),
    FACT_TEXT("/soc/serial@10000000", "compatible", "ns16550a"),
    FACT_CELLS("/soc/test@100000", "phandle", 4),
    FACT_CELLS("/soc/test@100000", "reg", 0, 0x100000, 0, 0x1000),
    FACT_TEXT("/soc/test@100000", "compatible", "sifive,test1\0sifive,test0\0syscon"),
    VIRTIO(1, 1),
    VIRTIO(2, 2),
    VIRTIO(3, 3),
    VIRTIO(4, 4),
    VIRTIO(5, 5),
    VIRTIO(6, 6),
    VIRTIO(7, 7),
    VIRTIO(8, 8),
    FACT_CELLS("/soc/interrupt-controller@c000000", "phandle", 3),
    FACT_CELLS("/soc/interrupt-controller@c000000", "riscv,ndev", 95),
    FACT_CELLS("/soc/interrupt-controller@c000000", "reg", 0, 0xc000000, 0, 0x600000),
    FACT_CELLS("/soc/interrupt-controller@c000000", "interrupts-extended", 2, 11, 2, 9),
    FACT_FLAG("/soc/interrupt-controller@c000000", "interrupt-controller"),
    FACT_TEXT("/soc/interrupt-controller@c000000", "compatible", "sifive,plic-1.0.0\0riscv,plic0"),
    FACT_CELLS("/soc/interrupt-controller@c000000", "#address-cells", 0),
    FACT_CELLS("/soc/interrupt-controller@c000000", "#interrupt-cells", 1),
    FACT_CELLS("/soc/clint@2000000", "interrupts-extended", 2, 3, 2, 7),
    FACT_CELLS("/soc/clint@2000000", "reg", 0, 0x2000000, 0, 0x10000),
    FACT_TEXT("/soc/clint@2000000", "compatible", "sifive,clint0\0riscv,clint0"),
};

static const void *property(const void *t, const char *path, const char *name, int *len)
{
    int node = fdt_path_offset(t, path);
    const void *p = node < 0 ? NULL : fdt_getprop(t, node, name, len);
    if (!p)
        print_message("%s: %s is missing\n", path, name);
    assert_non_null(p);
    return p;
}

static void check_fact(const void *t, const struct fact *f)
{
    int len = 0;
    const u8 *p = property(t, f->path, f->name, &len);
    bool good = true;
    if (f->kind == STRINGS)
        good = (u32)len == f->size && !memcmp(p, f->text, f->size);
    for (u32 i = 0; i < f->count && good; i++)
        good = (u32)len == 4 * f->count && load_be(p + 4 * i, 4) == f->cells[i];
    if (!good)
        print_message("%s: %s differs\n", f->path, f->name);
    assert_true(good);
}

static void check_tree(const char *arch, const char *base)
{
    struct machine *m = make(arch, NULL);
    assert_non_null(m);
    void *t = tree(m);
    int len;
    for (unsigned i = 0; i < ARRAY_SIZE(facts); i++)
        check_fact(t, &facts[i]);
    assert_string_equal(property(t, "/cpus/cpu@0", "riscv,isa-base", &len), base);
    const char *isa = property(t, "/cpus/cpu@0", "riscv,isa", &len);
    assert_memory_equal(isa, base, 5); /* rv64i... */
    property(t, "/chosen", "rng-seed", &len);
    assert_int_equal(len, 32);
    free(t);
    machine_free(m);
}

static void test_tree_64(void **state)
{
    (void)state;
    check_tree("riscv64", "rv64i");
}

static void test_tree_32(void **state)
{
    (void)state;
    check_tree("riscv32", "rv32i");
}

/* Linux finds virtio slots in the tree's order, -device fills them from the last: so disks are
 * named in the order in which they were given. */
static void test_virtio_order(void **state)
{
    struct machine *m = make("riscv64", NULL);
    (void)state;
    void *t = tree(m);
    char name[40] = "", first[40] = "";
    for (int n = fdt_first_subnode(t, fdt_path_offset(t, "/soc")); n >= 0;
         n = fdt_next_subnode(t, n)) {
        snprintf(name, sizeof(name), "%s", fdt_get_name(t, n, NULL));
        if (!strncmp(name, "virtio", 6) && !*first)
            snprintf(first, sizeof(first), "%s", name);
    }
    assert_string_equal(first, "virtio_mmio@10008000");
    free(t);
    struct option_list list;
    struct err err = {0};
    assert_int_equal(option_parse(&list, "-device", "virtio-rng-device", "driver", &err), 0);
    assert_int_equal(machine_device_add(m, &list, &err), 0);
    option_list_fini(&list);
    assert_non_null(machine_find_device(m, "virtio-rng-device.0"));
    assert_string_equal(machine_find_device(m, "virtio-rng-device.0")->bus->id,
                        "virtio-mmio-bus.7");
    machine_free(m);
}

static void test_many_harts(void **state)
{
    struct machine_config c = {.cpus = 64};
    struct machine *m = make("riscv64", &c);
    int len;
    (void)state;
    assert_non_null(m);
    void *t = tree(m);
    const u8 *lines = property(t, "/soc/interrupt-controller@c000000", "interrupts-extended", &len);
    assert_int_equal(len, 64 * 16);
    for (unsigned hart = 0; hart < 64; hart++) {
        char path[64];
        snprintf(path, sizeof(path), "/cpus/cpu@%x/interrupt-controller", hart);
        u64 intc = load_be(property(t, path, "phandle", &len), 4);
        assert_int_equal(load_be(lines + 16 * hart, 4), intc);
        assert_int_equal(load_be(lines + 16 * hart + 4, 4), 11);
        assert_int_equal(load_be(lines + 16 * hart + 12, 4), 9);
    }
    free(t);
    machine_free(m);
    struct err err = {0};
    c.cpus = 65;
    assert_true(refused(&c, &err));
    assert_non_null(strstr(err.text, "64"));
}

static void test_aclint(void **state)
{
    static const struct fact want[] = {
        FACT_CELLS("/soc/mswi@2000000", "reg", 0, 0x2000000, 0, 0x4000),
        FACT_CELLS("/soc/mswi@2000000", "interrupts-extended", 2, 3),
        FACT_TEXT("/soc/mswi@2000000", "compatible", "riscv,aclint-mswi"),
        FACT_CELLS("/soc/mtimer@200bff8", "reg", 0, 0x200bff8, 0, 0x4008, 0, 0x2004000, 0, 0x7ff8),
        FACT_CELLS("/soc/mtimer@200bff8", "interrupts-extended", 2, 7),
        FACT_TEXT("/soc/mtimer@200bff8", "compatible", "riscv,aclint-mtimer"),
        FACT_CELLS("/soc/sswi@2f00000", "interrupts-extended", 2, 1),
        FACT_TEXT("/soc/sswi@2f00000", "compatible", "riscv,aclint-sswi"),
    };
    struct option_list list;
    struct err err = {0};
    (void)state;
    assert_int_equal(option_parse(&list, "-M", "aclint=on", NULL, &err), 0);
    struct machine_config c = {.board_options = &list};
    struct machine *m = make("riscv64", &c);
    assert_non_null(m);
    void *t = tree(m);
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++)
        check_fact(t, &want[i]);
    assert_true(fdt_path_offset(t, "/soc/clint@2000000") < 0);
    free(t);
    option_list_fini(&list);
    machine_free(m);
}

/* ---- Memory map and images ------------------------------------------------------------------- */

static void test_memory_map(void **state)
{
    static const struct {
        u64 first, last;
        enum mem_kind kind;
    } map[] = {
        {0x1000, 0xffff, MEM_ROM},          {0x100000, 0x100fff, MEM_IO},
        {0x101000, 0x101023, MEM_IO},       {0x2000000, 0x2003fff, MEM_IO},
        {0x2004000, 0x200bfff, MEM_IO},     {0x2f00000, 0x2f03fff, MEM_IO},
        {0xc000000, 0xc5fffff, MEM_IO},     {0x10000000, 0x10000007, MEM_IO},
        {0x10001000, 0x100011ff, MEM_IO},   {0x10008000, 0x100081ff, MEM_IO},
        {0x10100000, 0x10100017, MEM_IO},   {0x20000000, 0x21ffffff, MEM_ROMD},
        {0x22000000, 0x23ffffff, MEM_ROMD}, {0x80000000, 0x87ffffff, MEM_RAM},
    };
    struct machine *m = make("riscv64", NULL);
    struct mem_section s;
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
        assert_true(mem_find(&m->space, map[i].first, &s));
        assert_int_equal(s.last, map[i].last);
        assert_int_equal(s.region->kind, map[i].kind);
        assert_int_equal(s.offset, 0);
    }
    assert_false(mem_find(&m->space, 0, &s));
    assert_false(mem_find(&m->space, 0x88000000, &s));
    machine_free(m);
}

static char *write_file(const void *data, size_t size)
{
    char *path = strdup("/tmp/guise-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
    return path;
}

static void remove_file(char *path)
{
    unlink(path);
    free(path);
}

enum { FIRMWARE_BYTES = 270000, KERNEL_BYTES = 100000, INITRD_BYTES = 5000 };

/* Words of the reset code and its data, as the peer's ROM has them. */
static void check_reset_rom(struct machine *m, bool rv32, u64 start, u64 kernel)
{
    static const u32 code[2][6] = {
        {0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283, 0x00028067},
        {0x00000297, 0x02828613, 0xf1402573, 0x0202a583, 0x0182a283, 0x00028067},
    };
    unsigned word = rv32 ? 4 : 8;
    const u64 info[] = {0x4942534f, 2, kernel, 1, 0, 0};
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(peek(m, 0x1000 + 4 * i, 4), code[rv32][i]);
    assert_int_equal(peek(m, 0x1018, 8), start);
    for (unsigned i = 0; i < ARRAY_SIZE(info); i++)
        assert_int_equal(peek(m, 0x1028 + i * word, word), info[i]);
}

static void check_places(const char *arch, u64 ram, u64 kernel, u64 initrd, u64 fdt)
{
    static u8 bytes[FIRMWARE_BYTES];
    memset(bytes, 0xa5, sizeof(bytes));
    char *firmware = write_file(bytes, FIRMWARE_BYTES);
    memset(bytes, 0x5a, sizeof(bytes));
    char *image = write_file(bytes, KERNEL_BYTES);
    char *disk = write_file("initrd", 6);
    struct machine_config c = {
        .bios = firmware, .kernel = image, .initrd = disk, .append = "one two", .ram_size = ram};
    struct machine *m = make(arch, &c);
    assert_non_null(m);
    check_reset_rom(m, !strcmp(arch, "riscv32"), RAM, kernel);
    assert_int_equal(peek(m, 0x1020, 8), fdt);
    assert_int_equal(peek(m, RAM + FIRMWARE_BYTES - 1, 1), 0xa5);
    assert_int_equal(peek(m, kernel + KERNEL_BYTES - 1, 1), 0x5a);
    assert_int_equal(peek(m, initrd, 4), 0x74696e69);
    void *t = tree(m);
    int len;
    assert_int_equal(load_be(property(t, "/chosen", "linux,initrd-start", &len), 8), initrd);
    assert_int_equal(load_be(property(t, "/chosen", "linux,initrd-end", &len), 8), initrd + 6);
    assert_string_equal(property(t, "/chosen", "bootargs", &len), "one two");
    free(t);
    machine_free(m);
    remove_file(firmware);
    remove_file(image);
    remove_file(disk);
}

static void test_places(void **state)
{
    (void)state;
    check_places("riscv64", 128 * MiB, 0x80200000, 0x84200000, 0x87e00000);
    check_places("riscv64", 1 * GiB, 0x80200000, 0xa0200000, 0xbfe00000);
    check_places("riscv64", 4 * GiB, 0x80200000, 0xa0200000, 0x17fe00000);
    check_places("riscv32", 1 * GiB, 0x80400000, 0xa0400000, 0xbfe00000);
    check_places("riscv32", 2 * GiB, 0x80400000, 0xa0400000, 0xbfe00000);
}

static void test_bare_kernel(void **state)
{
    char *kernel = write_file("\x13\0\0\0", 4);
    struct machine_config c = {.bios = "none", .kernel = kernel};
    struct machine *m = make("riscv64", &c);
    (void)state;
    assert_non_null(m);
    check_reset_rom(m, false, RAM, RAM);
    assert_int_equal(peek(m, RAM, 4), 0x13);
    machine_free(m);
    remove_file(kernel);
}

static void test_reset_restores_images(void **state)
{
    char *kernel = write_file("kernel!!", 8);
    struct machine_config c = {.bios = "none", .kernel = kernel};
    struct machine *m = make("riscv64", &c);
    u8 seed[2][32];
    int len;
    (void)state;
    assert_non_null(m);
    assert_int_equal(mem_write(&m->space, RAM, 0, 8), MEM_OK);
    assert_int_equal(mem_write(&m->space, RAM + 0x1000, 0x77, 1), MEM_OK);
    void *t = tree(m);
    memcpy(seed[0], property(t, "/chosen", "rng-seed", &len), 32);
    free(t);
    machine_reset(m);
    assert_int_equal(peek(m, RAM, 4), 0x6e72656b);
    assert_int_equal(peek(m, RAM + 0x1000, 1), 0x77); /* RAM keeps what is not an image's */
    t = tree(m);
    memcpy(seed[1], property(t, "/chosen", "rng-seed", &len), 32);
    free(t);
    assert_memory_not_equal(seed[0], seed[1], 32);
    machine_free(m);
    remove_file(kernel);
}

static void test_users_tree(void **state)
{
    u8 blob[4096];
    (void)state;
    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    assert_int_equal(fdt_setprop_string(blob, 0, "model", "mine"), 0);
    assert_int_equal(fdt_pack(blob), 0);
    char *dtb = write_file(blob, fdt_totalsize(blob));
    char *kernel = write_file("x", 1);
    struct machine_config c = {.kernel = kernel, .append = "hello", .dtb = dtb};
    struct machine *m = make("riscv64", &c);
    assert_non_null(m);
    void *t = tree(m);
    int len;
    assert_string_equal(property(t, "/", "model", &len), "mine");
    assert_string_equal(property(t, "/chosen", "bootargs", &len), "hello");
    free(t);
    machine_free(m);
    c.dtb = kernel;
    struct err err = {0};
    assert_true(refused(&c, &err));
    assert_non_null(strstr(err.text, "not a device tree"));
    remove_file(dtb);
    remove_file(kernel);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void expect_refusal(struct machine_config c, const char *words)
{
    struct err err = {0};
    int r = refused(&c, &err);
    if (r >= 0 || !strstr(err.text, words))
        print_message("wanted: %s; got: %s\n", words, err.text);
    assert_true(r < 0);
    assert_non_null(strstr(err.text, words));
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal((struct machine_config){.kernel = "/nonexistent/kernel"}, "/nonexistent/kernel");
    expect_refusal((struct machine_config){.bios = "nothing.bin"}, "nothing.bin");
    expect_refusal((struct machine_config){.initrd = "x"}, "-initrd without -kernel");
    expect_refusal((struct machine_config){.append = "x"}, "-append without -kernel");
    char *kernel = write_file("x", 1);
    expect_refusal((struct machine_config){.ram_size = 1 * MiB, .kernel = kernel},
                   "device tree (0x");
    remove_file(kernel);
    expect_refusal((struct machine_config){.kernel = "/proc/self/exe"}, "another processor");
    expect_refusal((struct machine_config){.ram_size = 12345}, "4 KiB");
    expect_refusal((struct machine_config){.cpu = "rv63"}, "rv63");
    expect_refusal((struct machine_config){.arch = "vax"}, "vax");
    expect_refusal((struct machine_config){.serial = {"nobody"}}, "nobody");
    expect_refusal((struct machine_config){.flash = {"nobody"}}, "nobody");
}

static void expect_device_refusal(struct machine *m, const char *text, const char *words)
{
    struct option_list list;
    struct err err = {0};
    assert_int_equal(option_parse(&list, "-device", text, "driver", &err), 0);
    assert_true(machine_device_add(m, &list, &err) < 0);
    if (!strstr(err.text, words))
        print_message("%s\n", err.text);
    assert_non_null(strstr(err.text, words));
    option_list_fini(&list);
}

static void test_device_refusals(void **state)
{
    struct machine *m = make("riscv64", NULL);
    (void)state;
    expect_device_refusal(m, "virtio-rng-devise", "virtio-rng-device");
    expect_device_refusal(m, "goldfish_rtc", "board");
    expect_device_refusal(m, "virtio-rng-device,bus=nowhere", "nowhere");
    expect_device_refusal(m, "virtio-rng-device,bus=rtc", "kind virtio");
    expect_device_refusal(m, "virtio-rng-device,nonsense=1", "nonsense");
    expect_device_refusal(m, "virtio-rng-device,id=rtc", "rtc");
    for (unsigned i = 0; i < 8; i++) {
        struct option_list list;
        struct err err = {0};
        assert_int_equal(option_parse(&list, "-device", "virtio-rng-device", "driver", &err), 0);
        assert_int_equal(machine_device_add(m, &list, &err), 0);
        option_list_fini(&list);
    }
    expect_device_refusal(m, "virtio-rng-device", "no free");
    machine_free(m);
}

static void test_unknown_board(void **state)
{
    struct err err = {0};
    (void)state;
    assert_null(board_find("vitr", "riscv64", &err));
    assert_non_null(strstr(err.text, "did you mean 'virt'"));
    assert_ptr_equal(board_find("virt", "riscv64", &err), board_find("virt", "riscv32", &err));
}

/* ---- Machines that run ----------------------------------------------------------------------- */

/* sw of value to the test finisher at 0x100000. */
static char *finisher_program(u32 value)
{
    const u32 code[] = {
        0x001002b7,                         /* lui t0, 0x100 */
        (value & 0xfffff000) | 0x337,       /* lui t1, value */
        (value & 0xfff) << 20 | 0x00030313, /* addi t1, t1, value */
        0x0062a023,                         /* sw t1, 0(t0) */
        0x0000006f,                         /* j . */
    };
    return write_file(code, sizeof(code));
}

static int run(const char *arch, u32 value, const struct machine_config *given)
{
    char *kernel = finisher_program(value);
    struct machine_config c = given ? *given : (struct machine_config){0};
    struct err err = {0};
    int status = -1;
    c.kernel = kernel;
    struct machine *m = make(arch, &c);
    assert_non_null(m);
    assert_int_equal(machine_run(m, &status, &err), 0);
    assert_int_equal(m->state, MACHINE_SHUTDOWN);
    machine_free(m);
    remove_file(kernel);
    return status;
}

static void test_power_off(void **state)
{
    (void)state;
    assert_int_equal(run("riscv64", 0x5555, NULL), 0);
    assert_int_equal(run("riscv32", 0x5555, NULL), 0);
    assert_int_equal(run("riscv64", 0x00073333, NULL), 7);
}

static void test_no_reboot(void **state)
{
    struct machine_config c = {.on_reboot = MACHINE_REBOOT_SHUTDOWN};
    (void)state;
    assert_int_equal(run("riscv64", 0x7777, &c), 0);
}

/* Both live at once, the first one with the second's whole life inside its own. */
static void test_two_machines(void **state)
{
    char *one = finisher_program(0x00013333), *two = finisher_program(0x00023333);
    struct machine_config c1 = {.kernel = one, .cpus = 2}, c2 = {.kernel = two};
    struct machine *a = make("riscv64", &c1), *b = make("riscv32", &c2);
    struct err err = {0};
    int status = 0;
    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(mem_write(&a->space, RAM + 0x10000, 0x1234, 8), MEM_OK);
    assert_int_equal(peek(b, RAM + 0x10000, 8), 0);
    assert_int_equal(machine_run(b, &status, &err), 0);
    assert_int_equal(status, 2);
    machine_free(b);
    assert_int_equal(machine_run(a, &status, &err), 0);
    assert_int_equal(status, 1);
    machine_free(a);
    remove_file(one);
    remove_file(two);
}

/* A listener that presses system_reset twice, then quits. */
struct presser {
    struct machine_listener listener;
    struct machine *m;
    unsigned resets;
};

static void pressed(struct machine_listener *l, enum machine_event e)
{
    struct presser *p = l->opaque;
    if (e == MACHINE_EVENT_RESET) {
        p->resets++;
        if (p->resets < 3)
            machine_request_reset(p->m);
        else
            machine_request_quit(p->m, 5);
    }
}

static void test_resets(void **state)
{
    char *kernel = write_file("\x6f\0\0\0", 4); /* j . */
    struct machine_config c = {.kernel = kernel, .cpus = 2};
    struct err err = {0};
    int status = 0;
    (void)state;
    struct machine *m = make("riscv64", &c);
    assert_non_null(m);
    struct presser p = {.listener = {.event = pressed, .opaque = &p}, .m = m};
    machine_listen(m, &p.listener);
    machine_request_reset(m);
    assert_int_equal(machine_run(m, &status, &err), 0);
    assert_int_equal(status, 5);
    assert_int_equal(p.resets, 3);
    machine_unlisten(m, &p.listener);
    machine_free(m);
    remove_file(kernel);
}

/* Told to go while it sleeps in WFI, a CPU still wakes to stop. */
static void test_go_while_halted(void **state)
{
    const u32 code[] = {0x10500073, 0xffdff06f}; /* wfi; j .-4 */
    char *kernel = write_file(code, sizeof(code));
    struct machine_config c = {.kernel = kernel};
    struct machine *m = make("riscv64", &c);
    (void)state;
    assert_non_null(m);
    struct cpu *cpu = m->cpus[0];
    assert_int_equal(cpu_start(cpu, NULL), 0);
    cpu_go(cpu);
    while (atomic_load(&cpu->run_state) != CPU_HALTED)
        usleep(100);
    usleep(1000);
    cpu_go(cpu);
    cpu_stop_request(cpu);
    for (unsigned i = 0; i < 5000 && !cpu_is_stopped(cpu); i++)
        usleep(1000);
    assert_true(cpu_is_stopped(cpu));
    machine_free(m);
    remove_file(kernel);
}

/* In one straight line: read flash, ask for its CFI table, read that, go back, read again. Whoever
 * keeps a translation of the flash as memory does not see the table. */
static void run_flash(const char *accel)
{
    static const u32 code[] = {
        0x200002b7, /* lui t0, 0x20000 */
        0x0402a503, /* lw a0, 64(t0) */
        0x09800313, /* li t1, 0x98 */
        0x0062a023, /* sw t1, 0(t0) */
        0x0402a583, /* lw a1, 64(t0): "QQ" */
        0x0ff00313, /* li t1, 0xff */
        0x0062a023, /* sw t1, 0(t0) */
        0x0402a603, /* lw a2, 64(t0) */
        0x0ff5f593, /* andi a1, a1, 0xff */
        0x00c585b3, /* add a1, a1, a2 */
        0x00a585b3, /* add a1, a1, a0 */
        0x01059593, /* slli a1, a1, 16 */
        0x00003337, /* lui t1, 3 */
        0x33330313, /* addi t1, t1, 0x333 */
        0x0065e5b3, /* or a1, a1, t1 */
        0x001002b7, /* lui t0, 0x100 */
        0x00b2a023, /* sw a1, 0(t0) */
        0x0000006f, /* j . */
    };
    char *kernel = write_file(code, sizeof(code));
    struct machine_config c = {.kernel = kernel, .accel = accel};
    struct err err = {0};
    int status = 0;
    struct machine *m = make("riscv64", &c);
    assert_non_null(m);
    assert_int_equal(machine_run(m, &status, &err), 0);
    assert_int_equal(status, 'Q');
    machine_free(m);
    remove_file(kernel);
}

static void test_flash_switches_at_once(void **state)
{
    (void)state;
    run_flash("interp");
    run_flash("jit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_64),
        cmocka_unit_test(test_tree_32),
        cmocka_unit_test(test_virtio_order),
        cmocka_unit_test(test_many_harts),
        cmocka_unit_test(test_aclint),
        cmocka_unit_test(test_memory_map),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bare_kernel),
        cmocka_unit_test(test_reset_restores_images),
        cmocka_unit_test(test_users_tree),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_device_refusals),
        cmocka_unit_test(test_unknown_board),
        cmocka_unit_test(test_power_off),
        cmocka_unit_test(test_no_reboot),
        cmocka_unit_test(test_two_machines),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_go_while_halted),
        cmocka_unit_test(test_flash_switches_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
