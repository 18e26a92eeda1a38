/*
 * kinds.c - the backends that are little more than descriptors: null, stdio, file, pipe, pty; and
 * the short forms of -serial.
 */
#include "backend/char/char.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/host.h"

/* ---- null ---- */

static size_t null_write(struct chardev *c, const u8 *data, size_t n)
{
    (void)c;
    (void)data;
    return n;
}

const struct chardev_kind chardev_null = {
    .name = "null",
    .help = "swallows output, gives no input",
    .size = sizeof(struct chardev),
    .write = null_write,
};

/* ---- stdio: the terminal in raw mode while it is open; blocking mode of shared descriptors is
 * left alone ---- */

struct stdio_chardev {
    struct chardev base;
    bool signal;
    bool raw;
    struct termios saved;
};

static const struct option stdio_options[] = {
    OPTION_BOOL("signal", struct stdio_chardev, signal, "on",
                "Ctrl-C ends guise instead of going to the guest"),
    OPTION_LAST,
};

static int stdio_open(struct chardev *c, struct err *err)
{
    (void)err;
    c->in_fd = fcntl(STDIN_FILENO, F_GETFD) < 0 ? -1 : STDIN_FILENO;
    c->out_fd = STDOUT_FILENO;
    return 0;
}

static int stdio_start(struct chardev *c, struct err *err)
{
    struct stdio_chardev *s = (struct stdio_chardev *)c;
    struct termios t;
    (void)err;
    if (c->in_fd >= 0 && !tcgetattr(STDIN_FILENO, &s->saved)) {
        t = s->saved;
        t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | (s->signal ? 0 : ISIG));
        t.c_cflag = (t.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
        s->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    return 0;
}

static void stdio_close(struct chardev *c)
{
    struct stdio_chardev *s = (struct stdio_chardev *)c;
    if (s->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
}

const struct chardev_kind chardev_stdio = {
    .name = "stdio",
    .help = "standard input and output",
    .size = sizeof(struct stdio_chardev),
    .options = stdio_options,
    .open = stdio_open,
    .start = stdio_start,
    .close = stdio_close,
};

/* ---- file, pipe: by path ---- */

struct path_chardev {
    struct chardev base;
    char *path;
    bool append;
};

static const struct option file_options[] = {
    OPTION_NAMED("path", OPTION_TYPE_STRING, struct path_chardev, path, NULL, "file for the output",
                 .required = true),
    OPTION_BOOL("append", struct path_chardev, append, "off", "keep what is in the file"),
    OPTION_LAST,
};

static void close_fds(struct chardev *c)
{
    if (c->in_fd >= 0)
        close(c->in_fd);
    if (c->out_fd >= 0 && c->out_fd != c->in_fd)
        close(c->out_fd);
}

static int file_open(struct chardev *c, struct err *err)
{
    c->promised = true;
    return host_output_check("-chardev file,path=", ((struct path_chardev *)c)->path, err);
}

static int file_start(struct chardev *c, struct err *err)
{
    struct path_chardev *p = (struct path_chardev *)c;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (p->append ? O_APPEND : O_TRUNC);
    c->out_fd = open(p->path, flags, 0644);
    return c->out_fd < 0 ? err_set_errno(err, errno, "-chardev file,path=%s", p->path) : 0;
}

const struct chardev_kind chardev_file = {
    .name = "file",
    .help = "output to a file",
    .size = sizeof(struct path_chardev),
    .options = file_options,
    .open = file_open,
    .start = file_start,
    .close = close_fds,
};

static const struct option pipe_options[] = {
    OPTION_NAMED("path", OPTION_TYPE_STRING, struct path_chardev, path, NULL,
                 "FIFOs PATH.in and PATH.out, or one FIFO PATH", .required = true),
    OPTION_LAST,
};

static bool is_fifo(int fd)
{
    struct stat st;
    return !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

static int pipe_open(struct chardev *c, struct err *err)
{
    struct path_chardev *p = (struct path_chardev *)c;
    char name[4096];
    snprintf(name, sizeof(name), "%s.in", p->path);
    c->in_fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    snprintf(name, sizeof(name), "%s.out", p->path);
    c->out_fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (c->in_fd < 0 || c->out_fd < 0) {
        close_fds(c);
        c->in_fd = c->out_fd = open(p->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    if (c->in_fd < 0)
        return err_set_errno(err, errno, "-chardev pipe,path=%s", p->path);
    if (!is_fifo(c->in_fd) || !is_fifo(c->out_fd))
        return err_set(err, EINVAL, "-chardev pipe,path=%s: is not a FIFO (mkfifo makes one)",
                       p->path);
    return 0;
}

const struct chardev_kind chardev_pipe = {
    .name = "pipe",
    .help = "named pipes",
    .size = sizeof(struct path_chardev),
    .options = pipe_options,
    .open = pipe_open,
    .close = close_fds,
};

/* ---- pty: the slave side is kept open too, so that a client may come and go without hang-ups ----
 */

struct pty_chardev {
    struct chardev base;
    int slave;
};

static int pty_open(struct chardev *c, struct err *err)
{
    struct pty_chardev *p = (struct pty_chardev *)c;
    struct termios t;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    const char *name = fd >= 0 && !grantpt(fd) && !unlockpt(fd) ? ptsname(fd) : NULL;
    p->slave = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (p->slave < 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return err_set_errno(err, code, "-chardev pty");
    }
    if (!tcgetattr(p->slave, &t)) {
        cfmakeraw(&t);
        tcsetattr(p->slave, TCSAFLUSH, &t);
    }
    c->in_fd = c->out_fd = fd;
    return 0;
}

static int pty_start(struct chardev *c, struct err *err)
{
    (void)err;
    fprintf(stderr, "char device redirected to %s (label %s)\n", ptsname(c->in_fd),
            c->id ? c->id : "pty");
    return 0;
}

static void pty_close(struct chardev *c)
{
    close_fds(c);
    if (c->in_fd >= 0)
        close(((struct pty_chardev *)c)->slave);
}

const struct chardev_kind chardev_pty = {
    .name = "pty",
    .help = "a new pseudo terminal; its name is printed",
    .size = sizeof(struct pty_chardev),
    .open = pty_open,
    .start = pty_start,
    .close = pty_close,
};

/* ---- Short forms of -serial and -monitor ---- */

/* HOST:PORT[,OPTION...]: the text to PORT's colon is the host. */
static int short_tcp(struct option_list *list, const char *where, const char *text, struct err *err)
{
    char *name = strndup(text, strcspn(text, ","));
    char *colon = name ? strrchr(name, ':') : NULL;
    const char *rest = text + (name ? strlen(name) : 0);
    int r = 0;
    if (!colon)
        r = err_set(err, EINVAL, "%s: accepted is tcp:[HOST]:PORT[,server=on][,wait=off]", where);
    else if (*rest)
        r = option_parse(list, where, rest + 1, NULL, err);
    if (!r) {
        *colon = 0;
        option_add(list, "host", name);
        option_add(list, "port", colon + 1);
    }
    free(name);
    return r;
}

/* text is KIND or KIND:REST: as -chardev's options. A file's name may have commas. */
static int short_parse(struct option_list *list, const char *where, const char *text,
                       struct err *err)
{
    const char *rest = strchr(text, ':');
    int r;
    if (!strncmp(text, "tcp:", 4)) {
        r = short_tcp(list, where, text + 4, err);
        text = "socket";
    } else if (!strncmp(text, "unix:", 5)) {
        r = option_parse(list, where, text + 5, "path", err);
        text = "socket";
    } else if (!strncmp(text, "file:", 5) || !strncmp(text, "pipe:", 5)) {
        r = option_parse(list, where, "", NULL, err);
        option_add(list, "path", rest + 1);
        text = *text == 'f' ? "file" : "pipe";
    } else {
        return option_parse(list, where, text, "backend", err);
    }
    if (!r)
        option_add(list, "backend", text);
    return r;
}

struct chardev *chardev_open_short(struct loop *loop, const char *id, const char *option,
                                   const char *text, struct err *err)
{
    struct option_list list = {0};
    struct chardev *c = NULL;
    if (!short_parse(&list, option, !strcmp(text, "none") ? "null" : text, err)) {
        option_add(&list, "id", id);
        c = chardev_open(loop, &list, err);
    }
    option_list_fini(&list);
    return c;
}
