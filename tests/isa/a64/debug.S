// Software step over every kind of branch, exception and return; a breakpoint. EL1 is the debugger, EL0 the program.
.include "a64.inc"
.globl _start
_start:
    adr x2, vectors
    msr vbar_el1, x2
    msr oslar_el1, xzr
    mov x0, #1
    msr mdscr_el1, x0
    isb
    adr x27, trace
    adr x0, user
    msr elr_el1, x0
    movz x0, #0x0020, lsl #16
    msr spsr_el1, x0
    mov x9, #0
    eret
user:
    nop                 // +0
    b 1f                // +4
    nop
1:  cbz x9, 2f          // +12
    nop
2:  mov x9, #1          // +20
    cbz x9, user        // +24 not taken
    bl fn               // +28
    adr x10, 3f         // +32
    br x10              // +36
    nop
3:  cmp x9, #2          // +44
    b.ne 4f             // +48 taken
    nop
4:  svc #0              // +56
    nop
fn: add x9, x9, #2      // +64
    ret                 // +68
trace: .hword 4,12,20,24,28,64,68,32,36,44,48,56,0
.align 11
vectors:
.rept 8
    b bad
.align 7
.endr
    mrs x8, esr_el1
    lsr x8, x8, #26
    cmp x8, #0x32
    b.ne svc
    mrs x8, elr_el1
    adr x7, user
    sub x8, x8, x7
    ldrh w6, [x27], #2
    cmp x8, x6
    b.ne bad
    mrs x8, spsr_el1
    orr x8, x8, #1<<21
    msr spsr_el1, x8
    eret
svc: cmp x8, #0x15
    b.ne bad
    ldrh w6, [x27]
    cbnz w6, bad
    // breakpoints now
    tbnz x26, #0, finish
    mov x26, #1
    b bp
.align 7
bad:
    fail
bp: 
    mov x0, #1<<15
    msr mdscr_el1, x0
    adr x0, 3b
    msr dbgbvr0_el1, x0
    movz x0, #0x1e5
    msr dbgbcr0_el1, x0
    isb
    adr x0, user
    msr elr_el1, x0
    msr spsr_el1, xzr
    mov x9, #0
    adr x1, vec2
    msr vbar_el1, x1
    isb
    eret
finish:
    done
    define_power_off hvc
.align 11
vec2:
.rept 8
    b bad
.align 7
.endr
    mrs x8, esr_el1
    lsr x8, x8, #26
    cmp x8, #0x30
    b.ne bad
    mrs x8, elr_el1
    adr x7, 3b
    cmp x8, x7
    b.ne bad
    msr dbgbcr0_el1, xzr
    adr x1, vectors
    msr vbar_el1, x1
    isb
    adr x27, trace+24
    eret
