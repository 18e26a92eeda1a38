/*
 * hints.c - instructions that do nothing that can be seen, those for Debug state that are UNDEFINED, and loads and stores
 * of FEAT_LRCPC3 and branches of FEAT_HBC, which the peer of tests/diff has not.
 */
// options: -M virt,secure=on,virtualization=on -cpu max -m 256M
// load: bios
#include "monitor.h"

/* clang-format off */
PIECE(nothing, "nop\n yield\n sev\n sevl\n wfe\n hint #6\n hint #7\n hint #16\n esb\n hint #17\n psb csync\n tsb csync\n csdb\n"
               "hint #21\n hint #25\n hint #29\n hint #31\n hint #32\n hint #34\n hint #36\n hint #38\n hint #39\n hint #40\n"
               "hint #48\n hint #63\n hint #64\n hint #127\n sb\n clrex\n clrex #3\n"
               "dmb oshld\n dmb oshst\n dmb osh\n dmb nshld\n dmb nshst\n dmb nsh\n dmb ishld\n dmb ishst\n dmb ish\n"
               "dmb ld\n dmb st\n dmb sy\n dsb oshld\n dsb oshst\n dsb osh\n dsb ishld\n dsb ishst\n dsb ish\n dsb sy\n"
               "dsb nsh\n ssbb\n pssbb\n isb\n isb #1\n prfm pldl1keep, [x0]\n prfum pldl1strm, [x0, #-1]");
PIECE(branches, "cmp x0, x0\n .inst 0x54000050\n svc #1\n" /* bc.eq +8 */
                ".inst 0x54000031\n nop\n"                 /* bc.ne +4 */
                "mov x1, #3\n 1: subs x1, x1, #1\n .inst 0x54fffff1"); /* bc.ne -4 */
/* clang-format on */
PIECE(dcps1, "dcps1");
PIECE(dcps2, "dcps2 #5");
PIECE(dcps3, "dcps3");
PIECE(drps, "drps");
PIECE(hlt, "hlt #9");
PIECE(udf, "udf #0xffff");
PIECE(sysl, "sysl x0, #3, c7, c5, #1");
PIECE(unallocated_sys, "sys #7, c9, c9, #7, x0");
PIECE(unallocated_mrs, "mrs x0, S3_7_C2_C3_4");

static void check_undefined(void)
{
    static const char *const codes[] = {dcps1, dcps2, dcps3, drps, hlt, udf, sysl, unallocated_sys, unallocated_mrs};
    for (u32 i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (u64 el = 0; el < 3; el++) {
            go(el == 0 ? EL0 : el == 1 ? EL1 : EL2, codes[i]);
            check_taken("undefined", el ? el : 1, 0, 0);
            check("undefined", out.elr, (u64)codes[i]);
        }
    }
}

/* x0: an address; x2, x3: data. */
PIECE(stilp, ".inst 0xd9031802");      /* stilp x2, x3, [x0] */
PIECE(stilp_pre, ".inst 0xd9030802");  /* stilp x2, x3, [x0, #-16]! */
PIECE(stilp_w, ".inst 0x99031802");    /* stilp w2, w3, [x0] */
PIECE(stilp_w_pre, ".inst 0x99030802"); /* stilp w2, w3, [x0, #-8]! */
PIECE(ldiapp, ".inst 0xd9451804");     /* ldiapp x4, x5, [x0] */
PIECE(ldiapp_post, ".inst 0xd9450804"); /* ldiapp x4, x5, [x0], #16 */
PIECE(ldiapp_w, ".inst 0x99451804");
PIECE(ldiapp_w_post, ".inst 0x99450804");
PIECE(stlr_pre, ".inst 0xd9800802");   /* stlr x2, [x0, #-8]! */
PIECE(stlr_w_pre, ".inst 0x99800802"); /* stlr w2, [x0, #-4]! */
PIECE(ldapr_post, ".inst 0xd9c00804"); /* ldapr x4, [x0], #8 */
PIECE(ldapr_w_post, ".inst 0x99c00804");

enum { ZONE = 0x41800000 };

static void check_store(const char *name, const char *code, u64 moved, u64 bytes, u64 twice)
{
    u64 *zone = (u64 *)ZONE;
    for (int i = 0; i < 8; i++)
        zone[i] = ~0ul;
    monitor_x[2] = 0x1122334455667788;
    monitor_x[3] = 0x99aabbccddeeff00;
    go1(EL1, code, ZONE + 32);
    check_ended(name);
    check(name, monitor_x[0], ZONE + 32 - moved);
    u64 at = ZONE + 32 - moved;
    u64 first = bytes == 8 ? *(u64 *)at : *(u32 *)at;
    check(name, first, bytes == 8 ? monitor_x[2] : (u32)monitor_x[2]);
    if (twice) {
        u64 second = bytes == 8 ? *(u64 *)(at + 8) : *(u32 *)(at + 4);
        check(name, second, bytes == 8 ? monitor_x[3] : (u32)monitor_x[3]);
    }
    u64 end = at + bytes * (1 + twice);
    check("what is behind stays", *(u8 *)end, 0xff);
    check("what is before stays", *(u8 *)(at - 1), 0xff);
}

static void check_load(const char *name, const char *code, u64 moved, u64 bytes, u64 twice)
{
    u64 *zone = (u64 *)ZONE;
    zone[0] = 0x8877665544332211;
    zone[1] = 0xf0e0d0c0b0a09080;
    go1(EL0, code, ZONE);
    check_ended(name);
    check(name, monitor_x[0], ZONE + moved);
    check(name, monitor_x[4], bytes == 8 ? zone[0] : (u32)zone[0]);
    if (twice)
        check(name, monitor_x[5], bytes == 8 ? zone[1] : zone[0] >> 32);
}

void run(void)
{
    for (u64 el = 0; el < 3; el++) {
        go1(el == 0 ? EL0 : el == 1 ? EL1 : EL2, nothing, 0x41000000);
        check_ended("hints and barriers");
        go(el == 0 ? EL0 : el == 1 ? EL1 : EL2, branches);
        check_ended("bc");
    }
    check_undefined();
    check_store("stilp", stilp, 0, 8, 1);
    check_store("stilp, pre", stilp_pre, 16, 8, 1);
    check_store("stilp w", stilp_w, 0, 4, 1);
    check_store("stilp w, pre", stilp_w_pre, 8, 4, 1);
    check_store("stlr, pre", stlr_pre, 8, 8, 0);
    check_store("stlr w, pre", stlr_w_pre, 4, 4, 0);
    check_load("ldiapp", ldiapp, 0, 8, 1);
    check_load("ldiapp, post", ldiapp_post, 16, 8, 1);
    check_load("ldiapp w", ldiapp_w, 0, 4, 1);
    check_load("ldiapp w, post", ldiapp_w_post, 8, 4, 1);
    check_load("ldapr, post", ldapr_post, 8, 8, 0);
    check_load("ldapr w, post", ldapr_w_post, 4, 4, 0);
}
