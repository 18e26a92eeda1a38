/*
 * driver.c - the ends of every fuzz target: libFuzzer's entry points, and what tests/fuzz/run asks.
 *
 *   fuzz_NAME --variants                   prints the variants, a line each
 *   fuzz_NAME [--variant=V] --seeds=DIR    writes the seeds
 *   fuzz_NAME [--variant=V] ...            libFuzzer's options and corpora
 */
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* ---- Files ----------------------------------------------------------------------------------- */

int fuzz_file(const char *name, char path[32])
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    fuzz_must(fd >= 0);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

void fuzz_file_set(int fd, const void *data, size_t size)
{
    fuzz_must(!ftruncate(fd, 0));
    fuzz_must(!size || pwrite(fd, data, size, 0) == (ssize_t)size);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

void fuzz_put(struct fuzz_seed *s, const void *data, size_t size)
{
    fuzz_must(size <= sizeof(s->data) - s->size);
    memcpy(s->data + s->size, data, size);
    s->size += size;
}

void fuzz_put_number(struct fuzz_seed *s, u64 value, unsigned size)
{
    u8 bytes[8];
    store_le(bytes, value, 8);
    fuzz_put(s, bytes, size);
}

void fuzz_seed_end(struct fuzz_seed *s)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/seed-%u", s->folder, s->number++);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    fuzz_must(fd >= 0 && write(fd, s->data, s->size) == (ssize_t)s->size);
    close(fd);
    s->size = 0;
}

/* ---- Entry points ---------------------------------------------------------------------------- */

static void print_variants(void)
{
    for (unsigned i = 0; fuzz_target.variant && fuzz_target.variant(i); i++)
        puts(fuzz_target.variant(i));
}

static void make_seeds(const char *folder)
{
    struct fuzz_seed *s = calloc(1, sizeof(*s));
    fuzz_must(s);
    s->folder = folder;
    if (fuzz_target.seeds)
        fuzz_target.seeds(s);
    free(s);
}

static const char *option_value(const char *argument, const char *name)
{
    size_t n = strlen(name);
    return strncmp(argument, name, n) ? NULL : argument + n;
}

static void check_variant(const char *variant)
{
    for (unsigned i = 0; fuzz_target.variant && fuzz_target.variant(i); i++) {
        if (variant && !strcmp(variant, fuzz_target.variant(i)))
            return;
    }
    if (!fuzz_target.variant && !variant)
        return;
    fprintf(stderr, "--variant=%s: --variants lists them\n", variant ? variant : "");
    exit(1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *variant = NULL, *seeds = NULL;
    for (int i = 1; i < *argc; i++) {
        const char *argument = (*argv)[i], *value;
        if (!strcmp(argument, "--variants")) {
            print_variants();
            exit(0);
        }
        variant = (value = option_value(argument, "--variant=")) ? value : variant;
        seeds = (value = option_value(argument, "--seeds=")) ? value : seeds;
    }
    check_variant(variant);
    __lsan_disable(); /* it stays, and some of it is found from memory that LSan does not search */
    if (fuzz_target.open)
        fuzz_target.open(variant);
    __lsan_enable();
    if (seeds) {
        make_seeds(seeds);
        exit(0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct fuzz_input in = {.data = data, .left = size};
    fuzz_target.run(&in);
    return 0;
}
