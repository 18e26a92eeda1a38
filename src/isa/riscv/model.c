/*
 * model.c - CPU models and features: -cpu NAME[,FEATURE=value...], the ISA string, the device
 * tree's facts.
 *
 * A model is a set of extensions (ext.def) and of MMU modes. What the user turns off takes with it
 * what cannot be without it, unless the user turned that on: then the two are named and refused.
 * Runs before anybody else knows the CPU.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/option.h"
#include "isa/riscv/riscv.h"

enum { MAX_IMPLIES = 4, EXTS = RISCV_EXT_NONE };
enum ext_models { MODELS__, MODELS_B, MODELS_M };

static const struct ext {
    const char *name;
    u8 models;               /* enum ext_models */
    u8 implies[MAX_IMPLIES]; /* enum riscv_ext, ended by 0 (I, which nothing lists) */
} exts[EXTS] = {
#define EXT(id, name_, models_, ...)                                                               \
    {.name = name_, .models = MODELS_##models_, .implies = {__VA_ARGS__}},
#include "isa/riscv/ext.def"
#undef EXT
};

/* The whole off takes its parts too, as if each had been said. */
static const u8 bundles[][2] = {
    {RISCV_EXT_M, RISCV_EXT_ZMMUL},
    {RISCV_EXT_A, RISCV_EXT_ZAAMO},
    {RISCV_EXT_A, RISCV_EXT_ZALRSC},
    {RISCV_EXT_C, RISCV_EXT_ZCA},
};

/* Formats and bits of page tables that Sv32 does not have. */
static const u8 rv64_only[] = {RISCV_EXT_SVNAPOT, RISCV_EXT_SVPBMT};
static const u8 rv32_only[] = {RISCV_EXT_ZCF};

const struct isa_model riscv_models[] = {
    {"rv64", "64-bit: RV64GC and what current kernels like", "riscv64"},
    {"rv32", "32-bit, otherwise as rv64", NULL},
    {"max", "everything Guise has, in the architecture's width", NULL},
    {"max32", "everything Guise has, 32-bit", NULL},
    {NULL, NULL, NULL},
};

/* ---- Features as options --------------------------------------------------------------------- */

enum { WISH_OFF = 0, WISH_ON = 1, WISH_NONE = 2 };
enum { VM_MODES = 4 };

/* What the user said; wishes are bool options, so that WISH_NONE stays where nothing was said. */
struct wishes {
    u8 ext[EXTS], vm[VM_MODES];
    bool mmu, pmp;
    u8 pmp_regions;
    u16 cbom, cbop, cboz;
    u64 mvendorid, marchid, mimpid;
};

#define WISH(name_, member, help_)                                                                 \
    OPTION_NAMED(name_, OPTION_TYPE_BOOL, struct wishes, member, NULL, help_)
static const struct option extension_options[] = {
#define EXT(id, name, ...) WISH(name, ext[RISCV_EXT_##id], "extension"),
#include "isa/riscv/ext.def"
#undef EXT
    OPTION_LAST};

static const struct option other_options[] = {
    OPTION_BOOL("mmu", struct wishes, mmu, "on", "address translation"),
    WISH("sv32", vm[0], "32-bit virtual addresses (RV32)"),
    WISH("sv39", vm[1], "39-bit virtual addresses"),
    WISH("sv48", vm[2], "48-bit virtual addresses"),
    WISH("sv57", vm[3], "57-bit virtual addresses"),
    OPTION_BOOL("pmp", struct wishes, pmp, "on", "physical memory protection"),
    OPTION_INT("num-pmp-regions", struct wishes, pmp_regions, "16", 1, RISCV_PMP_MAX,
               "PMP entries"),
    OPTION_INT("cbom_blocksize", struct wishes, cbom, "64", 8, 4096, "bytes, for Zicbom"),
    OPTION_INT("cbop_blocksize", struct wishes, cbop, "64", 8, 4096, "bytes, for Zicbop"),
    OPTION_INT("cboz_blocksize", struct wishes, cboz, "64", 8, 4096, "bytes, for Zicboz"),
    OPTION_U64("mvendorid", struct wishes, mvendorid, "0", "what the CSR reads"),
    OPTION_U64("marchid", struct wishes, marchid, "0", "what the CSR reads"),
    OPTION_U64("mimpid", struct wishes, mimpid, "0", "what the CSR reads"),
    OPTION_LAST};

void riscv_model_features(void *file)
{
    option_help(other_options, file);
    fprintf(file, "  extensions, each =on|off:");
    for (unsigned i = 0; i < EXTS; i++)
        fprintf(file, "%s%s", i % 12 ? " " : "\n    ", exts[i].name);
    fprintf(file, "\n");
}

static int parse(const char *text, char **model, struct wishes *w, struct err *err)
{
    const struct option *const tables[] = {extension_options, other_options, NULL};
    struct option_list list;
    int r = option_parse(&list, "-cpu", text, "model", err);
    memset(w, 0, sizeof(*w));
    memset(w->ext, WISH_NONE, sizeof(w->ext));
    memset(w->vm, WISH_NONE, sizeof(w->vm));
    *model = r ? NULL : option_take(&list, "model");
    if (!r)
        r = option_defaults(other_options, w, err);
    memset(w->vm, WISH_NONE, sizeof(w->vm));
    if (!r)
        r = option_apply(&list, extension_options, w, err);
    if (!r)
        r = option_apply(&list, other_options, w, err);
    if (!r)
        r = option_done(&list, tables, err);
    if (!r && (!is_pow2(w->cbom) || !is_pow2(w->cbop) || !is_pow2(w->cboz)))
        r = err_set(err, EINVAL, "-cpu: a cache block's size must be a power of two, 8 to 4096");
    option_list_fini(&list);
    return r;
}

/* ---- Extensions ------------------------------------------------------------------------------ */

static bool implies(unsigned i, unsigned other)
{
    for (unsigned k = 0; k < MAX_IMPLIES && exts[i].implies[k]; k++) {
        if (exts[i].implies[k] == other)
            return true;
    }
    return false;
}

static int refuse_pair(struct err *err, unsigned needs, unsigned missing)
{
    return err_set(err, EINVAL, "-cpu: %s=on needs %s, which is off", exts[needs].name,
                   exts[missing].name);
}

static void set(struct riscv_cpu *rv, unsigned i, bool on)
{
    u64 bit = BIT(i % 64);
    rv->ext[i / 64] = on ? rv->ext[i / 64] | bit : rv->ext[i / 64] & ~bit;
}

/* The model's own, without what does not exist in this width, and with what the user said. */
static int start_set(struct riscv_cpu *rv, unsigned level, struct wishes *w, struct err *err)
{
    const u8 *others = rv->xlen == 32 ? rv64_only : rv32_only;
    unsigned count = rv->xlen == 32 ? ARRAY_SIZE(rv64_only) : ARRAY_SIZE(rv32_only);
    for (unsigned i = 0; i < count; i++) {
        if (w->ext[others[i]] == WISH_ON)
            return err_set(err, EINVAL, "-cpu: %s does not exist on RV%u", exts[others[i]].name,
                           rv->xlen);
        w->ext[others[i]] = WISH_OFF;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(bundles); i++) {
        if (w->ext[bundles[i][0]] == WISH_OFF && w->ext[bundles[i][1]] == WISH_NONE)
            w->ext[bundles[i][1]] = WISH_OFF;
    }
    for (unsigned i = 0; i < EXTS; i++)
        set(rv, i,
            w->ext[i] == WISH_NONE ? exts[i].models && exts[i].models <= level
                                   : w->ext[i] == WISH_ON);
    return riscv_cpu_has(rv, RISCV_EXT_I) ? 0
                                          : err_set(err, EINVAL, "-cpu: there is no CPU without i");
}

/* Takes away what implies something that the user turned off. */
static int spread_off(struct riscv_cpu *rv, struct wishes *w, struct err *err)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < EXTS * EXTS; i++) {
            unsigned whole = i / EXTS, part = i % EXTS;
            if (!riscv_cpu_has(rv, whole) || w->ext[part] != WISH_OFF || !implies(whole, part))
                continue;
            if (w->ext[whole] == WISH_ON)
                return refuse_pair(err, whole, part);
            w->ext[whole] = WISH_OFF;
            set(rv, whole, false);
            changed = true;
        }
    }
    return 0;
}

/* Adds what is implied; nothing of that was turned off. Numbers in `implies` go both ways, so until
 * nothing changes. */
static void spread_on(struct riscv_cpu *rv)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < EXTS * EXTS; i++) {
            unsigned whole = i / EXTS, part = i % EXTS;
            if (riscv_cpu_has(rv, whole) && !riscv_cpu_has(rv, part) && implies(whole, part)) {
                set(rv, part, true);
                changed = true;
            }
        }
    }
}

/* "Zc": C is Zca, with F on RV32 Zcf, and with D Zcd. */
static void spread_c(struct riscv_cpu *rv, const struct wishes *w)
{
    if (!riscv_cpu_has(rv, RISCV_EXT_C))
        return;
    if (rv->xlen == 32 && riscv_cpu_has(rv, RISCV_EXT_F) && w->ext[RISCV_EXT_ZCF] != WISH_OFF)
        set(rv, RISCV_EXT_ZCF, true);
    if (riscv_cpu_has(rv, RISCV_EXT_D) && w->ext[RISCV_EXT_ZCD] != WISH_OFF)
        set(rv, RISCV_EXT_ZCD, true);
}

/* ---- Address translation --------------------------------------------------------------------- */

/* "Implementations that support Sv48 must also support Sv39", and so on. */
static int choose_vm(struct riscv_cpu *rv, const struct wishes *w, struct err *err)
{
    unsigned first = rv->xlen == 32 ? 0 : 1, last = rv->xlen == 32 ? 0 : VM_MODES - 1;
    bool on = w->mmu && riscv_cpu_has(rv, RISCV_EXT_S);
    rv->vm_modes = 0;
    for (unsigned i = 0; i < VM_MODES; i++) {
        bool here = i >= first && i <= last;
        if (w->vm[i] == WISH_ON && (!here || !on))
            return err_set(err, EINVAL, "-cpu: %s=on is not possible: it needs %s",
                           other_options[1 + i].name,
                           here ? "mmu, s and the smaller modes"
                           : i  ? "RV64"
                                : "RV32");
        if (!here)
            continue;
        on = on && w->vm[i] != WISH_OFF;
        if (on)
            rv->vm_modes |= BIT(i);
    }
    return 0;
}

/* ---- The model ------------------------------------------------------------------------------- */

static const char *default_model(const char *arch)
{
    return strcmp(arch, "riscv32") == 0 ? "rv32" : "rv64";
}

/* Sets xlen. level: the extensions' enum ext_models. */
static int choose_model(struct riscv_cpu *rv, const char *arch, const char *name, unsigned *level,
                        struct err *err)
{
    bool arch32 = strcmp(arch, "riscv32") == 0;
    const char *names[ARRAY_SIZE(riscv_models)];
    unsigned i = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(riscv_models); k++)
        names[k] = riscv_models[k].name;
    while (names[i] && strcmp(names[i], name) != 0)
        i++;
    if (!names[i]) {
        int r =
            err_set(err, EINVAL, "-cpu %s: no such model; there are rv64, rv32, max, max32", name);
        err_suggest(err, name, names);
        return r;
    }
    if (arch32 && strcmp(name, "rv64") == 0)
        return err_set(err, EINVAL, "-cpu rv64: riscv32 has 32-bit models only: rv32, max");
    rv->xlen = arch32 || strstr(name, "32") ? 32 : 64;
    *level = strncmp(name, "max", 3) == 0 ? MODELS_M : MODELS_B;
    return 0;
}

/* FNV-1a over the names: the same for the same set in every version of Guise, as snapshots compare
 * it. */
static u64 hash_names(const struct riscv_cpu *rv)
{
    u32 h = 2166136261u ^ rv->xlen;
    for (unsigned i = 0; rv->ext_names[i]; i++) {
        for (const char *p = rv->ext_names[i]; *p; p++)
            h = (h ^ (u8)*p) * 16777619u;
        h = (h ^ '_') * 16777619u;
    }
    return h;
}

static void set_names(struct riscv_cpu *rv)
{
    unsigned n = 0;
    for (unsigned i = 0; i < EXTS; i++) {
        if (riscv_cpu_has(rv, i) && i != RISCV_EXT_S && i != RISCV_EXT_U)
            rv->ext_names[n++] = exts[i].name;
    }
    rv->ext_names[n] = NULL;
    rv->ext_hash = hash_names(rv);
    if (!riscv_cpu_has(rv, RISCV_EXT_S))
        rv->ext_hash ^= riscv_cpu_has(rv, RISCV_EXT_U) ? 1 : 2;
}

static void set_sizes(struct riscv_cpu *rv, const struct wishes *w)
{
    rv->pmp_count = w->pmp ? w->pmp_regions : 0;
    rv->cbom = riscv_cpu_has(rv, RISCV_EXT_ZICBOM) ? w->cbom : 0;
    rv->cbop = riscv_cpu_has(rv, RISCV_EXT_ZICBOP) ? w->cbop : 0;
    rv->cboz = riscv_cpu_has(rv, RISCV_EXT_ZICBOZ) ? w->cboz : 0;
    rv->mvendorid = w->mvendorid;
    rv->marchid = w->marchid;
    rv->mimpid = w->mimpid;
}

static int apply(struct riscv_cpu *rv, const char *arch, const char *model, struct wishes *w,
                 struct err *err)
{
    unsigned level = MODELS_B;
    int r = choose_model(rv, arch, model, &level, err);
    if (!r)
        r = start_set(rv, level, w, err);
    if (!r)
        r = spread_off(rv, w, err);
    if (r)
        return r;
    spread_on(rv);
    spread_c(rv, w);
    set_names(rv);
    set(rv, rv->xlen == 32 ? RISCV_EXT_RV32 : RISCV_EXT_RV64, true);
    set_sizes(rv, w);
    return choose_vm(rv, w, err);
}

int riscv_model_apply(struct riscv_cpu *rv, const char *arch, const char *text, struct err *err)
{
    struct wishes w;
    char *model;
    int r = parse(text ? text : default_model(arch), &model, &w, err);
    if (!r)
        r = apply(rv, arch, model ? model : default_model(arch), &w, err);
    free(model);
    return r;
}

u64 riscv_model_identity(const struct riscv_cpu *rv)
{
    return rv->ext_hash | (u64)rv->xlen << 32 | (u64)rv->vm_modes << 40 | (u64)rv->pmp_count << 48;
}

/* ---- Device tree ----------------------------------------------------------------------------- */

static const char *mmu_type(const struct riscv_cpu *rv)
{
    static const char *const types[] = {"riscv,sv32", "riscv,sv39", "riscv,sv48", "riscv,sv57"};
    return rv->vm_modes ? types[63 - clz64(rv->vm_modes)] : "riscv,none";
}

void riscv_model_facts(struct cpu *cpu, struct isa_cpu_facts *facts)
{
    const struct riscv_cpu *rv = riscv_cpu(cpu);
    size_t used = (size_t)snprintf(facts->isa_string, sizeof(facts->isa_string), "rv%u", rv->xlen);
    for (unsigned i = 0; rv->ext_names[i] && used < sizeof(facts->isa_string); i++) {
        bool letter = !rv->ext_names[i][1];
        used += (size_t)snprintf(facts->isa_string + used, sizeof(facts->isa_string) - used, "%s%s",
                                 letter ? "" : "_", rv->ext_names[i]);
    }
    facts->extensions = rv->ext_names;
    facts->base = rv->xlen == 32 ? "rv32i" : "rv64i";
    facts->mmu = mmu_type(rv);
    facts->compatible = "riscv";
    facts->cbom = rv->cbom;
    facts->cbop = rv->cbop;
    facts->cboz = rv->cboz;
}
