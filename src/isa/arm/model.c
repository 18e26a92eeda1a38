/*
 * model.c - CPU models and features: -cpu NAME[,FEATURE=on|off], ID registers, facts for device
 * trees.
 *
 * A model is a set of features (ext.def) and the values of its ID registers (model.def). What the
 * user turns on or off changes the fields that id.def names. What is turned off takes with it what
 * cannot be without it, unless the user turned that on: then the two are named and refused. Runs
 * before anybody else knows the CPU.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/option.h"
#include "isa/arm/sysreg.h"

static const struct ext {
    const char *name, *models;
} exts[ARM_EXTS] = {
#define EXT(id, name_, models_, ...) {.name = name_, .models = models_},
#include "isa/arm/ext.def"
#undef EXT
};

/* {whole, part}: the first cannot be without the second. */
static const u8 needs[][2] = {
    {ARM_EXT_PMULL, ARM_EXT_AES},          {ARM_EXT_SHA256, ARM_EXT_SHA1},
    {ARM_EXT_SHA512, ARM_EXT_SHA256},      {ARM_EXT_SHA3, ARM_EXT_SHA512},
    {ARM_EXT_FHM, ARM_EXT_FP16},           {ARM_EXT_PAN2, ARM_EXT_PAN},
    {ARM_EXT_PAN3, ARM_EXT_PAN2},          {ARM_EXT_HPDS2, ARM_EXT_HPDS},
    {ARM_EXT_IESB, ARM_EXT_RAS},           {ARM_EXT_DPB2, ARM_EXT_DPB},
    {ARM_EXT_LRCPC2, ARM_EXT_LRCPC},       {ARM_EXT_LRCPC3, ARM_EXT_LRCPC2},
    {ARM_EXT_SSBS2, ARM_EXT_SSBS},         {ARM_EXT_FLAGM2, ARM_EXT_FLAGM},
    {ARM_EXT_LPA2, ARM_EXT_LPA},           {ARM_EXT_LPA2, ARM_EXT_LVA},
    {ARM_EXT_TLBIRANGE, ARM_EXT_TLBIOS},   {ARM_EXT_AA32EL1, ARM_EXT_AA32EL0},
    {ARM_EXT_PAUTH_IMPDEF, ARM_EXT_PAUTH},
};

struct id_field {
    u16 reg;
    u8 shift, ext, value;
};
static const struct id_field id_fields[] = {
#define ID(reg_, shift_, ext_, value_)                                                             \
    {.reg = ARM_SYS_##reg_, .shift = shift_, .ext = ARM_EXT_##ext_, .value = value_},
#include "isa/arm/id.def"
#undef ID
};

/* ---- The models ------------------------------------------------------------------------------ */

enum row_kind { ROW_MODEL, ROW_VALUE, ROW_CACHES, ROW_PMU };
static const struct row {
    enum row_kind kind;
    const char *name, *compatible;
    char letter;
    bool only_a32;
    u16 reg;
    u64 value;
    u32 caches[3]; /* data, instructions, second level */
} rows[] = {
#define MODEL(name_, letter_, help_, compatible_)                                                  \
    {.kind = ROW_MODEL, .name = name_, .letter = letter_, .compatible = compatible_},
#define MODEL32(name_, letter_, help_, compatible_)                                                \
    {.kind = ROW_MODEL,                                                                            \
     .name = name_,                                                                                \
     .letter = letter_,                                                                            \
     .compatible = compatible_,                                                                    \
     .only_a32 = true},
#define MODEL64             MODEL
#define VALUE(reg_, value_) {.kind = ROW_VALUE, .reg = ARM_SYS_##reg_, .value = UINT64_C(value_)},
#define CACHES(d, i, l2)    {.kind = ROW_CACHES, .caches = {d, i, l2}},
#define PMU(id)             {.kind = ROW_PMU, .value = id},
#include "isa/arm/model.def"
#undef MODEL
#undef MODEL32
#undef MODEL64
#undef VALUE
#undef CACHES
#undef PMU
};

const struct isa_model arm_models[] = {
#define MODEL(name_, letter_, help_, compatible_)   {name_, help_, NULL},
#define MODEL32(name_, letter_, help_, compatible_) {name_, help_, "arm"},
#define MODEL64(name_, letter_, help_, compatible_) {name_, help_, "aarch64"},
#define VALUE(reg_, value_)
#define CACHES(d, i, l2)
#define PMU(id)
#include "isa/arm/model.def"
#undef MODEL
#undef MODEL32
#undef MODEL64
#undef VALUE
#undef CACHES
#undef PMU
    {NULL, NULL, NULL},
};

static int find_model(const char *name, const struct row **out, struct err *err)
{
    const char *names[ARRAY_SIZE(arm_models)];
    for (unsigned i = 0; i < ARRAY_SIZE(arm_models); i++)
        names[i] = arm_models[i].name;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].kind == ROW_MODEL && strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return 0;
        }
    }
    int r = err_set(err, EINVAL, "-cpu %s: no such model; -cpu help lists them", name);
    err_suggest(err, name, names);
    return r;
}

/* ---- Features as options --------------------------------------------------------------------- */

enum { WISH_OFF = 0, WISH_ON = 1, WISH_NONE = 2 };

/* What the user said; bool options, so that WISH_NONE stays where nothing was said. */
struct wishes {
    u8 ext[ARM_EXTS];
    bool aarch64;
};

static const struct option feature_options[] = {
#define EXT(id, name, ...)                                                                         \
    OPTION_NAMED(name, OPTION_TYPE_BOOL, struct wishes, ext[ARM_EXT_##id], NULL, "feature"),
#include "isa/arm/ext.def"
#undef EXT
    OPTION_LAST};

static const struct option other_options[] = {
    OPTION_BOOL("aarch64", struct wishes, aarch64, "on", "starts in AArch64 state"), OPTION_LAST};

void arm_model_features(void *file)
{
    option_help(other_options, file);
    fprintf(file, "  features, each =on|off:");
    for (unsigned i = 0; i < ARM_EXTS; i++)
        fprintf(file, "%s%s", i % 12 ? " " : "\n    ", exts[i].name);
    fprintf(file, "\n");
}

static int parse(const char *text, char **model, struct wishes *w, struct err *err)
{
    const struct option *const tables[] = {feature_options, other_options, NULL};
    struct option_list list;
    int r = option_parse(&list, "-cpu", text, "model", err);
    memset(w, 0, sizeof(*w));
    *model = r ? NULL : option_take(&list, "model");
    if (!r)
        r = option_defaults(other_options, w, err);
    memset(w->ext, WISH_NONE, sizeof(w->ext));
    if (!r)
        r = option_apply(&list, feature_options, w, err);
    if (!r)
        r = option_apply(&list, other_options, w, err);
    if (!r)
        r = option_done(&list, tables, err);
    option_list_fini(&list);
    return r;
}

/* ---- Features -------------------------------------------------------------------------------- */

static void set(struct arm_cpu *a, unsigned i, bool on)
{
    u64 bit = BIT(i % 64);
    a->ext[i / 64] = on ? a->ext[i / 64] | bit : a->ext[i / 64] & ~bit;
}

static int spread_off(struct arm_cpu *a, struct wishes *w, struct err *err)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
            unsigned whole = needs[i][0], part = needs[i][1];
            if (!arm_cpu_has(a, whole) || w->ext[part] != WISH_OFF)
                continue;
            if (w->ext[whole] == WISH_ON)
                return err_set(err, EINVAL, "-cpu: %s=on needs %s, which is off", exts[whole].name,
                               exts[part].name);
            w->ext[whole] = WISH_OFF;
            set(a, whole, false);
            changed = true;
        }
    }
    return 0;
}

static void spread_on(struct arm_cpu *a)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
            if (!arm_cpu_has(a, needs[i][0]) || arm_cpu_has(a, needs[i][1]))
                continue;
            set(a, needs[i][1], true);
            changed = true;
        }
    }
}

/* ---- ID registers ---------------------------------------------------------------------------- */

static bool model_has(const struct row *model, unsigned ext)
{
    return strchr(exts[ext].models, model->letter);
}

/* A field follows from id.def when one of its features is not as the model has it, and always for
 * max. */
static bool field_follows(const struct arm_cpu *a, const struct row *model,
                          const struct id_field *f)
{
    if (model->letter == 'M')
        return true;
    for (unsigned i = 0; i < ARRAY_SIZE(id_fields); i++) {
        const struct id_field *g = &id_fields[i];
        if (g->reg == f->reg && g->shift == f->shift &&
            arm_cpu_has(a, g->ext) != model_has(model, g->ext))
            return true;
    }
    return false;
}

static void set_fields(struct arm_cpu *a, const struct row *model)
{
    for (unsigned i = 0; i < ARRAY_SIZE(id_fields); i++) {
        const struct id_field *f = &id_fields[i];
        bool first = !i || id_fields[i - 1].reg != f->reg || id_fields[i - 1].shift != f->shift;
        if (!field_follows(a, model, f))
            continue;
        u64 *reg = &a->sysreg[f->reg];
        if (first && !(f->reg == ARM_SYS_MVFR1_EL1))
            *reg = bits_set(*reg, f->shift, 4, 0);
        if (arm_cpu_has(a, f->ext))
            *reg = bits_set(*reg, f->shift, 4, f->value);
    }
}

/* Fields whose "none" is not zero, or that say two things. */
static void set_odd_fields(struct arm_cpu *a)
{
    u64 *pfr0 = &a->sysreg[ARM_SYS_ID_AA64PFR0_EL1], *isar1 = &a->sysreg[ARM_SYS_ID_AA64ISAR1_EL1];
    u64 *mmfr0 = &a->sysreg[ARM_SYS_ID_AA64MMFR0_EL1];
    *pfr0 = bits_set(*pfr0, 0, 4, arm_cpu_has(a, ARM_EXT_AA32EL0) ? 2 : 1);
    *pfr0 = bits_set(*pfr0, 4, 4, arm_cpu_has(a, ARM_EXT_AA32EL1) ? 2 : 1);
    /* The architected algorithm, for addresses and for generic code. */
    u64 pauth = arm_cpu_has(a, ARM_EXT_PAUTH), own = arm_cpu_has(a, ARM_EXT_PAUTH_IMPDEF);
    *isar1 = bits_set(bits_set(*isar1, 4, 4, pauth && !own), 24, 4, pauth && !own); /* APA, GPA */
    *isar1 = bits_set(bits_set(*isar1, 8, 4, pauth && own), 28, 4, pauth && own);   /* API, GPI */
    if (!arm_cpu_has(a, ARM_EXT_LPA) && (*mmfr0 & 15) == 6)
        *mmfr0 = bits_set(*mmfr0, 0, 4, 5);
}

static void set_sizes(struct arm_cpu *a)
{
    static const u8 sizes[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    u64 dfr0 = a->sysreg[ARM_SYS_ID_AA64DFR0_EL1], mmfr0 = a->sysreg[ARM_SYS_ID_AA64MMFR0_EL1];
    a->phys_bits = sizes[mmfr0 & 7];
    a->asid_bits = (mmfr0 >> 4 & 15) == 2 ? 16 : 8;
    a->vmid_bits = arm_cpu_has(a, ARM_EXT_VMID16) ? 16 : 8;
    a->breakpoints = (u8)(1 + (dfr0 >> 12 & 15));
    a->watchpoints = (u8)(1 + (dfr0 >> 20 & 15));
    a->zva_log2 = 6;
    a->cntfrq = a->model_letter == 'M' ? UINT64_C(1000000000) : UINT64_C(62500000);
}

static void set_values(struct arm_cpu *a, const struct row *model)
{
    for (const struct row *r = model + 1; r < rows + ARRAY_SIZE(rows) && r->kind != ROW_MODEL;
         r++) {
        if (r->kind == ROW_VALUE)
            a->sysreg[r->reg] = r->value;
        else if (r->kind == ROW_PMU)
            a->pmu_id = (u8)r->value;
        for (unsigned i = 0; r->kind == ROW_CACHES && i < 3; i++)
            a->ccsidr[i] = r->caches[i];
    }
    a->sysreg[ARM_SYS_PMCEID0_EL0] = BIT(0) | BIT(0x11); /* SW_INCR, CPU_CYCLES (pmu.c) */
}

/* FNV-1a over names and levels: the same for the same CPU in every version of Guise, as snapshots
 * compare it. */
static u32 hash_features(const struct arm_cpu *a)
{
    u32 h = 2166136261u ^ (u32)a->has_el2 ^ (u32)a->has_el3 << 1 ^ (u32)a->sysreg[ARM_SYS_MIDR_EL1];
    for (unsigned i = 0; i < ARM_EXTS; i++) {
        if (i == ARM_EXT_V8) { /* named later than states were saved: only what a model has not by itself counts */
            bool v7 = a->model_letter == 'a' || a->model_letter == 'b';
            h ^= arm_cpu_has(a, i) == v7;
            continue;
        }
        for (const char *p = arm_cpu_has(a, i) ? exts[i].name : ""; *p; p++)
            h = (h ^ (u8)*p) * 16777619u;
        h = (h ^ '_') * 16777619u;
    }
    return h;
}

void arm_model_levels(struct arm_cpu *a)
{
    u64 *pfr0 = &a->sysreg[ARM_SYS_ID_AA64PFR0_EL1], *pfr1 = &a->sysreg[ARM_SYS_ID_PFR1_EL1];
    *pfr0 = bits_set(bits_set(*pfr0, 8, 4, a->has_el2), 12, 4, a->has_el3);
    if (arm_cpu_has(a, ARM_EXT_AA32EL1))
        *pfr1 = bits_set(bits_set(*pfr1, 12, 4, a->has_el2), 4, 4, a->has_el3);
    a->ext_hash = hash_features(a);
}

u64 arm_model_identity(const struct arm_cpu *a)
{
    return hash_features(a) | (u64)a->phys_bits << 32;
}

/* ---- The model ------------------------------------------------------------------------------- */

/* -arch arm, aarch64=off: EL1 must have AArch32. */
static int check_a32(const struct arm_cpu *a, const struct row *model, struct err *err)
{
    if (arm_cpu_has(a, ARM_EXT_AA32EL1))
        return 0;
    return err_set(err, EINVAL, "-cpu %s: it has no AArch32 at EL1, and cannot start there",
                   model->name);
}

/* is_a32: -arch arm. */
static int apply(struct arm_cpu *a, const char *name, struct wishes *w, bool is_a32,
                 struct err *err)
{
    const struct row *model = NULL;
    int r = find_model(name, &model, err);
    if (r)
        return r;
    if (model->only_a32 && !is_a32)
        return err_set(err, EINVAL, "-cpu %s: it has no AArch64; it belongs to -arch arm", name);
    for (unsigned i = 0; i < ARM_EXTS; i++)
        set(a, i, w->ext[i] == WISH_NONE ? model_has(model, i) : w->ext[i] == WISH_ON);
    r = spread_off(a, w, err);
    if (r)
        return r;
    spread_on(a);
    a->model_name = model->name;
    a->compatible = model->compatible;
    a->model_letter = model->letter;
    a->aarch64 = w->aarch64 && !is_a32;
    r = a->aarch64 ? 0 : check_a32(a, model, err);
    if (r)
        return r;
    a->mpidr = BIT(31) | a->cpu.index;
    set_values(a, model);
    set_fields(a, model);
    set_odd_fields(a);
    set_sizes(a);
    arm_model_levels(a);
    return 0;
}

int arm_model_apply(struct arm_cpu *a, const char *arch, const char *text, struct err *err)
{
    struct wishes w;
    char *model;
    int r = parse(text ? text : "max", &model, &w, err);
    if (!r)
        r = apply(a, model ? model : "max", &w, !strcmp(arch, "arm"), err);
    free(model);
    return r;
}

void arm_model_facts(struct cpu *cpu, struct isa_cpu_facts *facts)
{
    facts->compatible = arm_cpu(cpu)->compatible;
}
