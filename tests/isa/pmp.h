/*
 * pmp.h - PMP entries by number, for the tests of PMP and of Smepmp.
 */
#ifndef PMP_H
#define PMP_H

#include "test.h"

enum { R = 1, W = 2, X = 4, TOR = 8, NA4 = 16, NAPOT = 24, L = 128 };
enum { MML = 1, MMWP = 2, RLB = 4 };
enum { SLOT_ALL = 7 }; /* opens all memory behind the entries of a test */

#define PER_CSR (8 * sizeof(word) / 8)

static void config_write(unsigned n, u8 value)
{
    word mask = (word)0xff << 8 * (n % PER_CSR), v = (word)value << 8 * (n % PER_CSR);
    switch (n / PER_CSR) {
    case 0: csr_write(pmpcfg0, (csr_read(pmpcfg0) & ~mask) | v); break;
#if __riscv_xlen == 64
    default: csr_write(pmpcfg2, (csr_read(pmpcfg2) & ~mask) | v); break;
#else
    case 1: csr_write(pmpcfg1, (csr_read(pmpcfg1) & ~mask) | v); break;
    default: csr_write(pmpcfg2, (csr_read(pmpcfg2) & ~mask) | v); break;
#endif
    }
}

static inline u8 config_read(unsigned n)
{
    word v = csr_read(pmpcfg0);
#if __riscv_xlen == 32
    if (n >= 4)
        v = csr_read(pmpcfg1);
#endif
    return (u8)(v >> 8 * (n % PER_CSR));
}

static void address_write(unsigned n, word v)
{
    switch (n) {
    case 0: csr_write(pmpaddr0, v); break;
    case 1: csr_write(pmpaddr1, v); break;
    case 2: csr_write(pmpaddr2, v); break;
    case 3: csr_write(pmpaddr3, v); break;
    case 4: csr_write(pmpaddr4, v); break;
    case 6: csr_write(pmpaddr6, v); break;
    default: csr_write(pmpaddr7, v); break;
    }
}

static inline word address_read(unsigned n)
{
    return n == 0 ? csr_read(pmpaddr0) : n == 1 ? csr_read(pmpaddr1) : csr_read(pmpaddr2);
}

static word napot(const void *p, word size)
{
    return (word)p >> 2 | (size / 8 - 1);
}

static void set(unsigned n, u8 config, word address)
{
    config_write(n, 0);
    address_write(n, address);
    config_write(n, config);
    sfence();
}

static inline void clear(void)
{
    set(SLOT_ALL, NAPOT | R | W | X, ~(word)0);
    for (unsigned i = 5; i-- > 0;) /* the upper end of a TOR range before its lower one */
        set(i, 0, 0);
}

#endif
