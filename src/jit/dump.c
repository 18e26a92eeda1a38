/*
 * dump.c - the jitdump file: every unit's code with its address and the time from which it was
 * there, so that `perf inject --jit` makes of each an object file that perf annotate disassembles.
 *
 * The format is that of the Linux kernel's tools/perf/Documentation/jitdump-specification.txt,
 * version 1. perf finds the file by an executable mapping of it that is made while it records; its
 * clock must be CLOCK_MONOTONIC (perf record -k mono). Records of several threads do not mix: the
 * stream's lock is held for each.
 */
#include "jit/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"

enum { MAGIC = 0x4a695444, VERSION = 1, CODE_LOAD = 0, CODE_CLOSE = 3 };

struct header {
    u32 magic, version, size, elf_machine, pad, pid;
    u64 time, flags;
};

struct record {
    u32 id, size;
    u64 time;
};

struct load {
    struct record record;
    u32 pid, tid;
    u64 address, code_address, code_size, index;
};
_Static_assert(sizeof(struct header) == 40 && sizeof(struct load) == 56,
               "as the specification has them");

struct jit_dump {
    FILE *file;
    void *marker;
    size_t marker_size;
    u64 index;
    u32 pid;
};

static int write_header(struct jit_dump *d, u32 elf_machine)
{
    struct header h = {.magic = MAGIC,
                       .version = VERSION,
                       .size = sizeof(h),
                       .elf_machine = elf_machine,
                       .pid = d->pid,
                       .time = host_monotonic_ns()};
    return fwrite(&h, sizeof(h), 1, d->file) == 1 && !fflush(d->file) ? 0 : -EIO;
}

static int open_file(struct jit_dump *d, const char *path, u32 elf_machine, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    d->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!d->file) {
        int r = err_set_errno(err, errno, "-accel jit,perf-dump=: %s", path);
        if (fd >= 0)
            close(fd);
        return r;
    }
    if (write_header(d, elf_machine))
        return err_set_errno(err, errno, "-accel jit,perf-dump=: writing %s", path);
    d->marker_size = (size_t)sysconf(_SC_PAGESIZE);
    d->marker = host_map_code_file(fd, d->marker_size, err);
    return d->marker ? 0 : -EINVAL;
}

struct jit_dump *jit_dump_open(const char *folder, u32 elf_machine, struct err *err)
{
    struct jit_dump *d = alloc_zero(sizeof(*d));
    char path[4096];
    d->pid = (u32)getpid();
    int n = snprintf(path, sizeof(path), "%s/jit-%u.dump", folder, d->pid);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        err_set(err, ENAMETOOLONG, "-accel jit,perf-dump=: the folder's name is too long");
    } else if (!open_file(d, path, elf_machine, err)) {
        return d;
    }
    jit_dump_close(d);
    return NULL;
}

void jit_dump_close(struct jit_dump *d)
{
    if (!d)
        return;
    if (d->file) {
        struct record end = {CODE_CLOSE, sizeof(end), host_monotonic_ns()};
        fwrite(&end, sizeof(end), 1, d->file);
        fclose(d->file);
    }
    if (d->marker)
        host_unmap(d->marker, d->marker_size);
    free(d);
}

void jit_dump_unit(struct jit_dump *d, const struct jit_unit *u)
{
    char name[64];
    u32 length = 1 + (u32)snprintf(name, sizeof(name), "guest_%llx_%u", (unsigned long long)u->pc,
                                   u->guest_insns);
    struct load l = {.record = {CODE_LOAD, (u32)sizeof(l) + length + u->code_size, 0},
                     .pid = d->pid,
                     .tid = d->pid,
                     .address = (uintptr_t)u->code,
                     .code_address = (uintptr_t)u->code,
                     .code_size = u->code_size};
    flockfile(d->file);
    l.index = d->index++;
    l.record.time = host_monotonic_ns();
    fwrite(&l, sizeof(l), 1, d->file);
    fwrite(name, length, 1, d->file);
    fwrite(u->code, u->code_size, 1, d->file);
    funlockfile(d->file);
}
