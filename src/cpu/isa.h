/*
 * isa.h - what a guest architecture is: one description and a few functions. Everything outside
 * isa/ reaches an architecture through this struct only; there is no switch over architectures.
 *
 * All functions run on the vCPU's own thread unless said otherwise. A `struct cpu *` given to an
 * isa's function is always one of its own (created with isa->cpu_size), so it may downcast.
 */
#ifndef CPU_ISA_H
#define CPU_ISA_H

#include "base/base.h"
#include "base/err.h"

struct cpu;
struct ir_builder;
struct ir_helper;
struct state_table;
struct option;

/* A guest register as the IR sees it. offset: from the start of the CPU's struct. type: enum
 * ir_type (IR_I64, IR_F64 ...). */
struct isa_slot {
    const char *name;
    u32 offset;
    u8 type;
};

/* ISA_PROBE: a debugger's look; whatever is mapped is allowed, and no accessed or dirty bit is set.
 */
enum isa_access { ISA_READ, ISA_WRITE, ISA_FETCH, ISA_PROBE };

/* Result of a page walk that succeeded: vaddr..vaddr+size-1 (size a power of two >= 4096 or smaller
 * where protection is finer, as PMP) maps to paddr with these rights. `global` and `asid` say in
 * which address spaces the entry holds. */
struct isa_mapping {
    u64 paddr;     /* of the exact address asked for */
    u64 page_size; /* the mapping's natural size: 4096, 2 MiB ...; < 4096: must not be cached */
    u8 rights; /* BIT(ISA_READ) | BIT(ISA_WRITE) | BIT(ISA_FETCH): allowed now without another walk
                  (no A/D update due) */
    bool global;
    bool io;       /* guest says: device memory (Svpbmt), informative */
    bool aligned;  /* data: what is not aligned to its size is an alignment fault, RAM or not */
    u64 code_mode; /* fetch: bits that translations of this page's code have in their mode word
                      beside cpu->mode (guarded pages) */
};

/* What went wrong with an access; the isa makes its trap of it. */
enum isa_fault_kind {
    ISA_FAULT_NONE,
    ISA_FAULT_PAGE,   /* translation: the walk refused */
    ISA_FAULT_ACCESS, /* protection (PMP) or no memory at the physical address */
    ISA_FAULT_ALIGNMENT,
};
struct isa_fault {
    enum isa_fault_kind kind;
    enum isa_access access;
    u64 vaddr;   /* first byte that failed */
    u64 code;    /* the isa's own detail (guest physical address of a two-stage walk, syndrome) */
    bool atomic; /* the access was read-modify-write or store-conditional: architectures report it
                    as a store */
    u8 size;     /* for walk: bytes of the access from vaddr on, on its page; 0: not known */
};

/* Which TLB context an access uses; equal keys share cached translations, so every bit of state
 * that changes what a walk would answer (root, ASID, privilege, SUM, MXR ...) is in here. */
struct isa_context {
    u64 space; /* address space: root and ASID; what a page-table switch changes */
    u64 view;  /* privilege and rights view */
};

/* Start of the facts for guest software (device tree). */
struct isa_cpu_facts {
    char isa_string[1024]; /* riscv,isa */
    const char *const
        *extensions;           /* riscv,isa-extensions, ended by NULL; valid as long as the cpu */
    const char *base;          /* riscv,isa-base */
    const char *mmu;           /* mmu-type */
    const char *compatible;    /* of the cpu node */
    unsigned cbom, cbop, cboz; /* cache block sizes, 0: none */
};

/* A CPU model and its features, for -cpu NAME[,FEATURE=on|off] and -cpu help. */
struct isa_model {
    const char *name, *help;
    const char *arch; /* the one of arch_names that it belongs to; NULL: all */
};

struct isa {
    const char *name; /* "riscv" */
    const char *const
        *arch_names; /* "riscv64", "riscv32": as -arch and program names choose; ended by NULL */
    bool big_endian; /* instructions */
    u32 cpu_size;    /* of the struct that begins with struct cpu */

    /* -- Layout shared by every engine. state_bias: offset from struct cpu that translated code
     * keeps a register at, chosen so that the hottest slots are within -128..127. */
    const struct isa_slot *slots;
    u32 slot_count;
    u32 pc_slot;
    u32 state_bias;
    const struct state_table *state; /* the whole architectural state, for snapshots */
    const struct ir_helper
        *helpers; /* all C functions that its translations call; ended by a NULL name */
    u32 helper_count;

    /* -- Life. model: text of -cpu ("rv64,zba=off"); arch: the name chosen. Fills cpu; resources
     * are freed by fini. */
    int (*init)(struct cpu *cpu, const char *arch, const char *model, struct err *err);
    void (*fini)(struct cpu *cpu);
    void (*reset)(struct cpu *cpu);
    const struct isa_model *models;     /* ended by a NULL name */
    void (*print_features)(void *file); /* FILE *: -cpu help's list of features */
    void (*facts)(struct cpu *cpu, struct isa_cpu_facts *facts);
    void (*print_registers)(struct cpu *cpu, void *file);

    /* -- Translation. Adds at least one guest instruction from u->pc, at most max_insns, and ends
     * the unit. Code bytes come from jit_fetch (jit/translate.h), which may end the unit by a fault
     * that the engine raises. */
    void (*translate)(struct cpu *cpu, struct ir_builder *b, unsigned max_insns);
    /* What translations depend on beside guest bytes, pc and mode, in one number: model and features. Asked when the CPU
     * runs, and fixed from then on. NULL: translations are not kept from run to run. */
    u64 (*code_config)(const struct cpu *cpu);
    u64 fixed_modes; /* bits of the mode word: with any of them code is translated for its address */
    /* Text of the guest instruction at code (at most len bytes); returns its length in bytes. */
    unsigned (*disassemble)(const struct cpu *cpu, u64 pc, const u8 *code, unsigned len, char *text,
                            size_t size);

    /* -- MMU. context(): of data accesses (n = 0 the current one, IR_MEM_CONTEXT others) and of
     * instruction fetch (ISA_CONTEXT_FETCH). walk(): answers in *m or *f. */
    void (*context)(struct cpu *cpu, unsigned n, struct isa_context *out);
    enum isa_fault_kind must_check (*walk)(struct cpu *cpu, const struct isa_context *context,
                                           u64 vaddr, enum isa_access access, struct isa_mapping *m,
                                           struct isa_fault *f);
    /* A physical range the isa itself refuses or splits finer than a page is handled in walk. */

    /* -- Traps. The state is precise (all slots written). fault() enters the trap handler: sets pc
     * and mode. */
    void (*fault)(struct cpu *cpu, const struct isa_fault *f);
    /* Takes the highest pending and enabled interrupt, if any: true when it did (pc and mode
     * changed). */
    bool (*interrupt)(struct cpu *cpu);
    /* An interrupt is pending that ends WFI, enabled or not. Any thread. */
    bool (*wakes)(struct cpu *cpu);
    /* Another CPU stored to what this one has loaded exclusively (jit_monitor_is_watched). On that CPU's thread, locks
     * held: notes it and kicks, nothing else. NULL: nobody waits for that. */
    void (*monitor_lost)(struct cpu *cpu);
    /* The level of the CPU's interrupt input n changed (struct irq sink). Any thread; must be
     * atomic. */
    void (*set_irq)(struct cpu *cpu, unsigned n, int level);

    /* -- Host float control: guest rounding for IR_FLOAT_DYN as enum float_round (RMM or reserved
     * ones: FLOAT_RNE and the mode word makes translations take the soft path), and where sticky
     * flags (enum float_flag bits) go. */
    unsigned (*float_round)(const struct cpu *cpu);
    void (*float_accrue)(struct cpu *cpu, unsigned flags);
};

#define ISA_CONTEXT_FETCH 16u

extern const struct isa *const isa_registry[];

#endif
