/*
 * test_acpi.c - AML's encodings against ACPI's words, and tables of machines that no board here is
 * (test_arm_virt.c has the board's): a GICv3 with redistributors and an ITS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "boot/acpi_arm.h"
#include "boot/aml.h"

static void check(struct blob *b, const char *bytes, u32 size)
{
    assert_int_equal(b->size, size);
    assert_memory_equal(b->data, bytes, size);
    blob_fini(b);
}
#define CHECK(b, bytes) check(b, bytes, sizeof(bytes) - 1)

static void test_names(void **state)
{
    struct blob b = {0};
    (void)state;
    aml_path(&b, "_SB");
    CHECK(&b, "_SB_");
    aml_path(&b, "\\");
    CHECK(&b, "\\\0");
    aml_path(&b, "\\_SB.PCI0");
    CHECK(&b, "\\\x2e_SB_PCI0");
    aml_path(&b, "^^A.B.C");
    CHECK(&b, "^^\x2f\x03"
              "A___B___C___");
    aml_name_id(&b, "_HID", "PNP0A08");
    CHECK(&b, "\x08_HID\x0c\x41\xd0\x0a\x08");
    aml_name_id(&b, "_HID", "ARMH0011");
    CHECK(&b, "\x08_HID\x0d"
              "ARMH0011\0");
}

static void test_integers(void **state)
{
    struct blob b = {0};
    (void)state;
    aml_integer(&b, 0);
    aml_integer(&b, 1);
    aml_integer(&b, 2);
    aml_integer(&b, 255);
    aml_integer(&b, 256);
    aml_integer(&b, 65536);
    aml_integer(&b, UINT64_C(0x100000000));
    CHECK(&b, "\0\x01\x0a\x02\x0a\xff\x0b\0\x01\x0c\0\0\x01\0\x0e\0\0\0\0\x01\0\0\0");
}

static void test_uuid(void **state)
{
    struct blob b = {0};
    (void)state;
    aml_uuid(&b, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
    CHECK(&b, "\x11\x13\x0a\x10\x5b\x4d\xdb\x33\xf7\x1f\x1c\x40\x96\x57\x74\x41\xc0\x3d\xd7\x66");
}

/* The length that is encoded at p, and how many bytes encode it. */
static u32 package_length(const u8 *p, unsigned *bytes)
{
    unsigned more = p[0] >> 6;
    u32 length = more ? p[0] & 15 : p[0] & 63;
    for (unsigned i = 1; i <= more; i++)
        length |= (u32)p[i] << (8 * i - 4);
    *bytes = 1 + more;
    return length;
}

/* Lengths count themselves, and are as short as they can be. */
static void test_package_lengths(void **state)
{
    static const struct {
        u32 body;
        unsigned bytes;
    } rows[] = {{0, 1},    {62, 1},      {63, 2},      {4093, 2},
                {4094, 3}, {0xffffc, 3}, {0xffffd, 4}, {0x200000, 4}};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct blob b = {0};
        unsigned bytes;
        u32 mark = aml_if(&b);
        blob_zero(&b, rows[i].body);
        aml_end(&b, mark);
        assert_int_equal(b.data[0], 0xa0);
        assert_int_equal(package_length(b.data + 1, &bytes), rows[i].body + rows[i].bytes);
        assert_int_equal(bytes, rows[i].bytes);
        assert_int_equal(b.size, 1 + bytes + rows[i].body);
        blob_fini(&b);
    }
}

static void test_nesting(void **state)
{
    struct blob b = {0};
    (void)state;
    u32 scope = aml_scope(&b, "\\_SB");
    u32 device = aml_device(&b, "A");
    u32 method = aml_method(&b, "_STA", 0);
    aml_operator(&b, AML_RETURN);
    aml_integer(&b, 15);
    aml_end(&b, method);
    aml_end(&b, device);
    aml_end(&b, scope);
    CHECK(&b, "\x10\x17\\_SB_\x5b\x82\x0f"
              "A___\x14\x09_STA\x08\xa4\x0a\x0f");
}

static void test_resources(void **state)
{
    struct blob b = {0}, r = {0};
    (void)state;
    aml_memory32(&r, 0x09000000, 0x1000);
    aml_interrupt(&r, AML_EDGE, 33);
    aml_resources(&b, "_CRS", &r);
    CHECK(&b, "\x08_CRS\x11\x1a\x0a\x17"
              "\x86\x09\0\x01\0\0\0\x09\0\x10\0\0\x89\x06\0\x03\x01\x21\0\0\0\x79\0");
    aml_window(&r, 16, AML_BUS, 0, 256, 0);
    CHECK(&r, "\x88\x0d\0\x02\x0c\0\0\0\0\0\xff\0\0\0\0\x01");
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void test_gicv3(void **state)
{
    const struct acpi_gic g = {.version = 3,
                               .distributor = 0x08000000,
                               .redistributor = {{0x080a0000, 0xf60000}, {0x4000000000, 0x4000000}},
                               .its = 0x08080000,
                               .maintenance = 25};
    const u64 mpidr[] = {0, 1};
    struct acpi a = {0};
    (void)state;
    acpi_add_madt(&a, &g, mpidr, 2);
    acpi_add_iort(&a);
    const u8 *t = a.tables.data, *e = t + 44;
    assert_int_equal(load_le(t + 4, 4), 44 + 24 + 2 * 80 + 2 * 16 + 20);
    assert_int_equal(e[0], 0x0c);
    assert_int_equal(e[20], 3);
    e += 24;
    assert_int_equal(e[80], 0x0b);
    assert_int_equal(load_le(e + 80 + 68, 8), 1);
    assert_int_equal(load_le(e + 56, 4), 25);
    e += 160;
    assert_int_equal(e[0], 0x0e);
    assert_int_equal(load_le(e + 4, 8), 0x080a0000);
    assert_int_equal(load_le(e + 12, 4), 0xf60000);
    assert_int_equal(load_le(e + 16 + 4, 8), 0x4000000000);
    e += 32;
    assert_int_equal(e[0], 0x0f);
    assert_int_equal(load_le(e + 8, 8), 0x08080000);
    /* IORT: the root complex's map leads to the ITS group. */
    t += a.table[1];
    assert_memory_equal(t, "IORT", 4);
    assert_int_equal(load_le(t + 4, 4), 48 + 24 + 36 + 20);
    u32 group = (u32)load_le(t + 40, 4);
    const u8 *root = t + group + 24, *map = root + load_le(root + 12, 4);
    assert_int_equal(t[group], 0);
    assert_int_equal(root[0], 2);
    assert_int_equal(load_le(root + 1, 2), 56);
    assert_int_equal(load_le(map + 4, 4), 0xffff);
    assert_int_equal(load_le(map + 12, 4), group);
    acpi_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_integers),
        cmocka_unit_test(test_uuid),    cmocka_unit_test(test_package_lengths),
        cmocka_unit_test(test_nesting), cmocka_unit_test(test_resources),
        cmocka_unit_test(test_gicv3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
