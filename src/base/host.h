/*
 * host.h - what the host operating system gives: the only door to it outside loop/ and backend/.
 *
 * Implemented by host_linux.c. Thread-safe.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "base/base.h"
#include "base/err.h"

/*
 * Anonymous memory of size bytes (rounded up to pages), zero, private to the process: of a file in memory no host has huge
 * pages unless its owner asks for them, and guests' memory is faster by a fifth with them. NULL and err on failure.
 */
void *must_check host_map(u64 size, struct err *err);
/* Maps the start of a file readable and executable, privately: profilers take note of such mappings. */
void *must_check host_map_code_file(int fd, u64 size, struct err *err);
void host_unmap(void *p, u64 size);
/* Of host_map's: gives the pages back to the host; the bytes read as zero afterwards. */
void host_discard(void *p, u64 size);
/*
 * Walks over the pages of host_map's memory that have ever been written; where the host does not tell, over all. The memory may
 * be written meanwhile: pages written first during the walk may be in it or not.
 */
struct host_pages {
    const u8 *base;
    u64 size, at;
    int fd; /* of /proc/self/pagemap, or -1 */
};
void host_pages_begin(struct host_pages *w, const void *p, u64 size);
/* The next run, as offsets [*start, *end); false: none is left, and the walk has ended. */
bool host_pages_next(struct host_pages *w, u64 *start, u64 *end);
void host_pages_end(struct host_pages *w); /* of a walk that is given up; after the end of one harmless */
/* As malloc, on huge pages where the size is worth it: for files that are read whole. NULL: no memory. */
void *host_alloc(u64 size);

/* One piece of memory mapped twice, W^X: rw to write code, rx to run it. */
struct host_code {
    u8 *rw, *rx;
    u64 size;
};
int must_check host_code_map(struct host_code *c, u64 size, struct err *err);
void host_code_unmap(struct host_code *c);
/* This part has been written for now: its pages are no longer counted twice as resident. They may be written again. */
void host_code_rest(struct host_code *c, u64 offset, u64 size);

/* Nanoseconds; monotonic (not stopped in suspend does not matter), and since 1970. */
u64 host_monotonic_ns(void);
u64 host_realtime_ns(void);
u64 host_thread_ns(void); /* of a CPU, spent on this thread; a system call */
/* Cryptographic random bytes. */
void host_random(void *p, size_t n);
unsigned host_cpu_count(void);
/* Name of the calling thread as shown by ps and gdb; cut at 15 characters. */
void host_thread_name(const char *name);

/* Could path be opened for writing, or made? Makes and changes nothing. `where` is what asked for
 * it
 * ("-D"), for the message. */
int must_check host_output_check(const char *where, const char *path, struct err *err);

/* Folders and files that nobody but this process's user can have written; messages begin with the name. host_private.c
 *
 * An open folder, made when it is not there; or -errno: another user's, or others may write to it. */
int must_check host_private_folder(const char *path, struct err *err);
/* The regular file `name` in it, to read; secret: nor may others read it. */
int must_check host_private_file(int folder, const char *name, bool secret, struct err *err);
/* The bytes of a secret file; one of random bytes is made when it is not there. */
int must_check host_private_secret(int folder, const char *name, void *secret, size_t size, struct err *err);

/* Sleep and wake by address: waits while *word == expected, at most timeout_ns (UINT64_MAX: for
 * ever). May wake for no reason. */
void host_futex_wait(_Atomic u32 *word, u32 expected, u64 timeout_ns);
void host_futex_wake(_Atomic u32 *word);
/* Lets other threads of this host processor run: for a guest that says it spins. */
void host_yield(void);
/* From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT are reported on standard error, with the host's stack, before
 * they have their default effect. A handler that is there already (a sanitizer's) is left alone. */
void host_report_crashes(void);

/* Looks at a thread while it runs, about each millisecond of its CPU time or as often as the host's clock ticks: see() is
 * called in a signal handler on that thread, with where it stood and the time that it stands for. host_sampler.c */
struct host_sampler {
    void (*see)(void *opaque, uintptr_t pc, u64 ns);
    void *opaque;
    void *timer;
    bool on;
};
int must_check host_sampler_prepare(struct err *err); /* once in a process, or more often */
int must_check host_sampler_start(struct host_sampler *s); /* the calling thread; -errno */
void host_sampler_stop(struct host_sampler *s); /* that thread, or another when it has ended */
/* CPU time of the whole process: in its programs, and in the host's kernel. */
void host_process_ns(u64 *user, u64 *kernel);

/* What a process that has set itself up still needs beside memory, threads and what it holds open. */
struct host_confinement {
    bool files;            /* opens and makes files: somebody may name them to a monitor */
    const char *const *in; /* else, the files that it removes at its end, NULL at the end */
    const char *folder;    /* ... and a folder in which it reads, makes and removes files; NULL: none */
    bool strict;           /* a host that cannot confine is an error, and not what it is */
};
/* Takes away from the process, for ever, what it has no use for (docs/security.md). Call it when all is open and before
 * threads that run guests start. -errno when strict. */
int must_check host_confine(const struct host_confinement *c, struct err *err);

#endif
