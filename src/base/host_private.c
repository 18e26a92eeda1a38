/*
 * host_private.c - folders and files that only this process's user can have written: host_private_*
 * of host.h.
 *
 * What is checked is what was opened, by its descriptor; names are looked up in folders that are
 * open, and links are not followed, so that nobody can exchange a thing between the check and the
 * use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"

/* Is it the user's own, and are none of the mode's bits `others` set? Closes fd when not. */
static int check_owner(int fd, const char *path, unsigned others, struct err *err)
{
    struct stat st;
    int r = 0;
    if (fstat(fd, &st))
        r = err_set_errno(err, errno, "%s", path);
    else if (st.st_uid != geteuid())
        r = err_set(err, EPERM, "%s belongs to user %u; it must be user %u's own", path,
                    (unsigned)st.st_uid, (unsigned)geteuid());
    else if (st.st_mode & others)
        r = err_set(err, EPERM, "%s has mode %04o; it may have no bit of %04o (chmod %s)", path,
                    (unsigned)st.st_mode & 07777, others, others == 077 ? "go=" : "go-w");
    if (r)
        close(fd);
    return r ? r : fd;
}

int host_private_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return err_set_errno(err, errno, "%s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "%s (a folder, and no link to one)", path);
    return check_owner(fd, path, 022, err);
}

int host_private_file(int folder, const char *name, bool secret, struct err *err)
{
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", name);
    if (!fstat(fd, &st) && !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, EINVAL, "%s is no regular file", name);
    }
    return check_owner(fd, name, secret ? 077 : 022, err);
}

static int write_new(int fd, const void *p, size_t size)
{
    int r = write(fd, p, size) == (ssize_t)size && !fsync(fd) ? 0 : errno ? -errno : -EIO;
    close(fd);
    return r;
}

/* Under another name first, so that nobody reads half of it; who is second takes the first one's.
 */
static int make_secret(int folder, const char *name, const u8 *secret, size_t size)
{
    char other[64];
    u64 random;
    host_random(&random, sizeof(random));
    snprintf(other, sizeof(other), ".new-%016llx", (unsigned long long)random);
    int fd = openat(folder, other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_new(fd, secret, size);
    if (!r && linkat(folder, other, folder, name, 0))
        r = -errno;
    unlinkat(folder, other, 0);
    return r;
}

static int read_secret(int folder, const char *name, u8 *secret, size_t size, struct err *err)
{
    int fd = host_private_file(folder, name, true, err);
    if (fd < 0)
        return fd;
    u8 more;
    bool whole = read(fd, secret, size) == (ssize_t)size && read(fd, &more, 1) == 0;
    close(fd);
    return whole ? 0 : err_set(err, EINVAL, "%s does not have %zu bytes", name, size);
}

int host_private_secret(int folder, const char *name, void *secret, size_t size, struct err *err)
{
    struct err local = {0};
    int r = read_secret(folder, name, secret, size, &local);
    if (r == -ENOENT) {
        host_random(secret, size);
        r = make_secret(folder, name, secret, size);
        r = r == -EEXIST || !r ? read_secret(folder, name, secret, size, &local)
                               : err_set_errno(&local, -r, "%s", name);
    }
    if (r && err)
        *err = local;
    return r;
}
