// The smallest program for the Arm board in AArch32, started as a kernel: all CPUs are switched on by PSCI and meet,
// CPU 0 takes a timer interrupt, says so on the UART, and ends by the PSCI function FINISH. CPU 1 goes on in T32. MMU
// and caches stay off.
#define GICD 0x08000000
#define GICC 0x08010000
#define UART 0x09000000
#define TIMER_PPI 30
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_CPU_ON 0x84000003

        .syntax unified
        .arch   armv7ve
        .arm
        .globl  _start
_start: adr     r0, vectors
        mcr     p15, 0, r0, c12, c0, 0          @ VBAR
        ldr     sp, =stack
        cps     #0x12                           @ IRQ mode: a stack of its own
        ldr     sp, =irq_stack
        cps     #0x13
        ldr     r0, =UART
        ldr     r1, =0x301                      @ UARTCR: the UART, its transmitter and receiver
        str     r1, [r0, #0x30]
        mov     r4, #1
1:      cmp     r4, #HARTS
        beq     2f
        ldr     r0, =PSCI_CPU_ON
        mov     r1, r4
        ldr     r2, =arrive + 1
        mov     r3, r4
        hvc     #0
        cmp     r0, #0
        bne     fail
        add     r4, r4, #1
        b       1b
2:      ldr     r5, =arrived
3:      ldr     r1, [r5]                        @ all HARTS are here
        dmb
        cmp     r1, #HARTS - 1
        bne     3b
        ldr     r0, =GICD
        mov     r1, #1
        str     r1, [r0]                        @ GICD_CTLR
        mov     r1, #1 << TIMER_PPI
        str     r1, [r0, #0x100]                @ GICD_ISENABLER0
        ldr     r6, =GICC
        mov     r1, #0xff
        str     r1, [r6, #4]                    @ GICC_PMR
        mov     r1, #1
        str     r1, [r6]                        @ GICC_CTLR
        ldr     r1, =1000
        mcr     p15, 0, r1, c14, c2, 0          @ CNTP_TVAL
        mov     r1, #1
        mcr     p15, 0, r1, c14, c2, 1          @ CNTP_CTL
        isb
        cpsie   i
4:      wfi
        b       4b

irq:    ldr     r7, [r6, #0xc]                  @ GICC_IAR
        cmp     r7, #TIMER_PPI
        bne     fail
        mrs     r0, cpsr
        and     r0, r0, #0x1f
        cmp     r0, #0x12
        bne     fail
        mov     r0, #0
        mcr     p15, 0, r0, c14, c2, 1
        isb
        str     r7, [r6, #0x10]                 @ GICC_EOIR
        adr     r1, message
        bl      print
        ldr     r0, =FINISH
        hvc     #0
1:      b       1b

@ What was not expected is said in place of the message, and ends the machine.
fail:   adr     r1, failed
        bl      print
        ldr     r0, =PSCI_SYSTEM_OFF
        hvc     #0
1:      b       1b

print:  ldr     r0, =UART
1:      ldrb    r2, [r1], #1
        cmp     r2, #0
        bxeq    lr
2:      ldr     r3, [r0, #0x18]                 @ until the transmitter has room
        tst     r3, #0x20
        bne     2b
        str     r2, [r0]
        b       1b

message: .asciz "small guest\n"
failed: .asciz  "failed\n"
        .balign 32
vectors: b      fail
        b       fail
        b       fail
        b       fail
        b       fail
        b       fail
        b       irq
        b       fail
        .ltorg

        .thumb
        .thumb_func
arrive: ldr     r1, =arrived
1:      ldrex   r2, [r1]
        adds    r2, #1
        strex   r3, r2, [r1]
        cmp     r3, #0
        bne     1b
2:      wfi
        b       2b
        .ltorg

        .section .data
        .balign 8
arrived: .word  0
        .skip   252
stack:  .skip   256
irq_stack:
