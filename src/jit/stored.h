/*
 * stored.h - one unit of host code as it is kept outside of the code memory: all that depends on
 * where it lies, or on this run, is named.
 *
 *   struct stored_unit | stored_link[links] | u32 far[fars] | guest bytes | host code | padding to
 * 8 bytes
 *
 * In the code, rel32 fields of `far` hold the target's offset in the code memory less that of the
 * unit; links' jumps go to their stubs; page ids and links' addresses are zero. Offsets are from
 * the unit's first byte. The numbers are the host's: the file that units are kept in belongs to one
 * program on one kind of host (jit/store.h).
 *
 * For files of jit/ only. No locking: the caller owns what it gives.
 */
#ifndef JIT_STORED_H
#define JIT_STORED_H

#include "jit/jit.h"

struct stored_link {
    u64 pc;
    u32 patch, stub, id_patch, self, head, zero;
};

struct stored_unit {
    u64 pc, mode;
    u64 config; /* what else the translation depends on: jit_config() */
    u32 size;   /* of the whole record */
    u32 guest_bytes, guest_insns, code_bytes;
    u32 page2; /* 0, or offset of the id of the page behind, where the unit's instruction ends */
    u16 links, fars;
    u32 past_poll, zero; /* jit_unit */
};

/* Bytes of a record of these, or 0: no record can hold them. */
u32 stored_size(const struct jit_emit *out, u32 guest_bytes);
/* Writes the record (stored_size() bytes) of the unit that was just emitted: its code is at
 * out->rw, no link was patched yet. */
void stored_write(struct stored_unit *s, const struct jit_emit *out, u64 config, const u8 *guest);
/* The record of at most `room` bytes at s (8-byte aligned) can be read and placed: every count and
 * offset lies in it. */
bool must_check stored_is_sound(const struct stored_unit *s, size_t room);
const u8 *stored_guest(const struct stored_unit *s);
/* Puts the code at rw, which is `offset` in the code memory, and describes its links (`from` is the
 * caller's). page2_id: as jit_emit. */
void stored_place(const struct stored_unit *s, u8 *rw, u32 offset, struct jit_link *links,
                  u32 page2_id);

#endif
