/*
 * blk.c - virtio block device (virtio 1.2, section 5.2) over a block backend.
 *
 * A request is a chain: header {u32 type, u32 reserved, u64 sector}, data, and one status byte at
 * the very end of what the device writes. It lives from the queue's handler to the backend's
 * completion, both on the loop's thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/block/block.h"
#include "device/virtio/virtio.h"

enum {
    BLK_SECTOR = 512,
    BLK_F_SEG_MAX = 2,
    BLK_F_RO = 5,
    BLK_F_BLK_SIZE = 6,
    BLK_F_FLUSH = 9,
    BLK_F_TOPOLOGY = 10,
    BLK_F_CONFIG_WCE = 11,
    BLK_F_MQ = 12,
    BLK_F_DISCARD = 13,
    BLK_F_WRITE_ZEROES = 14,
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
    BLK_S_OK = 0,
    BLK_S_IOERR = 1,
    BLK_S_UNSUPP = 2,
    BLK_ID_BYTES = 20,
    BLK_SEG_MAX = 254,
    BLK_ZERO_UNMAP = 1,
    BLK_MAX_DISCARD = 1 << 22, /* sectors in a segment */
    BLK_QUEUES_MAX = 16,
};

struct virtio_blk {
    struct virtio virtio;
    char *drive, *serial;
    u32 queues;
    bool writeback; /* config: wce */
    struct block *block;
};

static const struct option blk_options[] = {
    VIRTIO_OPTIONS(struct virtio_blk),
    OPTION_NAMED("drive", OPTION_TYPE_STRING, struct virtio_blk, drive, NULL, "block backend",
                 .required = true),
    OPTION_STRING("serial", struct virtio_blk, serial, NULL, "serial number (20 characters)"),
    OPTION_INT("num-queues", struct virtio_blk, queues, "1", 1, BLK_QUEUES_MAX, "request queues"),
    OPTION_LAST,
};

struct blk_request {
    struct block_request block;
    struct virtio_blk *blk;
    struct vchain *chain;
    u32 written; /* bytes of data the device wrote */
};

/* ---- Completion ------------------------------------------------------------------------------ */

static void request_end(struct blk_request *r, u8 status)
{
    struct vqueue *q = r->chain->queue;
    u64 at = r->chain->in_len - 1; /* start_request saw that there is a byte */
    vchain_write(r->chain, at, &status, 1);
    vqueue_push(q, r->chain, (u32)MIN(at, r->written) + 1);
    vqueue_notify(q);
    free(r);
}

static void request_done(struct block_request *b, int result)
{
    struct blk_request *r = b->opaque;
    struct device *d = &r->blk->virtio.dev;
    device_lock(d);
    if (b->op == BLOCK_READ && !result) {
        r->written = (u32)MIN(b->length, UINT32_MAX - 1);
        vchain_written(r->chain, b->length);
    }
    request_end(r, result ? BLK_S_IOERR : BLK_S_OK);
    device_unlock(d);
}

/* ---- Start ----------------------------------------------------------------------------------- */

/* Pieces of iov without the first `skip` and all after `len` bytes, in place. */
static void cut_pieces(struct iovec **iov, u32 *count, u64 skip, u64 len)
{
    while (*count && skip >= (*iov)->iov_len) {
        skip -= (*iov)->iov_len;
        ++*iov;
        --*count;
    }
    if (!*count)
        return;
    (*iov)->iov_base = (u8 *)(*iov)->iov_base + skip;
    (*iov)->iov_len -= skip;
    u32 n = 0;
    while (n < *count && len > 0) {
        struct iovec *p = &(*iov)[n++];
        p->iov_len = MIN(p->iov_len, len);
        len -= p->iov_len;
    }
    *count = n;
}

static void start_transfer(struct blk_request *r, u32 type, u64 sector)
{
    bool read = type == BLK_T_IN;
    u64 length = read ? r->chain->in_len - 1 : r->chain->out_len - 16;
    /* A copy of the pieces: the status byte's must stay as it is. */
    u32 count = read ? r->chain->in_count : r->chain->out_count;
    struct iovec *pieces = (struct iovec *)(r + 1);
    memcpy(pieces, read ? r->chain->in : r->chain->out, count * sizeof(*pieces));
    cut_pieces(&pieces, &count, read ? 0 : 16, length);
    r->block.op = read ? BLOCK_READ : BLOCK_WRITE;
    r->block.offset = sector * BLK_SECTOR;
    r->block.length = length;
    r->block.iov = pieces;
    r->block.iov_count = count;
    r->block.fua = !read && !r->blk->writeback;
    if (sector > UINT64_MAX / BLK_SECTOR || length % BLK_SECTOR)
        request_end(r, BLK_S_IOERR);
    else
        block_submit(r->blk->block, &r->block);
}

/* One segment {u64 sector, u32 sectors, u32 flags}: config announces that more are not taken. */
static void start_discard(struct blk_request *r, u32 type)
{
    u8 segment[16];
    bool zero = type == BLK_T_WRITE_ZEROES;
    if (r->chain->out_len != 32 || vchain_read(r->chain, 16, segment, 16) != 16)
        return request_end(r, BLK_S_UNSUPP);
    u64 sector = load_le(segment, 8), count = load_le(segment + 8, 4),
        flags = load_le(segment + 12, 4);
    if (flags & ~(u64)(zero ? BLK_ZERO_UNMAP : 0) || count > BLK_MAX_DISCARD)
        return request_end(r, BLK_S_UNSUPP);
    if (sector > UINT64_MAX / BLK_SECTOR)
        return request_end(r, BLK_S_IOERR);
    r->block.op = zero ? BLOCK_ZERO : BLOCK_DISCARD;
    r->block.unmap = flags & BLK_ZERO_UNMAP;
    r->block.offset = sector * BLK_SECTOR;
    r->block.length = count * BLK_SECTOR;
    r->block.fua = zero && !r->blk->writeback;
    block_submit(r->blk->block, &r->block);
}

static void get_id(struct blk_request *r)
{
    char id[BLK_ID_BYTES] = {0};
    const char *serial = r->blk->serial          ? r->blk->serial
                         : r->blk->block->serial ? r->blk->block->serial
                                                 : r->blk->drive;
    memcpy(id, serial, strnlen(serial, sizeof(id)));
    r->written = (u32)vchain_write(r->chain, 0, id, MIN(sizeof(id), r->chain->in_len - 1));
    request_end(r, BLK_S_OK);
}

static void start_request(struct virtio_blk *blk, struct vchain *c)
{
    u8 header[16];
    u32 pieces = MAX(c->in_count, c->out_count);
    struct blk_request *r = calloc(1, sizeof(*r) + pieces * sizeof(struct iovec));
    if (!r || vchain_read(c, 0, header, sizeof(header)) != sizeof(header) || !c->in_len) {
        virtio_broken(&blk->virtio, "a request without header or status");
        vqueue_push(c->queue, c, 0);
        free(r);
        return;
    }
    r->blk = blk;
    r->chain = c;
    r->block.done = request_done;
    r->block.opaque = r;
    u32 type = (u32)load_le(header, 4);
    switch (type) {
    case BLK_T_IN:
    case BLK_T_OUT: start_transfer(r, type, load_le(header + 8, 8)); break;
    case BLK_T_FLUSH:
        r->block.op = BLOCK_FLUSH;
        block_submit(blk->block, &r->block);
        break;
    case BLK_T_GET_ID: get_id(r); break;
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES: start_discard(r, type); break;
    default: request_end(r, BLK_S_UNSUPP); break;
    }
}

static void blk_handle(struct virtio *v, struct vqueue *q)
{
    struct vchain *c;
    do {
        while ((c = vqueue_pop(q)))
            start_request((struct virtio_blk *)v, c);
    } while (!vqueue_empty(q));
}

/* ---- Configuration --------------------------------------------------------------------------- */

/* struct virtio_blk_config: capacity 0, seg_max 12, blk_size 20, topology 24, writeback 32,
 * num_queues 34, discard 36.., write zeroes 48.. */
static void blk_get_config(struct virtio *v, u8 *c)
{
    struct virtio_blk *b = (struct virtio_blk *)v;
    store_le(c, b->block->size / BLK_SECTOR, 8);
    store_le(c + 12, BLK_SEG_MAX, 4);
    store_le(c + 20, BLK_SECTOR, 4);
    c[32] = b->writeback;
    store_le(c + 34, b->queues, 2);
    store_le(c + 36, BLK_MAX_DISCARD,
             4); /* max_discard_sectors, max_discard_seg, discard_sector_alignment */
    store_le(c + 40, 1, 4);
    store_le(c + 44, 1, 4);
    store_le(c + 48, BLK_MAX_DISCARD,
             4); /* max_write_zeroes_sectors, max_write_zeroes_seg, write_zeroes_may_unmap */
    store_le(c + 52, 1, 4);
    c[56] = 1;
}

static void blk_set_config(struct virtio *v, const u8 *c)
{
    if (virtio_has(v, BLK_F_CONFIG_WCE))
        ((struct virtio_blk *)v)->writeback = c[32] & 1;
}

/* Without FLUSH the driver cannot ask for stable storage: every write is made stable (5.2.6.2). */
static void blk_features_set(struct virtio *v)
{
    ((struct virtio_blk *)v)->writeback = virtio_has(v, BLK_F_FLUSH);
}

static const struct virtio_class blk_class = {
    .id = VIRTIO_BLOCK,
    .queues = BLK_QUEUES_MAX,
    .config_size = 60,
    .features = BIT(BLK_F_SEG_MAX) | BIT(BLK_F_BLK_SIZE) | BIT(BLK_F_FLUSH) | BIT(BLK_F_CONFIG_WCE),
    .get_config = blk_get_config,
    .set_config = blk_set_config,
    .features_set = blk_features_set,
    .handle = blk_handle,
};

/* ---- Life ------------------------------------------------------------------------------------ */

static int blk_realize(struct device *d, struct err *err)
{
    struct virtio_blk *b = (struct virtio_blk *)d;
    b->block = d->host->block(d->host->opaque, b->drive);
    if (!b->block)
        return err_set(err, ENOENT, "drive=%s: no such block backend", b->drive);
    if (b->block->used) {
        b->block = NULL;
        return err_set(err, EBUSY, "drive=%s is in use by another device", b->drive);
    }
    b->block->used = true;
    b->virtio.host_features =
        b->block->read_only ? BIT(BLK_F_RO) : BIT(BLK_F_DISCARD) | BIT(BLK_F_WRITE_ZEROES);
    if (b->queues > 1)
        b->virtio.host_features |= BIT(BLK_F_MQ);
    virtio_realize(&b->virtio, &blk_class, (u16)b->queues);
    return 0;
}

static void blk_unrealize(struct device *d)
{
    struct virtio_blk *b = (struct virtio_blk *)d;
    if (b->block)
        block_drain(b->block); /* completions come to this device */
    virtio_unrealize(&b->virtio);
    if (b->block)
        b->block->used = false;
}

static void blk_reset(struct device *d)
{
    virtio_reset((struct virtio *)d);
}

static int blk_pre_save(void *obj, struct err *err)
{
    struct virtio_blk *b = obj;
    (void)err;
    block_drain(b->block);
    return 0;
}

static int blk_post_load(void *obj, u32 version, struct err *err)
{
    struct virtio_blk *b = obj;
    bool writeback = b->writeback;
    (void)version;
    int r = virtio_post_load(obj, err);
    b->writeback = writeback; /* features_set made it the default */
    return r;
}

static const struct state_table blk_state = {
    .name = "virtio-blk",
    .version = 1,
    .min_version = 1,
    .pre_save = blk_pre_save,
    .post_load = blk_post_load,
    .fields = (const struct state_field[]){STATE_STRUCT(struct virtio_blk, virtio, &virtio_state),
                                           STATE_BOOL(struct virtio_blk, writeback), STATE_END},
};

const struct device_type virtio_blk = {
    .name = "virtio-blk-device",
    .help = "virtio disk",
    .size = sizeof(struct virtio_blk),
    .bus = "virtio",
    .options = blk_options,
    .state = &blk_state,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .reset = blk_reset,
};
