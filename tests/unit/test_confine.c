/*
 * test_confine.c - host_confine(): what a confined process can still do, and what it cannot. Each
 * case runs in a process of its own, as there is no way back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/host.h"

static char folder[64], removable[96], other[96], moved[96];

/* ---- Cases: 0 when all is as it should be, else the line that is not ---- */

#define EXPECT(e)                                                                                  \
    do {                                                                                           \
        if (!(e))                                                                                  \
            return __LINE__;                                                                       \
    } while (0)

static void *say_here(void *arg)
{
    *(bool *)arg = true;
    return NULL;
}

static int still_works(void)
{
    pthread_t thread;
    bool ran = false;
    char byte;
    int line[2];
    EXPECT(!pthread_create(&thread, NULL, say_here, &ran));
    EXPECT(!pthread_join(thread, NULL) && ran);
    EXPECT(!pipe(line) && write(line[1], "x", 1) == 1 && read(line[0], &byte, 1) == 1);
    void *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED && !mprotect(memory, 4096, PROT_READ));
    EXPECT(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
    host_thread_name("still here");
    return 0;
}

static int no_programs(void)
{
    char *const words[] = {"/bin/true", NULL};
    EXPECT(execve("/bin/true", words, words) && errno == EPERM);
    EXPECT(fork() == -1 && errno == EPERM);
    EXPECT(kill(getppid(), 0) && errno == EPERM);
    int typed = 'x';
    EXPECT(ioctl(STDIN_FILENO, TIOCSTI, &typed) && errno == EPERM);
    EXPECT(setpriority(0, 0, 5) && errno == EPERM);
    return 0;
}

static int no_code(void)
{
    int prot = PROT_READ | PROT_EXEC;
    EXPECT(mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED && mprotect(memory, 4096, prot) && errno == EPERM);
    return 0;
}

static int no_files(void)
{
    EXPECT(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    EXPECT(open(other, O_WRONLY) < 0 && errno == EACCES);
    EXPECT(open("/tmp/guise-confined", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
    EXPECT(rename(other, removable) && errno == EACCES);
    EXPECT(!unlink(removable));
    return 0;
}

static int files(void)
{
    int fd = open(other, O_WRONLY);
    EXPECT(fd >= 0 && write(fd, "x", 1) == 1);
    EXPECT(!rename(other, moved) && !unlink(moved));
    EXPECT(mknod(other, S_IFCHR | 0600, 0x103) && (errno == EPERM || errno == EACCES));
    return 0;
}

/* ---- The processes ---- */

static int run(int (*fn)(void), bool with_files)
{
    const char *const in[] = {removable, NULL};
    const struct host_confinement c = {.files = with_files, .in = in, .strict = true};
    struct err err;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        if (host_confine(&c, &err)) {
            fprintf(stderr, "%s\n", err.text);
            _exit(77);
        }
        int line = fn();
        if (line)
            fprintf(stderr, "line %d: %s\n", line, strerror(errno));
        _exit(line ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(int (*fn)(void), bool with_files)
{
    int status = run(fn, with_files);
    if (status == 77)
        skip(); /* this host has no seccomp or no Landlock */
    assert_int_equal(status, 0);
}

static void test_still_works(void **state)
{
    check(still_works, false);
}

static void test_no_programs(void **state)
{
    check(no_programs, true);
}

static void test_no_code(void **state)
{
    check(no_code, true);
}

static void test_no_files(void **state)
{
    check(no_files, false);
}

static void test_files(void **state)
{
    check(files, true);
}

static int set_up(void **state)
{
    snprintf(folder, sizeof(folder), "/tmp/guise-confine-%d", (int)getpid());
    snprintf(removable, sizeof(removable), "%s/in/removable", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    snprintf(moved, sizeof(moved), "%s/moved", folder);
    char in[80];
    snprintf(in, sizeof(in), "%s/in", folder);
    int fd = mkdir(folder, 0700) || mkdir(in, 0700) ? -1 : creat(removable, 0600);
    close(fd);
    fd = fd < 0 ? -1 : creat(other, 0600);
    close(fd);
    return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    char in[80];
    unlink(removable);
    unlink(other);
    snprintf(in, sizeof(in), "%s/in", folder);
    rmdir(in);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_still_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_programs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
