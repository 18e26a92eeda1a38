/*
 * pauth.c - pointer authentication (FEAT_PAuth): where in an address its code is, the code by
 * QARMA5 or, with pauth-impdef, by a few multiplications, and the instructions' work.
 *
 * "ComputePAC" and its parts are DDI 0487, J1 (aarch64/functions/pac). A CPU remembers codes it has
 * computed: a function's return asks for the one of its entry. Entries hold all that the code
 * depends on, so nothing makes them stale.
 */
#include "isa/arm/control.h"
#include "isa/arm/trans.h"

/* ---- QARMA5: 16 cells of 4 bits, from bit 0 on ---- */

enum { ROUNDS = 5 };

static const u8 substitution[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
static const u8 substitution_inverse[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};
/* Which cell goes where. */
static const u8 shuffle[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
static const u8 shuffle_inverse[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
static const u8 tweak_shuffle[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
static const u8 tweak_shuffle_inverse[16] = {12, 13, 5, 6, 0, 1, 2, 3, 7, 15, 14, 4, 8, 9, 10, 11};
enum { TWEAK_ROTATED = 0xd894 }; /* cells of the shuffled tweak that are rotated */

static const u64 round_constants[ROUNDS] = {
    0, UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377)};
#define ALPHA UINT64_C(0xc0ac29b7c97c50dd)

static u64 cell(u64 v, unsigned n)
{
    return v >> (4 * n) & 15;
}

static u64 permute(u64 v, const u8 from[16])
{
    u64 out = 0;
    for (unsigned i = 0; i < 16; i++)
        out |= cell(v, from[i]) << (4 * i);
    return out;
}

static u64 substitute(u64 v, const u8 box[16])
{
    u64 out = 0;
    for (unsigned i = 0; i < 16; i++)
        out |= (u64)box[cell(v, i)] << (4 * i);
    return out;
}

static u64 rotate(u64 v, unsigned n)
{
    return v << n | v >> (64 - n);
}

/* Every cell rotated left by one bit. */
static u64 rotate_cells(u64 v)
{
    return (v << 1 & UINT64_C(0xeeeeeeeeeeeeeeee)) | (v >> 3 & UINT64_C(0x1111111111111111));
}

/* "PACMult": each row of 4 cells becomes the sum of the others, its neighbours rotated by 1, the
 * opposite one by 2. */
static u64 mix(u64 v)
{
    return rotate_cells(rotate(v, 16) ^ rotate(v, 48) ^ rotate_cells(rotate(v, 32)));
}

static u64 tweak_next(u64 v)
{
    u64 out = permute(v, tweak_shuffle);
    for (unsigned i = 0; i < 16; i++) {
        u64 c = cell(out, i);
        if (TWEAK_ROTATED >> i & 1)
            out = bits_set(out, 4 * i, 4, c >> 1 | ((c ^ c >> 1) & 1) << 3);
    }
    return out;
}

static u64 tweak_previous(u64 v)
{
    for (unsigned i = 0; i < 16; i++) {
        u64 c = cell(v, i);
        if (TWEAK_ROTATED >> i & 1)
            v = bits_set(v, 4 * i, 4, (c << 1 & 14) | ((c >> 3 ^ c) & 1));
    }
    return permute(v, tweak_shuffle_inverse);
}

u64 arm_pac_qarma5(u64 data, u64 modifier, u64 key0, u64 key1)
{
    u64 key0_turned = (key0 & 1) << 63 | (key0 >> 2) << 1 | ((key0 >> 63 ^ key0 >> 1) & 1);
    u64 tweak = modifier, v = data ^ key0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v ^= key1 ^ tweak ^ round_constants[i];
        if (i)
            v = mix(permute(v, shuffle));
        v = substitute(v, substitution);
        tweak = tweak_next(tweak);
    }
    v = mix(permute(v ^ key0_turned ^ tweak, shuffle));
    v = substitute(v, substitution);
    v = key1 ^ mix(permute(v, shuffle));
    v = substitute(permute(v, shuffle_inverse), substitution_inverse);
    v = permute(mix(v), shuffle_inverse) ^ key0 ^ tweak;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v = substitute(v, substitution_inverse);
        if (i < ROUNDS - 1)
            v = permute(mix(v), shuffle_inverse);
        tweak = tweak_previous(tweak);
        v ^= round_constants[ROUNDS - 1 - i] ^ key1 ^ tweak ^ ALPHA;
    }
    return v ^ key0_turned;
}

/* ---- The code ---- */

/* Implementation defined: every bit of the operands reaches the upper half. */
static u64 fast_code(u64 data, u64 modifier, u64 key0, u64 key1)
{
    u64 v = (data ^ key0) * UINT64_C(0x9e3779b97f4a7c15);
    v = (rotate(v, 32) ^ modifier ^ key1) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 29 ^ key0) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 32;
}

static u64 code_of(struct arm_cpu *a, u64 data, u64 modifier, enum arm_pac_key key)
{
    const u64 *k = &a->sysreg[ARM_SYS_APIAKEYLO_EL1 + 2 * key];
    if (arm_cpu_has(a, ARM_EXT_PAUTH_IMPDEF))
        return fast_code(data, modifier, k[1], k[0]);
    u64 hash =
        (data ^ modifier * UINT64_C(0x9e3779b97f4a7c15) ^ key) * UINT64_C(0xbf58476d1ce4e5b9);
    struct arm_pac_entry *e = &a->pac_cache[hash >> 32 & (ARM_PAC_CACHE - 1)];
    bool same = e->data == data && e->modifier == modifier && e->key0 == k[1] && e->key1 == k[0];
    if (!same || !e->full)
        *e = (struct arm_pac_entry){
            data, modifier, k[1], k[0], arm_pac_qarma5(data, modifier, k[1], k[0]), true};
    return e->code;
}

/* ---- Where the code is ---- */

/* "CalculateBottomPACBit" */
static unsigned bottom_bit(const struct arm_cpu *a, u64 tcr, bool two_ranges, bool upper)
{
    bool second = two_ranges && upper;
    bool is_64k = second ? (tcr >> 30 & 3) == 3 : (tcr >> 14 & 3) == 1;
    bool is_wide = tcr & (two_ranges ? TCR_DS : TCR2_DS) && arm_cpu_has(a, ARM_EXT_LPA2);
    unsigned size = tcr >> (second ? 16 : 0) & 63;
    unsigned most = !arm_cpu_has(a, ARM_EXT_TTST) ? 39 : is_64k ? 47 : 48;
    unsigned least = (is_64k && arm_cpu_has(a, ARM_EXT_LVA)) || (!is_64k && is_wide) ? 12 : 16;
    return 64 - MIN(MAX(size, least), most);
}

/* "EffectiveTBI": TBID takes the tag away from instruction addresses. */
static bool is_tagged(u64 tcr, bool two_ranges, bool upper, bool data)
{
    u64 tbi = !two_ranges ? TCR2_TBI : upper ? TCR_TBI1 : TCR_TBI0;
    u64 tbid = !two_ranges ? TCR2_TBID : upper ? TCR_TBID1 : TCR_TBID0;
    return tcr & tbi && (data || !(tcr & tbid));
}

static struct arm_pac_layout layout_of(const struct arm_cpu *a, u64 tcr, bool two, bool upper, bool data)
{
    unsigned bottom = bottom_bit(a, tcr, two, upper);
    bool tagged = is_tagged(tcr, two, upper, data);
    u64 mask = bottom < 55 ? BITS(54, bottom) : 0;
    return (struct arm_pac_layout){
        .mask = tagged ? mask : mask | BITS(63, 56), .bottom = (u8)bottom, .tagged = tagged};
}

static void view_fill(const struct arm_cpu *a, struct arm_pac_view *v, u64 tcr, bool two)
{
    *v = (struct arm_pac_view){.tcr = tcr, .known = true, .two_ranges = two};
    for (unsigned data = 0; data < 2; data++) {
        for (unsigned upper = 0; upper < 2; upper++)
            v->layout[upper][data] = layout_of(a, tcr, two, upper, data);
        v->by_bit55[data] = !two || v->layout[0][data].tagged || v->layout[1][data].tagged;
    }
}

/* The level that rules the regime, which a translation knows mostly: in what it passes as the key. */
static inline unsigned level_of(const struct arm_cpu *a, u64 key)
{
    return likely(key >> ARM_PAC_LEVEL_SHIFT) ? (unsigned)(key >> ARM_PAC_LEVEL_SHIFT) : arm_regime_el(a);
}

static inline const struct arm_pac_view *view_of(struct arm_cpu *a, unsigned el)
{
    static const u16 tcrs[4] = {0, ARM_SYS_TCR_EL1, ARM_SYS_TCR_EL2, ARM_SYS_TCR_EL3};
    struct arm_pac_view *v = &a->pac_view[el];
    u64 tcr = a->sysreg[tcrs[el]];
    bool two = el == 1 || (el == 2 && arm_hcr(a) & HCR_E2H);
    if (unlikely(!v->known || v->tcr != tcr || v->two_ranges != two))
        view_fill(a, v, tcr, two);
    return v;
}

/* ptr with the code's bits, and bit 55, as an address has them. */
static u64 extended(const struct arm_pac_layout *l, u64 ptr, bool upper)
{
    u64 mask = l->mask | BIT(55);
    return upper ? ptr | mask : ptr & ~mask;
}

/* ---- Instructions ---- */

static bool is_data(u64 key)
{
    return key == ARM_PAC_DA || key == ARM_PAC_DB;
}

static bool is_enabled(const struct arm_cpu *a, unsigned el, u64 key)
{
    static const u16 sctlrs[4] = {0, ARM_SYS_SCTLR_EL1, ARM_SYS_SCTLR_EL2, ARM_SYS_SCTLR_EL3};
    static const u64 bits[] = {[ARM_PAC_IA] = SCTLR_ENIA,
                               [ARM_PAC_IB] = SCTLR_ENIB,
                               [ARM_PAC_DA] = SCTLR_ENDA,
                               [ARM_PAC_DB] = SCTLR_ENDB};
    return a->sysreg[sctlrs[el]] & bits[key];
}

void arm_pac_refresh(struct arm_cpu *a)
{
    if (!arm_cpu_has(a, ARM_EXT_PAUTH))
        return;
    const u64 *s = a->sysreg;
    __typeof__(a->pac_inputs) now;
    memset(&now, 0, sizeof(now));
    memcpy(now.tcr, (u64[4]){0, s[ARM_SYS_TCR_EL1], s[ARM_SYS_TCR_EL2], s[ARM_SYS_TCR_EL3]}, sizeof(now.tcr));
    memcpy(now.sctlr, (u64[4]){0, s[ARM_SYS_SCTLR_EL1], s[ARM_SYS_SCTLR_EL2], s[ARM_SYS_SCTLR_EL3]}, sizeof(now.sctlr));
    now.two_ranges = arm_hcr(a) & HCR_E2H;
    if (!memcmp(&now, &a->pac_inputs, sizeof(now)))
        return;
    a->pac_inputs = now;
    for (unsigned el = 1; el < 4; el++) {
        const struct arm_pac_view *v = view_of(a, el);
        for (unsigned key = 0; key < ARM_PAC_GA; key++) {
            u64 lower = v->layout[0][is_data(key)].mask, upper = v->layout[1][is_data(key)].mask;
            bool enabled = is_enabled(a, el, key);
            a->pac_mask[el][key][0] = enabled ? lower : 0;
            a->pac_mask[el][key][1] = enabled ? lower ^ upper : 0;
        }
    }
}

/* "AddPAC": of which range the pointer is, bit 63 says, or bit 55 where tags are in use in either
 * range. */
u64 arm_helper_pac(struct cpu *cpu, u64 ptr, u64 modifier, u64 key)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned el = level_of(a, key);
    const struct arm_pac_view *view = view_of(a, el);
    key &= ARM_PAC_KEY;
    bool data = is_data(key);
    if (!is_enabled(a, el, key))
        return ptr;
    bool upper = ptr >> (view->by_bit55[data] ? 55 : 63) & 1;
    const struct arm_pac_layout *l = &view->layout[upper][data];
    u64 code = code_of(a, extended(l, ptr, upper), modifier, (enum arm_pac_key)key);
    unsigned top = l->tagged ? 55 : 63;
    u64 extension = bits_get(ptr, l->bottom, top - l->bottom + 1);
    if (extension && extension != ~UINT64_C(0) >> (63 - (top - l->bottom)))
        code ^= BIT(top - 1); /* it was no good pointer: nor is the result */
    return (ptr & ~l->mask & ~BIT(55)) | (u64)upper << 55 | (code & l->mask);
}

/* "Auth": a failure leaves an address that no mapping can have. */
u64 arm_helper_aut(struct cpu *cpu, u64 ptr, u64 modifier, u64 key)
{
    struct arm_cpu *a = arm_cpu(cpu);
    unsigned el = level_of(a, key);
    const struct arm_pac_view *view = view_of(a, el);
    key &= ARM_PAC_KEY;
    if (!is_enabled(a, el, key))
        return ptr;
    bool upper = ptr >> 55 & 1;
    const struct arm_pac_layout *l = &view->layout[upper][is_data(key)];
    u64 original = extended(l, ptr, upper);
    u64 code = code_of(a, original, modifier, (enum arm_pac_key)key);
    if (!((code ^ ptr) & l->mask))
        return original;
    u64 error = key == ARM_PAC_IB || key == ARM_PAC_DB ? 2 : 1;
    return bits_set(original, l->tagged ? 53 : 61, 2, error);
}

/*
 * The same for the fast code and a known level, which is all that -cpu max's kernel and programs use at each call and return. The
 * bits where a good pointer's code goes are all as bit 55; the masks of keys that are not enabled are empty.
 */
static inline u64 pac_sign(u64 ptr)
{
    return (u64)((s64)(ptr << 8) >> 63);
}

static inline u64 pac_mask(const struct arm_cpu *a, u64 sign, u64 key)
{
    const u64 *mask = a->pac_mask[key >> ARM_PAC_LEVEL_SHIFT][key & ARM_PAC_KEY];
    return mask[0] ^ (mask[1] & sign);
}

static inline u64 pac_code(const struct arm_cpu *a, u64 data, u64 modifier, u64 key)
{
    const u64 *k = &a->sysreg[ARM_SYS_APIAKEYLO_EL1 + 2 * (key & ARM_PAC_KEY)];
    return fast_code(data, modifier, k[1], k[0]);
}

u64 arm_helper_pac_fast(struct cpu *cpu, u64 ptr, u64 modifier, u64 key)
{
    const struct arm_cpu *a = arm_cpu(cpu);
    u64 sign = pac_sign(ptr), mask = pac_mask(a, sign, key);
    if (unlikely((ptr ^ sign) & mask))
        return arm_helper_pac(cpu, ptr, modifier, key);
    return ptr ^ ((pac_code(a, ptr, modifier, key) ^ sign) & mask);
}

u64 arm_helper_aut_fast(struct cpu *cpu, u64 ptr, u64 modifier, u64 key)
{
    const struct arm_cpu *a = arm_cpu(cpu);
    u64 sign = pac_sign(ptr), mask = pac_mask(a, sign, key), address = ptr ^ ((ptr ^ sign) & mask);
    if (unlikely((pac_code(a, address, modifier, key) ^ ptr) & mask))
        return arm_helper_aut(cpu, ptr, modifier, key);
    return address;
}

u64 arm_helper_xpac(struct cpu *cpu, u64 ptr, u64 data)
{
    struct arm_cpu *a = arm_cpu(cpu);
    bool upper = ptr >> 55 & 1;
    const struct arm_pac_view *view = view_of(a, arm_regime_el(a));
    return extended(&view->layout[upper][data], ptr, upper);
}

u64 arm_helper_pacga(struct cpu *cpu, u64 x, u64 y)
{
    return code_of(arm_cpu(cpu), x, y, ARM_PAC_GA) & BITS(63, 32);
}

/* Of TRAP_IF. */
void arm_helper_pac_trap(struct cpu *cpu, u64 level)
{
    struct arm_cpu *a = arm_cpu(cpu);
    arm_trap_to(a, (unsigned)level, ARM_SYNDROME(ARM_EC_PAUTH, 0), a->pc);
}
