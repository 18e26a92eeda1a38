// The smallest program for the Arm board, started as a kernel at EL1: all CPUs are switched on by PSCI and meet, CPU 0
// takes a timer interrupt, says so on the UART, and ends by the PSCI function FINISH. With KEY it first waits for the
// power key: line 3 of the PL061. MMU and caches stay off.
#define GICD 0x08000000
#define GICC 0x08010000
#define UART 0x09000000
#define GPIO 0x09030000
#define TIMER_PPI 30
#define GPIO_SPI 39
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_CPU_ON 0xc4000003

        .globl _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        mov     x0, #UART
        mov     w1, #0x301              // UARTCR: the UART, its transmitter and receiver
        str     w1, [x0, #0x30]
        mov     x19, #1
1:      cmp     x19, #HARTS
        b.eq    2f
        ldr     x0, =PSCI_CPU_ON
        mov     x1, x19
        adr     x2, arrive
        mov     x3, x19
        hvc     #0
        cbnz    x0, fail
        add     x19, x19, #1
        b       1b
2:      ldr     x20, =arrived
3:      ldar    w1, [x20]               // all HARTS are here
        cmp     w1, #HARTS - 1
        b.ne    3b
        ldr     x0, =GICD
        mov     w1, #1
        str     w1, [x0]                // GICD_CTLR
        mov     w1, #1 << TIMER_PPI
        str     w1, [x0, #0x100]        // GICD_ISENABLER0
        ldr     x21, =GICC
        mov     w1, #0xff
        str     w1, [x21, #4]           // GICC_PMR
        mov     w1, #1
        str     w1, [x21]               // GICC_CTLR
        mov     x1, #1000
        msr     cntp_tval_el0, x1
        mov     x1, #1
        msr     cntp_ctl_el0, x1
        isb
        msr     daifclr, #2
4:      wfi
        b       4b

arrive: ldr     x1, =arrived
1:      ldaxr   w2, [x1]
        add     w2, w2, #1
        stlxr   w3, w2, [x1]
        cbnz    w3, 1b
2:      wfi
        b       2b

irq:    ldr     w22, [x21, #0xc]        // GICC_IAR
        cmp     w22, #GPIO_SPI
        b.eq    key
        cmp     w22, #TIMER_PPI
        b.ne    fail
        msr     cntp_ctl_el0, xzr
        isb
        str     w22, [x21, #0x10]       // GICC_EOIR
        adr     x1, message
        bl      print
#ifdef KEY
        ldr     x0, =GPIO
        mov     w1, #1 << 3
        str     w1, [x0, #0x40c]        // GPIOIEV: the rising edge
        str     w1, [x0, #0x410]        // GPIOIE
        ldr     x0, =GICD
        mov     w1, #1
        strb    w1, [x0, #0x800 + GPIO_SPI]             // GICD_ITARGETSR
        mov     w1, #1 << (GPIO_SPI % 32)
        str     w1, [x0, #0x104]        // GICD_ISENABLER1
        adr     x1, waits
        bl      print
        eret
#endif
finish: ldr     x0, =FINISH
        hvc     #0
1:      b       1b

key:    ldr     x0, =GPIO
        ldr     w1, [x0, #0x418]        // GPIOMIS: this line and no other
        cmp     w1, #1 << 3
        b.ne    fail
        adr     x1, pressed
        bl      print
        b       finish

// What was not expected is said in place of the message, and ends the machine.
fail:   adr     x1, failed
        bl      print
        ldr     x0, =PSCI_SYSTEM_OFF
        hvc     #0
1:      b       1b

print:  mov     x0, #UART
1:      ldrb    w2, [x1], #1
        cbz     w2, 3f
2:      ldr     w3, [x0, #0x18]         // until the transmitter has room
        tbnz    w3, #5, 2b
        str     w2, [x0]
        b       1b
3:      ret

message: .asciz "small guest\n"
waits:  .asciz  "waits for the key\n"
pressed: .asciz "key pressed\n"
failed: .asciz  "failed\n"

        .balign 2048
vectors:
        .rept   5
        b       fail
        .balign 128
        .endr
        b       irq                     // at EL1 with its own stack pointer
        .balign 128
        .rept   10
        b       fail
        .balign 128
        .endr

        .section .data
        .balign 4
arrived: .word  0
