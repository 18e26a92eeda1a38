// What is secure: EL3 reaches it, and RAM that others share; non-secure EL1 gets external aborts, as EL3 does by a mapping
// that says non-secure.
// options: -M virt,secure=on
// load: bios
.include "a64.inc"

// x27 counts external aborts on data; the instruction is passed over.
.macro count_abort el
    mrs x21, esr_\el
    lsr x22, x21, #26
    cmp x22, #0x25
    b.ne bad
    and x21, x21, #0x3f
    cmp x21, #0x10
    b.ne bad
    add x27, x27, #1
    mrs x21, elr_\el
    add x21, x21, #4
    msr elr_\el, x21
    eret
.endm
.macro aborts_at high, count
    movz x0, #\high, lsl #16
    ldr w3, [x0]
    cmp x27, #\count
    b.ne bad
.endm

.globl _start
_start:
    go_to_ram
    adr x0, vec3
    msr vbar_el3, x0
    adr x0, vec1
    msr vbar_el1, x0
    mov x27, #0
    movz x2, #0x1234
    movz x1, #0x0e00, lsl #16       // secure RAM
    str x2, [x1]
    ldr x3, [x1]
    cmp x3, x2
    b.ne bad
    movz x4, #0x4030, lsl #16       // RAM
    str x2, [x4]
    movz x0, #0x0904, lsl #16       // secure serial port: its flags
    ldr w3, [x0, #0x18]
    mov x0, #0x431                  // NS, RW
    msr scr_el3, x0
    adr x0, 1f
    msr elr_el3, x0
    mov x0, #0x3c5
    msr spsr_el3, x0
    eret

1:  ldr x3, [x4]                    // non-secure EL1: the same RAM
    cmp x3, x2
    b.ne bad
    aborts_at 0x0e00, 1
    aborts_at 0x0000, 2             // the first flash bank
    aborts_at 0x0904, 3
    aborts_at 0x090b, 4
    movz x0, #0x0400, lsl #16       // the second one is everybody's
    ldr w3, [x0]
    smc #0

2:  movz x0, #0x4031, lsl #16       // EL3: 0 and 1 GiB as they are, 2 GiB is 0 non-secure
    movz x3, #0x401
    str x3, [x0]
    movk x3, #0x4000, lsl #16
    str x3, [x0, #8]
    movz x3, #0x421
    str x3, [x0, #16]
    msr ttbr0_el3, x0
    mov x0, #0xff
    msr mair_el3, x0
    movz x0, #25
    msr tcr_el3, x0
    isb
    mov x0, #1
    msr sctlr_el3, x0
    isb
    ldr x3, [x1]
    cmp x3, x2
    b.ne bad
    aborts_at 0x8e00, 5
    done
bad:
    fail
    define_power_off hvc

    .balign 0x800
vec3:
    .org vec3 + 0x200
    count_abort el3
    .org vec3 + 0x400
    b 2b
    .balign 0x800
vec1:
    .org vec1 + 0x200
    count_abort el1
    .balign 0x800
