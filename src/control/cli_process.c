/*
 * cli_process.c - the process that a machine is: in the background, ended by signals, told by a
 * pidfile. Main thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/char/char.h"
#include "base/host.h"
#include "control/cli_impl.h"
#include "jit/engine.h"

/* ---- Background ------------------------------------------------------------------------------ */

/* Before there are threads. The one who started it waits until cli_start says that all is ready, or
 * until the end of the other process, which has told why on the standard error that they share. */
int cli_fork(struct cli *cli, int *status, struct err *err)
{
    int line[2];
    char byte;
    if (!cli->daemon)
        return 0;
    if (pipe2(line, O_CLOEXEC))
        return err_set_errno(err, errno, "-daemonize");
    pid_t child = fork();
    int code = errno;
    close(line[child ? 1 : 0]);
    if (child > 0)
        *status = read(line[0], &byte, 1) == 1 ? 0 : 1;
    if (child)
        close(line[0]);
    if (child < 0) {
        close(line[1]);
        return err_set_errno(err, code, "-daemonize");
    }
    if (child)
        return 1;
    setsid();
    cli->ready_fd = line[1];
    return 0;
}

/* Its output goes nowhere from now on. */
int cli_go_background(struct cli *cli, struct err *err)
{
    if (!cli->ready_fd)
        return 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || write(cli->ready_fd, "", 1) != 1)
        return err_set_errno(err, errno, "-daemonize");
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    close(null);
    close(cli->ready_fd);
    cli->ready_fd = 0;
    return 0;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static void signal_came(struct loop_watch *w, u32 events)
{
    struct cli *cli = w->opaque;
    struct signalfd_siginfo info;
    (void)events;
    if (read(w->fd, &info, sizeof(info)) != sizeof(info))
        return;
    fprintf(stderr, "%s: ended by signal %u of process %u\n", cli->program, info.ssi_signo,
            info.ssi_pid);
    machine_request_quit(cli->machine, 0);
}

/* Who ends the process by a signal finds disks written, the terminal as it was and no pidfile.
 * Before other threads start, which inherit that these signals wait for the loop. */
int cli_watch_signals(struct cli *cli, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, errno, "signals cannot be received");
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of write */
    cli->signals =
        (struct loop_watch){.fd = fd, .events = LOOP_READ, .fn = signal_came, .opaque = cli};
    return loop_watch_add(cli->machine->loop, &cli->signals, err);
}

void cli_ignore_signals(struct cli *cli)
{
    int fd = cli->signals.fd;
    if (!cli->signals.loop)
        return;
    loop_watch_remove(&cli->signals);
    close(fd);
}

/* ---- Pidfile --------------------------------------------------------------------------------- */

/* Locked while its machine is there: one that was left is nobody's. */
static struct flock pidfile_lock(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static int pidfile_taken(const struct cli *cli, pid_t by, struct err *err)
{
    return err_set(err, EBUSY, "-pidfile %s: is the running process %d's", cli->pidfile, (int)by);
}

int cli_check_pidfile(const struct cli *cli, struct err *err)
{
    struct flock lock = pidfile_lock();
    int r = cli->pidfile ? host_output_check("-pidfile ", cli->pidfile, err) : 0;
    int fd = r || !cli->pidfile ? -1 : open(cli->pidfile, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return r;
    if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
        r = pidfile_taken(cli, lock.l_pid, err);
    close(fd);
    return r;
}

int cli_write_pidfile(struct cli *cli, struct err *err)
{
    struct flock lock = pidfile_lock();
    struct stat st;
    if (!cli->pidfile)
        return 0;
    int fd = open(cli->pidfile, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set_errno(err, errno, "-pidfile %s", cli->pidfile);
    bool regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
    if (regular && fcntl(fd, F_SETLK, &lock) && (errno == EAGAIN || errno == EACCES)) {
        fcntl(fd, F_GETLK, &lock);
        close(fd);
        return pidfile_taken(cli, lock.l_pid, err);
    }
    if (regular)
        cli->pidfile_fd = fd; /* kept for the lock */
    if ((regular && ftruncate(fd, 0)) || dprintf(fd, "%d\n", (int)getpid()) < 0)
        return err_set_errno(err, errno, "-pidfile %s", cli->pidfile);
    if (!regular)
        close(fd);
    return 0;
}

void cli_remove_pidfile(struct cli *cli)
{
    if (!cli->pidfile_fd)
        return;
    unlink(cli->pidfile);
    close(cli->pidfile_fd);
    cli->pidfile_fd = 0;
}

/* ---- Confinement ----------------------------------------------------------------------------- */

/* Nobody opens files any more but by a monitor; what is removed at the end is the pidfile and sockets. */
int cli_confine(struct cli *cli, struct err *err)
{
    const char *removed[CLI_MAX + 2] = {0};
    struct host_confinement c = {
        .files = cli->monitor_count > 0, .in = removed, .folder = jit_cache_folder(cli->machine->jit),
        .strict = cli->sandbox == CLI_SANDBOX_ON};
    u32 n = 0;
    if (cli->sandbox == CLI_SANDBOX_OFF)
        return 0;
    if (cli->pidfile_fd)
        removed[n++] = cli->pidfile;
    for (struct machine_backend *b = cli->machine->backends; b && n <= CLI_MAX; b = b->next) {
        const struct chardev *chardev = strcmp(b->kind, "chardev") ? NULL : b->backend;
        if (chardev && chardev->removes)
            removed[n++] = chardev->removes;
    }
    return host_confine(&c, err) ? err_prefix(err, "-sandbox on") : 0;
}
