// Down from EL3 to EL0 and up again by SVC, HVC, SMC, an undefined access and a trap of EL2: the levels in turn.
// options: -M virt,secure=on,virtualization=on
// load: bios
.include "a64.inc"
.macro el
    mrs x21, CurrentEL
    add x28, x21, x28, lsl #4
.endm
.macro mark n
    mov x21, #\n
    add x28, x21, x28, lsl #4
.endm
.globl _start
_start:
    go_to_ram
    mov x28, #0
    el
    adr x2, vec3
    msr vbar_el3, x2
    adr x2, vec2
    msr vbar_el2, x2
    adr x2, vec1
    msr vbar_el1, x2
    mov x0, #0x531      // NS, RES1, HCE, RW
    msr scr_el3, x0
    mov x0, #1
    lsl x0, x0, #31
    msr hcr_el2, x0
    adr x0, 1f
    msr elr_el3, x0
    mov x0, #0x3c9
    msr spsr_el3, x0
    eret
1:  el                  // EL2h
    adr x0, 2f
    msr elr_el2, x0
    mov x0, #0x3c5
    msr spsr_el2, x0
    eret
2:  el                  // EL1h
    adr x0, 3f
    msr elr_el1, x0
    mov x0, #0x3c0
    msr spsr_el1, x0
    eret
3:  svc #0
    .org 0x1000
vec1: .org 0x1200
    mark 1
    mrs x0, esr_el1
    lsr x0, x0, #26
    cbz x0, ok
    b .
ok: mov x0, #7
    hvc #2
    msr ttbr0_el1, xzr
    mark 2
    smc #9
    .org 0x1400
    el
    hvc #1
    smc #1
    mrs x0, scr_el3
    b .
    .org 0x2000
vec2: .org 0x2400
    el
    mrs x10, esr_el2
    lsr x11, x10, #26
    cmp x11, #0x18
    b.eq 9f
    and x10, x10, #0xffff
    cmp x10, #2
    b.ne 8f
    mrs x0, hcr_el2
    orr x0, x0, #1<<26
    msr hcr_el2, x0
8:  eret
9:  mark 3
    mrs x0, elr_el2
    add x0, x0, #4
    msr elr_el2, x0
    eret
    .org 0x3000
vec3: .org 0x3400
    el
    mrs x10, esr_el3
    and x10, x10, #0xffff
    cmp x10, #9
    b.eq fin
    eret
fin:
    ldr x0, =0xc8448c18832c // each level times 4, and the marks
    cmp x28, x0
    b.ne bad
    done
bad:
    fail
power_off:
    wfi
    b power_off
