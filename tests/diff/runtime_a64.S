// The ground that random A64 blocks run on: the same bytes under Linux (entry: _start, in user mode) and on a bare
// machine (entry: _start_bare), which maps memory for EL0 as Linux does and serves the two system calls that the program
// makes by its UART and PSCI.
#define UART      0x09000000
#define RAM       0x40000000
#define BOOT      8               // the 2 MB block of RAM that .boot is in: EL1's
#define V         (32 * 8)        // struct state
#define NZCV      (V + 512)
#define HOST_SP   (NZCV + 24)

        .section .boot, "ax"
        .balign 2048
vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        .balign 128
        b       .
        .endr
        .balign 128               // from EL0: synchronous
        str     x0, [sp, #-16]!
        mrs     x0, esr_el1
        lsr     x0, x0, #26
        cmp     x0, #0x15
        ldr     x0, [sp], #16
        b.ne    unexpected
        cmp     x8, #93
        b.eq    leave
        mov     x9, #UART
        add     x2, x1, x2
        mov     x0, x2
        sub     x0, x0, x1
1:      cmp     x1, x2
        b.eq    3f
2:      ldr     w10, [x9, #0x18]  // until the transmitter has room
        tbnz    w10, #5, 2b
        ldrb    w10, [x1], #1
        strb    w10, [x9]
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
        ldr     x0, =0x2100803510           // 48 bits, 4 KB, cached, EPD1, 36-bit addresses, TBI0
        msr     tcr_el1, x0
        ldr     x0, =vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20
        msr     cpacr_el1, x0
        ldr     x0, =boot_stack
        mov     sp, x0
        dsb     sy
        isb
        ldr     x0, =0x34d5d99d
        msr     sctlr_el1, x0
        isb
        ldr     x0, =_start
        msr     elr_el1, x0
        msr     spsr_el1, xzr
        eret

unexpected:
        mrs     x0, esr_el1
        mrs     x1, elr_el1
        mrs     x2, far_el1
        ldr     x3, =tell_trap
        msr     elr_el1, x3
        ldr     x3, =stack_top
        msr     sp_el0, x3
        eret                                // to EL0: what follows are its calls
leave:  ldr     x0, =0x84000008             // SYSTEM_OFF
        hvc     #0
        b       .
        .ltorg
        .balign 16
        .zero   256
boot_stack:
        .balign 4096
level0: .zero   4096
level1: .zero   4096
level2: .zero   4096

        .section .text.start, "ax"
        .globl  _start
_start: ldr     x0, =stack_top
        mov     sp, x0
        bl      run_all
        mov     x8, #93
        svc     #0

// void run_block(struct state *state, const void *code): loads the registers, goes there, and stores them. x25 keeps
// the state, x29 the way back.
        .globl  run_block
run_block:
        stp     x19, x20, [sp, #-160]!
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x25, x0
        mov     x26, x1
        mov     x9, sp
        str     x9, [x25, #HOST_SP]
        ldr     x9, [x25, #31 * 8]
        mov     sp, x9
        ldr     x9, [x25, #NZCV]
        msr     nzcv, x9
        ldr     x9, [x25, #NZCV + 8]
        msr     fpcr, x9
        ldr     x9, [x25, #NZCV + 16]
        msr     fpsr, x9
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ldr     q\n, [x25, #V + \n * 16]
        .endr
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,27,28,30
        ldr     x\n, [x25, #\n * 8]
        .endr
        adr     x29, back
        br      x26

back:   .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,27,28,30
        str     x\n, [x25, #\n * 8]
        .endr
        mrs     x9, nzcv
        mrs     x10, fpcr
        str     x9, [x25, #NZCV]
        str     x10, [x25, #NZCV + 8]
        mrs     x9, fpsr
        str     x9, [x25, #NZCV + 16]
        msr     fpcr, xzr
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        str     q\n, [x25, #V + \n * 16]
        .endr
        ldr     x9, [x25, #HOST_SP]
        mov     sp, x9
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x19, x20, [sp], #160
        ret

// long system_call(long a0, long a1, long a2, long number)
        .globl  system_call
system_call:
        mov     x8, x3
        svc     #0
        ret
        .ltorg

        .section .bss
        .balign 16
        .zero   16384
stack_top:
