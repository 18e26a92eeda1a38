/*
 * cfi_flash.c - parallel NOR flash with the Intel/Sharp extended command set (CFI 0001): one or
 * more chips side by side on a bus.
 *
 *   READ_ARRAY <--0xff-- any; reads come straight from memory (romd)
 *      | 0x70, 0x90, 0x98          -> STATUS, ID, QUERY
 *      | 0x10/0x40, data           -> program, STATUS
 *      | 0x20, 0xd0                -> erase a block, STATUS
 *      | 0xe8, count, data.., 0xd0 -> program a buffer, STATUS
 *      | 0x60, any                 -> (un)lock: accepted, nothing is ever locked; STATUS
 *      | 0x50                      -> clear status
 *
 * Programming only clears bits; erasing sets them. Everything is done at once. Chips of the bank
 * get the same commands: the lowest lane's are obeyed, answers are repeated in every lane.
 *
 * With a drive, contents come from it and changes go back to it by the loop.
 *
 * Sources: Intel StrataFlash J3 data sheet; JEDEC JESD68 and JEP137 (CFI). Locking: host->lock; the
 * drive belongs to the loop's thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/block/block.h"
#include "base/alloc.h"
#include "device/device.h"

enum {
    STATUS_READY = 0x80,
    STATUS_ERASE_ERROR = 0x20,
    STATUS_PROGRAM_ERROR = 0x10,
    STATUS_LOCKED = 0x02,
    STATUS_SEQUENCE_ERROR = STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR,
    BUFFER_BITS = 11, /* of one chip's write buffer */
    BUFFER_MAX = 4 << BUFFER_BITS,
    QUERY_SIZE = 0x40,
    TRANSFER = 1 << 20,
};

enum flash_mode { READ_ARRAY, READ_STATUS, READ_ID, READ_QUERY };
enum flash_step {
    NO_STEP,
    PROGRAM_DATA,
    ERASE_CONFIRM,
    BUFFER_COUNT,
    BUFFER_DATA,
    BUFFER_CONFIRM,
    LOCK_SETUP
};

struct cfi_flash {
    struct device dev;
    struct mem_region mmio;
    /* Configuration. */
    char *drive;
    u32 blocks, width, device_width;
    u64 sector;
    u8 id[4];
    struct block *block;
    struct ram_block *ram;
    u8 query[QUERY_SIZE];
    /* State. */
    u8 mode, step, status;
    u8 buffer[BUFFER_MAX];
    u64 buffer_at; /* in the flash, of buffer's first byte */
    u32 buffer_used, buffer_size;
    /* What the drive does not have yet. */
    u64 dirty_from, dirty_to;
    struct loop_task task;
    struct block_request request;
    struct iovec iov;
    bool writing;
};

static const struct option flash_options[] = {
    OPTION_STRING("drive", struct cfi_flash, drive, NULL, "block backend with the contents"),
    OPTION_INT("num-blocks", struct cfi_flash, blocks, "128", 1, 65536, "erase blocks"),
    OPTION_INT("sector-length", struct cfi_flash, sector, "262144", 4096, 1 << 26,
               "bytes in an erase block"),
    OPTION_INT("width", struct cfi_flash, width, "4", 1, 4, "bytes of the bank's bus"),
    OPTION_INT("device-width", struct cfi_flash, device_width, "2", 1, 4, "bytes of a chip's bus"),
    OPTION_INT("id0", struct cfi_flash, id[0], "137", 0, 255, "manufacturer"),
    OPTION_INT("id1", struct cfi_flash, id[1], "24", 0, 255, "device"),
    OPTION_LAST,
};

/* ---- The drive ------------------------------------------------------------------------------- */

static void write_done(struct block_request *r, int result)
{
    struct cfi_flash *f = r->opaque;
    free(f->iov.iov_base);
    if (result)
        fprintf(stderr, "guise: %s: drive %s: %s\n", f->dev.id, f->drive, strerror(-result));
    device_lock(&f->dev);
    f->writing = false;
    device_unlock(&f->dev);
    loop_task_schedule(&f->task);
}

/* Takes at most TRANSFER dirty bytes, in whole sectors of the drive, into f->request. */
static bool take_dirty(struct cfi_flash *f)
{
    if (f->writing || f->dirty_from >= f->dirty_to)
        return false;
    u64 from = align_down(f->dirty_from, f->block->sector);
    u64 to = MIN(align_up(f->dirty_to, f->block->sector), from + TRANSFER);
    u8 *copy = alloc_copy(f->ram->host + from, to - from);
    f->dirty_from = to;
    f->iov = (struct iovec){.iov_base = copy, .iov_len = to - from};
    f->request = (struct block_request){.op = BLOCK_WRITE,
                                        .offset = from,
                                        .length = to - from,
                                        .iov = &f->iov,
                                        .iov_count = 1,
                                        .done = write_done,
                                        .opaque = f};
    f->writing = true;
    return true;
}

static void write_task(void *opaque)
{
    struct cfi_flash *f = opaque;
    device_lock(&f->dev);
    bool go = take_dirty(f);
    device_unlock(&f->dev);
    if (go)
        block_submit(f->block, &f->request);
}

/* Contents changed. Lock held. */
static void changed(struct cfi_flash *f, u64 from, u64 size)
{
    memory_ram_written(f->ram, from, size);
    if (!f->block)
        return;
    bool clean = f->dirty_from >= f->dirty_to;
    f->dirty_from = clean ? from : MIN(f->dirty_from, from);
    f->dirty_to = clean ? from + size : MAX(f->dirty_to, from + size);
    loop_task_schedule(&f->task);
}

static void read_done(struct block_request *r, int result)
{
    *(int *)r->opaque = result;
}

static int read_chunk(struct cfi_flash *f, u64 at, u8 *buf, u64 size, struct err *err)
{
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    int result = 1;
    struct block_request r = {.op = BLOCK_READ,
                              .offset = at,
                              .length = size,
                              .iov = &iov,
                              .iov_count = 1,
                              .done = read_done,
                              .opaque = &result};
    block_submit(f->block, &r);
    while (result > 0)
        loop_turn(f->dev.host->loop, true);
    return result ? err_set_errno(err, -result, "drive %s", f->drive) : 0;
}

/* Pages of zeroes stay untouched: an empty flash costs no memory. */
static void copy_pages(u8 *to, const u8 *from, u64 size)
{
    static const u8 zero[MEM_PAGE];
    for (u64 i = 0; i < size; i += MEM_PAGE) {
        if (memcmp(from + i, zero, MIN(MEM_PAGE, size - i)))
            memcpy(to + i, from + i, MIN(MEM_PAGE, size - i));
    }
}

static int load_drive(struct cfi_flash *f, struct err *err)
{
    u8 *buf = malloc(TRANSFER);
    int r = buf ? 0 : err_set(err, ENOMEM, "no memory to read drive %s", f->drive);
    for (u64 at = 0; at < f->ram->size && !r; at += TRANSFER) {
        u64 n = MIN(TRANSFER, f->ram->size - at);
        r = read_chunk(f, at, buf, n, err);
        if (!r)
            copy_pages(f->ram->host + at, buf, n);
    }
    free(buf);
    return r;
}

static int open_drive(struct cfi_flash *f, u64 size, struct err *err)
{
    const struct device_host *host = f->dev.host;
    struct block *b = host->block(host->opaque, f->drive);
    if (!b)
        return err_set(err, ENOENT, "drive=%s: there is no such drive", f->drive);
    if (b->used)
        return err_set(err, EBUSY, "drive=%s: another device has it", f->drive);
    if (b->size != size)
        return err_set(err, EINVAL, "drive=%s: the flash has %llu bytes, the drive %llu", f->drive,
                       (unsigned long long)size, (unsigned long long)b->size);
    b->used = true;
    f->block = b;
    return 0;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void set_mode(struct cfi_flash *f, enum flash_mode mode)
{
    f->mode = mode;
    f->step = NO_STEP;
    mem_romd_direct(f->dev.host->memory, &f->mmio, mode == READ_ARRAY);
}

static void fail(struct cfi_flash *f, u8 why)
{
    f->status |= why;
    set_mode(f, READ_STATUS);
}

static bool writable(struct cfi_flash *f)
{
    if (!f->block || !f->block->read_only)
        return true;
    fail(f, STATUS_PROGRAM_ERROR | STATUS_LOCKED);
    return false;
}

static void program(struct cfi_flash *f, u64 at, const u8 *data, u32 size)
{
    if (!writable(f))
        return;
    for (u32 i = 0; i < size; i++)
        f->ram->host[at + i] &= data[i];
    changed(f, at, size);
    set_mode(f, READ_STATUS);
}

static void erase(struct cfi_flash *f, u64 offset)
{
    u64 at = align_down(offset, f->sector);
    if (!writable(f))
        return;
    memset(f->ram->host + at, 0xff, f->sector);
    changed(f, at, f->sector);
    set_mode(f, READ_STATUS);
}

static void command(struct cfi_flash *f, u64 offset, u8 cmd)
{
    switch (cmd) {
    case 0x00: /* some guests end with it */
    case 0xf0:
    case 0xff: set_mode(f, READ_ARRAY); return;
    case 0x50: f->status = STATUS_READY; return;
    case 0x70: set_mode(f, READ_STATUS); return;
    case 0x90: set_mode(f, READ_ID); return;
    case 0x98: set_mode(f, READ_QUERY); return;
    }
    set_mode(f, READ_STATUS);
    switch (cmd) {
    case 0x10:
    case 0x40: f->step = PROGRAM_DATA; return;
    case 0x20: f->step = ERASE_CONFIRM; return;
    case 0x60: f->step = LOCK_SETUP; return;
    case 0xe8:
        f->step = BUFFER_COUNT;
        f->buffer_at = offset;
        return;
    }
    device_guest_error(&f->dev, "command 0x%02x at 0x%llx is not known", cmd,
                       (unsigned long long)offset);
    set_mode(f, READ_ARRAY);
}

static void buffer_count(struct cfi_flash *f, u64 value)
{
    u64 lane = bits_get(value, 0, f->device_width * 8);
    f->buffer_used = 0;
    f->buffer_size = 0;
    if (lane >= (1u << BUFFER_BITS) / f->device_width) {
        fail(f, STATUS_SEQUENCE_ERROR);
        return;
    }
    f->buffer_size = (u32)(lane + 1) * f->width;
    f->step = BUFFER_DATA;
}

/* The first byte says where the buffer begins; all of it lies in one block. */
static void buffer_data(struct cfi_flash *f, u64 offset, u64 value, unsigned size)
{
    if (!f->buffer_used) {
        f->buffer_at = offset;
        memset(f->buffer, 0xff, f->buffer_size);
    }
    u64 at = offset - f->buffer_at, left = f->sector - (f->buffer_at & (f->sector - 1));
    if (at >= f->buffer_size || size > f->buffer_size - at || f->buffer_size > left) {
        fail(f, STATUS_SEQUENCE_ERROR);
        return;
    }
    store_le(f->buffer + at, value, size);
    f->buffer_used += size;
    if (f->buffer_used >= f->buffer_size)
        f->step = BUFFER_CONFIRM;
}

static void next_step(struct cfi_flash *f, u64 offset, u64 value, unsigned size)
{
    u8 data[8];
    bool confirmed = (u8)value == 0xd0;
    switch ((enum flash_step)f->step) {
    case PROGRAM_DATA:
        store_le(data, value, size);
        program(f, offset, data, size);
        break;
    case ERASE_CONFIRM:
        if (confirmed)
            erase(f, offset);
        else
            fail(f, STATUS_SEQUENCE_ERROR);
        break;
    case BUFFER_COUNT: buffer_count(f, value); break;
    case BUFFER_DATA: buffer_data(f, offset, value, size); break;
    case BUFFER_CONFIRM:
        if (confirmed)
            program(f, f->buffer_at, f->buffer, f->buffer_size);
        else
            fail(f, STATUS_SEQUENCE_ERROR);
        break;
    case LOCK_SETUP: set_mode(f, READ_STATUS); break;
    case NO_STEP: break;
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u8 answer(const struct cfi_flash *f, u64 word)
{
    switch (f->mode) {
    case READ_ID: return (word & 0xff) < 2 ? f->id[word & 0xff] : 0;
    case READ_QUERY: return (word & 0xff) < QUERY_SIZE ? f->query[word & 0xff] : 0;
    default: return f->status;
    }
}

static u64 flash_read(void *opaque, u64 offset, unsigned size)
{
    struct cfi_flash *f = opaque;
    u64 v = 0;
    if (f->mode == READ_ARRAY)
        return load_le(f->ram->host + offset, size);
    for (unsigned i = 0; i < size; i++) {
        /* A chip answers in its lowest byte. */
        if (!((offset + i) % f->device_width))
            v |= (u64)answer(f, (offset + i) / f->width) << (8 * i);
    }
    return v;
}

static void flash_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct cfi_flash *f = opaque;
    if (f->step == NO_STEP)
        command(f, offset, (u8)value);
    else
        next_step(f, offset, value, size);
}

static const struct mem_ops flash_ops = {.read = flash_read, .write = flash_write, .max_size = 4};

/* ---- Life ------------------------------------------------------------------------------------ */

/* The CFI query structure of one chip (JEP137). */
static void make_query(struct cfi_flash *f)
{
    static const u8 fixed[] = {
        [0x10] = 'Q',
        'R',
        'Y',
        0x01,
        0,
        0x31,
        0,
        0,
        0,
        0,
        0, /* command set 1, table at 0x31 */
        [0x1b] = 0x45,
        0x55,
        0,
        0, /* Vcc 4.5 .. 5.5 V, no Vpp */
        [0x1f] = 7,
        7,
        10,
        0,
        4,
        4,
        4,
        0, /* times: 128 us, 1 s; at most x16 */
        [0x28] = 2,
        0,
        BUFFER_BITS,
        0,
        1, /* x8 and x16; one kind of blocks */
        [0x31] = 'P',
        'R',
        'I',
        '1',
        '0',
    };
    u64 chips = f->width / f->device_width, sector = f->sector / chips / 256;
    memcpy(f->query, fixed, sizeof(fixed));
    f->query[0x27] = (u8)ctz64(f->blocks * f->sector / chips);
    store_le(f->query + 0x2d, f->blocks - 1, 2);
    store_le(f->query + 0x2f, sector, 2);
}

static int check_geometry(const struct cfi_flash *f, struct err *err)
{
    if (!is_pow2(f->width) || !is_pow2(f->device_width) || f->device_width > f->width)
        return err_set(err, EINVAL,
                       "width=%u,device-width=%u: powers of two, the second not above"
                       " the first",
                       f->width, f->device_width);
    if (!is_pow2(f->blocks) || !is_pow2(f->sector))
        return err_set(err, EINVAL, "num-blocks=%u,sector-length=%llu: powers of two are accepted",
                       f->blocks, (unsigned long long)f->sector);
    return 0;
}

static int flash_realize(struct device *d, struct err *err)
{
    struct cfi_flash *f = (struct cfi_flash *)d;
    u64 size = f->blocks * f->sector;
    int r = check_geometry(f, err);
    if (!r && f->drive)
        r = open_drive(f, size, err);
    if (r)
        return r;
    f->ram = ram_block_new(d->host->memory, d->id, size, err);
    if (!f->ram)
        return -ENOMEM;
    make_query(f);
    f->status = STATUS_READY;
    mem_romd(&f->mmio, d->id, f->ram, size, &flash_ops, f, d->host->lock);
    loop_task_init(&f->task, d->host->loop, write_task, f);
    return f->block ? load_drive(f, err) : 0;
}

static void flash_unrealize(struct device *d)
{
    struct cfi_flash *f = (struct cfi_flash *)d;
    while (f->block && d->realized && (f->writing || f->dirty_from < f->dirty_to)) {
        write_task(f);
        block_drain(f->block);
    }
    if (f->task.loop)
        loop_task_cancel(&f->task);
    if (f->block)
        f->block->used = false;
}

static void flash_reset(struct device *d)
{
    struct cfi_flash *f = (struct cfi_flash *)d;
    f->status = STATUS_READY;
    f->buffer_used = f->buffer_size = 0;
    f->buffer_at = 0;
    set_mode(f, READ_ARRAY);
}

/* What was loaded into memory is not what the drive has. */
static int flash_post_load(void *obj, u32 version, struct err *err)
{
    struct cfi_flash *f = obj;
    u64 size = f->blocks * f->sector;
    u8 step = f->step;
    /* Otherwise it is what some earlier command left. */
    bool in_use = step == BUFFER_CONFIRM || (step == BUFFER_DATA && f->buffer_used);
    (void)version;
    if (f->buffer_size > f->width << BUFFER_BITS ||
        (in_use && (f->buffer_at > size || f->buffer_size > size - f->buffer_at)))
        return err_set(err, EINVAL, "%s: write buffer outside of the flash", f->dev.id);
    set_mode(f, f->mode);
    f->step = step;
    if (f->block && !f->block->read_only)
        changed(f, 0, size);
    return 0;
}

static const struct state_table flash_state = {
    .name = "cfi-flash",
    .version = 1,
    .min_version = 1,
    .post_load = flash_post_load,
    .fields =
        (const struct state_field[]){
            STATE_U8_MAX(struct cfi_flash, mode, READ_QUERY),
            STATE_U8_MAX(struct cfi_flash, step, LOCK_SETUP),
            STATE_U8(struct cfi_flash, status),
            STATE_BYTES(struct cfi_flash, buffer),
            STATE_U64(struct cfi_flash, buffer_at),
            STATE_U32_MAX(struct cfi_flash, buffer_used, BUFFER_MAX),
            STATE_U32_MAX(struct cfi_flash, buffer_size, BUFFER_MAX),
            STATE_END,
        },
};

const struct device_type cfi_flash = {
    .name = "cfi.pflash01",
    .help = "parallel NOR flash, Intel command set",
    .size = sizeof(struct cfi_flash),
    .options = flash_options,
    .state = &flash_state,
    DEVICE_MMIO1(struct cfi_flash, mmio),
    .realize = flash_realize,
    .unrealize = flash_unrealize,
    .reset = flash_reset,
    .fdt = {.node = "flash", DEVICE_COMPATIBLE("cfi-flash")},
    .acpi_id = "LNRO0015",
};
