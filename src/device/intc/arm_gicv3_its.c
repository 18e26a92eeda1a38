/*
 * arm_gicv3_its.c - Interrupt Translation Service of a GICv3: devices' messages become LPIs.
 *
 *   mmio + 0x00000  control frame      GITS_CTLR, TYPER, CBASER, CWRITER, CREADR, BASERn
 *   mmio + 0x10000  translation frame  GITS_TRANSLATER at 0x40
 *
 *   DeviceID --device table--> ITT --EventID--> LPI, collection --collection table--> redistributor
 *
 * Tables are in guest memory and have 8-byte entries of this ITS's own making:
 *   device      63 valid, 51..8 ITT's address, 4..0 EventID bits - 1
 *   ITT         63 valid, 47..32 collection, 15..0 LPI
 *   collection  63 valid, 15..0 number of the redistributor
 * They are read at each translation: nothing of them is kept, and what is read is checked before it
 * is used, since the guest may write anything there at any time.
 *
 * Commands that make no sense are left out, and logged; a queue or table that is not in memory
 * stalls the queue (5.3.2). A write of GITS_CWRITER runs some commands, a task on the loop's thread
 * the rest.
 *
 * Source: Arm IHI 0069, 5. Locking: its own lock, taken before the GIC's.
 */
#include <errno.h>

#include "device/intc/arm_gicv3_impl.h"
#include "loop/loop.h"

enum {
    CTLR = 0x0,
    IIDR = 0x4,
    TYPER = 0x8,
    CBASER = 0x80,
    CWRITER = 0x88,
    CREADR = 0x90,
    BASER = 0x100,
    BASER_END = 0x140,
    TRANSLATER = 0x10040,
    CTLR_ENABLED = 1,
    QUEUE_STALLED = 1,
    QUEUE_RETRY = 1,
    COMMAND_SIZE = 32,
    COMMANDS_AT_ONCE = 64,
    ENTRY = 8,
    DEVICE_BITS = 16,
    EVENT_BITS = 16,
    COLLECTION_BITS = 16,
};
enum { DEVICES, COLLECTIONS, TABLES };
#define CTLR_QUIESCENT BIT(31)
#define VALID          BIT(63)
#define INDIRECT       BIT(62)
#define QUEUE_OFFSET   UINT64_C(0xfffe0)
#define CBASER_MASK    UINT64_C(0xb8fffffffffffcff)
#define BASER_MASK     UINT64_C(0xf8e0ffffffffffff)
#define BASER_TYPE(t)  ((u64)(t) << 56)
#define BASER_ENTRIES  ((u64)(ENTRY - 1) << 48)

struct its {
    struct device dev;
    struct mem_region mmio;
    struct gicv3 *gic; /* NULL: not connected */
    pthread_mutex_t lock;
    struct loop_task task;
    u32 ctlr;
    u64 cbaser, cwriter, creadr;
    u64 baser[TABLES];
};

/* What a step came to. */
enum its_result { ITS_OK, ITS_BAD, ITS_NO_MEMORY };

/* ---- Tables ---------------------------------------------------------------------------------- */

static struct mem_space *memory(const struct its *s)
{
    return s->dev.host->dma;
}

static enum its_result load(const struct its *s, u64 at, u64 *v)
{
    return dma_load(memory(s), at, ENTRY, v) == MEM_OK ? ITS_OK : ITS_NO_MEMORY;
}

static enum its_result store(const struct its *s, u64 at, u64 v)
{
    return dma_store(memory(s), at, ENTRY, v) == MEM_OK ? ITS_OK : ITS_NO_MEMORY;
}

static u64 page_size(u64 baser)
{
    static const u32 sizes[] = {4 * KiB, 16 * KiB, 64 * KiB, 64 * KiB};
    return sizes[bits_get(baser, 8, 2)];
}

/* Pages of 64 KiB have bits 51..48 of their address in 15..12. */
static u64 table_base(u64 baser)
{
    if (page_size(baser) < 64 * KiB)
        return baser & BITS(47, 12);
    return (baser & BITS(47, 16)) | bits_get(baser, 12, 4) << 48;
}

/* Where an entry is: in the table, or in the page that its entry of the first level names. */
static enum its_result find_entry(const struct its *s, unsigned table, u64 id, u64 *at)
{
    u64 baser = s->baser[table], page = page_size(baser);
    u64 size = (bits_get(baser, 0, 8) + 1) * page, first;
    if (!(baser & VALID))
        return ITS_BAD;
    if (!(baser & INDIRECT)) {
        *at = table_base(baser) + id * ENTRY;
        return (id + 1) * ENTRY <= size ? ITS_OK : ITS_BAD;
    }
    u64 n = id / (page / ENTRY);
    if ((n + 1) * ENTRY > size)
        return ITS_BAD;
    enum its_result r = load(s, table_base(baser) + n * ENTRY, &first);
    if (r)
        return r;
    *at = (first & BITS(51, 12) & ~(page - 1)) + id % (page / ENTRY) * ENTRY;
    return first & VALID ? ITS_OK : ITS_BAD;
}

static enum its_result get_entry(const struct its *s, unsigned table, u64 id, u64 *v)
{
    u64 at;
    enum its_result r = find_entry(s, table, id, &at);
    r = r ? r : load(s, at, v);
    return r ? r : *v & VALID ? ITS_OK : ITS_BAD;
}

static enum its_result put_entry(const struct its *s, unsigned table, u64 id, u64 v)
{
    u64 at;
    enum its_result r = find_entry(s, table, id, &at);
    return r ? r : store(s, at, v);
}

/* Where an event's translation is. */
static enum its_result find_event(const struct its *s, u64 device, u64 event, u64 *at)
{
    u64 v;
    if (device >= BIT(DEVICE_BITS))
        return ITS_BAD;
    enum its_result r = get_entry(s, DEVICES, device, &v);
    if (r)
        return r;
    *at = (v & BITS(51, 8)) + event * ENTRY;
    return event < BIT(bits_get(v, 0, 5) + 1) && event < BIT(EVENT_BITS) ? ITS_OK : ITS_BAD;
}

/* A collection's redistributor. */
static enum its_result find_target(const struct its *s, u64 collection, u32 *cpu)
{
    u64 v;
    if (collection >= BIT(COLLECTION_BITS))
        return ITS_BAD;
    enum its_result r = get_entry(s, COLLECTIONS, collection, &v);
    if (r)
        return r;
    *cpu = (u32)bits_get(v, 0, 16);
    return s->gic && *cpu < gicv3_cpu_count(s->gic) ? ITS_OK : ITS_BAD;
}

struct translation {
    u64 at; /* of the entry */
    u32 lpi, cpu;
};

static enum its_result translate(const struct its *s, u64 device, u64 event, struct translation *t)
{
    u64 v;
    enum its_result r = find_event(s, device, event, &t->at);
    r = r ? r : load(s, t->at, &v);
    if (r)
        return r;
    t->lpi = (u32)bits_get(v, 0, 16);
    if (!(v & VALID) || t->lpi < GIC_LPI)
        return ITS_BAD;
    return find_target(s, bits_get(v, 32, 16), &t->cpu);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static u64 device_of(const u64 *c)
{
    return c[0] >> 32;
}

static u64 event_of(const u64 *c)
{
    return c[1] & UINT32_MAX;
}

static u64 collection_of(const u64 *c)
{
    return c[2] & UINT16_MAX;
}

/* A redistributor's number, in a command's third or fourth word. */
static bool get_target(const struct its *s, u64 word, u32 *cpu)
{
    u64 n = bits_get(word, 16, 35);
    *cpu = (u32)n;
    return s->gic && n < gicv3_cpu_count(s->gic);
}

static enum its_result do_mapd(struct its *s, const u64 *c)
{
    u64 size = bits_get(c[1], 0, 5), itt = c[2] & BITS(51, 8);
    bool valid = c[2] & VALID;
    if (device_of(c) >= BIT(DEVICE_BITS) || (valid && size >= EVENT_BITS))
        return ITS_BAD;
    return put_entry(s, DEVICES, device_of(c), valid ? VALID | itt | size : 0);
}

static enum its_result do_mapc(struct its *s, const u64 *c)
{
    u32 cpu = 0;
    bool valid = c[2] & VALID;
    if (valid && !get_target(s, c[2], &cpu))
        return ITS_BAD;
    return put_entry(s, COLLECTIONS, collection_of(c), valid ? VALID | cpu : 0);
}

static enum its_result map_event(struct its *s, const u64 *c, u64 lpi)
{
    u64 at;
    if (lpi < GIC_LPI || lpi >= BIT(GIC_ID_BITS))
        return ITS_BAD;
    enum its_result r = find_event(s, device_of(c), event_of(c), &at);
    return r ? r : store(s, at, VALID | collection_of(c) << 32 | lpi);
}

static enum its_result do_mapti(struct its *s, const u64 *c)
{
    return map_event(s, c, c[1] >> 32);
}

static enum its_result do_mapi(struct its *s, const u64 *c)
{
    return map_event(s, c, event_of(c));
}

static enum its_result do_movi(struct its *s, const u64 *c)
{
    struct translation t;
    u32 to;
    enum its_result r = translate(s, device_of(c), event_of(c), &t);
    r = r ? r : find_target(s, collection_of(c), &to);
    r = r ? r : store(s, t.at, VALID | collection_of(c) << 32 | t.lpi);
    if (!r)
        gicv3_lpi_move(s->gic, t.cpu, to, t.lpi);
    return r;
}

static enum its_result do_movall(struct its *s, const u64 *c)
{
    u32 from, to;
    if (!get_target(s, c[2], &from) || !get_target(s, c[3], &to))
        return ITS_BAD;
    gicv3_lpi_move_all(s->gic, from, to);
    return ITS_OK;
}

static enum its_result signal_event(struct its *s, const u64 *c, bool pending,
                                    struct translation *t)
{
    enum its_result r = translate(s, device_of(c), event_of(c), t);
    if (!r)
        gicv3_lpi_signal(s->gic, t->cpu, t->lpi, pending);
    return r;
}

static enum its_result do_int(struct its *s, const u64 *c)
{
    struct translation t;
    return signal_event(s, c, true, &t);
}

static enum its_result do_clear(struct its *s, const u64 *c)
{
    struct translation t;
    return signal_event(s, c, false, &t);
}

static enum its_result do_discard(struct its *s, const u64 *c)
{
    struct translation t;
    enum its_result r = signal_event(s, c, false, &t);
    return r ? r : store(s, t.at, 0);
}

static enum its_result do_inv(struct its *s, const u64 *c)
{
    struct translation t;
    enum its_result r = translate(s, device_of(c), event_of(c), &t);
    if (!r)
        gicv3_lpi_reload(s->gic, t.cpu, t.lpi);
    return r;
}

static enum its_result do_invall(struct its *s, const u64 *c)
{
    u32 cpu;
    enum its_result r = find_target(s, collection_of(c), &cpu);
    if (!r)
        gicv3_lpi_reload_all(s->gic, cpu);
    return r;
}

/* Everything has had its effect already. */
static enum its_result do_sync(struct its *s, const u64 *c)
{
    u32 cpu;
    return get_target(s, c[2], &cpu) ? ITS_OK : ITS_BAD;
}

static enum its_result (*const commands[])(struct its *s, const u64 *c) = {
    [0x01] = do_movi, [0x03] = do_int,    [0x04] = do_clear,  [0x05] = do_sync,
    [0x08] = do_mapd, [0x09] = do_mapc,   [0x0a] = do_mapti,  [0x0b] = do_mapi,
    [0x0c] = do_inv,  [0x0d] = do_invall, [0x0e] = do_movall, [0x0f] = do_discard,
};

static enum its_result run_command(struct its *s, const u64 *c)
{
    u8 n = (u8)c[0];
    enum its_result r = n < ARRAY_SIZE(commands) && commands[n] ? commands[n](s, c) : ITS_BAD;
    if (r)
        device_guest_error(&s->dev, "command %#x %#llx %#llx %#llx: %s", n,
                           (unsigned long long)c[1], (unsigned long long)c[2],
                           (unsigned long long)c[3],
                           r == ITS_BAD ? "makes no sense" : "a table is not in memory");
    return r;
}

/* ---- Queue ----------------------------------------------------------------------------------- */

static u64 queue_size(const struct its *s)
{
    return (bits_get(s->cbaser, 0, 8) + 1) * 4 * KiB;
}

static bool has_commands(const struct its *s)
{
    return s->ctlr & CTLR_ENABLED && s->cbaser & VALID && !(s->creadr & QUEUE_STALLED) &&
           s->creadr != s->cwriter && s->cwriter < queue_size(s);
}

static bool read_command(struct its *s, u64 *c)
{
    u8 bytes[COMMAND_SIZE];
    u64 at = (s->cbaser & BITS(51, 12)) + (s->creadr & QUEUE_OFFSET);
    if (dma_read(memory(s), at, bytes, sizeof(bytes)) != MEM_OK)
        return false;
    for (unsigned i = 0; i < COMMAND_SIZE / 8; i++)
        c[i] = load_le(bytes + 8 * i, 8);
    return true;
}

static void run_queue(struct its *s)
{
    u64 c[COMMAND_SIZE / 8];
    for (unsigned i = 0; i < COMMANDS_AT_ONCE && has_commands(s); i++) {
        if (!read_command(s, c) || run_command(s, c) == ITS_NO_MEMORY)
            s->creadr |= QUEUE_STALLED;
        else
            s->creadr = (s->creadr + COMMAND_SIZE) % queue_size(s);
    }
    if (has_commands(s))
        loop_task_schedule(&s->task);
}

static void queue_task(void *opaque)
{
    struct its *s = opaque;
    pthread_mutex_lock(&s->lock);
    run_queue(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static const u8 table_types[TABLES] = {[DEVICES] = 1, [COLLECTIONS] = 4};

static u64 typer_get(void)
{
    return 1 | (ENTRY - 1) << 4 | (EVENT_BITS - 1) << 8 | (DEVICE_BITS - 1) << 13;
}

static u64 baser_get(const struct its *s, unsigned n)
{
    if (n >= TABLES)
        return 0;
    return s->baser[n] | BASER_TYPE(table_types[n]) | BASER_ENTRIES;
}

static u64 get64(const struct its *s, u64 offset)
{
    switch (offset) {
    case CTLR:
        return (u64)GIC_IIDR << 32 | s->ctlr |
               (s->ctlr & CTLR_ENABLED || has_commands(s) ? 0 : CTLR_QUIESCENT);
    case TYPER: return typer_get();
    case CBASER: return s->cbaser;
    case CWRITER: return s->cwriter;
    case CREADR: return s->creadr;
    }
    if (offset >= BASER && offset < BASER_END)
        return baser_get(s, (unsigned)(offset - BASER) / 8);
    if (offset < TRANSLATER - 0x40)
        return gicv3_id_register(offset) | (u64)gicv3_id_register(offset + 4) << 32;
    return 0;
}

/* Tables and queue stay where they are while they are in use. */
static bool is_fixed(const struct its *s, u64 offset)
{
    if (!(s->ctlr & CTLR_ENABLED))
        return false;
    device_guest_error(&s->dev, "write at 0x%llx while it is enabled", (unsigned long long)offset);
    return true;
}

static void ctlr_put(struct its *s, u32 v)
{
    s->ctlr = v & CTLR_ENABLED;
    run_queue(s);
}

static void cwriter_put(struct its *s, u64 v)
{
    s->cwriter = v & QUEUE_OFFSET;
    if (v & QUEUE_RETRY)
        s->creadr &= ~(u64)QUEUE_STALLED;
    run_queue(s);
}

/* Sizes of pages that are reserved are 64 KiB. */
static void baser_put(struct its *s, unsigned n, u64 offset, u64 v)
{
    if (n < TABLES && !is_fixed(s, offset))
        s->baser[n] = v & BASER_MASK;
}

static void put64(struct its *s, u64 offset, u64 v)
{
    if (offset == CTLR) {
        ctlr_put(s, (u32)v);
    } else if (offset == CBASER && !is_fixed(s, offset)) {
        s->cbaser = v & CBASER_MASK;
        s->creadr = 0;
    } else if (offset == CWRITER) {
        cwriter_put(s, v);
    } else if (offset >= BASER && offset < BASER_END) {
        baser_put(s, (unsigned)(offset - BASER) / 8, offset, v);
    } else if (offset >= TRANSLATER - 0x40) {
        device_guest_error(&s->dev, "a message from nobody: 0x%llx", (unsigned long long)v);
    }
}

static u64 its_read(void *opaque, u64 offset, unsigned size)
{
    struct its *s = opaque;
    pthread_mutex_lock(&s->lock);
    u64 v = get64(s, offset & ~UINT64_C(7)) >> 8 * (offset & 7);
    pthread_mutex_unlock(&s->lock);
    return v & BITS(8 * size - 1, 0);
}

static void its_write(void *opaque, u64 offset, u64 v, unsigned size)
{
    struct its *s = opaque;
    u64 base = offset & ~UINT64_C(7);
    pthread_mutex_lock(&s->lock);
    if (size < 8 && base != CTLR)
        v = bits_set(get64(s, base), 8 * (offset & 7), 8 * size, v);
    if (base != CTLR || offset == CTLR)
        put64(s, base, v);
    pthread_mutex_unlock(&s->lock);
}

/* A device's message: an event's number, written to GITS_TRANSLATER. */
static void its_message(void *opaque, u64 offset, u32 data, u32 requester)
{
    struct its *s = opaque;
    struct translation t;
    pthread_mutex_lock(&s->lock);
    enum its_result r = ITS_BAD;
    if (offset == TRANSLATER && s->ctlr & CTLR_ENABLED)
        r = translate(s, requester, data, &t);
    if (!r)
        gicv3_lpi_signal(s->gic, t.cpu, t.lpi, true);
    else
        device_guest_error(&s->dev, "device %#x, event %#x, at 0x%llx: no translation", requester,
                           data, (unsigned long long)offset);
    pthread_mutex_unlock(&s->lock);
}

static const struct mem_ops its_ops = {
    .read = its_read, .write = its_write, .message = its_message, .min_size = 4};

/* ---- Life ------------------------------------------------------------------------------------ */

void gicv3_its_connect(struct device *its, struct device *gic)
{
    ((struct its *)its)->gic = (struct gicv3 *)gic;
}

static void its_reset(struct device *d)
{
    struct its *s = (struct its *)d;
    pthread_mutex_lock(&s->lock);
    s->ctlr = 0;
    s->cbaser = s->cwriter = s->creadr = 0;
    memset(s->baser, 0, sizeof(s->baser));
    pthread_mutex_unlock(&s->lock);
    loop_task_cancel(&s->task);
}

static int its_realize(struct device *d, struct err *err)
{
    struct its *s = (struct its *)d;
    (void)err;
    pthread_mutex_init(&s->lock, NULL);
    loop_task_init(&s->task, d->host->loop, queue_task, s);
    mem_io(&s->mmio, "gicv3_its", GICV3_ITS_SIZE, &its_ops, s, NULL);
    return 0;
}

static void its_unrealize(struct device *d)
{
    struct its *s = (struct its *)d;
    if (s->task.loop)
        loop_task_cancel(&s->task);
}

static int its_post_load(void *obj, u32 version, struct err *err)
{
    struct its *s = obj;
    (void)version;
    if (s->creadr >= queue_size(s) || s->creadr & ~(QUEUE_OFFSET | QUEUE_STALLED) ||
        s->cwriter & ~QUEUE_OFFSET)
        return err_set(err, EINVAL, "a command queue whose ends are out of it");
    if (has_commands(s))
        loop_task_schedule(&s->task);
    return 0;
}

static const struct state_table its_state = {
    .name = "arm-gicv3-its",
    .version = 1,
    .min_version = 1,
    .post_load = its_post_load,
    .fields =
        (const struct state_field[]){STATE_U32_MAX(struct its, ctlr, CTLR_ENABLED),
                                     STATE_U64(struct its, cbaser), STATE_U64(struct its, cwriter),
                                     STATE_U64(struct its, creadr),
                                     STATE_U64_ARRAY(struct its, baser), STATE_END},
};

const struct device_type arm_gicv3_its = {
    .name = "arm-gicv3-its",
    .help = "Arm GICv3 Interrupt Translation Service: message-signalled interrupts",
    .family = "arm",
    .size = sizeof(struct its),
    .state = &its_state,
    DEVICE_MMIO1(struct its, mmio),
    .realize = its_realize,
    .unrealize = its_unrealize,
    .reset = its_reset,
    .fdt = {.node = "its", DEVICE_COMPATIBLE("arm,gic-v3-its")},
};
