/*
 * harts.c - eight harts at once on the same cards: registers, kicks, resets, rings and descriptors
 * that change while the card reads them. What they do is random; addresses are in the arena or
 * nowhere.
 */
#include "hostile.h"

const char test_name[] = "harts";

static const u16 registers[] = {
    STATUS,      STATUS,          STATUS,      NOTIFY,      NOTIFY,      NOTIFY,
    NOTIFY,      QUEUE_SEL,       QUEUE_NUM,   QUEUE_READY, QUEUE_READY, DEVICE_SEL,
    DRIVER_SEL,  DRIVER_FEATURES, IRQ_ACK,     QUEUE_RESET, DESC,        DRIVER_AREA,
    DEVICE_AREA, CONFIG,          CONFIG + 32, 0xfc,
};
static const u32 values[] = {0, 1, 2, 3, 4, 8, 11, 15, 16, 0x40, 0x80, 256, 1024, 0xffff, ~0u};

/* Where rings and buffers are: each hart's, and each other's. */
static u64 place(u64 z)
{
    return z % 23 == 0 ? z
                       : ARENA + (z >> 8 & 7) * 0x4000 + (z >> 16 & 3) * 0x1000 +
                             (z % 5 ? 0 : z >> 20 & 0xfff);
}

static void random_register(unsigned slot, u64 z)
{
    unsigned reg = registers[z % COUNT(registers)];
    if (reg == DESC || reg == DRIVER_AREA || reg == DEVICE_AREA)
        put64(slot, reg, place(z >> 8));
    else
        put(slot, reg, values[(z >> 8) % COUNT(values)]);
}

static void random_descriptors(unsigned hart, unsigned slot, int packed, u64 *seed)
{
    struct ring r = {.slot = slot, .queue = 0, .size = 16, .packed = packed};
    r.desc = ARENA + hart * 0x4000;
    r.driver = r.desc + 0x1000;
    for (unsigned i = 0; i < 4; i++) {
        u64 z = random_next(seed);
        static const u32 lengths[] = {0, 1, 16, 64, 512, 4096, 65536, 0xffffffff};
        desc_write(&r, z & 64 ? r.desc : r.desc + 0x100, z >> 8 & 15, place(z >> 3),
                   lengths[z >> 16 & 7], (u16)((z & 7) | (packed ? D_AVAIL : 0)),
                   z & 16 ? (u16)(z >> 20) : (u16)(z >> 20 & 15));
    }
    mmio16(r.driver + 2) = (u16)(mmio16(r.driver + 2) + 1);
    put(slot, NOTIFY, (u32)(*seed & 3));
}

/* What begins well: the others will see to the rest. */
static void good_start(unsigned hart, unsigned slot, int packed)
{
    put(slot, STATUS, 0);
    put(slot, STATUS, ST_ACK | ST_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        put(slot, DEVICE_SEL, i);
        put(slot, DRIVER_SEL, i);
        put(slot, DRIVER_FEATURES, get(slot, DEVICE_FEATURES) & ~(i && !packed ? 4u : 0u));
    }
    put(slot, STATUS, ST_ACK | ST_DRIVER | ST_FEATURES_OK);
    for (unsigned queue = 0; queue < 4; queue++) {
        struct ring r = {.slot = slot,
                         .queue = queue,
                         .size = 16,
                         .packed = packed,
                         .desc = ARENA + hart * 0x4000};
        r.driver = r.desc + 0x1000;
        r.device = r.desc + 0x2000;
        mmio16(r.driver + 2) = 0;
        ring_set(&r);
    }
    card_go(slot);
}

static void attack(unsigned hart)
{
    u64 seed = hart * 77 + 5;
    for (unsigned i = 0; i < 2500; i++) {
        u64 z = random_next(&seed);
        unsigned slot = z & 7;
        int packed = z >> 4 & 1;
        if (i % 16 == 0)
            good_start(hart, slot, packed);
        else if (z & 8)
            random_register(slot, z >> 8);
        else
            random_descriptors(hart, slot, packed, &seed);
        (void)get(slot, registers[(z >> 32) % COUNT(registers)]);
    }
}

void test_run(void)
{
    machine_hook = survive;
    for (u64 a = ARENA; a < ARENA + 0x40000; a += 0x20000)
        clear_bytes(a, 0x20000);
    on_harts(HARTS, attack);
    alone(check_machine);
    for (unsigned i = 0; i < HARTS; i++)
        CHECK(survived[i], 0);
}
