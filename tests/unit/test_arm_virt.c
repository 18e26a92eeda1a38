/*
 * test_arm_virt.c - the Arm virt board against its contract with firmware and kernels: its device
 * tree's PCIe, and the ACPI and SMBIOS tables as firmware takes them out of fw_cfg, places, links
 * and sums them. iasl and dmidecode, where they are installed, must have nothing to say against
 * them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libfdt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "boot/smbios.h"
#include "isa/arm/arm.h"
#include "machine/machine.h"

#define FW_CFG UINT64_C(0x09020000)
#define RAM    UINT64_C(0x40000000)

/* ---- The machine ----------------------------------------------------------------------------- */

static struct machine *make(const char *board, const struct machine_config *given, struct err *err)
{
    struct machine_config c = given ? *given : (struct machine_config){0};
    struct loop_config loop = {.force_poll = true};
    struct option_list options;
    assert_int_equal(option_parse(&options, "-M", board, NULL, err), 0);
    c.arch = "aarch64";
    c.accel = "interp";
    c.board_options = &options;
    c.board = board_find("virt", c.arch, err);
    assert_non_null(c.board);
    struct machine *m = machine_new(&loop, err);
    assert_non_null(m);
    if (machine_init(m, &c, err)) {
        machine_free(m);
        m = NULL;
    }
    option_list_fini(&options);
    return m;
}

static struct machine *must_make(const char *board, const struct machine_config *given)
{
    struct err err = {0};
    struct machine *m = make(board, given, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static void *tree(struct machine *m)
{
    u8 head[8];
    assert_int_equal(dma_read(&m->space, RAM, head, 8), MEM_OK);
    u32 size = (u32)load_be(head + 4, 4);
    assert_true(size < MiB);
    void *blob = malloc(size);
    assert_int_equal(dma_read(&m->space, RAM, blob, size), MEM_OK);
    assert_int_equal(fdt_check_full(blob, size), 0);
    return blob;
}

static u32 cell(const void *t, const char *path, const char *name, unsigned n)
{
    int size, node = fdt_path_offset(t, path);
    assert_true(node >= 0);
    const u8 *p = fdt_getprop(t, node, name, &size);
    assert_non_null(p);
    assert_true(4 * (int)n < size);
    return (u32)load_be(p + 4 * n, 4);
}

/* ---- fw_cfg, by its registers ---------------------------------------------------------------- */

struct file {
    u8 *data;
    u32 size;
};

static void read_item(struct machine *m, u16 key, u8 *to, u32 size)
{
    u64 v;
    assert_int_equal(mem_write(&m->space, FW_CFG + 8, bswap_size(key, 2), 2), MEM_OK);
    for (u32 i = 0; i < size; i++) {
        assert_int_equal(mem_read(&m->space, FW_CFG, &v, 1), MEM_OK);
        to[i] = (u8)v;
    }
}

/* data NULL: there is no such file. */
static struct file read_file(struct machine *m, const char *name)
{
    enum { DIRECTORY = 0x19, ENTRY = 64, FILES = 32 };
    u8 dir[4 + FILES * ENTRY];
    struct file f = {0};
    read_item(m, DIRECTORY, dir, 4);
    u32 count = (u32)load_be(dir, 4);
    assert_true(count <= FILES);
    read_item(m, DIRECTORY, dir, 4 + count * ENTRY);
    for (u32 i = 0; i < count; i++) {
        const u8 *e = dir + 4 + i * ENTRY;
        if (strcmp((const char *)e + 8, name))
            continue;
        f.size = (u32)load_be(e, 4);
        f.data = malloc(f.size);
        read_item(m, (u16)load_be(e + 4, 2), f.data, f.size);
    }
    return f;
}

/* ---- ACPI, as firmware loads it -------------------------------------------------------------- */

#define TABLES_AT UINT64_C(0x7f001000)
#define ROOT_AT   UINT64_C(0x7f800000)

struct acpi_set {
    struct file tables, root;
};

static struct file *file_of(struct acpi_set *s, const u8 *name)
{
    if (!strcmp((const char *)name, "etc/acpi/tables"))
        return &s->tables;
    assert_string_equal((const char *)name, "etc/acpi/rsdp");
    return &s->root;
}

static u8 sum(const u8 *p, u32 size)
{
    u8 total = 0;
    for (u32 i = 0; i < size; i++)
        total = (u8)(total + p[i]);
    return total;
}

static void run_command(struct acpi_set *s, const u8 *e)
{
    struct file *f = file_of(s, e + 4);
    u32 command = (u32)load_le(e, 4);
    if (command == 1) {
        assert_true(is_pow2(load_le(e + 60, 4)));
    } else if (command == 2) {
        u64 base = file_of(s, e + 60) == &s->tables ? TABLES_AT : ROOT_AT;
        u32 at = (u32)load_le(e + 116, 4), size = e[120];
        assert_true(at + size <= f->size);
        assert_true(load_le(f->data + at, size) < file_of(s, e + 60)->size);
        store_le(f->data + at, load_le(f->data + at, size) + base, size);
    } else {
        assert_int_equal(command, 3);
        u32 at = (u32)load_le(e + 60, 4), start = (u32)load_le(e + 64, 4);
        u32 length = (u32)load_le(e + 68, 4);
        assert_true(start + length <= f->size && at >= start && at < start + length);
        assert_int_equal(f->data[at], 0);
        f->data[at] = (u8)-sum(f->data + start, length);
    }
}

static struct acpi_set load(struct machine *m)
{
    struct acpi_set s = {read_file(m, "etc/acpi/tables"), read_file(m, "etc/acpi/rsdp")};
    struct file loader = read_file(m, "etc/table-loader");
    assert_non_null(s.tables.data);
    assert_non_null(s.root.data);
    assert_non_null(loader.data);
    assert_int_equal(loader.size % 128, 0);
    for (u32 i = 0; i < loader.size; i += 128)
        run_command(&s, loader.data + i);
    free(loader.data);
    return s;
}

static void unload(struct acpi_set *s)
{
    free(s->tables.data);
    free(s->root.data);
}

/* The table at an address: within bounds, and its sum is right. */
static const u8 *table_at(const struct acpi_set *s, u64 addr)
{
    assert_true(addr >= TABLES_AT && addr + 36 <= TABLES_AT + s->tables.size);
    const u8 *t = s->tables.data + (addr - TABLES_AT);
    u32 length = (u32)load_le(t + 4, 4);
    assert_true(length >= 36 && addr + length <= TABLES_AT + s->tables.size);
    assert_int_equal(sum(t, length), 0);
    return t;
}

/* By the root pointer and the XSDT; the DSDT by the FADT. */
static const u8 *find(const struct acpi_set *s, const char *signature)
{
    const u8 *r = s->root.data;
    assert_int_equal(s->root.size, 36);
    assert_memory_equal(r, "RSD PTR ", 8);
    assert_int_equal(sum(r, 20), 0);
    assert_int_equal(sum(r, 36), 0);
    const u8 *x = table_at(s, load_le(r + 24, 8));
    assert_memory_equal(x, "XSDT", 4);
    for (u32 at = 36; at < load_le(x + 4, 4); at += 8) {
        const u8 *t = table_at(s, load_le(x + at, 8));
        if (!memcmp(t, signature, 4))
            return t;
        if (!memcmp(t, "FACP", 4) && !strcmp(signature, "DSDT"))
            return table_at(s, load_le(t + 140, 8));
    }
    return NULL;
}

/* The nth entry of that type in the MADT. */
static const u8 *madt_entry(const struct acpi_set *s, u8 type, unsigned n)
{
    const u8 *t = find(s, "APIC");
    u32 length = (u32)load_le(t + 4, 4), at = 44;
    while (at < length) {
        assert_true(t[at + 1] >= 4 && at + t[at + 1] <= length);
        if (t[at] == type && !n--)
            return t + at;
        at += t[at + 1];
    }
    assert_int_equal(at, length);
    return NULL;
}

static bool holds(const u8 *t, const void *bytes, size_t size)
{
    return memmem(t, load_le(t + 4, 4), bytes, size) != NULL;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

#define PCIE "/pcie@10000000"

static void test_tree(void **state)
{
    const struct machine_config one = {.ram_size = GiB};
    struct machine *m = must_make("", &one);
    (void)state;
    u8 *t = tree(m);
    static const u32 ranges[] = {0x1000000, 0,    0,          0,    0x3eff0000, 0,    0x10000,
                                 0x2000000, 0,    0x10000000, 0,    0x10000000, 0,    0x2eff0000,
                                 0x3000000, 0x80, 0,          0x80, 0,          0x80, 0};
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
        assert_int_equal(cell(t, PCIE, "ranges", i), ranges[i]);
    assert_int_equal(cell(t, PCIE, "reg", 0), 0x40);
    assert_int_equal(cell(t, PCIE, "reg", 1), 0x10000000);
    assert_int_equal(cell(t, PCIE, "bus-range", 1), 255);
    assert_int_equal(cell(t, PCIE, "msi-map", 3), 0x10000);
    u32 v2m = cell(t, "/intc@8000000/v2m@8020000", "phandle", 0);
    assert_int_equal(cell(t, PCIE, "msi-map", 1), v2m);
    /* Device 1's pin A is SPI 4, level. */
    static const u32 route[] = {0x800, 0, 0, 1, 0, 0, 0, 0, 4, 4};
    for (unsigned i = 0; i < ARRAY_SIZE(route); i++) {
        if (i != 4)
            assert_int_equal(cell(t, PCIE, "interrupt-map", 4 * 10 + i), route[i]);
    }
    free(t);
    machine_free(m);
}

/* Where ECAM and the high window are, for options and sizes of memory. */
static void test_high_regions(void **state)
{
    static const struct {
        const char *board;
        u64 ram, ecam, size, high;
    } rows[] = {
        {"", GiB, 0x4010000000, 0x10000000, 0x8000000000},
        {"highmem=off", GiB, 0x3f000000, 0x1000000, 0},
        {"highmem-ecam=off", GiB, 0x3f000000, 0x1000000, 0x8000000000},
        {"highmem-mmio=off", GiB, 0x4010000000, 0x10000000, 0},
        {"highmem-redists=off", GiB, 0x4000000000, 0x10000000, 0x8000000000},
        {"highmem-redists=off,compact-highmem=off", GiB, 0x4010000000, 0x10000000, 0x8000000000},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct machine_config c = {.ram_size = rows[i].ram};
        struct machine *m = must_make(rows[i].board, &c);
        u8 *t = tree(m);
        u64 ecam = (u64)cell(t, PCIE, "reg", 0) << 32 | cell(t, PCIE, "reg", 1), v;
        assert_int_equal(ecam, rows[i].ecam);
        assert_int_equal(cell(t, PCIE, "reg", 3), rows[i].size);
        assert_int_equal(cell(t, PCIE, "bus-range", 1), rows[i].size / MiB - 1);
        int size;
        fdt_getprop(t, fdt_path_offset(t, PCIE), "ranges", &size);
        assert_int_equal(size, 4 * 7 * (rows[i].high ? 3 : 2));
        if (rows[i].high)
            assert_int_equal(cell(t, PCIE, "ranges", 17), rows[i].high >> 32);
        /* The host's own function answers there. */
        assert_int_equal(mem_read(&m->space, ecam, &v, 4), MEM_OK);
        assert_int_equal(v, 0x00081b36);
        free(t);
        machine_free(m);
    }
}

static void test_memory_limit(void **state)
{
    const struct machine_config most = {.ram_size = 3 * GiB}, more = {.ram_size = 3 * GiB + MiB};
    struct err err = {0};
    (void)state;
    machine_free(must_make("highmem=off", &most));
    assert_null(make("highmem=off", &more, &err));
    assert_non_null(strstr(err.text, "at most 3 GiB"));
}

static void test_acpi_tables(void **state)
{
    const struct machine_config c = {.ram_size = GiB, .cpus = 3, .max_cpus = 3};
    struct machine *m = must_make("", &c);
    struct acpi_set s = load(m);
    (void)state;
    const u8 *fadt = find(&s, "FACP"), *dsdt = find(&s, "DSDT");
    assert_true(load_le(fadt + 112, 4) & 1 << 20);
    assert_int_equal(load_le(fadt + 129, 2), 3); /* PSCI by HVC */
    for (unsigned i = 0; i < 3; i++) {
        const u8 *e = madt_entry(&s, 0x0b, i);
        assert_non_null(e);
        assert_int_equal(load_le(e + 8, 4), i);
        assert_int_equal(load_le(e + 12, 4), 1);
        assert_int_equal(load_le(e + 20, 4), 23); /* performance counters */
        assert_int_equal(load_le(e + 32, 8), 0x08010000);
        assert_int_equal(load_le(e + 68, 8), i);
    }
    assert_null(madt_entry(&s, 0x0b, 3));
    const u8 *gicd = madt_entry(&s, 0x0c, 0), *frame = madt_entry(&s, 0x0d, 0);
    assert_int_equal(load_le(gicd + 8, 8), 0x08000000);
    assert_int_equal(gicd[20], 2);
    assert_int_equal(load_le(frame + 8, 8), 0x08020000);
    assert_int_equal(load_le(frame + 20, 2), 64);
    assert_int_equal(load_le(frame + 22, 2), 80);
    const u8 *gtdt = find(&s, "GTDT"), *mcfg = find(&s, "MCFG"), *spcr = find(&s, "SPCR");
    assert_int_equal(load_le(gtdt + 48, 4), 29);
    assert_int_equal(load_le(gtdt + 56, 4), 30);
    assert_int_equal(load_le(gtdt + 64, 4), 27);
    assert_int_equal(load_le(gtdt + 72, 4), 26);
    assert_int_equal(load_le(gtdt + 96, 4), 28);
    assert_int_equal(load_le(mcfg + 44, 8), 0x4010000000);
    assert_int_equal(mcfg[55], 255);
    assert_int_equal(load_le(spcr + 44, 8), 0x09000000);
    assert_int_equal(load_le(spcr + 54, 4), 33);
    assert_non_null(find(&s, "DBG2"));
    assert_non_null(find(&s, "PPTT"));
    static const char *const ids[] = {"ACPI0007", "ARMH0011", "ARMH0061",
                                      "LNRO0005", "LNRO0015", "QEMU0002"};
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        assert_true(holds(dsdt, ids[i], strlen(ids[i]) + 1));
    assert_true(holds(dsdt, "\x0c\x41\xd0\x0a\x08", 5)); /* PNP0A08 */
    assert_true(holds(dsdt, "\x0c\x41\xd0\x0c\x0c", 5)); /* PNP0C0C */
    unload(&s);
    machine_free(m);
}

/* What options make of the tables. */
static void test_acpi_options(void **state)
{
    const struct machine_config c = {.ram_size = GiB};
    static const struct {
        const char *board;
        u32 psci;
        u64 ecam;
    } rows[] = {
        {"virtualization=on", 1, 0x4010000000},
        {"secure=on", 3, 0x4010000000}, /* no firmware that would answer */
        {"highmem=off,acpi=on", 3, 0x3f000000},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct machine *m = must_make(rows[i].board, &c);
        struct acpi_set s = load(m);
        assert_int_equal(load_le(find(&s, "FACP") + 129, 2), rows[i].psci);
        assert_int_equal(load_le(find(&s, "MCFG") + 44, 8), rows[i].ecam);
        unload(&s);
        machine_free(m);
    }
    const struct machine_config firmware = {.ram_size = GiB, .bios = "/bin/true"};
    struct machine *m = must_make("secure=on", &firmware);
    struct acpi_set s = load(m);
    assert_int_equal(load_le(find(&s, "FACP") + 129, 2), 0);
    unload(&s);
    machine_free(m);
    m = must_make("acpi=off", &c);
    assert_null(read_file(m, "etc/table-loader").data);
    machine_free(m);
}

/* What is secure is a CPU's at its secure addresses only, and no device's. */
static void test_secure(void **state)
{
    static const u64 apart[] = {0x0e000000, 0x09040018, 0x090b0400, 0};
    const struct machine_config c = {.ram_size = GiB};
    struct machine *m = must_make("secure=on", &c);
    struct mem_space *cpu = m->cpus[0]->space;
    u64 v;
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(apart); i++) {
        assert_int_not_equal(mem_read(&m->space, apart[i], &v, 4), MEM_OK);
        assert_int_not_equal(mem_read(cpu, apart[i], &v, 4), MEM_OK);
        assert_int_equal(mem_read(cpu, ARM_SECURE_SPACE | apart[i], &v, 4), MEM_OK);
    }
    assert_int_equal(mem_write(cpu, RAM + 512 * MiB, 0x55, 4), MEM_OK);
    assert_int_equal(mem_read(cpu, ARM_SECURE_SPACE | (RAM + 512 * MiB), &v, 4), MEM_OK);
    assert_int_equal(v, 0x55);
    u8 *t = tree(m);
    static const char *const nodes[] = {"/secram@e000000", "/secflash@0",    "/pl011@9040000",
                                        "/pl061@90b0000",  "/gpio-poweroff", "/gpio-restart"};
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++) {
        int node = fdt_path_offset(t, nodes[i]);
        assert_true(node >= 0);
        assert_string_equal(fdt_getprop(t, node, "secure-status", NULL), "okay");
        assert_string_equal(fdt_getprop(t, node, "status", NULL), "disabled");
    }
    free(t);
    /* Line 0 of the GPIO controller ends the machine. */
    assert_int_equal(mem_write(cpu, ARM_SECURE_SPACE | 0x090b0400, 1, 4), MEM_OK);
    assert_int_equal(atomic_load(&m->requests), 0);
    assert_int_equal(mem_write(cpu, ARM_SECURE_SPACE | 0x090b0004, 1, 4), MEM_OK);
    assert_int_not_equal(atomic_load(&m->requests), 0);
    machine_free(m);
}

/* The GICv2's extensions are the CPUs': its registers by Security state, and GICH and GICV. */
static void test_gicv2(void **state)
{
    static const char node[] = "/intc@8000000";
    static const u32 bases[] = {0x08000000, 0x08010000, 0x08030000, 0x08040000};
    const struct machine_config c = {.ram_size = GiB};
    struct machine *m = must_make("secure=on,virtualization=on", &c);
    struct mem_space *cpu = m->cpus[0]->space;
    u64 v;
    (void)state;
    assert_int_equal(mem_write(cpu, ARM_SECURE_SPACE | 0x08000084, 0xf0, 4), MEM_OK);
    assert_int_equal(mem_read(cpu, ARM_SECURE_SPACE | 0x08000084, &v, 4), MEM_OK);
    assert_int_equal(v, 0xf0); /* GICD_IGROUPR1 */
    assert_int_equal(mem_read(cpu, 0x08000084, &v, 4), MEM_OK);
    assert_int_equal(v, 0);
    assert_int_equal(mem_read(cpu, 0x08030004, &v, 4), MEM_OK);
    assert_int_equal(v, 0x90000003); /* GICH_VTR */
    u8 *t = tree(m);
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        assert_int_equal(cell(t, node, "reg", 4 * i + 1), bases[i]);
        assert_int_equal(cell(t, node, "reg", 4 * i + 3), 0x10000);
    }
    assert_int_equal(cell(t, node, "interrupts", 1), 9);
    free(t);
    struct acpi_set s = load(m);
    const u8 *e = madt_entry(&s, 0x0b, 0);
    assert_int_equal(load_le(e + 40, 8), 0x08040000);
    assert_int_equal(load_le(e + 48, 8), 0x08030000);
    assert_int_equal(load_le(e + 56, 4), 25);
    unload(&s);
    machine_free(m);
    m = must_make("", &c);
    assert_int_not_equal(mem_read(m->cpus[0]->space, 0x08030004, &v, 4), MEM_OK);
    t = tree(m);
    int size;
    assert_non_null(fdt_getprop(t, fdt_path_offset(t, node), "reg", &size));
    assert_int_equal(size, 32);
    free(t);
    machine_free(m);
}

/* ---- Others' opinions ------------------------------------------------------------------------ */

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    fclose(out);
}

/* What the shell's command in a folder says. */
static char *say(const char *folder, const char *command)
{
    char *line = alloc_printf("cd %s && { %s; } 2>&1", folder, command);
    FILE *in = popen(line, "r");
    char *text = alloc_zero(1 << 16);
    assert_non_null(in);
    size_t n = fread(text, 1, (1 << 16) - 1, in);
    text[n] = 0;
    pclose(in);
    free(line);
    return text;
}

static bool installed(const char *tool)
{
    char *line = alloc_printf("PATH=$PATH:/usr/sbin command -v %s >/dev/null", tool);
    bool found = !system(line);
    free(line);
    return found;
}

static void judge(struct machine *m, const char *folder)
{
    struct acpi_set s = load(m);
    const u8 *x = table_at(&s, load_le(s.root.data + 24, 8)), *d = find(&s, "DSDT");
    for (u32 at = 36; at < load_le(x + 4, 4); at += 8) {
        const u8 *t = table_at(&s, load_le(x + at, 8));
        char name[16];
        snprintf(name, sizeof(name), "%.4s.dat", (const char *)t);
        write_file(folder, name, t, load_le(t + 4, 4));
    }
    write_file(folder, "DSDT.dat", d, load_le(d + 4, 4));
    char *said =
        say(folder, "for t in *.dat; do iasl -d $t || echo Error: $t; done; iasl -tc DSDT.dsl;"
                    "grep -h -A3 '\\*\\*\\*\\*' *.dsl; rm -f *.dat *.dsl *.aml *.hex");
    bool good = strstr(said, "0 Errors, 0 Warnings, 0 Remarks") && !strstr(said, "Error:") &&
                !strstr(said, "Warning:") && !strstr(said, "****");
    if (!good)
        print_message("%s\n", said);
    assert_true(good);
    free(said);
    unload(&s);
}

static void test_iasl(void **state)
{
    static const struct {
        const char *board;
        u32 cpus;
    } rows[] = {{"", 1},          {"highmem=off", 3},   {"virtualization=on", 8},
                {"secure=on", 2}, {"gic-version=3", 4}, {"gic-version=3,virtualization=on", 130}};
    char folder[] = "/tmp/guise-acpi.XXXXXX";
    (void)state;
    if (!installed("iasl"))
        skip();
    assert_non_null(mkdtemp(folder));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        u32 cpus = rows[i].cpus;
        const struct machine_config c = {.ram_size = GiB, .cpus = cpus, .max_cpus = cpus};
        struct machine *m = must_make(rows[i].board, &c);
        judge(m, folder);
        machine_free(m);
    }
    rmdir(folder);
}

static void give(struct smbios_options *o, const char *text)
{
    struct option_list list;
    struct err err = {0};
    assert_int_equal(option_parse(&list, "-smbios", text, NULL, &err), 0);
    if (boot_smbios_option(o, &list, &err))
        fail_msg("%s", err.text);
    option_list_fini(&list);
}

/* The entry point, then the tables, where it says that they are. */
static u8 *smbios_image(struct machine *m, u32 *size)
{
    struct file tables = read_file(m, "etc/smbios/smbios-tables");
    struct file anchor = read_file(m, "etc/smbios/smbios-anchor");
    assert_non_null(tables.data);
    assert_int_equal(anchor.size, 24);
    assert_memory_equal(anchor.data, "_SM3_", 5);
    assert_int_equal(sum(anchor.data, 24), 0);
    assert_int_equal(load_le(anchor.data + 12, 4), tables.size);
    u8 *image = alloc_zero(32 + tables.size);
    memcpy(image, anchor.data, 24);
    memcpy(image + 32, tables.data, tables.size);
    store_le(image + 16, 32, 8);
    image[5] = (u8)(image[5] - 32);
    *size = 32 + tables.size;
    free(tables.data);
    free(anchor.data);
    return image;
}

static void test_smbios_structures(void **state)
{
    static const u8 want[] = {0, 1, 2, 3, 4, 16, 17, 19, 32, 127};
    const struct machine_config c = {.ram_size = GiB};
    struct machine *m = must_make("", &c);
    u32 size, at = 32, n = 0;
    (void)state;
    u8 *image = smbios_image(m, &size);
    for (; at + 4 <= size; n++) {
        assert_true(n < ARRAY_SIZE(want));
        assert_int_equal(image[at], want[n]);
        at += image[at + 1];
        while (at + 2 <= size && (image[at] || image[at + 1]))
            at++;
        at += 2;
    }
    assert_int_equal(n, ARRAY_SIZE(want));
    assert_int_equal(at, size);
    free(image);
    machine_free(m);
}

/* Structures of files are there as they are, in place of the machine's own of their type. */
static void test_smbios_files(void **state)
{
    static const u8 chassis[] = {3, 9, 0x77, 0x07, 1, 3, 0, 0, 0, 'A', 'C', 'M', 'E', 0, 0};
    static const u8 oem[] = {200, 5, 0x78, 0x07, 0x42, 0, 0};
    char folder[] = "/tmp/guise-smbios.XXXXXX", text[64];
    struct smbios_options o = {0};
    struct option_list list;
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "chassis", chassis, sizeof(chassis));
    write_file(folder, "oem", oem, sizeof(oem));
    snprintf(text, sizeof(text), "file=%s/chassis", folder);
    give(&o, text);
    assert_int_equal(option_parse(&list, "-smbios", "type=3,asset=1", NULL, &err), 0);
    assert_int_equal(boot_smbios_option(&o, &list, &err), -EINVAL);
    assert_non_null(strstr(err.text, "-smbios type=3: a file= has this type"));
    option_list_fini(&list);
    snprintf(text, sizeof(text), "file=%s/oem", folder);
    give(&o, text);
    struct machine_config c = {.ram_size = GiB, .smbios = &o};
    struct machine *m = must_make("", &c);
    u32 size, at = 32, count[256] = {0};
    u8 *image = smbios_image(m, &size);
    assert_memory_equal(image + 32, chassis, sizeof(chassis));
    assert_memory_equal(image + 32 + sizeof(chassis), oem, sizeof(oem));
    while (at + 4 <= size) {
        count[image[at]]++;
        at += image[at + 1];
        while (at + 2 <= size && (image[at] || image[at + 1]))
            at++;
        at += 2;
    }
    assert_int_equal(at, size);
    assert_int_equal(count[3], 1);
    assert_int_equal(count[200], 1);
    assert_int_equal(count[1], 1);
    assert_int_equal(count[127], 1);
    free(image);
    machine_free(m);
    boot_smbios_options_fini(&o);
    free(say(folder, "rm chassis oem"));
    rmdir(folder);
}

static void test_dmidecode(void **state)
{
    static const char *const lines[] = {
        "Manufacturer: ACME\n",  "Serial Number: ds=nocloud\n",
        "String 2: second\n",    "UUID: 01234567-89ab-cdef-0123-456789abcdef\n",
        "BIOS Revision: 4.7\n",  "UEFI is supported",
        "Family: ARMv8\n",       "Version: cortex-a57\n",
        "Core Count: 2\n",       "Size: 3 GB\n",
        "Max Speed: 1500 MHz\n", "Locator: BANK 0\n",
        "Range Size: 3 GB\n",    "Asset Tag: 17\n"};
    char folder[] = "/tmp/guise-smbios.XXXXXX";
    struct smbios_options o = {0};
    struct err err = {0};
    (void)state;
    if (!installed("dmidecode"))
        skip();
    give(&o, "type=0,vendor=V,release=4.7,uefi=on");
    give(&o, "type=1,manufacturer=ACME,serial=ds=nocloud");
    give(&o, "type=3,asset=17");
    give(&o, "type=4,max-speed=1500");
    give(&o, "type=11,value=first,value=second");
    give(&o, "type=17,loc_pfx=BANK");
    struct machine_config c = {.ram_size = 3 * GiB, .cpus = 2, .max_cpus = 2, .smbios = &o};
    assert_int_equal(option_parse_uuid("", "01234567-89ab-cdef-0123-456789abcdef", c.uuid, &err),
                     0);
    struct machine *m = must_make("", &c);
    u32 size;
    u8 *image = smbios_image(m, &size);
    assert_non_null(mkdtemp(folder));
    write_file(folder, "dmi", image, size);
    char *said = say(folder, "PATH=$PATH:/usr/sbin dmidecode --from-dump dmi; rm dmi");
    rmdir(folder);
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        if (!strstr(said, lines[i]))
            fail_msg("no %s in: %s", lines[i], said);
    }
    assert_null(strstr(said, "<BAD"));
    assert_null(strstr(said, "OUT OF SPEC"));
    free(said);
    free(image);
    machine_free(m);
    boot_smbios_options_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),         cmocka_unit_test(test_high_regions),
        cmocka_unit_test(test_memory_limit), cmocka_unit_test(test_acpi_tables),
        cmocka_unit_test(test_acpi_options), cmocka_unit_test(test_secure),
        cmocka_unit_test(test_iasl),         cmocka_unit_test(test_smbios_structures),
        cmocka_unit_test(test_dmidecode),    cmocka_unit_test(test_gicv2),
        cmocka_unit_test(test_smbios_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
