// monitor.S - see monitor.h: from reset to main_of_monitor at EL3, vectors of all levels, the way down and back.
.section .boot, "ax"
.globl _start
_start:
    adr x0, _start
    ldr x1, =image_start
    ldr x2, =image_end
1:  ldp x4, x5, [x0], #16
    stp x4, x5, [x1], #16
    cmp x1, x2
    b.lo 1b
    ldr x2, =bss_end
2:  stp xzr, xzr, [x1], #16
    cmp x1, x2
    b.lo 2b
    ldr x0, =entered
    br x0
entered:
    ldr x0, =monitor_vectors
    msr vbar_el3, x0
    ldr x0, =monitor_stack + 65536
    msr spsel, #1
    mov sp, x0
    b main_of_monitor
.ltorg

.text
// void monitor_go(u64 spsr, u64 pc): down, with the registers of monitor_x. Back by any exception that leads to EL3.
.globl monitor_go
monitor_go:
    stp x19, x20, [sp, #-96]!
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    msr spsr_el3, x0
    msr elr_el3, x1
    ldr x30, =monitor_x
    ldp x0, x1, [x30]
    ldp x2, x3, [x30, #16]
    ldp x4, x5, [x30, #32]
    ldp x6, x7, [x30, #48]
    ldp x8, x9, [x30, #64]
    ldp x10, x11, [x30, #80]
    ldp x12, x13, [x30, #96]
    ldp x14, x15, [x30, #112]
    ldp x16, x17, [x30, #128]
    ldp x18, x19, [x30, #144]
    ldp x20, x21, [x30, #160]
    ldp x22, x23, [x30, #176]
    ldp x24, x25, [x30, #192]
    ldp x26, x27, [x30, #208]
    ldp x28, x29, [x30, #224]
    ldr x30, [x30, #240]
    eret
.ltorg

// An exception of the monitor itself is no good one, but for an illegal return.
own:
    stp x0, x1, [sp, #-16]!
    mrs x0, esr_el3
    lsr x0, x0, #26
    cmp x0, #0xe
    b.ne monitor_failed
    mov x0, #0x200
// x0 and x1 are on the stack, x0 is the vector's offset.
back:
    ldr x1, =monitor_x
    stp x2, x3, [x1, #16]
    stp x4, x5, [x1, #32]
    stp x6, x7, [x1, #48]
    stp x8, x9, [x1, #64]
    stp x10, x11, [x1, #80]
    stp x12, x13, [x1, #96]
    stp x14, x15, [x1, #112]
    stp x16, x17, [x1, #128]
    stp x18, x19, [x1, #144]
    stp x20, x21, [x1, #160]
    stp x22, x23, [x1, #176]
    stp x24, x25, [x1, #192]
    stp x26, x27, [x1, #208]
    stp x28, x29, [x1, #224]
    str x30, [x1, #240]
    ldp x2, x3, [sp], #16
    stp x2, x3, [x1]
    ldr x1, =monitor_vector
    str x0, [x1]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp x19, x20, [sp], #96
    ret
.ltorg

#define EACH_VECTOR 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
.globl vectors_el1, vectors_el2, monitor_vectors
.align 11
vectors_el1:
.irp n, EACH_VECTOR
    smc #(0xe100 + \n)
.align 7
.endr
vectors_el2:
.irp n, EACH_VECTOR
    smc #(0xe200 + \n)
.align 7
.endr
monitor_vectors:
.irp n, EACH_VECTOR
.if \n == 4
    b own
.endif
    stp x0, x1, [sp, #-16]!
    mov x0, #(\n * 128)
    b back
.align 7
.endr

.bss
.align 16
monitor_stack: .skip 65536
