/*
 * host_confine.c - the process confines itself: host_confine() of host.h, by seccomp and Landlock
 * (docs/security.md says what is left).
 *
 * Both only take away, and are inherited by threads that start later; seccomp is given to those
 * that run already, too. System calls outside of the list fail with EPERM: libraries live with
 * that, and whoever has taken over the process gets neither programs, nor executable memory, nor
 * other processes. io_uring is closed by itself: loop/ring_uring.c registers which operations its
 * ring may do.
 *
 * Landlock's rules hold for io_uring too. Numbers that Debian 12's headers do not have yet are the
 * kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"

/* ---- System calls ---------------------------------------------------------------------------- */

static const int calls[] = {
    /* what is open */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(sendfile),
    /* files by name: Landlock says which */
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fchmod),
    SCMP_SYS(umask),
    SCMP_SYS(getdents64),
    /* peers */
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(shutdown),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    /* memory; mmap and mprotect below */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(memfd_create),
    /* threads; clone below */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(sigaltstack),
    /* time, facts */
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(timer_create),
    SCMP_SYS(timer_settime),
    SCMP_SYS(timer_delete),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getcpu),
};

/* Calls that are harmless with one argument as given: (argument & mask) == value. Not under ASan
 * where it has them. */
static const struct {
    int call;
    unsigned argument;
    u64 mask, value;
} calls_if[] = {
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM},
    {SCMP_SYS(prctl), 0, ~0u, PR_SET_NAME},
    {SCMP_SYS(prctl), 0, ~0u, PR_GET_NAME},
    {SCMP_SYS(prlimit64), 2, ~0ull, 0}, /* asks only */
    /* Terminals but for what types into them (TIOCSTI); sockets; pseudo-terminals. */
    {SCMP_SYS(ioctl), 1, ~0u, TCGETS},
    {SCMP_SYS(ioctl), 1, ~0u, TCSETS},
    {SCMP_SYS(ioctl), 1, ~0u, TCSETSW},
    {SCMP_SYS(ioctl), 1, ~0u, TCSETSF},
    {SCMP_SYS(ioctl), 1, ~0u, TIOCGWINSZ},
    {SCMP_SYS(ioctl), 1, ~0u, FIONREAD},
    {SCMP_SYS(ioctl), 1, ~0u, FIONBIO},
};

static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(calls); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    for (size_t i = 0; !r && i < ARRAY_SIZE(calls_if); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls_if[i].call, 1,
                             SCMP_CMP(calls_if[i].argument, SCMP_CMP_MASKED_EQ, calls_if[i].mask,
                                      calls_if[i].value));
    /* Signals to itself: abort(). */
    if (!r)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_CMP(0, SCMP_CMP_EQ, (u64)getpid()));
    /* Its flags are in memory, where a filter cannot look: libc then takes clone. */
    return r ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: few compares a call */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB,
                     1); /* translated code keeps its speed; see "Translated code" there */
    int r = add_rules(filter);
    r = r ? r : seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

/* ---- Files ----------------------------------------------------------------------------------- */

#define FS_EXECUTE     (1ull << 0)
#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_REG    (1ull << 8)
#define FS_SPECIAL     (1ull << 6 | 1ull << 11) /* make character and block devices */
#define FS_ALL_1       ((1ull << 13) - 1)       /* of the interface's first version */
#define FS_REFER       (1ull << 13)             /* 2: rename and link between folders */
#define FS_TRUNCATE    (1ull << 14)             /* 3 */
#define SCOPE_SIGNAL   (1ull << 1)              /* 6: signals to processes outside */

struct ruleset {
    u64 fs, net, scoped; /* struct landlock_ruleset_attr of version 6 */
};

/* What user networking and names of hosts are looked up in. */
static const char *const readable[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
    "/etc/services",    NULL};

/* A path that is not there needs no rule. */
static int allow(int ruleset, u64 access, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = access,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    if (rule.parent_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    r = r ? -errno : 0;
    close(rule.parent_fd);
    return r;
}

/* version: of the host's Landlock, which refuses rights that it does not know. */
static int allow_list(int ruleset, const struct host_confinement *c, long version)
{
    u64 all = FS_READ_FILE | FS_WRITE_FILE | FS_READ_DIR | FS_MAKE_REG | FS_REMOVE_FILE |
              (version >= 3 ? FS_TRUNCATE : 0);
    int r = c->folder ? allow(ruleset, all, c->folder) : 0;
    for (const char *const *p = readable; !r && *p; p++)
        r = allow(ruleset, FS_READ_FILE, *p);
    for (const char *const *p = c->in; !r && p && *p; p++) {
        char *path = alloc_string(*p);
        r = allow(ruleset, FS_REMOVE_FILE, dirname(path));
        free(path);
    }
    return r;
}

static int confine_files(const struct host_confinement *c)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        return -errno;
    u64 all = FS_ALL_1 | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
    struct ruleset rules = {
        .fs = c->files ? FS_EXECUTE | FS_SPECIAL : all,
        .scoped = version >= 6 ? SCOPE_SIGNAL : 0,
    };
    size_t size = version >= 6 ? sizeof(rules) : offsetof(struct ruleset, net);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0)
        return -errno;
    int r = c->files ? 0 : allow_list(fd, c, version);
    if (!r && syscall(SYS_landlock_restrict_self, fd, 0))
        r = -errno;
    close(fd);
    return r;
}

/* ---- Both ------------------------------------------------------------------------------------ */

int host_confine(const struct host_confinement *c, struct err *err)
{
#ifdef __SANITIZE_ADDRESS__ /* its search for leaks traces the process from outside */
    if (!c->strict)
        return 0;
#endif
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && c->strict)
        return err_set_errno(err, errno, "the host refuses PR_SET_NO_NEW_PRIVS");
    int r = confine_files(c);
    if (r && c->strict)
        return err_set_errno(err, -r, "the host refuses Landlock");
    r = confine_calls();
    return r && c->strict ? err_set_errno(err, -r, "the host refuses seccomp") : 0;
}
