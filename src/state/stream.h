/*
 * stream.h - self-describing streams of state.
 *
 * A stream is a header ("GUISEST\n", format version), sections, and an end section. A section is
 * one object's table (owner path, table name, version, fields by name and type), or a bulk section
 * (owner path, name, offset, length, raw bytes or a run of zeroes): RAM and other big memories.
 * Each has a CRC-32. Integers are little-endian. A stream can be printed without any table.
 *
 * Bytes go to and come from a struct state_io: a descriptor or memory; others can be written (a
 * socket, a compressor). A reader is safe against any bytes. A writer or reader belongs to one
 * thread. The first error sticks: later calls return it.
 */
#ifndef STATE_STREAM_H
#define STATE_STREAM_H

#include <stdio.h>
#include "state/state.h"

/* A sink or source. Both functions move all n bytes or fail (-errno and err); an early end of input
 * is -ENODATA. */
struct state_io {
    int (*write)(struct state_io *io, const void *p, size_t n, struct err *err);
    int (*read)(struct state_io *io, void *p, size_t n, struct err *err);
};
struct state_fd { /* blocking descriptor, not owned; buffered: state_fd_flush before it is closed */
    struct state_io io;
    int fd;
    u8 *buf;
    size_t used, have;
};
struct state_mem { /* growing memory */
    struct state_io io;
    u8 *data;
    size_t size, capacity, pos;
    bool borrowed; /* data is the caller's, read-only */
};
void state_fd_init(struct state_fd *f, int fd);
int must_check state_fd_flush(struct state_fd *f, struct err *err);
void state_fd_fini(struct state_fd *f);
void state_mem_init(struct state_mem *m);
void state_mem_borrow(struct state_mem *m, const void *data, size_t size); /* to read from */
void state_mem_fini(struct state_mem *m);

/* ---- Writing ---- */
struct state_writer;
/* info is a text for people ("guise 0.1, machine virt"). NULL and err on failure. */
struct state_writer *must_check state_writer_new(struct state_io *io, const char *info,
                                                 struct err *err);
int must_check state_write_object(struct state_writer *w, const char *owner,
                                  const struct state_table *t, void *obj, struct err *err);
/* n bytes of the memory `name` of owner from offset: all-zero pages are not sent. Any n. */
int must_check state_write_bulk(struct state_writer *w, const char *owner, const char *name,
                                u64 offset, const void *data, u64 n, struct err *err);
int must_check state_writer_end(struct state_writer *w, struct err *err);
void state_writer_free(struct state_writer *w);

/* ---- Reading ---- */
#define STATE_NAME_MAX 255
enum state_section_kind { STATE_SECTION_OBJECT = 1, STATE_SECTION_BULK = 2, STATE_SECTION_END = 3 };
struct state_section {
    enum state_section_kind kind;
    char owner[STATE_NAME_MAX + 1];
    char name[STATE_NAME_MAX + 1]; /* the table's, or the memory's */
    u32 version;                   /* OBJECT: of the table */
    u64 offset, length;            /* BULK */
    bool zero;                     /* BULK: all zeroes, nothing to read */
};
struct state_reader;
struct state_reader *must_check state_reader_new(struct state_io *io, struct err *err);
const char *state_reader_info(const struct state_reader *r);
/* The next section (its CRC has been checked for OBJECT). What was not read of the last one is
 * skipped. */
int must_check state_reader_next(struct state_reader *r, struct state_section *s, struct err *err);
/* The present OBJECT section into obj. */
int must_check state_read_object(struct state_reader *r, const struct state_table *t, void *obj,
                                 struct err *err);
/* The present BULK section's length bytes into data (also when it is zero). The CRC is checked at
 * the end: on failure data has been written. */
int must_check state_read_bulk(struct state_reader *r, void *data, struct err *err);
void state_reader_free(struct state_reader *r);

/* Prints a whole stream for people, without tables. */
int must_check state_stream_dump(struct state_io *io, FILE *out, struct err *err);

#endif
