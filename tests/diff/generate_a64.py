"""Random A64 instructions from the tables of encodings (src/isa/arm/a64_*.decode), as blocks of straight and looping code.

As generate.py's blocks: what follows from one depends on its bytes and its number only. It leaves by `br x29`.

Registers that a block never writes, because they lead somewhere:
    sp   the private memory's begin    x28  its middle, where two pages meet    x27  not far from there, odd
    x25  the runtime's state           x29  the way back                        x26  counts loops
What has no defined or no comparable result is not made: exceptions, system registers, authentication codes (keys differ),
exclusive stores without their loads, what the manual calls CONSTRAINED UNPREDICTABLE.
"""

import glob
import importlib.util
import os
import random
import subprocess
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
STATE, COUNT, ODD, BASE, BACK = 25, 26, 27, 28, 29
KEPT = {STATE, COUNT, ODD, BASE, BACK}
FREE = [n for n in range(31) if n not in KEPT]
BR_BACK = 0xd61f03a0
POOL = 24     # encodings of each line to choose from
GENERAL = {'r', 'x', 'w', 'q', 'r30', 'rext', 'xsp', 'rsp', 'pair30'}

FLAGS = {'cfinv', 'xaflag', 'axflag'}
MSR_NZCV, MRS_NZCV = 0xd51b4200, 0xd53b4200
MSR_FPSR, MRS_FPSR = 0xd51b4420, 0xd53b4420

# What qemu-aarch64 7.2 computes otherwise than the manual says: the instruction's name, then mask and bits of its encoding.
PEER_ERRORS = (
    ('fcvtzs/sx', 0x00600000, 0), ('fcvtzu/sx', 0x00600000, 0),     # half precision: the high bits of a single are not 0
    ('fjcvtzs', 0, 0),                                              # Z of a denormal that FPCR.FZ flushes
)


def load_tables():
    spec = importlib.util.spec_from_file_location('decode', os.path.join(ROOT, 'tools/decode.py'))
    decode = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decode)
    tables = decode.Tables('arm')
    tables.load(sorted(glob.glob(os.path.join(ROOT, 'src/isa/arm/*.decode'))))
    return tables


def disassemble(words):
    """The GNU disassembler's line of each."""
    with tempfile.NamedTemporaryFile(prefix='guise-diff.') as code:
        code.write(b''.join(word.to_bytes(4, 'little') for word in words))
        code.flush()
        done = subprocess.run(['aarch64-linux-gnu-objdump', '-D', '-z', '-b', 'binary', '-m', 'aarch64', code.name],
                              check=True, stdout=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.splitlines() if line[:1] == ' ' and ':\t' in line]
    if len(lines) != len(words):
        raise RuntimeError(f'objdump tells {len(lines)} of {len(words)} instructions')
    return lines


def get(bits, pos, width):
    return bits >> pos & ((1 << width) - 1)


def put(bits, pos, width, value):
    mask = (1 << width) - 1
    return bits & ~(mask << pos) | (value & mask) << pos


class Item:
    size = 4

    def __init__(self, bits, name):
        self.bits, self.name = bits, name


def mov(rd, rn):
    return Item(0x91000000 | rn << 5 | rd, 'mov')   # add rd,rn,#0: sp too


def movz(rd, value):
    return Item(0xd2800000 | (value & 0xffff) << 5 | rd, 'movz')


class Generator:
    def __init__(self, tables, seed, without=()):
        self.random = random.Random(seed)
        self.lines = [line for line in tables.insns
                      if line.group == 'a64' and self.is_made(line) and not self.lacks(line, set(without))]
        self.pool = self.make_pool()
        self.lines = [line for line in self.lines if self.pool[line.ident]]
        self.vectors = [line for line in self.lines if self.is_vector(line.match)]
        self.others = [line for line in self.lines if not self.is_vector(line.match)]

    def restrict(self, names):
        """Only lines of these names, of "base" or of "vector"."""
        def wanted(line):
            kind = 'vector' if self.is_vector(line.match) else 'base'
            return kind in names or line.name in names or line.name.split('/')[0] in names
        self.vectors = [line for line in self.vectors if wanted(line)]
        self.others = [line for line in self.others if wanted(line)] or self.others

    @staticmethod
    def lacks(line, without):
        return bool(line.condition) and all(without.intersection(needs) for needs in line.condition)

    @staticmethod
    def is_vector(bits):
        op0 = get(bits, 25, 4)
        return op0 & 7 == 7 or (op0 & 5 == 4 and get(bits, 26, 1))

    @staticmethod
    def is_made(line):
        op0 = get(line.match, 25, 4)
        if any('PAUTH' in needs for needs in line.condition) or line.name == 'udf':
            return False
        return op0 & 14 != 10 or line.name in FLAGS

    # ---- Operands that exist --------------------------------------------------------------------------------------

    def make_pool(self):
        """Encodings of each line that the GNU disassembler takes for defined and predictable."""
        made = [(line, self.fill(line)) for line in self.lines for _ in range(POOL)]
        made = [(line, bits) for line, bits in made
                if not self.is_reserved(line, bits) and not self.peer_errs(line, bits)]
        pool = {line.ident: [] for line in self.lines}
        for (line, bits), text in zip(made, disassemble([bits for _, bits in made])):
            if 'undefined' not in text and 'unpredictable' not in text:
                pool[line.ident].append(bits)
        return pool

    # ---- One instruction ------------------------------------------------------------------------------------------

    def fill(self, line):
        """The line with random operands; registers that are written are free ones."""
        bits = line.match
        for pos in range(32):
            if not line.mask >> pos & 1:
                bits |= self.random.getrandbits(1) << pos
        for field in line.fields.values():
            kind = field.operand.kind
            if kind in GENERAL:
                register = self.random.choice(FREE)
                if kind == 'pair30':
                    register = self.random.randrange(12) * 2
                elif kind not in ('xsp', 'rsp') and self.random.random() < 0.08:
                    register = 31
                bits = self.put_field(bits, field, register)
            elif self.random.random() < 0.25 and field.operand.kind != 'v':
                width = field.bits()
                corner = (0, 1, (1 << width) - 1, 1 << (width - 1), (1 << (width - 1)) - 1)
                bits = self.put_field(bits, field, self.random.choice(corner))
        return bits

    @staticmethod
    def put_field(bits, field, value):
        for pos, width, at in field.pieces:
            bits = put(bits, pos, width, value >> at)
        return bits

    @staticmethod
    def is_reserved(line, bits):
        return any(line.fields[name].value(bits) == value for name, value in line.unequal)

    @staticmethod
    def peer_errs(line, bits):
        return any(line.name == name and bits & mask == value for name, mask, value in PEER_ERRORS)

    def instruction(self, line):
        """Items for the line: itself, with what it needs; none if these operands are nothing to compare."""
        for _ in range(20):
            bits = self.random.choice(self.pool[line.ident])
            items = self.access(line, bits) if get(bits, 25, 4) & 5 == 4 else [Item(bits, line.name)]
            if items:
                return items
        return []

    def scratch(self, *taken):
        return self.random.choice([n for n in FREE if n not in taken])

    def at(self, items, bits, register):
        """The access by that base."""
        items.append(Item(put(bits, 5, 5, register), self.name))
        return items

    def access(self, line, bits):
        self.name = line.name
        group, vector = get(bits, 24, 6), get(bits, 26, 1)
        place = self.random.choice((BASE, ODD, 31))
        if group == 0x08:
            return self.exclusive(bits)
        if group in (0x18, 0x1c):
            return [Item(put(bits, 5, 19, self.random.randrange(8)), line.name)]
        if group in (0x28, 0x29, 0x2c, 0x2d):
            bits = put(bits, 15, 7, self.random.randrange(-8, 8))
            if get(bits, 22, 1) and get(bits, 0, 5) == get(bits, 10, 5):
                return []       # both loads to one register
            return self.moving(bits, place, get(bits, 23, 1))
        if group in (0x0c, 0x0d):
            return self.moving(bits, place, get(bits, 23, 1))
        if group == 0x19 and not vector:
            return [] if get(bits, 10, 2) else self.at([], put(bits, 12, 9, self.random.randrange(-4, 4) * 16), BASE)
        if group in (0x38, 0x39, 0x3c, 0x3d):
            return self.single(bits, place)
        return []

    def single(self, bits, place):
        if get(bits, 24, 1):
            return self.at([], put(bits, 10, 12, self.random.randrange(16)), place)
        mode = get(bits, 10, 2)
        if not get(bits, 21, 1):
            return self.moving(bits, BASE if place == 31 else place, mode & 1)
        if mode == 2:
            index = self.scratch()
            items = [movz(index, self.random.randrange(16))]
            return self.at(items, put(bits, 16, 5, index), place)
        return self.at([], bits, BASE) if mode == 0 else []     # atomics

    def moving(self, bits, place, moves):
        if not moves:
            return self.at([], bits, place)
        base = self.scratch(get(bits, 0, 5), get(bits, 10, 5), get(bits, 16, 5))
        return self.at([mov(base, place)], bits, base)

    def exclusive(self, bits):
        """At the middle, aligned. A pair that is compared may well be equal."""
        if not get(bits, 23, 1) and not (get(bits, 21, 1) and not get(bits, 31, 1)):
            return []           # exclusives: reserve()
        items = []
        if get(bits, 21, 1) and self.random.random() < 0.5:
            rs = get(bits, 16, 5)
            load = 0xf9400000 | BASE << 5
            if rs != 31:
                items.append(Item(load | rs, 'ldr'))
            if not get(bits, 23, 1):
                items.append(Item(load | 1 << 10 | rs + 1, 'ldr'))
        return self.at(items, bits, BASE)

    # ---- Several --------------------------------------------------------------------------------------------------

    def reserve(self):
        """An exclusive load, computation, the store."""
        size, pair, order = self.random.randrange(4), self.random.random() < 0.3, self.random.getrandbits(2)
        size |= 2 if pair else 0
        rt, rt2, rs = self.random.sample(FREE, 3)
        head = size << 30 | 0x08000000 | BASE << 5 | (pair << 21)
        load = head | 1 << 22 | 31 << 16 | (order & 1) << 15 | (rt2 if pair else 31) << 10 | rt
        between = [item for _ in range(self.random.randrange(3)) for item in self.compute()]
        data, data2 = self.random.sample([n for n in FREE if n != rs], 2)
        store = head | rs << 16 | (order >> 1) << 15 | (data2 if pair else 31) << 10 | data
        return [Item(load, 'ldxr'), *between, Item(store, 'stxr')]

    def compute(self):
        while True:
            line = self.random.choice(self.others)
            if get(line.match, 25, 4) & 5 != 4:
                return self.instruction(line)

    def some(self, count):
        return [item for _ in range(count) for item in self.any_instruction()]

    def any_instruction(self):
        if self.vectors and self.random.random() < 0.4:
            return self.instruction(self.random.choice(self.vectors))
        return self.instruction(self.random.choice(self.others))

    def branch(self, distance):
        """A conditional branch so many instructions on."""
        register = self.random.choice(FREE)
        kind = self.random.randrange(4)
        if kind == 0:
            return Item(put(0x54000000 | self.random.randrange(16), 5, 19, distance), 'b.cond')
        if kind == 1:
            return Item(put(0x34000000 | self.random.getrandbits(1) << 31 | self.random.getrandbits(1) << 24 | register,
                            5, 19, distance), 'cbz')
        if kind == 2:
            return Item(put(0x36000000 | self.random.getrandbits(1) << 31 | self.random.getrandbits(6) << 19 | register,
                            5, 14, distance), 'tbz')
        return Item(put(0x14000000 | self.random.getrandbits(1) << 31, 0, 26, distance), 'b')

    def skip(self):
        over = self.some(self.random.randrange(4))
        return [self.branch(len(over) + 1), *over]

    def indirect(self):
        """An address made, and a jump there."""
        over = self.some(self.random.randrange(3))
        register = self.scratch(30)
        kind = self.random.choice((0xd61f0000, 0xd63f0000, 0xd65f0000))
        lead = [Item(0x10000000 | ((len(over) + 2) & 0x7ffff) << 5 | register, 'adr')]
        return [*lead, Item(kind | register << 5, 'br'), *over]

    def loop(self):
        """Some instructions a few times, counted in x26."""
        body = self.some(self.random.randrange(1, 8))
        count = [movz(COUNT, self.random.randrange(1, 6))]
        step = [Item(0xd1000400 | COUNT << 5 | COUNT, 'sub'), Item(put(0xb5000000 | COUNT, 5, 19, -(len(body) + 1)), 'cbnz')]
        return [*count, *body, *step]

    def flags(self):
        register = self.random.choice(FREE)
        which = self.random.choice((MSR_NZCV, MRS_NZCV, MRS_NZCV, MRS_FPSR))
        return [Item(which | register, 'mrs')]

    def block_items(self, length):
        items = []
        while len(items) < length:
            kind = self.random.random()
            if kind < 0.07:
                items += self.skip()
            elif kind < 0.09:
                items += self.indirect()
            elif kind < 0.11:
                items += self.loop()
            elif kind < 0.12:
                items += self.reserve()
            elif kind < 0.13:
                items += self.flags()
            else:
                items += self.any_instruction()
        return items


def assemble(items):
    return b''.join(item.bits.to_bytes(4, 'little') for item in items) + BR_BACK.to_bytes(4, 'little')
