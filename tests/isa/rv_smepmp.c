/*
 * rv_smepmp.c - the rules of mseccfg.MML: what each of the sixteen kinds of entry allows to M, and to S and U
 * (privileged manual, "Smepmp", the table).
 */
#include "pmp.h"

const char test_name[] = "rv_smepmp";
extern char text_end[];

/* R W X of M, and of S and U. */
static const struct {
    u8 config, m, su;
} rows[] = {
    {0, 0, 0},
    {R, 0, R},
    {R | W, 0, R | W},
    {R | X, 0, R | X},
    {X, 0, X},
    {R | W | X, 0, R | W | X},
    {W, R | W, R},
    {W | X, R | W, R | W},
    {L | R, R, 0},
    {L | R | W, R | W, 0},
    {L | R | X, R | X, 0},
    {L | X, X, 0},
    {L | W, X, X},
    {L | W | X, R | X, X},
    {L | R | W | X, R, R},
    {L, 0, 0},
};

/* The program goes on under the new rules: its text for all to run, the rest M's, but for the stack of this hart,
 * which calls in S need. */
static void enter(void)
{
    csr_write(0x747, RLB);
    set(3, 0, (word)0x80000000 >> 2);
    set(4, L | TOR | R | X, (word)text_end >> 2);
    set(6, L | NAPOT | R | W, ~(word)0);
    csr_write(0x747, MML | RLB);
    config_write(4, L | TOR | W | X); /* at once: M runs by it */
    sfence();
    word stack = (word)__builtin_frame_address(0) & ~(word)0x3fff;
    set(2, NAPOT | W | X, napot((void *)stack, 0x4000));
}

void test_run(void)
{
    static access_fn *const fn[3] = {do_load32, do_store32, do_call};
    static const word fault[3] = {LOAD_ACCESS, STORE_ACCESS, FETCH_ACCESS};
    *(volatile u32 *)page[2] = 0x80828082;
    fence_i();
    clear();
    enter();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(0, rows[i].config | NAPOT, napot(page[2], 4096));
        CHECK(config_read(0), rows[i].config | NAPOT);
        for (unsigned mode = 0; mode < 4; mode += mode == 1 ? 2 : 1) {
            word found = 0;
            for (unsigned k = 0; k < 3; k++) {
                word cause = try(mode, fn[k], (word)page[2]);
                found |= (word)(cause == NO_TRAP) << k;
                if (cause != NO_TRAP)
                    CHECK(cause, fault[k]);
            }
            CHECK((word)rows[i].config << 8 | mode << 4 | found,
                  (word)rows[i].config << 8 | mode << 4 | (mode == M ? rows[i].m : rows[i].su));
        }
    }
    csr_write(0x747, RLB);
    CHECK(csr_read(0x747), MML | RLB); /* sticky */
    /* without RLB no entry that lets M run code can be added, and locked ones stay */
    csr_write(0x747, MML);
    CHECK(csr_read(0x747), MML);
    set(1, L | NAPOT | X, napot(page[5], 4096));
    CHECK(config_read(1), 0);
    set(1, L | NAPOT | R, napot(page[5], 4096));
    CHECK(config_read(1), L | NAPOT | R);
    set(1, 0, 0);
    CHECK(config_read(1), L | NAPOT | R);
    /* M may not run what no entry allows */
    CHECK(try(M, do_call, (word)page[5]), FETCH_ACCESS);
}
