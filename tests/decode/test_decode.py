#!/usr/bin/env python3
"""Tests of tools/decode.py: what it refuses, with which words, and that its decoders decode.

usage: test_decode.py DECODE.py CC
"""
import os
import subprocess
import sys
import tempfile

HEAD = """
exclusive a32 a64
operand rd 4 x
operand rs 4 x
operand rd' 2 x +8
operand imm dec signed
operand off pcrel signed
format R rd rs : rd,rs
format I rd imm : rd,imm
format M rd rs k : rd,rs
format Jump off : off
format C : rd
"""

GOOD = HEAD + """
add   0000 rd rs 0001              : R -
addx  0000 rd rs 0001              : R X a64 over=add
sub   0001 rd rs 0001              : R X|Y&Z
ldi   0101 rd imm[3:0] imm[7:4]    : I -
nop   0101 0000 0000 0000          : C - over=ldi => nothing
k1    0010 rd rs 0001              : M - k=1 => many
k2    0011 rd rs 0001              : M - k=rs => many
wide  off[7:0] 00000000 11110000 off[15:8] 00000000 01010011 : Jump -
byte  1 off[6|4:3] 0 off[2] 11     : Jump - off!=0
c.add 111100 rd' rs 0001           : C a32 rd!=9 => add
c.dbl 111110 rd' 0000 0001         : C - => add rs=rd
"""

BAD = [  # (lines, what the message must hold)
    ("x 0000 rd rs 000 : R -", "has 15 bits"),
    ("x 0000 rd rz 0001 : R -", "no operand 'rz'"),
    ("x 0000 rd rs 0001 : Q -", "no format Q"),
    ("x 0000 rd 0001 0001 : R -", "nothing sets rs"),
    ("x imm rd rs : I -", "no width"),
    ("x imm[3:0] rd imm[3:0] 0010 : I -", "there twice"),
    ("x 0000 rd rs 0001 : R - z!=3", "no z"),
    ("x 0000 rd rs 0001 : R - z=3", "sets z"),
    ("x 0000 rd rs 0001 : R - what", "unknown attribute"),
    ("x 0000 rd rs 0001 : I - imm=1", "rs is in the picture"),
    ("x 0000 rd rs 0001 : R -\nx 0001 rd rs 0001 : R -", "is already at"),
    ("x 0000 rd rs 0001 : R -\ny 0000 rd 0000 0001 : C - => z", "overlaps x"),
    ("x 0000 rd rs 0001 : R -\ny 0000 rd rs 0001 : R - over=zz", "no such instruction"),
    ("x 0000 rd rs 0001 : R - => f\ny 0001 rd imm[3:0] 0001 : I - => f", "f is called with arguments"),
    ("x 0000 rd rs 0001", "expected: NAME PICTURE"),
]

MAIN = """
#include <stdio.h>
#include "isa/toy_decode.h"
struct toy_ctx { char text[100]; };
#define SAY(c, ...) (snprintf((c)->text, sizeof (c)->text, __VA_ARGS__), true)
bool toy_trans_add(struct toy_ctx *c, const struct toy_arg_r *a) { return SAY(c, "add %u %u", a->rd, a->rs); }
bool toy_trans_addx(struct toy_ctx *c, const struct toy_arg_r *a) { return SAY(c, "addx %u %u", a->rd, a->rs); }
bool toy_trans_sub(struct toy_ctx *c, const struct toy_arg_r *a) { return SAY(c, "sub %u %u", a->rd, a->rs); }
bool toy_trans_ldi(struct toy_ctx *c, const struct toy_arg_i *a) { return SAY(c, "ldi %u %d", a->rd, a->imm); }
bool toy_trans_nothing(struct toy_ctx *c, const struct toy_arg_none *a) { return SAY(c, "nop"); }
bool toy_trans_many(struct toy_ctx *c, const struct toy_arg_m *a) { return SAY(c, "k%u %u %u", a->k, a->rd, a->rs); }
bool toy_trans_wide(struct toy_ctx *c, const struct toy_arg_jump *a) { return SAY(c, "wide %d", a->off); }
bool toy_trans_byte(struct toy_ctx *c, const struct toy_arg_jump *a) { return SAY(c, "byte %d", a->off); }
static int print(char *t, size_t n, unsigned kind, s64 v, u64 insn, u64 pc) { return snprintf(t, n, "r%d", (int)v); }

int main(int argc, char **argv)
{
    unsigned length = strtoul(argv[1], 0, 0);
    u64 ext[1] = {strtoull(argv[2], 0, 0)}, insn = strtoull(argv[3], 0, 0);
    struct toy_ctx c = {""};
    char text[64] = "";
    enum toy_insn id = length == 8 ? toy_identify8(ext, insn) : length == 16 ? toy_identify16(ext, insn)
                       : toy_identify48(ext, insn);
    bool ok = toy_translate(&c, id, insn);
    if (id)
        insn_disassemble(&toy_insn_set, id, insn, 0x1000, print, text, sizeof text);
    printf("%d|%s|%s\\n", ok, c.text, text);
    return 0;
}
"""

EXT = ["X", "Y", "Z", "A32", "A64"]  # bit numbers
CASES = [  # length, extensions, bits, answer
    (16, 0b00000, 0x0121, "1|add 1 2|add r1,r2"),
    (16, 0b10001, 0x0121, "1|addx 1 2|addx r1,r2"),
    (16, 0b10000, 0x0121, "1|add 1 2|add r1,r2"),
    (16, 0b00001, 0x1121, "1|sub 1 2|sub r1,r2"),
    (16, 0b00110, 0x1121, "1|sub 1 2|sub r1,r2"),
    (16, 0b00010, 0x1121, "0||"),
    (16, 0b00000, 0x535f, "1|ldi 3 -11|ldi r3,-11"),
    (16, 0b00000, 0x5000, "1|nop|nop rd"),
    (16, 0b00000, 0x2561, "1|k1 5 6|k1 r5,r6"),
    (16, 0b00000, 0x3561, "1|k6 5 6|k2 r5,r6"),
    (16, 0b01000, 0xf021, "1|add 8 2|c.add r8"),
    (16, 0b01000, 0xf121, "0||"),
    (16, 0b10000, 0xf021, "0||"),
    (16, 0, 0xf601, "0||"),
    (16, 0, 0xfa01, "1|add 10 10|c.dbl r10"),
    (8, 0, 0b10000111, "1|byte 4|byte 0x1004"),
    (8, 0, 0b11000011, "1|byte -64|byte 0xfc0"),
    (8, 0, 0b10000011, "0||"),
    (48, 0, 0xfe00f0ff0053, "1|wide -2|wide 0xffe"),
    (48, 0, 0xfe00f1ff0053, "0||"),
]


def run_tool(tool, directory, text):
    table = os.path.join(directory, "toy.decode")
    with open(table, "w", encoding="utf-8") as f:
        f.write(text)
    os.makedirs(os.path.join(directory, "isa"), exist_ok=True)
    out = os.path.join(directory, "isa", "toy_decode")
    return subprocess.run([sys.executable, tool, "toy", out + ".h", out + ".c", table],
                          capture_output=True, text=True, check=False)


def check_bad(tool, directory):
    failed = 0
    for lines, words in BAD:
        r = run_tool(tool, directory, HEAD + lines + "\n")
        if r.returncode == 0 or words not in r.stderr or "toy.decode:" not in r.stderr:
            print(f"FAIL {lines!r}: wanted {words!r}, got {r.returncode} {r.stderr!r}")
            failed += 1
    return failed


def check_good(tool, cc, directory):
    source = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(tool))), "src")
    enum = "".join(f"    TOY_EXT_{e},\n" for e in EXT)
    with open(os.path.join(directory, "ext.h"), "w", encoding="utf-8") as f:
        f.write(f"enum {{\n{enum}}};\n")
    r = run_tool(tool, directory, 'include "ext.h"\n' + GOOD)
    if r.returncode:
        print("FAIL good table:", r.stderr)
        return 1
    main = os.path.join(directory, "main.c")
    with open(main, "w", encoding="utf-8") as f:
        f.write("#include <stdlib.h>\n" + MAIN)
    exe = os.path.join(directory, "toy")
    subprocess.run([*cc.split(), "-Wall", "-Werror", "-Wno-unused-parameter", "-I", source, "-I", directory, "-o", exe, main,
                    os.path.join(directory, "isa", "toy_decode.c"), os.path.join(source, "isa", "insn.c")], check=True)
    failed = 0
    for length, ext, bits, want in CASES:
        got = subprocess.run([exe, str(length), str(ext), str(bits)], capture_output=True, text=True,
                             check=True).stdout.strip()
        if got != want:
            print(f"FAIL {length} bits {bits:#x} ext {ext:#b}: wanted {want!r}, got {got!r}")
            failed += 1
    return failed


def main():
    tool, cc = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as directory:
        failed = check_bad(tool, directory) + check_good(tool, cc, directory)
    print(f"{failed} failed of {len(BAD) + len(CASES)}")
    sys.exit(failed != 0)


main()
