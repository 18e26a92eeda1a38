/*
 * helper_int.c - what A64's base instructions leave to C: CRC32, jumps to tagged addresses.
 */
#include "isa/arm/arm.h"

/* ---- CRC32 ("C6.2.82"): reversed polynomials, no inversion ---- */

enum { POLYNOMIAL = 0xedb88320u, POLYNOMIAL_C = 0x82f63b78u };

u64 arm_helper_crc32(struct cpu *cpu, u64 sum, u64 value, u64 how)
{
    u32 polynomial = how & 4 ? POLYNOMIAL_C : POLYNOMIAL, crc = (u32)sum;
    unsigned bytes = 1u << (how & 3);
    for (unsigned i = 0; i < bytes; i++) {
        crc ^= (u8)(value >> (8 * i));
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    }
    return crc;
}

/* ---- Jumps ---- */

static bool has_two_ranges(u64 mode)
{
    unsigned el = mode & ARM_MODE_EL;
    return el < 2 || (el == 2 && mode & ARM_MODE_E2H);
}

/* "AArch64.BranchAddr": where TBI holds for the address, its top byte is that of bit 55, or 0 where
 * there is one range. */
static u64 branch_address(u64 mode, u64 target)
{
    bool upper = target & BIT(55);
    u64 tbi = (mode & ARM_MODE_TBI) >> ARM_MODE_TBI_SHIFT;
    if (!(tbi >> upper & 1))
        return target;
    return upper && has_two_ranges(mode) ? target | BITS(63, 56) : target & BITS(55, 0);
}

/* Of TRAP_IF. */
void arm_helper_branch_tagged(struct cpu *cpu, u64 registers)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned n = registers & 31, link = registers >> 8 & 31;
    u64 target = n == 31 ? 0 : a->x[n];
    if (link != 31)
        a->x[link] = a->pc + 4;
    a->pc = branch_address(cpu->mode, target);
}
