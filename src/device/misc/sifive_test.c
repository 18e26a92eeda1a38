/*
 * sifive_test.c - SiFive test finisher: a 32-bit register by which software ends the machine.
 *
 * Write, low 16 bits:  0x5555 pass: power off, exit status 0
 *                      0x3333 fail: power off, exit status bits 31..16
 *                      0x7777 reset
 * Reads give 0. Source: SiFive test device as the devicetree binding "sifive,test0/test1" describes
 * it.
 */
#include "device/device.h"

enum { TEST_FAIL = 0x3333, TEST_PASS = 0x5555, TEST_RESET = 0x7777, TEST_SIZE = 0x1000 };

struct sifive_test {
    struct device dev;
    struct mem_region mmio;
};

static u64 test_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0;
}

static void test_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct sifive_test *t = opaque;
    const struct device_host *host = t->dev.host;
    (void)size;
    if (offset == 0) {
        switch (value & 0xffff) {
        case TEST_PASS: host->request(host->opaque, DEVICE_POWER_OFF, 0); return;
        case TEST_FAIL:
            host->request(host->opaque, DEVICE_POWER_OFF, (int)(value >> 16 & 0xffff));
            return;
        case TEST_RESET: host->request(host->opaque, DEVICE_RESET, 0); return;
        }
    }
    device_guest_error(&t->dev, "write of 0x%llx at 0x%llx: no such command",
                       (unsigned long long)value, (unsigned long long)offset);
}

static const struct mem_ops test_ops = {
    .read = test_read, .write = test_write, .min_size = 2, .max_size = 4};

static int test_realize(struct device *d, struct err *err)
{
    struct sifive_test *t = (struct sifive_test *)d;
    (void)err;
    mem_io(&t->mmio, d->id, TEST_SIZE, &test_ops, t, d->host->lock);
    return 0;
}

const struct device_type sifive_test = {
    .name = "riscv.sifive.test",
    .help = "SiFive test finisher: power off and reset",
    .family = "riscv",
    .size = sizeof(struct sifive_test),
    DEVICE_MMIO1(struct sifive_test, mmio),
    .realize = test_realize,
    .fdt = {.node = "test", DEVICE_COMPATIBLE("sifive,test1\0sifive,test0\0syscon")},
};
