#!/usr/bin/env python3
"""Makes a64_sysregs.h: every system register and instruction that src/isa/arm/sysreg.def names, with who may read and write
it and what traps it where, by the rules below. The names and encodings are sysreg.def's; the rules are the manual's (DDI
0487, D24 and C5: each register's accessibility), said here a second time.

usage: a64_sysregs.py FOLDER
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TABLE = os.path.join(HERE, '..', '..', 'src', 'isa', 'arm', 'sysreg.def')
NOBODY = 9

READ_ONLY = (r'ID_|MIDR|MPIDR|REVIDR|MVFR|CCSIDR|CLIDR|AIDR|CTR_|DCZID|RVBAR|ISR_|CURRENTEL|RNDR|CNT[PV]CT|PMCEID|MDRAR|OSLSR|'
             r'DBGAUTHSTATUS|MDCCSR|ERRIDR|LORID')
WRITE_ONLY = r'OSLAR|PMSWINC|IC_|DC_|AT_|TLBI_'
# Least levels that names do not tell: (name, read, write).
LEVELS = (
    (r'PMUSERENR_EL0|TPIDRRO_EL0', 0, 1), (r'CNTFRQ_EL0', 0, 3), (r'CNTPS_.*', 1, 1),
    (r'NZCV|DAIF|DIT|SSBS|FPCR|FPSR|RNDR|RNDRRS', 0, 0), (r'SPSEL|CURRENTEL|PAN|UAO|SP_EL0', 1, 1),
    (r'SP_EL1|SPSR_(IRQ|ABT|UND|FIQ)', 2, 2), (r'SP_EL2', 3, 3),
    (r'(IC_IVAU|DC_ZVA|DC_CVA\w*|DC_CIVAC)', 0, 0), (r'(IC|DC)_\w+', 1, 1), (r'AT_S1E[01]\w*', 1, 1), (r'AT_S1E2\w|AT_S12\w+', 2, 2),
    (r'AT_S1E3\w', 3, 3), (r'TLBI_(VMALL|VA+L?|ASID|RVA+L?)E1(IS|OS)?', 1, 1), (r'TLBI_\w+E3(IS|OS)?', 3, 3), (r'TLBI_\w+', 2, 2),
)
# Not there: with EL3 only RVBAR_EL3 is.
ABSENT = r'RVBAR_EL[12]|RMR_EL[12]'
AARCH32 = r'DBGVCR32_EL2|DACR32_EL2|IFSR32_EL2|FPEXC32_EL2|SPSR_(IRQ|ABT|UND|FIQ)|SDER32_EL3|SDER32_EL2'

VM = r'(SCTLR|TTBR0|TTBR1|TCR|ESR|FAR|AFSR0|AFSR1|MAIR|AMAIR|CONTEXTIDR)_EL1'
PMU = r'PM\w+_EL[01]'
DBGOS = r'OSLAR_EL1|OSLSR_EL1|OSDLR_EL1|DBGPRCR_EL1'
DBGDCC = r'MDCCSR_EL0|DBGDTR\w*_EL0'
DBG = (r'OSDTRRX_EL1|MDCCINT_EL1|MDSCR_EL1|OSDTRTX_EL1|OSECCR_EL1|DBG[BW][CV]R\d+_EL1|DBGCLAIM\w+_EL1|DBGAUTHSTATUS_EL1|' + DBGDCC)
TLBI1 = r'TLBI_(VMALL|VA+L?|ASID|RVA+L?)E1(IS|OS)?'
# A control register, its bit and whether it is set or cleared: (names, levels, directions, level that it goes to) each.
TRAPS = (
    ('hcr_el2', 16, 1, [('REVIDR_EL1|AIDR_EL1', '1', 'r', 2)]),
    ('hcr_el2', 17, 1, [('CTR_EL0', '01', 'r', 2), ('(CCSIDR|CLIDR|CSSELR)_EL1', '1', 'rw', 2)]),
    ('hcr_el2', 18, 1, [(r'ID_\w+|MVFR\d_EL1', '1', 'r', 2)]),
    ('hcr_el2', 21, 1, [('ACTLR_EL1', '1', 'rw', 2)]),
    ('hcr_el2', 22, 1, [('DC_(I|C|CI)SW', '1', 'w', 2)]),
    ('hcr_el2', 23, 1, [('DC_IVAC', '1', 'w', 2), ('DC_(CVAC|CIVAC|CVAP|CVADP)', '01', 'w', 2)]),
    ('hcr_el2', 24, 1, [('IC_IALLU(IS)?', '1', 'w', 2), ('IC_IVAU|DC_CVAU', '01', 'w', 2)]),
    ('hcr_el2', 25, 1, [(TLBI1, '1', 'w', 2)]),
    ('hcr_el2', 26, 1, [(VM, '1', 'w', 2)]),
    ('hcr_el2', 28, 1, [('DC_ZVA', '01', 'w', 2)]),
    ('hcr_el2', 30, 1, [(VM, '1', 'r', 2)]),
    ('hcr_el2', 35, 1, [(r'LOR\w+_EL1', '1', 'rw', 2)]),
    ('hcr_el2', 36, 1, [(r'ERR\w+_EL1', '1', 'rw', 2)]),
    ('hcr_el2', 40, 0, [(r'AP\w\wKEY(LO|HI)_EL1', '1', 'rw', 2)]),
    ('scr_el3', 11, 0, [(r'CNTPS_\w+', '', '', 3)]),
    ('scr_el3', 14, 1, [(r'LOR\w+_EL1', '12', 'rw', 3)]),
    ('scr_el3', 15, 1, [(r'ERR\w+_EL1', '12', 'rw', 3)]),
    ('scr_el3', 16, 0, [(r'AP\w\wKEY(LO|HI)_EL1', '12', 'rw', 3)]),
    ('scr_el3', 28, 0, [('CNTPOFF_EL2', '2', 'rw', 3)]),
    ('scr_el3', 40, 1, [('RNDR|RNDRRS', '012', 'r', 3)]),
    ('cptr_el2', 31, 1, [('CPACR_EL1', '1', 'rw', 2)]),
    ('cptr_el3', 31, 1, [('CPACR_EL1', '12', 'rw', 3), ('CPTR_EL2', '2', 'rw', 3)]),
    ('mdcr_el2', 5, 1, [('PMCR_EL0', '01', 'rw', 2)]),
    ('mdcr_el2', 6, 1, [(PMU, '01', 'rw', 2)]),
    ('mdcr_el2', 8, 1, [(DBG + '|' + DBGOS + '|MDRAR_EL1', '1', 'rw', 2), (DBGDCC, '0', 'rw', 2)]),
    ('mdcr_el2', 9, 1, [(DBG, '1', 'rw', 2), (DBGDCC, '0', 'rw', 2)]),
    ('mdcr_el2', 10, 1, [(DBGOS, '1', 'rw', 2)]),
    ('mdcr_el2', 11, 1, [('MDRAR_EL1', '1', 'rw', 2)]),
    ('mdcr_el3', 6, 1, [(PMU, '012', 'rw', 3)]),
    ('mdcr_el3', 9, 1, [(DBG + '|MDRAR_EL1', '12', 'rw', 3), (DBGDCC, '0', 'rw', 3), ('MDCR_EL2|DBGVCR32_EL2', '2', 'rw', 3)]),
    ('mdcr_el3', 10, 1, [(DBGOS, '12', 'rw', 3)]),
    ('sctlr_el1', 9, 0, [('DAIF', '0', 'rw', 1)]),
    ('sctlr_el1', 14, 0, [('DC_ZVA', '0', 'w', 1)]),
    ('sctlr_el1', 15, 0, [('CTR_EL0', '0', 'r', 1)]),
    ('sctlr_el1', 26, 0, [(r'IC_IVAU|DC_CVA\w+|DC_CIVAC', '0', 'w', 1)]),
    ('cntkctl_el1', 0, 0, [(r'CNTPCT\w*_EL0', '0', 'r', 1)]),
    ('cntkctl_el1', 1, 0, [(r'CNTVCT\w*_EL0', '0', 'r', 1)]),
    ('cntkctl_el1', 8, 0, [(r'CNTV_\w+_EL0', '0', 'rw', 1)]),
    ('cntkctl_el1', 9, 0, [(r'CNTP_\w+_EL0', '0', 'rw', 1)]),
    ('cnthctl_el2', 0, 0, [(r'CNTPCT\w*_EL0', '01', 'r', 2)]),
    ('cnthctl_el2', 1, 0, [(r'CNTP_\w+_EL0', '01', 'rw', 2)]),
    ('cnthctl_el2', 13, 1, [(r'CNTV_\w+_EL0', '01', 'rw', 2)]),
    ('cnthctl_el2', 14, 1, [(r'CNTVCT\w*_EL0', '01', 'r', 2)]),
    ('mdscr_el1', 12, 1, [(DBGDCC, '0', 'rw', 1)]),
)
# PMUSERENR_EL0 by its whole value.
PMU_USER = (
    (0, [(r'PM(CR|CNTEN\w+|OVS\w+|SELR|CEID\d|CCNTR|X?EV\w+|CCFILTR|SWINC)_EL0', '0', 'rw', 1)]),
    (2, [(r'PM(CR|CNTEN\w+|OVS\w+|SELR|CEID\d|CCNTR|X?EV\w+|CCFILTR)_EL0', '0', 'rw', 1)]),
    (4, [(r'PM(CR|CNTEN\w+|OVS\w+|SELR|CEID\d|X?EV\w+|CCFILTR|SWINC)_EL0', '0', 'rw', 1), ('PMCCNTR_EL0', '0', 'w', 1)]),
    (8, [(r'PM(CR|CNTEN\w+|OVS\w+|CEID\d|CCNTR|X?EVTYPER\d?|CCFILTR|SWINC)_EL0', '0', 'rw', 1), ('PMX?EVCNTR\d?_EL0', '0', 'w', 1)]),
)


def rows():
    with open(TABLE, encoding='utf-8') as table:
        text = re.sub(r'/\*.*?\*/', '', table.read(), flags=re.S)
    pattern = r'SYS(?:ID|REG|FN|OP)\((\d), (\d), (\d+), (\d+), (\d), (\w+)'
    found = [(name, [int(n) for n in numbers]) for *numbers, name in re.findall(pattern, text)]
    for n in range(16):
        found += [(f'DBG{kind}{n}_EL1', [2, 0, 0, n, op2]) for kind, op2 in
                  (('BVR', 4), ('BCR', 5), ('WVR', 6), ('WCR', 7))]
    return found


def levels(name):
    if re.fullmatch(ABSENT, name):
        return NOBODY, NOBODY
    read, write = next(((r, w) for pattern, r, w in LEVELS if re.fullmatch(pattern, name)), (None, None))
    if read is None:
        read = write = int(re.search(r'_EL(\d)', name)[1])
    if re.match(READ_ONLY, name):
        write = NOBODY
    if re.match(WRITE_ONLY, name):
        read = NOBODY
    return read, write


def rule_lines(index, rules, names):
    for pattern, els, directions, to in rules:
        els_mask = sum(1 << int(el) for el in els)
        direction_mask = sum({'r': 1, 'w': 2}[d] for d in directions)
        for row, name in enumerate(names):
            if els and re.fullmatch(pattern, name):
                yield f'    {{{row}, {index}, {els_mask}, {direction_mask}, {to}}},'


def main():
    table = [(name, numbers) for name, numbers in rows() if 'n' not in name[-1:]]
    names = [name for name, _ in table]
    with open(os.path.join(sys.argv[1], 'a64_sysregs.h'), 'w', encoding='utf-8') as out:
        print('static const struct row rows[] = {', file=out)
        for name, (op0, op1, crn, crm, op2) in table:
            read, write = levels(name)
            word = op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5
            kind = 1 if re.fullmatch(AARCH32, name) else 2 if re.match(r'DBGB', name) else 3 if re.match(r'DBGW', name) else 0
            print(f'    {{"{name}", 0x{0xd5000000 | word:08x}, {read}, {write}, {kind}, {crm if kind > 1 else 0}}},', file=out)
        print('};\n#define CONFIGURATIONS(X)', end='', file=out)
        for index, (register, bit, value, _) in enumerate(TRAPS):
            print(f' \\\n    X({index}, "{register}", {bit}, {value})', end='', file=out)
        print('\n', file=out)
        print('static const struct rule rules[] = {', file=out)
        for index, (_, _, _, rules) in enumerate(TRAPS):
            print('\n'.join(rule_lines(index, rules, names)), file=out)
        for index, (_, rules) in enumerate(PMU_USER):
            print('\n'.join(rule_lines(len(TRAPS) + index, rules, names)), file=out)
        print('};', file=out)
        print(f'enum {{ PMU_CONFIGURATIONS = {len(TRAPS)} }};', file=out)
        print(f'static const u8 pmu_user[] = {{{", ".join(str(value) for value, _ in PMU_USER)}}};', file=out)


if __name__ == '__main__':
    sys.exit(main())
