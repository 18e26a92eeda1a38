"""Random instructions from the tables of encodings (src/isa/riscv/*.decode), as blocks of straight and looping code.

A block begins and ends with nothing but random registers and memory (runtime.c), so each stands alone: what follows
from a block depends on its bytes and on its number only. It leaves by `jr tp`.

Registers that a block never writes, because they lead somewhere:
    sp  the private memory's begin         s1  its middle, where two pages meet     t6  not far from there, odd
    gp  the runtime's state                tp  the way back                         t5  counts loops
Everything else is fair game. What has no defined or no comparable result is not made: traps, privileged
instructions, counters, sc without its lr, reserved rounding modes.
"""

import glob
import importlib.util
import os
import random

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
MEMORY, HALF = 512, 256         # bytes of private memory (runtime.c: MEMORY)
SP, GP, TP, BASE, COUNT, ODD = 2, 3, 4, 9, 30, 31
KEPT = {SP, GP, TP, BASE, COUNT, ODD}
FREE = [n for n in range(1, 32) if n not in KEPT]
FREE_LOW = [n for n in range(8, 16) if n not in KEPT]
JR_TP = 0x8202
FFLAGS, FRM, FCSR = 1, 2, 3

# What ends a program, changes mode, waits, or differs from one implementation to the next.
NEVER = {'ecall', 'ebreak', 'c.ebreak', 'sret', 'mret', 'wfi', 'sfence.vma', 'sinval.vma', 'sfence.w.inval',
         'sfence.inval.ir', 'wrs.nto', 'wrs.sto', 'cbo.inval', 'c.addi16sp'}
# Made by functions of their own, with what belongs to them.
SPECIAL = {'jalr', 'c.jr', 'c.jalr', 'lr.w', 'lr.d', 'sc.w', 'sc.d'}


def load_tables():
    spec = importlib.util.spec_from_file_location('decode', os.path.join(ROOT, 'tools/decode.py'))
    decode = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decode)
    tables = decode.Tables('riscv')
    tables.load(sorted(glob.glob(os.path.join(ROOT, 'src/isa/riscv/*.decode'))))
    return tables


def put_field(insn, field, value):
    """insn with the operand's encoded value (bias taken off) in its place."""
    for pos, width, at in field.pieces:
        insn = insn & ~(((1 << width) - 1) << pos) | (value >> at & ((1 << width) - 1)) << pos
    return insn


class Item:
    """One instruction: its bits, and the field that says how far it jumps, if it does."""

    def __init__(self, line, bits, offset=None):
        self.line, self.bits, self.offset = line, bits, offset
        self.size = line.length // 8


# What the peer computes against the manual; tests/isa has these by tables. fround.h of a NaN takes accrued flags
# back (an instruction can only set them: "Floating-Point Control and Status Register").
PEER_IS_WRONG = {'fround.h', 'froundnx.h'}


class Generator:
    def __init__(self, tables, xlen, seed, without=()):
        self.xlen, self.random = xlen, random.Random(seed)
        self.lines = {}
        for line in tables.insns:
            if line.name in PEER_IS_WRONG:
                continue
            if line.mode in (None, f'rv{xlen}') and not self.lacks(line, set(without)):
                self.lines.setdefault(line.name, line)
        names = sorted(set(self.lines) - NEVER - SPECIAL)
        self.names = [name for name in names if not self.is_jump(self.lines[name])]
        self.jumps = [name for name in names if self.is_jump(self.lines[name])]
        self.floats = [name for name in self.names if 'fmt' in self.lines[name].format.args]

    @staticmethod
    def lacks(line, without):
        return bool(line.condition) and all(without.intersection(needs) for needs in line.condition)

    @staticmethod
    def is_jump(line):
        return 'off' in line.fields

    # ---- One instruction ------------------------------------------------------------------------------------------

    def encode(self, name, **operands):
        """The named line with these operands; others are random."""
        line = self.lines[name]
        bits = line.match
        offset = None
        for field in line.fields.values():
            operand = field.operand
            if operand.name == 'off':
                offset = field
                continue
            if operand.arg in operands:
                value = operands[operand.arg]
            else:
                value = self.value(line, field)
            bits = put_field(bits, field, value - operand.bias)
        return Item(line, bits, offset)

    def value(self, line, field):
        """A value for an operand, as far as it can be chosen without knowing the others."""
        operand = field.operand
        places = sum(((1 << width) - 1) << at for _, width, at in field.pieces)
        for _ in range(100):
            value = (self.any_value(line, operand, field) - operand.bias & places) + operand.bias
            if (operand.name, value) not in line.unequal:
                return value
        raise RuntimeError(f'{line.name}: no value for {operand.name}')

    def any_value(self, line, operand, field):
        choice = self.random.choice
        low = operand.name.endswith("'")
        if operand.kind == 'x':
            if operand.arg == 'rd':
                return choice(FREE_LOW if low else FREE)
            return self.random.randrange(8, 16) if low else self.random.randrange(32)
        if operand.kind == 'f':
            return self.random.randrange(8, 16) if low else self.random.randrange(32)
        if operand.kind == 'rm':
            return choice((0, 1, 2, 3, 4, 7, 7, 7))
        bits = field.bits()
        if choice((False, False, True)):
            return choice((0, 1, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1)) + operand.bias
        return self.random.getrandbits(bits) + operand.bias

    def instruction(self, name):
        """Items for the named line: itself, with what it needs."""
        line = self.lines[name]
        special = {'Load': self.access, 'Store': self.access, 'Fload': self.access, 'Fstore': self.access,
                   'Amo': self.atomic, 'Cas': self.atomic, 'Cbo': self.block, 'Csr': self.csr, 'Csri': self.csr,
                   'Cl': self.short_access, 'Cs': self.short_access, 'Cfl': self.short_access,
                   'Cfs': self.short_access, 'Clsp': self.stack_access, 'Cssp': self.stack_access,
                   'Cflsp': self.stack_access, 'Cfssp': self.stack_access}.get(line.format.name)
        if name.startswith('froundnx'):
            special = self.round_used
        return special(name) if special else [self.encode(name)]

    def access(self, name):
        """At any alignment around the place where two pages meet."""
        return [self.encode(name, rs1=self.random.choice((BASE, ODD)), imm=self.random.randrange(-HALF + 16, HALF - 24))]

    def short_access(self, name):
        return [self.encode(name, rs1=BASE)]        # at most 124 resp. 248 on from the middle

    def stack_access(self, name):
        field = self.lines[name].fields['uimm']
        top = sum(((1 << width) - 1) << at for _, width, at in field.pieces)
        return [self.encode(name, uimm=self.random.randrange(MEMORY - 8) & top)]

    def atomic(self, name):
        """At the middle, aligned; a pair's registers are even, and what is compared may well be equal."""
        operands = {'rs1': BASE}
        if self.lines[name].target == 'amocas_pair':
            operands.update(rd=self.random.choice((6, 10, 12, 14, 22)), rs2=self.random.choice((0, 8, 10, 16, 26)))
        items = [self.encode(name, **operands)]
        if name.startswith('amocas') and self.random.random() < 0.5:
            wide = self.lines[name].target == 'amocas_pair'
            load = 'lw' if self.xlen == 32 or name == 'amocas.w' else 'ld'
            rd = self.lines[name].fields['rd'].value(items[0].bits)
            items.insert(0, self.encode(load, rd=rd, rs1=BASE, imm=0))
            if wide:
                items.insert(0, self.encode(load, rd=rd + 1, rs1=BASE, imm=self.xlen // 8))
        return items

    def round_used(self, name):
        """The peer takes froundnx for free of side effects, and drops its flags where nothing uses its result."""
        item = self.encode(name)
        used = item.line.fields['fd'].value(item.bits)
        return [item, self.encode('fsd', fs2=used, rs1=BASE, imm=self.random.randrange(-HALF, 0))]

    def block(self, name):
        return [self.encode(name, rs1=self.random.choice((BASE, SP)))]

    def csr(self, name):
        """The float CSRs, so that frm never becomes a reserved mode."""
        number = self.random.choice((FFLAGS, FRM, FCSR))
        if name in ('csrrw', 'csrrs') and number != FFLAGS:
            return [self.encode('csrrs', csr=number, rs1=0)]
        if name in ('csrrwi', 'csrrsi') and number == FRM:
            return [self.encode('csrrwi', csr=FRM, uimm=self.random.randrange(5))]
        return [self.encode(name, csr=number)]

    def reserve(self):
        """lr, what the manual allows in between, sc."""
        width = self.random.choice(['w', 'd'] if self.xlen == 64 else ['w'])
        between = [self.encode(self.random.choice(('addi', 'xor', 'sltu')))
                   for _ in range(self.random.randrange(3))]
        return [self.encode('lr.' + width, rs1=BASE), *between, self.encode('sc.' + width, rs1=BASE)]

    # ---- Jumps -----------------------------------------------------------------------------------------------------

    @staticmethod
    def set_target(items, at, target):
        """Points the jump at items[at] to items[target]; target may be len(items)."""
        low, high = sorted((at, target))
        distance = sum(item.size for item in items[low:high])
        item = items[at]
        item.bits = put_field(item.bits, item.offset, distance if target > at else -distance)

    def skip(self):
        """A jump or branch over a few instructions."""
        items = [self.encode(self.random.choice(self.jumps))]
        for _ in range(self.random.randrange(4)):
            items += self.instruction(self.random.choice(self.names))
        self.set_target(items, 0, len(items))
        return items

    def indirect(self):
        """An address made, and a jump there; the lowest bit of jalr's sum is dropped."""
        register = self.random.choice([r for r in FREE if r not in (1, 5)])
        name = self.random.choice(sorted({'jalr', 'c.jr', 'c.jalr'}.intersection(self.lines)))
        over = [item for _ in range(self.random.randrange(3))
                for item in self.instruction(self.random.choice(self.names))]
        size = 8 + self.lines[name].length // 8 + sum(item.size for item in over)
        lead = [self.encode('auipc', rd=register, hi20=0)]
        if name == 'jalr':
            part = self.random.randrange(-1000, 1000)
            lead += [self.encode('addi', rd=register, rs1=register, imm=size - part),
                     self.encode('jalr', rs1=register, imm=part | self.random.randrange(2) * (part % 2 == 0))]
            if part % 2:        # the sum is even only without it
                lead[1] = self.encode('addi', rd=register, rs1=register, imm=size - part + 1)
        else:
            lead += [self.encode('addi', rd=register, rs1=register, imm=size), self.encode(name, rs1=register)]
        return lead + over

    def loop(self):
        """Some instructions a few times, counted in t5."""
        body = [item for _ in range(self.random.randrange(1, 8))
                for item in self.instruction(self.random.choice(self.names))]
        items = [self.encode('addi', rd=COUNT, rs1=0, imm=self.random.randrange(1, 6)), *body,
                 self.encode('addi', rd=COUNT, rs1=COUNT, imm=-1), self.encode('bne', rs1=COUNT, rs2=0)]
        self.set_target(items, len(items) - 1, 1)
        return items

    def stack_moves(self):
        """c.addi16sp there and back."""
        if 'c.addi16sp' not in self.lines:
            return []
        step = self.random.randrange(1, 31) * 16
        return [self.encode('c.addi16sp', imm=step), self.encode('c.addi16sp', imm=-step)]

    # ---- Blocks ----------------------------------------------------------------------------------------------------

    def block_items(self, length):
        items = []
        while len(items) < length:
            kind = self.random.random()
            if kind < 0.06:
                items += self.skip()
            elif kind < 0.08:
                items += self.indirect()
            elif kind < 0.10:
                items += self.loop()
            elif kind < 0.12:
                items += self.reserve()
            elif kind < 0.125:
                items += self.stack_moves()
            elif kind < 0.45 and self.floats:
                items += self.instruction(self.random.choice(self.floats))
            else:
                items += self.instruction(self.random.choice(self.names))
        return items


def assemble(items):
    code = b''.join(item.bits.to_bytes(item.size, 'little') for item in items)
    return code + JR_TP.to_bytes(2, 'little')
