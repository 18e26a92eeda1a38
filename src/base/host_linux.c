/*
 * host_linux.c - what Linux gives: memory files, mappings, clocks, random bytes, futexes.
 *
 * No state; every function may be called by any thread.
 */
#include "base/host.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOST_HUGE_PAGE (2 * MiB)
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3: asked for where vm.memfd_noexec would take it away */
#endif

static u64 host_page_size(void)
{
    return (u64)sysconf(_SC_PAGESIZE);
}

/* Address space of size bytes, aligned for huge pages, to map over. */
static u8 *host_reserve(u64 size)
{
    u64 span = size + HOST_HUGE_PAGE;
    u8 *p = span < size
                ? MAP_FAILED
                : mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return MAP_FAILED;
    u64 head = align_up((uintptr_t)p, HOST_HUGE_PAGE) - (uintptr_t)p;
    if (head)
        munmap(p, head);
    if (HOST_HUGE_PAGE - head)
        munmap(p + head + size, HOST_HUGE_PAGE - head);
    return p + head;
}

void *host_map(u64 size, struct err *err)
{
    size = align_up(size, host_page_size());
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    u8 *want = size >= HOST_HUGE_PAGE ? host_reserve(size) : NULL;
    u8 *p = want == MAP_FAILED
                ? MAP_FAILED
                : mmap(want, size, PROT_READ | PROT_WRITE, flags | (want ? MAP_FIXED : 0), -1, 0);
    if (p == MAP_FAILED) {
        err_set_errno(err, errno, "cannot map %llu bytes of memory", (unsigned long long)size);
        if (want && want != MAP_FAILED)
            munmap(want, size);
        return NULL;
    }
    if (want)
        (void)madvise(p, size, MADV_HUGEPAGE); /* a hint: hosts without huge pages refuse it */
    (void)madvise(p, size, MADV_DONTDUMP);
    return p;
}

void *host_map_code_file(int fd, u64 size, struct err *err)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        err_set_errno(err, errno, "cannot map a file as code");
        return NULL;
    }
    return p;
}

void host_unmap(void *p, u64 size)
{
    if (p)
        munmap(p, align_up(size, host_page_size()));
}

void host_discard(void *ptr, u64 size)
{
    u64 page = host_page_size();
    u64 start = (uintptr_t)ptr, end = start + size;
    u64 first = MIN(align_up(start, page), end), last = MAX(align_down(end, page), first);
    memset(ptr, 0, first - start);
    memset((u8 *)ptr + (last - start), 0, end - last);
    u8 *p = (u8 *)ptr + (first - start);
    if (last > first && madvise(p, last - first, MADV_DONTNEED))
        memset(p, 0, last - first); /* locked in memory */
}

/* ---- Pages in use ---------------------------------------------------------------------------- */

void host_pages_begin(struct host_pages *w, const void *p, u64 size)
{
    *w = (struct host_pages){.base = p, .size = size, .fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)};
}

void host_pages_end(struct host_pages *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->at = w->size;
}

/* How many pages from offset at on are alike, at most a buffer's; *used: they have content, here or in swap. 0: not known. */
static u64 pages_alike(const struct host_pages *w, u64 at, bool *used)
{
    u64 entry[512], page = host_page_size(), n = MIN((w->size - at) / page, ARRAY_SIZE(entry));
    off_t where = (off_t)(((uintptr_t)w->base + at) / page * sizeof(entry[0]));
    ssize_t got = w->fd < 0 ? -1 : pread(w->fd, entry, n * sizeof(entry[0]), where);
    if (got < (ssize_t)sizeof(entry[0]))
        return 0;
    n = (u64)got / sizeof(entry[0]);
    u64 run = 1;
    *used = entry[0] >> 62; /* bit 63: present, 62: swapped (proc_pid_pagemap(5)) */
    while (run < n && *used == !!(entry[run] >> 62))
        run++;
    return run;
}

bool host_pages_next(struct host_pages *w, u64 *start, u64 *end)
{
    bool used = false, all = false;
    *start = *end = w->at;
    while (*end < w->size) {
        u64 n = pages_alike(w, *end, &used) * host_page_size();
        all = !n;
        if (all || (!used && *end > *start))
            break;
        *end += n;
        *start = used ? *start : *end;
    }
    *end = all ? w->size : *end;
    w->at = *end;
    if (*start < *end)
        return true;
    host_pages_end(w);
    return false;
}

void *host_alloc(u64 size)
{
    if (size < HOST_HUGE_PAGE)
        return malloc(size);
    void *p = size < UINT64_MAX - HOST_HUGE_PAGE ? aligned_alloc(HOST_HUGE_PAGE, align_up(size, HOST_HUGE_PAGE)) : NULL;
    if (p)
        (void)madvise(p, align_up(size, HOST_HUGE_PAGE), MADV_HUGEPAGE);
    return p;
}

static int host_memfd_flags(const char *name, u64 size, unsigned flags, struct err *err)
{
    size = align_up(size, host_page_size());
    int fd = memfd_create(name, MFD_CLOEXEC | flags);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot create the memory file '%s'", name);
    if (size > INT64_MAX || ftruncate(fd, (off_t)size) < 0) {
        int code = size > INT64_MAX ? EFBIG : errno;
        close(fd);
        return err_set_errno(err, code, "cannot size the memory file '%s' to %llu bytes", name,
                             (unsigned long long)size);
    }
    return fd;
}

int host_code_map(struct host_code *c, u64 size, struct err *err)
{
    size = align_up(size, host_page_size());
    int fd = host_memfd_flags("guise-code", size, MFD_EXEC, err);
    if (fd == -EINVAL)
        fd = host_memfd_flags("guise-code", size, 0, err);
    if (fd < 0)
        return fd;
    c->size = size;
    c->rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    c->rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    int code = errno;
    close(fd);
    if (c->rw != MAP_FAILED && c->rx != MAP_FAILED)
        return 0;
    if (c->rw != MAP_FAILED)
        munmap(c->rw, size);
    if (c->rx != MAP_FAILED)
        munmap(c->rx, size);
    c->rw = c->rx = NULL;
    return err_set_errno(err, code, "cannot map %llu bytes of code memory, writable and executable",
                         (unsigned long long)size);
}

void host_code_rest(struct host_code *c, u64 offset, u64 size)
{
    assert(c->rw && offset + size <= c->size);
    u64 first = align_up(offset, host_page_size()), last = align_down(offset + size, host_page_size());
    if (last > first)
        (void)madvise(c->rw + first, last - first, MADV_DONTNEED); /* shared: what was written is in the file */
}

void host_code_unmap(struct host_code *c)
{
    host_unmap(c->rw, c->size);
    host_unmap(c->rx, c->size);
    c->rw = c->rx = NULL;
}

static u64 host_clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

u64 host_monotonic_ns(void)
{
    return host_clock_ns(CLOCK_MONOTONIC);
}

u64 host_thread_ns(void)
{
    return host_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static u64 timeval_ns(struct timeval t)
{
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_usec * 1000;
}

void host_process_ns(u64 *user, u64 *kernel)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    *user = timeval_ns(r.ru_utime);
    *kernel = timeval_ns(r.ru_stime);
}

u64 host_realtime_ns(void)
{
    return host_clock_ns(CLOCK_REALTIME);
}

void host_random(void *p, size_t n)
{
    u8 *to = p;
    while (n) {
        ssize_t got = getrandom(to, n, 0);
        assert(got >= 0 || errno == EINTR); /* cannot fail otherwise with these arguments */
        if (got > 0) {
            to += got;
            n -= (size_t)got;
        }
    }
}

unsigned host_cpu_count(void)
{
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof(set), &set))
        return (unsigned)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than the set can hold */
    return n > 0 ? (unsigned)n : 1;
}

void host_thread_name(const char *name)
{
    char cut[16];
    size_t n = MIN(strlen(name), sizeof(cut) - 1);
    memcpy(cut, name, n);
    cut[n] = 0;
    pthread_setname_np(pthread_self(), cut);
}

/* The folder that path's last name is in, and whether that name is there at all. */
static int host_parent(const char *path, char *dir, size_t size)
{
    const char *slash = strrchr(path, '/');
    int len = slash == path ? 1 : slash ? (int)(slash - path) : 0;
    if (!*path)
        return ENOENT;
    if (slash && !slash[1])
        return EISDIR;
    return snprintf(dir, size, "%.*s", len ? len : 1, len ? path : ".") < (int)size ? 0
                                                                                    : ENAMETOOLONG;
}

int host_output_check(const char *where, const char *path, struct err *err)
{
    char dir[PATH_MAX];
    struct stat st;
    int code = stat(path, &st) ? errno : 0;
    if (code == ENOENT) {
        code = host_parent(path, dir, sizeof(dir));
        if (!code && access(dir, W_OK | X_OK))
            code = errno;
    } else if (!code) {
        code = S_ISDIR(st.st_mode) ? EISDIR : access(path, W_OK) ? errno : 0;
    }
    return code ? err_set_errno(err, code, "%s%s", where, path) : 0;
}

void host_futex_wait(_Atomic u32 *word, u32 expected, u64 timeout_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                          .tv_nsec = (long)(timeout_ns % 1000000000u)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns == UINT64_MAX ? NULL : &ts);
}

void host_futex_wake(_Atomic u32 *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

void host_yield(void)
{
    sched_yield();
}
