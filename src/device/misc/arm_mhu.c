/*
 * arm_mhu.c - Arm Message Handling Unit: mailboxes between processors of different kinds.
 *
 * Six mailboxes, three to each side (the side that hears of it is in the name). Each is 32 bits:
 * the sender sets some, the wire is up while one is set, the receiver clears them.
 *
 *   0x000 SCP_INTR_L   0x020 SCP_INTR_H   0x200 SCP_INTR_S    wires 0..2
 *   0x100 CPU_INTR_L   0x120 CPU_INTR_H   0x300 CPU_INTR_S    wires 3..5
 *   of each:  +0x0 STAT (RO)  +0x8 SET (WO)  +0x10 CLEAR (WO)
 *   0xfd0.. peripheral and component identification
 *
 * The S mailboxes belong to the Secure world where a system has one: bus masters' security is not
 * known here, so a board with secure software maps them for it alone. Source: Arm Juno development
 * platform, "MHU". Locking: the device lock.
 */
#include "device/device.h"

enum { MHU_BOXES = 6, MHU_STAT = 0x0, MHU_SET = 0x8, MHU_CLEAR = 0x10, MHU_SIZE = 0x1000 };

static const u16 mhu_box_at[MHU_BOXES] = {0x000, 0x020, 0x200, 0x100, 0x120, 0x300};

struct arm_mhu {
    struct device dev;
    struct mem_region mmio;
    struct irq irq[MHU_BOXES];
    u32 status[MHU_BOXES];
};

static void update_irqs(struct arm_mhu *m)
{
    for (unsigned i = 0; i < MHU_BOXES; i++)
        irq_set(m->irq[i], m->status[i] != 0);
}

/* The box whose registers the offset is among, or MHU_BOXES. */
static unsigned box_of(u64 offset)
{
    unsigned i = 0;
    while (i < MHU_BOXES && (offset & ~UINT64_C(0x1f)) != mhu_box_at[i])
        i++;
    return i;
}

static u64 mhu_read(void *opaque, u64 offset, unsigned size)
{
    static const u8 id[12] = {0x04, 0, 0, 0, 0x98, 0xb0, 0x1b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct arm_mhu *m = opaque;
    unsigned box = box_of(offset);
    (void)size;
    if (offset >= 0xfd0)
        return id[(offset - 0xfd0) / 4];
    if (box < MHU_BOXES && (offset & 0x1f) == MHU_STAT)
        return m->status[box];
    device_guest_error(&m->dev, "read at 0x%llx", (unsigned long long)offset);
    return 0;
}

static void mhu_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct arm_mhu *m = opaque;
    unsigned box = box_of(offset), at = offset & 0x1f;
    (void)size;
    if (box < MHU_BOXES && at == MHU_SET)
        m->status[box] |= (u32)value;
    else if (box < MHU_BOXES && at == MHU_CLEAR)
        m->status[box] &= ~(u32)value;
    else
        device_guest_error(&m->dev, "write at 0x%llx", (unsigned long long)offset);
    update_irqs(m);
}

static const struct mem_ops mhu_ops = {
    .read = mhu_read, .write = mhu_write, .min_size = 4, .max_size = 4};

static void mhu_reset(struct device *d)
{
    struct arm_mhu *m = (struct arm_mhu *)d;
    memset(m->status, 0, sizeof(m->status));
    update_irqs(m);
}

static int mhu_realize(struct device *d, struct err *err)
{
    struct arm_mhu *m = (struct arm_mhu *)d;
    (void)err;
    mem_io(&m->mmio, d->id, MHU_SIZE, &mhu_ops, m, d->host->lock);
    return 0;
}

static int mhu_post_load(void *obj, u32 version, struct err *err)
{
    (void)version;
    (void)err;
    update_irqs(obj);
    return 0;
}

static const struct state_table mhu_state = {
    .name = "arm-mhu",
    .version = 1,
    .min_version = 1,
    .post_load = mhu_post_load,
    .fields = (const struct state_field[]){STATE_U32_ARRAY(struct arm_mhu, status), STATE_END},
};

const struct device_type arm_mhu = {
    .name = "arm.mhu",
    .help = "Arm message handling unit: mailboxes between processors",
    .size = sizeof(struct arm_mhu),
    .state = &mhu_state,
    DEVICE_MMIO1(struct arm_mhu, mmio),
    DEVICE_IRQS(struct arm_mhu, irq),
    .realize = mhu_realize,
    .reset = mhu_reset,
    .fdt = {.node = "mhu", DEVICE_COMPATIBLE("arm,mhu\0arm,primecell")},
};
