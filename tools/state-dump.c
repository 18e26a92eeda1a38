/*
 * state-dump FILE: prints what a state that Guise saved says of itself; needs no machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "state/stream.h"

int main(int argc, char **argv)
{
    if (argc != 2 || !strcmp(argv[1], "--help")) {
        fprintf(argc == 2 ? stdout : stderr, "usage: state-dump FILE\n");
        return argc != 2;
    }
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "state-dump: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    struct err err = {0};
    struct state_fd f;
    state_fd_init(&f, fd);
    int r = state_stream_dump(&f.io, stdout, &err);
    state_fd_fini(&f);
    close(fd);
    if (r)
        fprintf(stderr, "state-dump: %s: %s\n", argv[1], err.text);
    return r != 0;
}
