/*
 * trans_crypto.c - cryptographic instructions of A64 (DDI 0487, C4.1.96 "Cryptographic ..."): calls
 * of helper_crypto.c, and SHA-3's logic as IR.
 */
#include "isa/arm/crypto.h"
#include "isa/arm/trans.h"
#include "isa/arm_decode.h"

bool arm_trans_a64_crypto(struct arm_ctx *c, const struct arm_arg_crypto *a)
{
    if (!arm_fp_begin(c))
        return true;
    u64 regs = (u64)a->Rd | (u64)a->Rn << 8 | (u64)a->Rm << 16 | (u64)a->Ra << 24;
    arm_call(c, ARM_HELPER_CRYPTO, (ir_value[]){ir_const(c->b, a->op), ir_const(c->b, regs)});
    return true;
}

bool arm_trans_a64_eor3(struct arm_ctx *c, const struct arm_arg_sha3 *a)
{
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(
        c, a->Rd, ir_vxor(c->b, ir_vxor(c->b, arm_v(c, a->Rn), arm_v(c, a->Rm)), arm_v(c, a->Ra)));
}

bool arm_trans_a64_bcax(struct arm_ctx *c, const struct arm_arg_sha3 *a)
{
    if (!arm_fp_begin(c))
        return true;
    return arm_set_v(
        c, a->Rd, ir_vxor(c->b, arm_v(c, a->Rn), ir_vandn(c->b, arm_v(c, a->Rm), arm_v(c, a->Ra))));
}
