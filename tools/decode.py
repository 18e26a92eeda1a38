#!/usr/bin/env python3
"""Makes the decoder of a guest architecture from its tables of encodings.

usage: decode.py ISA OUT.h OUT.c TABLE.decode...

All tables of src/isa/ISA/ make one decoder. A table is text, one fact a line; '#' after a blank starts a comment.

    set NAME [FUNCTIONS]                an instruction set of its own, with its own decoder, that the lines of this file
                                        belong to (a64, a32, t32); FUNCTIONS (default: NAME) begins the names of its
                                        trans functions. Without it the architecture has one set.
    also NAME FUNCTIONS OLD=NEW ...     the file's lines belong to that set too, the highest bits OLD of their pictures
                                        being NEW there, by the first pair that fits: 0, 1, or letters, which stand for
                                        bits that keep their meaning. Operands all of whose bits go are not printed.
    include "PATH"                      a header the generated files include (struct ISA_ctx, ISA_EXT_...)
    exclusive NAME NAME ...             conditions of which exactly one holds (rv32 rv64)
    operand NAME [WIDTH] KIND [signed] [+BIAS]
                                        a field. WIDTH in bits, or none: its bits are always written
                                        NAME[hi:lo|bit|...]. KIND: how it is printed (dec, hex, pcrel, or the
                                        architecture's own). 'signed': extended from the highest bit that the picture
                                        names. BIAS is added (rd' is x8 + 3 bits). A prime, or a point and what
                                        follows, is not part of the argument's name: rd' and rd.v fill rd.
    format NAME [ARG ...] [: SYNTAX]    the arguments of a trans function (struct ISA_arg_NAME) and how the
    format NAME = OTHER : SYNTAX        instruction is printed: words that are operands are replaced by them, the
                                        part before a blank, and what begins with '.', is glued to the name; '|'
                                        joins without a sign.

    NAME PICTURE : FORMAT CONDITION [attributes] [=> TARGET [attributes]]      an instruction

PICTURE is the encoding from its highest bit: 0 and 1, '.' (ignored), operands, operands with the bits they hold,
as the manuals write it: imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011. Its length is the instruction's.
CONDITION names the extensions needed, A&B|C; '-' for none. Attributes:

    rv64           one of the `exclusive` names
    rd!=0,2        the operand has none of these values; otherwise this line does not match
    size=4         sets an argument that the picture does not hold (a number, another operand or a C constant)
    over=NAME,...  this line is meant to overlap, and go before, the line NAME (hints, special cases)

A NAME with a variant, add/imm, is printed without it.

=> TARGET names the function, trans_TARGET, if it is not the instruction's own; when TARGET is an instruction, its
arguments are filled (compressed instructions). The generator refuses pictures of a wrong length, arguments
left unset and overlaps that are not declared.

OUT.h: struct ISA_arg_*, enum ISA_insn, ISA_trans_* prototypes and
    enum ISA_insn ISA_identifyLENGTH(const u64 *ext, INSN)    0 (ISA_INSN_NONE): no such instruction
    enum ISA_insn ISA_identify_SET_LENGTH(const u64 *ext, INSN)    the same, of a set
    bool ISA_translate(struct ISA_ctx *ctx, enum ISA_insn id, u64 insn)
    const struct insn_set ISA_insn_set                        for the disassembler, random tests, coverage
"""
import re
import sys

DECLARATIONS = {"include", "exclusive", "operand", "format"}
BUILTIN_KINDS = ["dec", "hex", "pcrel"]


class TableError(Exception):
    pass


class Operand:
    def __init__(self, name, width, kind, signed, bias):
        self.name, self.width, self.kind, self.signed, self.bias = name, width, kind, signed, bias
        self.arg = re.sub(r"['.].*", "", name)


class Format:
    def __init__(self, name, struct, args, syntax):
        self.name, self.struct, self.args, self.syntax = name, struct, args, syntax

    def without(self, operand):
        """The format of instructions that have no such operand to print."""
        return Format(self.name, self.struct, self.args, re.sub(rf"\b{operand}\b\|?", "", self.syntax).strip())


class Field:
    """An operand as one picture holds it: pieces of (bit in the instruction, width, bit in the value)."""

    def __init__(self, operand):
        self.operand = operand
        self.pieces = []

    def bits(self):
        return max(at + width for _, width, at in self.pieces)

    def mask(self):
        return sum(((1 << width) - 1) << pos for pos, width, _ in self.pieces)

    def move(self, place, low):
        """To other bits of the instruction, by a map that leaves those below `low` where they are."""
        pieces = []
        for pos, width, at in self.pieces:
            if pos + width <= low:
                pieces.append((pos, width, at))
            else:
                pieces += [(place[pos + i], 1, at + i) for i in range(width) if pos + i in place]
        self.pieces = pieces

    def signed(self):
        return self.operand.signed

    def value(self, insn):
        v = sum((insn >> pos & ((1 << width) - 1)) << at for pos, width, at in self.pieces)
        if self.signed() and v >> (self.bits() - 1):
            v -= 1 << self.bits()
        return v + self.operand.bias

    def c_expr(self):
        """C that takes the value out of `insn`."""
        parts = []
        top = self.bits()
        for pos, width, at in self.pieces:
            if self.signed() and at + width == top:
                parts.append(f"(u64)bits_sext(insn >> {pos}, {width}) << {at}")
            else:
                part = f"(insn >> {pos} & {(1 << width) - 1:#x})" if pos else f"(insn & {(1 << width) - 1:#x})"
                parts.append(f"{part} << {at}" if at else part)
        expr = " | ".join(parts)
        if self.operand.bias:
            expr = f"({expr}) + {self.operand.bias}"
        return f"({'s32' if self.signed() else 'u32'})({expr})"

    def key(self):
        op = self.operand
        return (op.name, op.kind, op.bias, tuple(self.pieces))


class Insn:
    def __init__(self, where, name, group=""):
        self.where, self.name = where, name
        self.group, self.prefix = (group.split() * 2)[:2] if group else ("", "")
        self.length = 0
        self.match = self.mask = 0
        self.fields = {}      # operand name -> Field
        self.format = None
        self.condition = []   # alternatives of lists of extensions
        self.mode = None
        self.unequal = []     # (operand name, value)
        self.sets = {}        # argument -> text
        self.over = []
        self.target = None
        self.ident = self.c_ident(name)

    def c_ident(self, name):
        return c_name(f"{self.group}_{name}" if self.group else name)

    def c_function(self, name):
        return c_name(f"{self.prefix}_{name}" if self.prefix else name)

    def fail(self, text):
        raise TableError(f"{self.where}: {self.name}: {text}")

    def fits(self, old):
        """Do the highest bits go with OLD of `also`?"""
        low = self.length - len(old)
        return all(c not in "01" or (self.mask >> pos & 1 and self.match >> pos & 1 == int(c))
                   for pos, c in enumerate(reversed(old), low))

    def rewrite(self, old, new):
        """The highest bits become NEW; letters say where bits of OLD go."""
        low = self.length - len(old)
        place = {pos: pos for pos in range(low)}
        for at, c in enumerate(old):
            if c not in "01" and c in new:
                place[self.length - 1 - at] = self.length - 1 - new.index(c)
        match, mask = self.match, self.mask
        self.match = sum((match >> pos & 1) << to for pos, to in place.items())
        self.mask = sum((mask >> pos & 1) << to for pos, to in place.items())
        for at, c in enumerate(new):
            if c in "01":
                self.mask |= 1 << (self.length - 1 - at)
                self.match |= int(c) << (self.length - 1 - at)
        for name, field in list(self.fields.items()):
            field.move(place, low)
            if not field.pieces:
                del self.fields[name]
                self.format = self.format.without(field.operand.arg)


def c_name(name):
    return re.sub(r"\W", "_", name)


# ---- Reading the tables -----------------------------------------------------------------------------------------


class Tables:
    def __init__(self, isa):
        self.isa = isa
        self.includes, self.exclusive = [], []
        self.operands, self.formats = {}, {}
        self.insns = []

    def read(self, path):
        lines = []
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                text = re.split(r"(?:^|\s)#", line)[0].strip()
                if text:
                    lines.append((f"{path}:{number}", text))
        groups = [text.split(maxsplit=1)[1] for _, text in lines if text.split()[0] == "set"]
        if len(groups) > 1:
            raise TableError(f"{path}: belongs to two sets")
        also = next((text.split()[1:] for _, text in lines if text.split()[0] == "also"), None)
        return [(*line, *(groups or [""]), also) for line in lines if line[1].split()[0] not in ("set", "also")]

    def load(self, paths):
        lines = [line for path in paths for line in self.read(path)]
        rest = []
        for where, text, group, also in lines:  # declarations first: the files may come in any order
            word = text.split()[0]
            if word in DECLARATIONS:
                getattr(self, "declare_" + word)(where, text)
            else:
                rest.append((where, text, group, also))
        self.resolve_formats()
        for where, text, group, also in rest:
            self.insns.append(self.parse_insn(where, text, group))
            if also:
                self.insns.append(self.rewritten(self.parse_insn(where, text, " ".join(also[:2])), also[2:]))
        self.check()

    @staticmethod
    def rewritten(insn, pairs):
        """As a set that is named by `also` has it."""
        for pair in pairs:
            old, _, new = pair.partition("=")
            if len(old) != len(new):
                insn.fail(f"also: {pair}: expected as many bits on both sides")
            if insn.fits(old):
                insn.rewrite(old, new)
                return insn
        insn.fail("also: no pair fits the picture")

    def declare_include(self, where, text):
        self.includes.append(text.split()[1])

    def declare_exclusive(self, where, text):
        self.exclusive += text.split()[1:]

    def declare_operand(self, where, text):
        m = re.fullmatch(r"operand\s+([\w'.]+)(?:\s+(\d+))?\s+([a-z]\w*)(\s+signed)?(?:\s+\+(\d+))?", text)
        if not m:
            raise TableError(f"{where}: expected: operand NAME [WIDTH] KIND [signed] [+BIAS]")
        name, width, kind, signed, bias = m.groups()
        if name in self.operands:
            raise TableError(f"{where}: operand {name} is declared twice")
        self.operands[name] = Operand(name, int(width) if width else None, kind, bool(signed), int(bias or 0))

    def declare_format(self, where, text):
        m = re.fullmatch(r"format\s+(\w+)\s*([^:]*?)\s*(?::\s*(.*))?", text)
        if not m:
            raise TableError(f"{where}: expected: format NAME [ARG ...] [: SYNTAX]")
        name, args, syntax = m.groups()
        if name in self.formats:
            raise TableError(f"{where}: format {name} is declared twice")
        self.formats[name] = Format(name, name, args.split(), syntax or "")
        self.formats[name].where = where

    def resolve_formats(self):
        for fmt in self.formats.values():
            if fmt.args[:1] == ["="]:
                other = self.formats.get(fmt.args[1])
                if not other or other.args[:1] == ["="]:
                    raise TableError(f"{fmt.where}: format {fmt.name}: no format {fmt.args[1]} with arguments")
                fmt.struct, fmt.args = other.name, other.args
            elif not fmt.args:
                fmt.struct = "none"

    def parse_insn(self, where, text, group):
        if ":" not in text or len(text.split(" : ", 1)) != 2:
            raise TableError(f"{where}: expected: NAME PICTURE : FORMAT CONDITION [attributes] [=> TARGET]")
        head, tail = text.split(" : ", 1)
        name, *picture = head.split()
        insn = Insn(where, name, group)
        self.parse_picture(insn, picture)
        body, _, target = tail.partition("=>")
        words, rest = body.split(), target.split()
        insn.target = rest[0] if rest else None
        if len(words) < 2:
            insn.fail("a format and a condition must follow ':'")
        if words[0] not in self.formats:
            insn.fail(f"no format {words[0]}")
        insn.format = self.formats[words[0]]
        if words[1] != "-":
            insn.condition = [alt.split("&") for alt in words[1].split("|")]
        for word in words[2:] + rest[1:]:
            self.parse_attribute(insn, word)
        return insn

    def parse_picture(self, insn, picture):
        parts = []  # (width, text or (operand, pieces)) from the highest bit
        for token in picture:
            if re.fullmatch(r"[01.]+", token):
                parts.append((len(token), token))
                continue
            m = re.fullmatch(r"([\w'.]+)(?:\[([\d:|]+)\])?", token)
            operand = self.operands.get(m.group(1)) if m else None
            if not operand:
                insn.fail(f"no operand {token!r} is declared")
            pieces = self.parse_pieces(insn, operand, m.group(2))
            parts.append((sum(w for w, _ in pieces), (operand, pieces)))
        insn.length = sum(width for width, _ in parts)
        if insn.length % 8 or insn.length == 0:
            insn.fail(f"the picture has {insn.length} bits, not a whole number of bytes")
        pos = insn.length
        for width, part in parts:
            pos -= width
            if isinstance(part, str):
                insn.mask |= int(re.sub("[01]", "1", part).replace(".", "0"), 2) << pos
                insn.match |= int(part.replace(".", "0"), 2) << pos
            else:
                self.place(insn, part[0], part[1], pos + width)

    @staticmethod
    def parse_pieces(insn, operand, text):
        if text is None:
            if operand.width is None:
                insn.fail(f"operand {operand.name} has no width: write its bits, {operand.name}[hi:lo]")
            return [(operand.width, 0)]
        pieces = []
        for item in text.split("|"):
            hi, _, lo = item.partition(":")
            hi, lo = int(hi), int(lo or hi)
            if hi < lo:
                insn.fail(f"{operand.name}[{item}]: the higher bit comes first")
            pieces.append((hi - lo + 1, lo))
        return pieces

    @staticmethod
    def place(insn, operand, pieces, end):
        field = insn.fields.setdefault(operand.name, Field(operand))
        for width, at in pieces:
            end -= width
            for _, other, other_at in field.pieces:
                if at < other_at + other and other_at < at + width:
                    insn.fail(f"a bit of {operand.name} is there twice")
            field.pieces.append((end, width, at))

    def parse_attribute(self, insn, word):
        if word in self.exclusive:
            insn.mode = word
            return
        m = re.fullmatch(r"([\w']+)(!=|=)(.+)", word)
        if not m:
            insn.fail(f"unknown attribute {word!r}")
        name, sign, value = m.groups()
        if name == "over" and sign == "=":
            insn.over = value.split(",")
        elif sign == "=":
            insn.sets[name] = value
        else:
            field = next((f for f in insn.fields.values() if f.operand.arg == name), None)
            if not field:
                insn.fail(f"{word}: the picture has no {name}")
            insn.unequal += [(field.operand.name, int(v, 0)) for v in value.split(",")]

    # ---- Checks -----------------------------------------------------------------------------------------------

    def check(self):
        by_name = {}
        for insn in self.insns:
            by_name.setdefault((insn.group, insn.name), []).append(insn)
        for (_, name), same in by_name.items():
            if len(same) > 1:
                if len({i.mode for i in same}) < len(same) or None in {i.mode for i in same}:
                    same[1].fail(f"is already at {same[0].where}")
                for insn in same:
                    insn.ident = insn.c_ident(f"{name}_{insn.mode}")
        self.names = by_name
        for insn in self.insns:
            self.bind(insn)
        self.check_overlaps()

    def bind(self, insn):
        """Finds the trans function, its arguments and where each comes from."""
        target = self.names.get((insn.group, insn.target))
        fmt = target[0].format if target else insn.format
        inherited = target[0].sets if target else {}
        insn.function = insn.c_function(target[0].target or target[0].name if target else insn.target or insn.name)
        insn.struct, insn.values = fmt.struct, []
        by_arg = {}
        for field in insn.fields.values():
            if field.operand.arg in by_arg:
                insn.fail(f"two operands fill {field.operand.arg}")
            by_arg[field.operand.arg] = field
        for arg in fmt.args:
            text = insn.sets.get(arg, inherited.get(arg))
            if text is not None and text in by_arg:
                insn.values.append((arg, by_arg[text].c_expr()))
            elif text is not None:
                insn.values.append((arg, text))
            elif arg in by_arg:
                insn.values.append((arg, by_arg[arg].c_expr()))
            else:
                insn.fail(f"nothing sets {arg}, an argument of format {fmt.name}")
        for name in insn.sets:
            if name not in fmt.args:
                insn.fail(f"sets {name}, which format {fmt.name} has not")
        used = {insn.sets.get(a, a) for a in fmt.args}
        for arg in by_arg:
            if arg not in used and not re.search(rf"\b{arg}\b", insn.format.syntax):
                insn.fail(f"{arg} is in the picture but neither an argument nor printed")
        for name in insn.over:
            if (insn.group, name) not in self.names:
                insn.fail(f"over={name}: no such instruction")

    def check_overlaps(self):
        for i, a in enumerate(self.insns):
            for b in self.insns[i + 1:]:
                if overlap(a, b) and b.name not in a.over and a.name not in b.over:
                    b.fail(f"overlaps {a.name} ({a.where}); e.g. {a.match | b.match:#x}. "
                           "Say over=NAME on the line that goes first, if that is meant")


def overlap(a, b):
    if (a.group, a.length) != (b.group, b.length) or (a.mode and b.mode and a.mode != b.mode):
        return False
    if (a.match ^ b.match) & a.mask & b.mask:
        return False
    mask, match = a.mask | b.mask, a.match | b.match
    for insn in (a, b):
        for name, value in insn.unequal:
            field = insn.fields[name]
            if not field.mask() & ~mask and field.value(match) == value:
                return False
    return True


# ---- The decision tree ------------------------------------------------------------------------------------------


def runs(mask):
    """The runs of neighbouring ones in mask, as (position, width), cut to 8 bits."""
    pos, out = 0, []
    while mask >> pos:
        if mask >> pos & 1:
            width = 1
            while mask >> (pos + width) & 1 and width < 8:
                width += 1
            out.append((pos, width))
            pos += width
        else:
            pos += 1
    return out


def choose(insns, done):
    """The run of bits that tells most of the instructions apart: fixed in all, or in most, of them."""
    best = None
    candidates = {run for insn in insns for run in runs(insn.mask & ~done)}
    common = ~done
    for insn in insns:
        common &= insn.mask
    candidates |= set(runs(common & ((1 << insns[0].length) - 1)))
    for pos, width in sorted(candidates):
        field = ((1 << width) - 1) << pos
        fixed = [i for i in insns if i.mask & field == field]
        values = {i.match & field for i in fixed}
        if len(values) < 2 and len(fixed) == len(insns):
            continue
        if len(insns) - len(fixed) > max(2, len(insns) // 4):
            continue
        score = len(values) - 2 * len(values) * (len(insns) - len(fixed)) / len(insns)
        if score > 1 and (best is None or score > best[0]):
            best = (score, pos, width)
    return best and best[1:]


class Writer:
    def __init__(self):
        self.lines = []

    def put(self, depth, text):
        self.lines.append("    " * depth + text)

    def text(self):
        return "\n".join(self.lines) + "\n"


def hexu(value, length):
    return f"UINT64_C({value:#x})" if length > 32 else f"{value:#x}u"


class Decoder:
    def __init__(self, tables):
        self.t = tables
        self.isa, self.up = tables.isa, tables.isa.upper()

    def ident(self, insn):
        return f"{self.up}_INSN_{insn.ident.upper()}"

    def condition(self, insn):
        """C that tells whether this line exists for a CPU with the extensions of `ext`."""
        terms = []
        if insn.condition:
            alts = [" && ".join(self.has(e) for e in alt) for alt in insn.condition]
            joined = " || ".join(f"({a})" if len(alts) > 1 and "&&" in a else a for a in alts)
            terms.append(f"({joined})" if len(alts) > 1 else joined)
        if insn.mode:
            terms.append(self.has(insn.mode))
        return terms

    def has(self, name):
        return f"has(ext, {self.up}_EXT_{name.upper()})"

    def emit_candidates(self, w, depth, insns, done):
        """A chain of tests, the most special line first."""
        for insn in order(insns):
            terms = []
            rest = insn.mask & ~done
            if rest:
                length = insn.length
                terms.append(f"(insn & {hexu(rest, length)}) == {hexu(insn.match & rest, length)}")
            terms += self.condition(insn)
            for name, value in insn.unequal:
                terms.append(f"{insn.fields[name].c_expr()} != {value}")
            if terms:
                w.put(depth, f"if ({' && '.join(terms)})")
                w.put(depth + 1, f"return {self.ident(insn)};")
            else:
                w.put(depth, f"return {self.ident(insn)};")
                return False
        return True

    def emit_tree(self, w, depth, insns, done):
        """Returns whether control can leave the emitted code at its end."""
        run = choose(insns, done) if len(insns) > 1 else None
        if not run:
            return self.emit_candidates(w, depth, insns, done)
        pos, width = run
        field = ((1 << width) - 1) << pos
        loose = [i for i in insns if i.mask & field != field]
        values = {}
        for insn in insns:
            if insn.mask & field == field:
                values.setdefault(insn.match & field, []).append(insn)
        w.put(depth, f"switch (insn >> {pos} & {field >> pos:#x}) {{")
        for value in sorted(values):
            w.put(depth, f"case {value >> pos:#x}:")
            these = values[value] + [i for i in loose if not (i.match ^ value) & i.mask & field]
            if self.emit_tree(w, depth + 1, these, done | field):
                w.put(depth + 1, "break;")
        if loose:
            w.put(depth, "default:")
            if self.emit_tree(w, depth + 1, loose, done):
                w.put(depth + 1, "break;")
        w.put(depth, "}")
        return True

    # ---- The two files ----------------------------------------------------------------------------------------

    def decoders(self):
        """The functions that identify: (name, length, its instructions)."""
        groups = {}
        for insn in self.t.insns:
            groups.setdefault((insn.group, insn.length), []).append(insn)
        return [(f"{self.isa}_identify{f'_{group}_' if group else ''}{length}", length, groups[group, length])
                for group, length in sorted(groups)]

    def header(self):
        isa, up = self.isa, self.up
        w = Writer()
        w.put(0, f"/* Generated by tools/decode.py from the tables of src/isa/{isa}: see there. */")
        w.put(0, f"#ifndef ISA_{up}_DECODE_H\n#define ISA_{up}_DECODE_H\n")
        w.put(0, '#include "base/base.h"\n#include "isa/insn.h"')
        for name in self.t.includes:
            w.put(0, f"#include {name}")
        w.put(0, f"\nstruct {isa}_ctx;\n")
        signed = {f.operand.arg for i in self.t.insns for f in i.fields.values() if f.signed()}
        args = {fmt.struct: fmt.args for fmt in self.t.formats.values()}
        for struct in sorted({i.struct for i in self.t.insns}):
            w.put(0, f"struct {isa}_arg_{struct.lower()} {{")
            for arg in args[struct]:
                w.put(1, f"{'s32' if arg in signed else 'u32'} {arg};")
            if not args[struct]:
                w.put(1, "u8 unused;")
            w.put(0, "};\n")
        w.put(0, f"enum {isa}_insn {{")
        w.put(1, f"{up}_INSN_NONE,")
        for insn in self.t.insns:
            w.put(1, f"{self.ident(insn)},")
        w.put(1, f"{up}_INSN_COUNT\n}};\n")
        w.put(0, f"enum {isa}_operand_kind {{")
        for n, kind in enumerate(self.kinds()):
            w.put(1, f"{up}_OPERAND_{kind.upper()} = {n},")
        w.put(0, "};\n")
        for name, length, _ in self.decoders():
            w.put(0, f"enum {isa}_insn {name}(const u64 *ext, {c_type(length)} insn);")
        w.put(0, f"bool {isa}_translate(struct {isa}_ctx *ctx, enum {isa}_insn id, u64 insn);")
        w.put(0, f"extern const struct insn_set {isa}_insn_set;\n")
        w.put(0, "/* The meanings, trans_*.c. False: an illegal instruction; nothing may have been built then. */")
        done = {}
        for insn in self.t.insns:
            if done.setdefault(insn.function, insn.struct) != insn.struct:
                insn.fail(f"{insn.function} is called with arguments {insn.struct} and {done[insn.function]}")
        for function, struct in done.items():
            w.put(0, f"bool {isa}_trans_{function}(struct {isa}_ctx *ctx, "
                     f"const struct {isa}_arg_{struct.lower()} *a);")
        w.put(0, "\n#endif")
        return w.text()

    def kinds(self):
        extra = []
        for op in self.t.operands.values():
            if op.kind not in BUILTIN_KINDS and op.kind not in extra:
                extra.append(op.kind)
        return BUILTIN_KINDS + extra

    def source(self):
        isa = self.isa
        w = Writer()
        w.put(0, f"/* Generated by tools/decode.py from the tables of src/isa/{isa}: see there. */")
        w.put(0, f'#include "isa/{isa}_decode.h"\n')
        w.put(0, "static inline bool has(const u64 *ext, unsigned n)\n{")
        w.put(1, "return ext[n / 64] >> (n % 64) & 1;\n}\n")
        for name, length, insns in self.decoders():
            w.put(0, f"enum {isa}_insn {name}(const u64 *ext, {c_type(length)} insn)\n{{")
            self.emit_tree(w, 1, insns, 0)
            w.put(1, f"return {self.up}_INSN_NONE;\n}}\n")
        self.emit_translate(w)
        self.emit_tables(w)
        return w.text()

    def emit_translate(self, w):
        isa = self.isa
        w.put(0, f"bool {isa}_translate(struct {isa}_ctx *ctx, enum {isa}_insn id, u64 insn)\n{{")
        w.put(1, "switch (id) {")
        groups = {}  # lines that do the same are one case
        for insn in self.t.insns:
            key = (insn.function, insn.struct, tuple(insn.values))
            groups.setdefault(key, []).append(insn)
        for (function, struct, values), insns in groups.items():
            for insn in insns:
                w.put(1, f"case {self.ident(insn)}:")
            w.put(2, f"return {isa}_trans_{function}(ctx, &(struct {isa}_arg_{struct.lower()}){{")
            for arg, text in values:
                w.put(3, f".{arg} = {text},")
            w.put(2, "});")
        w.put(1, "default:")
        w.put(2, "return false;")
        w.put(1, "}\n}\n")

    def emit_tables(self, w):
        isa, kinds = self.isa, self.kinds()
        index, rows = {}, []
        for insn in self.t.insns:
            for field in insn.fields.values():
                if field.key() not in index:
                    index[field.key()] = len(rows)
                    rows.append(field)
        w.put(0, "static const struct insn_operand operands[] = {")
        for f in rows:
            pieces = ", ".join(f"{{{p}, {n}, {at}}}" for p, n, at in f.pieces)
            w.put(1, f'{{"{f.operand.arg}", {kinds.index(f.operand.kind)}, {int(f.signed())}, {f.bits()}, '
                     f"{f.operand.bias}, {len(f.pieces)}, {{{pieces}}}}},")
        w.put(0, "};\n\nstatic const struct insn_desc insns[] = {")
        w.put(1, '{"(none)"},')
        for insn in self.t.insns:
            ops = ", ".join(str(index[f.key()]) for f in insn.fields.values())
            need = "|".join("&".join(alt) for alt in insn.condition)
            w.put(1, f'{{"{insn.name.split("/")[0]}", "{insn.format.syntax}", "{need}", "{insn.mode or ""}", "{insn.format.name}",')
            w.put(1, f" {hexu(insn.match, 64)}, {hexu(insn.mask, 64)}, {insn.length // 8}, "
                     f'{len(insn.fields)}, {{{ops}}}, "{insn.group}"}},')
        w.put(0, "};\n")
        w.put(0, f"const struct insn_set {isa}_insn_set = {{")
        w.put(1, ".insns = insns, .count = ARRAY_SIZE(insns), .operands = operands,")
        w.put(0, "};")


def order(insns):
    """The lines in the order in which they must be tried: those with over= before what they name."""
    out, rest = [], list(insns)
    while rest:
        free = [i for i in rest if not any(i.name in j.over for j in rest)]
        if not free:
            rest[0].fail("over= goes round in a circle")
        out += free
        rest = [i for i in rest if i not in free]
    return out


def c_type(length):
    return "u64" if length > 32 else "u32"


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    isa, out_h, out_c = sys.argv[1:4]
    tables = Tables(isa)
    try:
        tables.load(sys.argv[4:])
        decoder = Decoder(tables)
        header, source = decoder.header(), decoder.source()
    except TableError as e:
        sys.exit(str(e))
    for path, text in ((out_h, header), (out_c, source)):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
