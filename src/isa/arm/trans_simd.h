/*
 * trans_simd.h - what the front end's files of Advanced SIMD share: lanes by IR, or in C.
 *
 * size: log2 of a lane's bytes. Nothing here writes registers but where it says so. One thread, one unit.
 */
#ifndef ISA_ARM_TRANS_SIMD_H
#define ISA_ARM_TRANS_SIMD_H

#include "isa/arm/simd.h"
#include "isa/arm/trans.h"

/* An instruction as helper_simd.c takes it. */
struct arm_lane_work {
    enum arm_vop op;
    enum arm_vshape shape;
    unsigned size;
    bool q, scalar;
    unsigned extra;
    u32 d, n, m;
};

/* The whole instruction in C; the unit goes on. */
bool arm_lanes_in_c(struct arm_ctx *c, struct arm_lane_work l);

/* -- trans_simd.c. Three registers of one size as IR: where arm_lanes_have_ir. */
bool arm_lanes_have_ir(enum arm_vop op, unsigned size);
ir_value arm_lanes_three(struct arm_ctx *c, enum arm_vop op, unsigned size, ir_value n, ir_value m, ir_value d);
/* Sets FPSR.QC where the lanes (with q of both halves) differ. */
void arm_lanes_note(struct arm_ctx *c, unsigned size, bool q, ir_value exact, ir_value saturated);
/* The even or odd lanes, in the lower half; the upper one 0. size 0..2. */
ir_value arm_lanes_gather(struct arm_ctx *c, unsigned size, bool odd, ir_value n);
/* Shifted right by n, 1 to the lane's width, rounded to nearest. */
ir_value arm_lanes_round_right(struct arm_ctx *c, bool is_signed, unsigned size, ir_value v, unsigned n);
/* Lane number and register: halfwords reach v0..v15 by H:L:M, words v0..v31 by H:L. */
unsigned arm_lanes_element(u32 size, u32 H, u32 L, u32 M, u32 Rm4, u32 *reg);
/* immh:immb holds lane size and shift: size is the highest one of immh. */
unsigned arm_lanes_shift_size(u32 immh);
unsigned arm_lanes_right_count(u32 immh, u32 immb);

/* -- trans_simd_mixed.c. Sums of neighbours, of double size. */
ir_value arm_lanes_pair_sums(struct arm_ctx *c, unsigned size, bool is_signed, ir_value n);

/* -- trans_simd_move.c. The lanes of n and m, of the low halves without q, permuted. */
ir_value arm_lanes_permute(struct arm_ctx *c, enum arm_permutation op, unsigned size, bool q, ir_value n, ir_value m);

#endif
