/*
 * bare.h - what the programs of AArch32 share: what exceptions told, coprocessor 15, checks.
 */
#ifndef TESTS_ISA_A32_BARE_H
#define TESTS_ISA_A32_BARE_H

typedef unsigned u32;
typedef unsigned long long u64;

struct seen {
    u32 kind, lr, spsr, cpsr; /* kind: the vector's offset */
};
extern volatile struct seen seen;
int fetch_at(const void *p);
void in_user(const void *p, u32 argument);
void returns(void), user_thumb(void), user_read(void), user_mcr(void);

#define MRC(opc1, crn, crm, opc2)                                                                  \
    ({                                                                                             \
        u32 v_;                                                                                    \
        __asm__ volatile("mrc p15, " #opc1 ", %0, c" #crn ", c" #crm ", " #opc2 : "=r"(v_));       \
        v_;                                                                                        \
    })
/* DBGDTRRXint */
#define MRC14_DTR()                                                                                \
    ({                                                                                             \
        u32 v_;                                                                                    \
        __asm__ volatile("mrc p14, 0, %0, c0, c5, 0" : "=r"(v_));                                  \
        v_;                                                                                        \
    })
#define MCR(opc1, crn, crm, opc2, v)                                                               \
    __asm__ volatile("mcr p15, " #opc1 ", %0, c" #crn ", c" #crm ", " #opc2 "\n\tisb"              \
                     :                                                                             \
                     : "r"(v)                                                                      \
                     : "memory")
#define MCRR(opc1, crm, v)                                                                         \
    __asm__ volatile("mcrr p15, " #opc1 ", %Q0, %R0, c" #crm "\n\tisb" : : "r"((u64)(v)) : "memory")

static inline void put(const char *text)
{
    volatile u32 *uart = (volatile u32 *)0x09000000;
    uart[12] = 0x301;
    while (*text)
        uart[0] = (unsigned char)*text++;
}

static inline void put_hex(u32 v)
{
    char text[10] = " ";
    for (int i = 0; i < 8; i++)
        text[1 + i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
    text[9] = 0;
    put(text);
}

static inline void power_off(void)
{
    register u32 r0 __asm__("r0") = 0x84000008;
    __asm__ volatile("hvc #0" : : "r"(r0));
}

static inline void check_at(u32 line, u32 found, u32 wanted)
{
    if (found == wanted)
        return;
    put("failed: line");
    put_hex(line);
    put_hex(found);
    put_hex(wanted);
    put("\n");
    power_off();
}
#define CHECK(found, wanted) check_at(__LINE__, (u32)(found), (u32)(wanted))

/* What the statement raises: the vector's offset, or 0. */
#define RAISED(statement)                                                                          \
    ({                                                                                             \
        seen.kind = 0;                                                                             \
        statement;                                                                                 \
        seen.kind;                                                                                 \
    })
static inline u32 raised_by_read(u32 address)
{
    u32 v;
    return RAISED(__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(address) : "memory"));
}
static inline u32 raised_by_write(u32 address)
{
    return RAISED(__asm__ volatile("str %0, [%0]" : : "r"(address) : "memory"));
}
#define DFSR() MRC(0, 5, 0, 0)
#define DFAR() MRC(0, 6, 0, 0)
#define IFSR() MRC(0, 5, 0, 1)
#define IFAR() MRC(0, 6, 0, 2)

#endif
