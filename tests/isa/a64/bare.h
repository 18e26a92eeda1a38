/*
 * bare.h - what the bare-metal programs of AArch64 in C share: console, end, page tables, CPUs.
 */
#ifndef TESTS_ISA_A64_BARE_H
#define TESTS_ISA_A64_BARE_H

typedef unsigned long u64;
#define PAGE_ALIGNED __attribute__((aligned(4096)))

/* The program: on CPU 0, and on those it starts. When CPU 0's returns, all is well. */
void run(u64 cpu);
void fail(const char *why) __attribute__((noreturn));
/* From start.S by an exception that nothing expects. */
void unexpected(u64 esr, u64 elr, u64 far);
void start_cpu(u64 n);
/* Devices below 1 GiB, RAM's first GiB as it is; 39-bit addresses, 4K. */
void map_low(u64 *l1);
void mmu_on(const u64 *l1);

#endif
