// The bare machine under a 32-bit program: AArch64 EL1 maps memory for EL0 as Linux does, enters the program there in A32
// state, and serves its two system calls by UART and PSCI. The program (.text) is a flat image of its own.
#define UART      0x09000000
#define RAM       0x40000000
#define BOOT      8               // the 2 MB block of RAM that .boot is in: EL1's

        .section .boot, "ax"
        .balign 2048
vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        .balign 128
        b       .
        .endr
        .balign 128               // from AArch32 EL0: synchronous
        mrs     x28, esr_el1              // registers that the program has not, in User mode
        lsr     x29, x28, #26
        cmp     x29, #0x11
        b.ne    unexpected
        cmp     x7, #1
        b.eq    leave
        mov     x26, x1
        add     x27, x1, x2
        mov     x0, x2
        mov     x29, #UART
1:      cmp     x26, x27
        b.eq    3f
2:      ldr     w28, [x29, #0x18] // until the transmitter has room
        tbnz    w28, #5, 2b
        ldrb    w28, [x26], #1
        strb    w28, [x29]
        b       1b
3:      eret

        .balign 2048
        .globl  _start_bare
_start_bare:
        ldr     x0, =level0
        ldr     x1, =level1
        ldr     x2, =level2
        orr     x3, x1, #3
        str     x3, [x0]
        ldr     x3, =0x0060000000000405     // device, EL1 only, not executable
        str     x3, [x1]
        orr     x3, x2, #3
        str     x3, [x1, #8]
        ldr     x3, =RAM | 0x741            // normal, shared, for EL0
        mov     x4, #0
1:      cmp     x4, #BOOT
        and     x5, x3, #~0x40
        csel    x5, x5, x3, eq
        str     x5, [x2, x4, lsl #3]
        add     x3, x3, #0x200000
        add     x4, x4, #1
        cmp     x4, #512
        b.ne    1b
        ldr     x0, =level0
        msr     ttbr0_el1, x0
        ldr     x0, =0x04ff
        msr     mair_el1, x0
        ldr     x0, =0x0100803510           // 48 bits, 4 KB, cached, EPD1, 36-bit addresses
        msr     tcr_el1, x0
        ldr     x0, =vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20
        msr     cpacr_el1, x0
        dsb     sy
        isb
        ldr     x0, =0x34d5d91d             // EL0 may use SETEND and IT
        bic     x0, x0, #3 << 7
        msr     sctlr_el1, x0
        isb
        ldr     x0, =program
        msr     elr_el1, x0
        mov     x0, #0x10                   // User mode, A32
        msr     spsr_el1, x0
        eret

// What the trap was goes out as two numbers, by the program's own means: its tell_trap is the second word of its image.
unexpected:
        mov     x0, x28
        mrs     x1, elr_el1
        mrs     x2, far_el1
        ldr     x3, =program + 4
        msr     elr_el1, x3
        mov     x4, #0x10
        msr     spsr_el1, x4
        eret
leave:  ldr     x0, =0x84000008             // SYSTEM_OFF
        hvc     #0
        b       .
        .ltorg
        .balign 4096
level0: .zero   4096
level1: .zero   4096
level2: .zero   4096
