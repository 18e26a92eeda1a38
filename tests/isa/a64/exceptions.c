/*
 * exceptions.c - exceptions and returns between all levels: where each goes, what ESR, ELR, SPSR and FAR hold, which
 * vector it takes; what HCR_EL2, CPTR, SCR_EL3 and SCTLR send elsewhere or refuse.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

PIECE(nothing, "nop");
PIECE(svc, "nop\n svc #0x123");
PIECE(hvc, "hvc #0x234");
PIECE(smc, "smc #0x345");
PIECE(brk, "brk #0x456");
PIECE(udf, "udf #7");
PIECE(hlt, "hlt #1");
PIECE(eret, "eret");
PIECE(fp, "fmov d0, #1.0");
PIECE(read_fpcr, "mrs x0, fpcr");
PIECE(wfi, "wfi");
PIECE(wfe, "wfe");
PIECE(wfit3, ".inst 0xd5031023");
PIECE(wfet3, ".inst 0xd5031003");
PIECE(branch, "br x0");
PIECE(branch_link, "mov x30, #0\n blr x0");
PIECE(use_sp, "mov x1, sp\n add sp, x1, x0\n ldr x2, [sp]\n mov sp, x1");
PIECE(push_sp, "mov x1, sp\n sub sp, x1, x0\n stp x2, x3, [sp, #-16]!\n mov sp, x1");
PIECE(load, "ldr x1, [x0]");
PIECE(load32, "ldr w1, [x0]");
PIECE(store, "str x1, [x0]");
PIECE(exclusive, "ldxr x1, [x0]");
PIECE(zva, "dc zva, x0");
PIECE(cvau, "dc cvau, x0");
PIECE(ivau, "ic ivau, x0");
PIECE(read_ctr, "mrs x0, ctr_el0");
PIECE(read_dczid, "mrs x0, dczid_el0");
PIECE(daifset, "msr daifset, #3");
PIECE(daifclr, "msr daifclr, #3\n mrs x0, daif");
PIECE(set_pan, ".inst 0xd500419f\n mrs x0, S3_0_C4_C2_3");
PIECE(flags, "mov x1, #0xf0000000\n msr nzcv, x1\n svc #0x123");
PIECE(spsel, "mov x1, sp\n msr spsel, #0\n mov x2, sp\n msr spsel, #1\n mov x3, sp\n mrs x0, spsel");
PIECE(current_el, "mrs x0, CurrentEL");
PIECE(set_state, ".inst 0xd503415f\n .inst 0xd503413f\n .inst 0xd500417f\n mov w1, #0\n svc #1"); /* DIT, SSBS, UAO */

static const u64 levels[] = {EL0, EL1, EL2};

static void check_entry(const char *what, const char *code, u64 offset, u64 from, u64 vector)
{
    check(what, out.elr, (u64)code + offset);
    check(what, out.spsr & 0xf00003cf, from | DAIF);
    check(what, out.vector, vector);
}

/* ---- Calls ------------------------------------------------------------------------------------- */

static void check_calls(void)
{
    go(EL0, svc);
    check_taken("svc from EL0", 1, 0x15, 0x123);
    check_entry("svc from EL0", svc, 8, EL0, 0x400);
    go(EL1, svc);
    check_taken("svc from EL1", 1, 0x15, 0x123);
    check_entry("svc from EL1", svc, 8, EL1, 0x200);
    go(EL1T, svc);
    check_entry("svc from EL1t", svc, 8, EL1T, 0);
    go(EL2, svc);
    check_taken("svc from EL2", 2, 0x15, 0x123);
    check_entry("svc from EL2", svc, 8, EL2, 0x200);
    go(EL2T, svc);
    check_entry("svc from EL2t", svc, 8, EL2T, 0);
    go(EL3T, svc);
    check_taken("svc from EL3", 3, 0x15, 0x123);
    check_entry("svc from EL3", svc, 8, EL3T, 0);
    go(EL0, hvc);
    check_taken("hvc from EL0", 1, 0, 0);
    go(EL1, hvc);
    check_taken("hvc from EL1", 2, 0x16, 0x234);
    check_entry("hvc from EL1", hvc, 4, EL1, 0x400);
    go(EL2, hvc);
    check_taken("hvc from EL2", 2, 0x16, 0x234);
    go(EL3T, hvc);
    check_taken("hvc from EL3", 3, 0x16, 0x234);
    go(EL0, smc);
    check_taken("smc from EL0", 1, 0, 0);
    go(EL1, smc);
    check_taken("smc from EL1", 3, 0x17, 0x345);
    check_entry("smc from EL1", smc, 4, EL1, 0x400);
    go(EL2, smc);
    check_taken("smc from EL2", 3, 0x17, 0x345);
    go(EL3T, smc);
    check_taken("smc from EL3", 3, 0x17, 0x345);
    go(EL0, flags);
    check("SPSR has the flags", out.spsr, 0xf0000000 | DAIF);
}

static void check_calls_refused(void)
{
    wr("scr_el3", rd("scr_el3") & ~0x100ul);
    for (int i = 1; i < 3; i++) {
        go(levels[i], hvc);
        check_taken("hvc with SCR_EL3.HCE clear", (u64)i, 0, 0);
        check_entry("hvc with SCR_EL3.HCE clear", hvc, 0, levels[i], 0x200);
    }
    go(EL3T, hvc);
    check_taken("hvc from EL3 with SCR_EL3.HCE clear", 3, 0, 0);
    monitor_reset();
    wr("hcr_el2", rd("hcr_el2") | 1 << 19);
    go(EL1, smc);
    check_taken("smc with HCR_EL2.TSC", 2, 0x17, 0x345);
    check_entry("smc with HCR_EL2.TSC", smc, 0, EL1, 0x400);
    go(EL0, smc);
    check_taken("smc from EL0 with HCR_EL2.TSC", 1, 0, 0);
    go(EL2, smc);
    check_taken("smc from EL2 with HCR_EL2.TSC", 3, 0x17, 0x345);
    monitor_reset();
}

/* ---- Undefined, debug and state ---------------------------------------------------------------- */

static void check_undefined(void)
{
    static const struct {
        const char *name, *code;
        u64 level, ec, iss;
    } cases[] = {{"udf", udf, 1, 0, 0}, {"hlt", hlt, 1, 0, 0}, {"brk", brk, 1, 0x3c, 0x456}, {"eret", eret, 1, 0, 0}};
    for (int i = 0; i < 4; i++) {
        go(EL0, cases[i].code);
        check_taken(cases[i].name, 1, cases[i].ec, cases[i].iss);
        check_entry(cases[i].name, cases[i].code, 0, EL0, 0x400);
    }
    for (u64 el = 1; el <= 3; el++) {
        u64 state = el == 3 ? EL3T : levels[el];
        go(state, udf);
        check_taken("udf", el, 0, 0);
        go(state, brk);
        check_taken("brk", el, 0x3c, 0x456);
        check_entry("brk", brk, 0, state, el == 3 ? 0 : 0x200);
    }
    wr("mdcr_el2", 1 << 8);
    go(EL0, brk);
    check_taken("brk with MDCR_EL2.TDE", 2, 0x3c, 0x456);
    go(EL1, brk);
    check_taken("brk with MDCR_EL2.TDE", 2, 0x3c, 0x456);
    monitor_reset();
}

static void check_state(void)
{
    go(EL1, spsel);
    check("SPSel", monitor_x[0], 1);
    check("SP_EL1", monitor_x[1], 0x41010000);
    check("SP_EL0", monitor_x[2], 0x41000000);
    check("SP_EL1 again", monitor_x[3], 0x41010000);
    for (u64 el = 1; el < 3; el++) {
        go(levels[el], current_el);
        check("CurrentEL", monitor_x[0], el << 2);
    }
    go(EL0, current_el);
    check_taken("CurrentEL at EL0", 1, 0, 0);
    go(EL1, set_pan);
    check("PAN", monitor_x[0], 1 << 22);
    check("PAN in SPSR", out.spsr & 1 << 22, 1 << 22);
    go(EL1, set_state);
    check("DIT, SSBS, UAO in SPSR", out.spsr & 0x1801000, 0x1801000);
    go(EL0, daifset);
    check_ended("UMA lets EL0 mask");
    wr("sctlr_el1", rd("sctlr_el1") & ~0x200ul);
    go(EL0, daifset);
    check_taken("DAIFSet without UMA", 1, 0x18, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 3 << 1);
    monitor_reset();
    go(EL1, daifclr);
    check("DAIFClr", monitor_x[0], 0x300);
}

/* PSTATE on entry: PAN by SPAN, SSBS by DSSBS; the others are 0. */
static void check_pstate_of_entry(void)
{
    wr("sctlr_el1", rd("sctlr_el1") & ~(1ul << 23));
    go(EL0, svc);
    /* the vector's SMC shows EL1's PSTATE in SPSR_EL3 */
    check("SPAN clear sets PAN", rd("spsr_el3") & 0x3fc01fff, 1 << 22 | 0x3c5);
    wr("sctlr_el1", rd("sctlr_el1") | 1 << 23);
    go(EL0, svc);
    check("SPAN keeps PAN", rd("spsr_el3") & 0x3fc01fff, 0x3c5);
    go(EL0 | 1 << 22, svc);
    check("SPAN keeps PAN that is set", rd("spsr_el3") & 0x3fc01fff, 1 << 22 | 0x3c5);
    wr("sctlr_el1", rd("sctlr_el1") | 1ul << 44);
    go(EL0, svc);
    check("DSSBS sets SSBS", rd("spsr_el3") & 0x3fc01fff, 1 << 12 | 0x3c5);
    go(EL0 | 1 << 24 | 1 << 12, svc);
    check("DIT stays", rd("spsr_el3") & 0x3fc01fff, 1 << 24 | 1 << 12 | 0x3c5);
    check("SPSR has DIT and SSBS", out.spsr & 0x1001000, 0x1001000);
    monitor_reset();
}

/* ---- Returns ----------------------------------------------------------------------------------- */

/* ERET from EL1 to what x0 says; x1: where. */
PIECE(eret_el1, "msr spsr_el1, x0\n msr elr_el1, x1\n isb\n eret");
PIECE(eret_el2, "msr spsr_el2, x0\n msr elr_el2, x1\n isb\n eret");

static void check_illegal(const char *what, const char *from, u64 el, u64 spsr)
{
    go2(el, from, spsr | DAIF | 0x60000000, (u64)nothing);
    check_taken(what, el >> 2, 0xe, 0);
    check(what, out.elr, (u64)nothing);
    check(what, out.spsr, el | DAIF | 0x60000000 | 1 << 20);
}

static void check_returns(void)
{
    go2(EL1, eret_el1, EL0 | DAIF | 0x50000000, (u64)svc);
    check_taken("return to EL0", 1, 0x15, 0x123);
    check("flags of the return", out.spsr, 0x50000000 | DAIF);
    go2(EL1, eret_el1, EL1T | DAIF, (u64)svc);
    check("return to EL1t", out.spsr & 15, EL1T);
    go2(EL2, eret_el2, EL1 | DAIF, (u64)hvc);
    check_taken("return to EL1", 2, 0x16, 0x234);
    check_illegal("return to a higher level", eret_el1, EL1, EL2);
    check_illegal("return to EL3 from EL2", eret_el2, EL2, EL3);
    check_illegal("return to EL0h", eret_el1, EL1, 1);
    check_illegal("return to M[1]", eret_el1, EL1, 6);
    check_illegal("return from EL2t to M[1]", eret_el2, EL2T, 2);
    wr("hcr_el2", rd("hcr_el2") | 1 << 27);
    check_illegal("return to EL1 with TGE", eret_el2, EL2, EL1);
    monitor_reset();
    go2(EL1, eret_el1, EL0 | DAIF | 1 << 20, (u64)nothing);
    check_taken("IL in SPSR", 1, 0xe, 0);
    check("IL in SPSR", out.spsr, EL0 | DAIF | 1 << 20);
    wr("scr_el3", rd("scr_el3") & ~1ul);
    go(EL2, nothing);
    check_taken("return to EL2 of secure state", 3, 0xe, 0);
    monitor_reset();
}

/* ---- TGE --------------------------------------------------------------------------------------- */

static void check_tge(void)
{
    for (u64 host = 0; host < 2; host++) {
        wr("hcr_el2", rd("hcr_el2") | 1 << 27 | host << 34);
        if (host)
            wr("cptr_el2", 3 << 20);
        wr("sctlr_el2", 1 << 26 | 1 << 18 | 1 << 16);
        go(EL0, svc);
        check_taken("svc with TGE", 2, 0x15, 0x123);
        check_entry("svc with TGE", svc, 8, EL0, 0x400);
        go(EL0, udf);
        check_taken("udf with TGE", 2, 0, 0);
        go(EL0, brk);
        check_taken("brk with TGE", 2, 0x3c, 0x456);
        go(EL0, current_el);
        check_taken("undefined access with TGE", 2, 0, 0);
        go1(EL0, load, 0xffff000000000000);
        check_taken("abort with TGE", 2, 0x24, 0);
        wr("sctlr_el1", 0);
        wr("sctlr_el2", 0);
        go(EL0, read_ctr);
        check_taken("CTR_EL0 with TGE", 2, 0x18, 3 << 20 | 1 << 17 | 3 << 14 | 1);
        go(EL0, wfi);
        check_taken("wfi with TGE", 2, 1, 1 << 24 | 14 << 20);
        wr("cpacr_el1", 0);
        wr("cptr_el2", host ? 1 << 20 : 0x33ff);
        go(EL0, fp);
        check_taken("FP with TGE", 2, host ? 7 : 0, host ? 1 << 24 | 14 << 20 : 0);
        monitor_reset();
    }
}

/* ---- Floating point's traps -------------------------------------------------------------------- */

#define FP_ISS (1 << 24 | 14 << 20)

static void check_fp(void)
{
    for (u64 fpen = 0; fpen < 4; fpen++) {
        wr("cpacr_el1", fpen << 20);
        go(EL0, fp);
        if (fpen == 3)
            check_ended("FP at EL0");
        else
            check_taken("FP at EL0 by CPACR_EL1", 1, 7, FP_ISS);
        go(EL1, read_fpcr);
        if (fpen & 1)
            check_ended("FP at EL1");
        else
            check_taken("FP at EL1 by CPACR_EL1", 1, 7, FP_ISS);
    }
    wr("cptr_el2", 0x37ff);
    for (int i = 0; i < 3; i++) {
        go(levels[i], fp);
        check_taken("FP by CPTR_EL2", 2, 7, FP_ISS);
    }
    go(EL3T, fp);
    check_ended("FP at EL3 by CPTR_EL2");
    wr("cptr_el2", 0x33ff);
    wr("cptr_el3", 0x400);
    for (int i = 0; i < 3; i++) {
        go(levels[i], read_fpcr);
        check_taken("FP by CPTR_EL3", 3, 7, FP_ISS);
    }
    go(EL3T, fp);
    check_taken("FP at EL3 by CPTR_EL3", 3, 7, FP_ISS);
    wr("cptr_el3", 0);
    wr("hcr_el2", rd("hcr_el2") | 1ul << 34);
    for (u64 fpen = 0; fpen < 4; fpen++) {
        wr("cptr_el2", fpen << 20);
        for (int i = 0; i < 3; i++) {
            go(levels[i], fp);
            if (fpen & 1)
                check_ended("FP with E2H");
            else
                check_taken("FP by CPTR_EL2 with E2H", 2, 7, FP_ISS);
        }
    }
    monitor_reset();
}

/* ---- Waiting's traps --------------------------------------------------------------------------- */

static void check_wfx_all(u64 state, u64 level)
{
    const u64 iss = 1 << 24 | 14 << 20;
    const char *what = "wait";
    monitor_x[3] = ~0ul >> 2;
    go(state, wfi);
    check_taken(what, level, 1, iss);
    check(what, out.elr, (u64)wfi);
    go(state, wfit3);
    check_taken(what, level, 1, iss | 2 | 1 << 2 | 3 << 5);
    __asm__ volatile("sevl; wfe");
    go(state, wfe); /* the event register is set by ERET */
    check_ended("wfe after a return");
}

PIECE(wfe2, "wfe\n wfe");
PIECE(wfet2, "wfe\n .inst 0xd5031003");

static void check_wfx(void)
{
    wr("sctlr_el1", rd("sctlr_el1") & ~(5ul << 16));
    check_wfx_all(EL0, 1);
    go(EL0, wfe2);
    check_taken("wfe at EL0", 1, 1, 1 << 24 | 14 << 20 | 1);
    check("wfe at EL0", out.elr, (u64)wfe2 + 4);
    go(EL0, wfet2);
    check_taken("wfet at EL0", 1, 1, 1 << 24 | 14 << 20 | 3 | 1 << 2 | 3 << 5);
    monitor_x[3] = 0;
    go(EL0, wfit3);
    check_ended("wfit in the past does not trap");
    wr("hcr_el2", rd("hcr_el2") | 3 << 13);
    check_wfx_all(EL0, 1);
    check_wfx_all(EL1, 2);
    wr("sctlr_el1", rd("sctlr_el1") | 5ul << 16);
    check_wfx_all(EL0, 2);
    go(EL1, wfe2);
    check_taken("wfe at EL1", 2, 1, 1 << 24 | 14 << 20 | 1);
    wr("hcr_el2", rd("hcr_el2") & ~(3ul << 13));
    wr("scr_el3", rd("scr_el3") | 3 << 12);
    for (int i = 0; i < 3; i++)
        check_wfx_all(levels[i], 3);
    go(EL2, wfe2);
    check_taken("wfe at EL2", 3, 1, 1 << 24 | 14 << 20 | 1);
    monitor_reset();
    monitor_x[3] = 0;
    go(EL1, wfit3);
    check_ended("wfit");
    go(EL1, wfet3);
    check_ended("wfet");
}

/* ---- Alignment --------------------------------------------------------------------------------- */

static void check_alignment(void)
{
    for (u64 el = 0; el < 3; el++) {
        u64 to = el ? el : 1;
        go1(levels[el], branch, (u64)nothing + 2);
        check_taken("branch to half a word", to, 0x22, 0);
        check("branch to half a word", out.far, (u64)nothing + 2);
        check("branch to half a word", out.elr, (u64)nothing + 2);
        go1(levels[el], branch_link, 0x41000001);
        check_taken("call of an odd address", to, 0x22, 0);
        check("call of an odd address", monitor_x[30], (u64)branch_link + 8);
    }
    for (u64 el = 0; el < 3; el++) {
        u64 to = el ? el : 1;
        go1(levels[el], use_sp, 8);
        check_ended("SP unaligned, unchecked");
        if (el == 2)
            wr("sctlr_el2", 8);
        else
            wr("sctlr_el1", rd("sctlr_el1") | 8 << (el == 0));
        go1(levels[el], use_sp, 16);
        check_ended("SP aligned");
        go1(levels[el], use_sp, 8);
        check_taken("SP unaligned", to, 0x26, 0);
        check_entry("SP unaligned", use_sp, 8, levels[el], el ? 0x200 : 0x400);
        wr("sp_el0", 0x41000000);
        wr("sp_el1", 0x41010000);
        wr("sp_el2", 0x41020000);
        go1(levels[el], push_sp, 8);
        check_taken("SP unaligned, before it changes", to, 0x26, 0);
        check_entry("SP unaligned, before it changes", push_sp, 8, levels[el], el ? 0x200 : 0x400);
        monitor_reset();
    }
    /* Without translation all is Device memory. */
    for (u64 el = 0; el < 3; el++) {
        u64 to = el ? el : 1, ec = el ? 0x25 : 0x24;
        go1(levels[el], load, 0x41800004);
        check_taken("unaligned load of Device memory", to, ec, 0x21);
        check("unaligned load of Device memory", out.far, 0x41800004);
        go1(levels[el], store, 0x41800001);
        check_taken("unaligned store to Device memory", to, ec, 0x21 | 1 << 6);
        go1(levels[el], load32, 0x41800004);
        check_ended("aligned load");
        go1(levels[el], exclusive, 0x41800003);
        check_taken("unaligned exclusive", to, ec, 0x21);
    }
}

/* ---- EL0's cache operations and identification ------------------------------------------------- */

static void check_el0_caches(void)
{
    static const struct {
        const char *name, *code;
        u64 bit, iss; /* of SCTLR_EL1; Op0 Op2 Op1 CRn CRm */
    } cases[] = {{"DC ZVA", zva, 14, 1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 4 << 1},
                 {"DC CVAU", cvau, 26, 1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 11 << 1},
                 {"IC IVAU", ivau, 26, 1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 5 << 1},
                 {"CTR_EL0", read_ctr, 15, 3 << 20 | 1 << 17 | 3 << 14 | 1}};
    for (int i = 0; i < 4; i++) {
        wr("sctlr_el1", 1ul << cases[i].bit);
        go1(EL0, cases[i].code, 0x41800000);
        if (cases[i].code == zva) /* with stage 1 off there is no Normal memory */
            check_taken(cases[i].name, 1, 0x24, 0x21 | 1 << 6);
        else
            check_ended(cases[i].name);
        wr("sctlr_el1", ~(1ul << cases[i].bit) & 0x4c000);
        go1(EL0, cases[i].code, 0x41800000);
        check_taken(cases[i].name, 1, 0x18, cases[i].iss);
        check(cases[i].name, out.elr, (u64)cases[i].code);
    }
    wr("sctlr_el1", 0);
    go(EL0, read_dczid);
    check("DCZID_EL0.DZP", monitor_x[0] >> 4, 1);
    wr("sctlr_el1", 1 << 14);
    go(EL0, read_dczid);
    check("DCZID_EL0.DZP", monitor_x[0] >> 4, 0);
    wr("hcr_el2", rd("hcr_el2") | 1 << 28);
    go(EL0, read_dczid);
    check("DCZID_EL0.DZP with TDZ", monitor_x[0] >> 4, 1);
    go(EL2, read_dczid);
    check("DCZID_EL0.DZP at EL2 with TDZ", monitor_x[0] >> 4, 0);
    monitor_reset();
}

void run(void)
{
    check_calls();
    check_calls_refused();
    check_undefined();
    check_state();
    check_pstate_of_entry();
    check_returns();
    check_tge();
    check_fp();
    check_wfx();
    check_alignment();
    check_el0_caches();
}
