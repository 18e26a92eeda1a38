/*
 * stored.c - units to records and back: stored.h.
 *
 * A record is read after its file was found to be this user's own (jit/store_file.c); it is
 * checked all the same, so that no count or offset in it can reach beyond it.
 */
#include "jit/stored.h"

static size_t parts_size(size_t links, size_t fars, size_t guest_bytes, size_t code_bytes)
{
    return align_up(sizeof(struct stored_unit) + links * sizeof(struct stored_link) +
                        fars * sizeof(u32) + guest_bytes + code_bytes,
                    8);
}

static struct stored_link *links_of(const struct stored_unit *s)
{
    return (struct stored_link *)(s + 1);
}

static u32 *fars_of(const struct stored_unit *s)
{
    return (u32 *)(links_of(s) + s->links);
}

const u8 *stored_guest(const struct stored_unit *s)
{
    return (const u8 *)(fars_of(s) + s->fars);
}

static u8 *code_of(const struct stored_unit *s)
{
    return (u8 *)stored_guest(s) + s->guest_bytes;
}

static u32 field(const u8 *p)
{
    return (u32)load_le(p, 4);
}

static void set_field(u8 *p, u32 v)
{
    store_le(p, v, 4);
}

/* ---- Writing --------------------------------------------------------------------------------- */

u32 stored_size(const struct jit_emit *out, u32 guest_bytes)
{
    if (out->far_count == JIT_MAX_FAR || out->link_count > JIT_MAX_LINKS || !guest_bytes ||
        out->page2_tag)
        return 0;
    return (u32)parts_size(out->link_count, out->far_count, guest_bytes, out->size);
}

/* 0 stands for "none" in these, and is no place that a field could have: code begins with an
 * opcode. */
static u32 relative(u32 offset, u32 start)
{
    return offset ? offset - start : 0;
}

static void write_link(struct stored_link *to, const struct jit_link *l, u32 start, u8 *code)
{
    *to = (struct stored_link){
        .pc = l->pc,
        .patch = l->patch - start,
        .stub = l->stub - start,
        .id_patch = relative(l->id_patch, start),
        .self = l->self - start,
        .head = relative(l->head, start),
    };
    memset(code + to->self, 0, sizeof(u64));
}

void stored_write(struct stored_unit *s, const struct jit_emit *out, u64 config, const u8 *guest)
{
    u32 start = out->offset, guest_bytes = out->block[0].ir->guest_bytes;
    *s = (struct stored_unit){
        .pc = out->block[0].ir->pc,
        .mode = out->block[0].ir->mode,
        .config = config,
        .size = stored_size(out, guest_bytes),
        .guest_bytes = guest_bytes,
        .guest_insns = out->block[0].ir->guest_insns,
        .code_bytes = out->size,
        .page2 = relative(out->page2_patch, start),
        .links = (u16)out->link_count,
        .fars = (u16)out->far_count,
        .past_poll = out->past_poll,
    };
    u8 *code = code_of(s);
    memset((u8 *)s + s->size - 8, 0, 8); /* the padding */
    memcpy((u8 *)stored_guest(s), guest, guest_bytes);
    memcpy(code, out->rw, out->size);
    for (u32 i = 0; i < s->links; i++)
        write_link(&links_of(s)[i], &out->links[i], start, code);
    for (u32 i = 0; i < s->fars; i++) {
        u32 at = out->far[i] - start;
        fars_of(s)[i] = at;
        set_field(code + at, field(code + at) + start);
    }
    if (s->page2)
        set_field(code + s->page2, 0);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool has_room(const struct stored_unit *s, u32 at, u32 bytes)
{
    return at <= s->code_bytes && bytes <= s->code_bytes - at;
}

static bool link_is_sound(const struct stored_unit *s, const struct stored_link *l)
{
    return !(l->patch & 3) && !(l->id_patch & 3) && has_room(s, l->patch, 4) &&
           has_room(s, l->self, 8) && has_room(s, l->id_patch, 4) && l->stub < s->code_bytes &&
           l->head < s->code_bytes;
}

bool stored_is_sound(const struct stored_unit *s, size_t room)
{
    if (room < sizeof(*s) || s->size > room || s->links > JIT_MAX_LINKS || s->fars >= JIT_MAX_FAR)
        return false;
    if (s->past_poll >= s->code_bytes || s->zero)
        return false;
    if (!s->guest_bytes || s->guest_bytes > 2 * TLB_PAGE || !s->code_bytes ||
        !has_room(s, s->page2, 4))
        return false;
    if (s->size != parts_size(s->links, s->fars, s->guest_bytes, s->code_bytes))
        return false;
    for (u32 i = 0; i < s->links; i++) {
        if (!link_is_sound(s, &links_of(s)[i]))
            return false;
    }
    for (u32 i = 0; i < s->fars; i++) {
        if (!has_room(s, fars_of(s)[i], 4))
            return false;
    }
    return true;
}

static void place_link(struct jit_link *l, const struct stored_link *from, u8 *rw, u32 offset)
{
    *l = (struct jit_link){
        .pc = from->pc,
        .patch = offset + from->patch,
        .stub = offset + from->stub,
        .id_patch = from->id_patch ? offset + from->id_patch : 0,
        .self = offset + from->self,
        .head = from->head ? offset + from->head : 0,
    };
    store_le(rw + from->self, (u64)(uintptr_t)l, 8);
}

void stored_place(const struct stored_unit *s, u8 *rw, u32 offset, struct jit_link *links,
                  u32 page2_id)
{
    memcpy(rw, code_of(s), s->code_bytes);
    for (u32 i = 0; i < s->links; i++)
        place_link(&links[i], &links_of(s)[i], rw, offset);
    for (u32 i = 0; i < s->fars; i++) {
        u8 *at = rw + fars_of(s)[i];
        set_field(at, field(at) - offset);
    }
    if (s->page2)
        set_field(rw + s->page2, page2_id);
}
