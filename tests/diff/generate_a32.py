"""Random A32 and T32 instructions from the tables of encodings (src/isa/arm/[at]32_*.decode), as blocks of straight and looping
code.

As generate_a64.py's blocks. A block leaves by `bx r12`. Registers that a block never writes, but for what is put right behind:
    sp   the private memory's middle, where two pages meet    r11  not far from there, odd
    r10  the runtime's state                                  r12  the way back                r9   counts loops
What has no defined or no comparable result is not made: exceptions, system registers, exclusive stores without their loads,
what the manual calls UNPREDICTABLE.
"""

import random
import re
import subprocess
import tempfile

from generate_a64 import get, load_tables, put     # noqa: F401

CROSS = 'arm-linux-gnueabihf-'
COUNT, STATE, ODD, BACK, BASE, LINK, PC = 9, 10, 11, 12, 13, 14, 15
FREE = [0, 1, 2, 3, 4, 5, 6, 7, 8, LINK]
LOW = [n for n in FREE if n < 8]
POOL = 24     # encodings of each line to choose from

# The sets of lines that are instructions of each, and the files with what is taken one by one.
GROUPS = {'a32': ('a32', 'a32u'), 't32': ('t32',)}
FILES = {'data', 'ldst', 'mul', 'media', 'uncond',
         'vfp', 'vfp_move', 'vfp_uncond', 'simd', 'simd_two', 'simd_new', 'simd_mem'}
# Formats that other parts of a block make, or that are not comparable.
SPECIAL = {'Aldrex', 'Astrex', 'Ablx', 'Abranch', 'Abx', 'Acond', 'Tbcond', 'Tcbz', 'Ttb', 'Tit'}
REGISTERS = {'g', 'gback'}
WRITTEN = {'Rd', 'Rt', 'Rt2', 'RdLo', 'RdHi'}
# Operands that may well be r13 or r15.
SOURCES = {'Rn', 'Rm'}

# What qemu-arm 7.2 computes otherwise than the manual says: set, the instruction's name, then mask and bits of its encoding.
PEER_ERRORS = (
    ('a32', 'vjcvt', 0, 0), ('t32', 'vjcvt', 0, 0),     # Z of a denormal that FPSCR.FZ flushes
)

APSR = {'a32': (0xe10f0000, 12, 0xe12cf000, 0), 't32': (0xf3ef8000, 8, 0xf3808c00, 16)}    # mrs rN,apsr; msr apsr_nzcvqg,rN
# Not to be in IT blocks, or not before other of them.
OUTSIDE_IT = re.compile(r'crc32|movs/reg|vsel|v(max|min)nm|vrint[anpm]/|vcvt[anpm]/|aes|sha|vcmla|vcadd|v(us|s|u|su)?dot|v[us]*mmla'
                        r'|vfma[blt]|vfmsl|vins|vmovx')
WRONG = re.compile(r'undefined|unpredictable|invalid|illegal|\.word|\.inst|\.short', re.I)


def disassemble(thumb, words):
    """The GNU disassembler's line of each (bits, size)."""
    with tempfile.NamedTemporaryFile(prefix='guise-diff.') as code:
        code.write(b''.join(encode(thumb, bits, size) for bits, size in words))
        code.flush()
        done = subprocess.run([CROSS + 'objdump', '-D', '-z', '-b', 'binary', '-m', 'arm',
                               *(['-M', 'force-thumb'] if thumb else []), code.name],
                              check=True, stdout=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.splitlines() if line[:1] == ' ' and ':\t' in line]
    if len(lines) != len(words):
        raise RuntimeError(f'objdump tells {len(lines)} of {len(words)} instructions')
    return lines


def encode(thumb, bits, size):
    if thumb and size == 4:
        return (bits >> 16).to_bytes(2, 'little') + (bits & 0xffff).to_bytes(2, 'little')
    return bits.to_bytes(size, 'little')


class Item:
    def __init__(self, bits, name, size=4):
        self.bits, self.name, self.size = bits, name, size
        self.ends = False       # what comes after it does not depend on its being there


class Generator:
    def __init__(self, tables, seed, isa, without=()):
        self.random = random.Random(seed)
        self.isa, self.thumb = isa, isa == 't32'
        self.lines = [line for line in tables.insns
                      if line.group in GROUPS[isa] and self.is_made(line) and not self.lacks(line, set(without))]
        self.pool = self.make_pool()
        self.lines = [line for line in self.lines if self.pool[line.ident]]
        self.vectors = [line for line in self.lines if self.is_vector(line)]
        self.others = [line for line in self.lines if not self.is_vector(line)]
        self.accesses = [line for line in self.lines if self.file_of(line) == 'ldst']

    def restrict(self, names):
        """Only lines of these names, of "base" or of "vector"."""
        def wanted(line):
            kind = 'vector' if self.is_vector(line) else 'base'
            return kind in names or line.name in names or line.name.split('/')[0] in names
        self.vectors = [line for line in self.vectors if wanted(line)]
        self.others = [line for line in self.others if wanted(line)] or self.others

    @staticmethod
    def lacks(line, without):
        return bool(line.condition) and all(without.intersection(needs) for needs in line.condition)

    @staticmethod
    def file_of(line):
        """data of a32_data.decode."""
        return re.search(r'[at]32_(\w+)\.decode', line.where).group(1)

    def is_vector(self, line):
        return self.file_of(line).startswith(('vfp', 'simd'))

    def is_made(self, line):
        return self.file_of(line) in FILES and line.format.struct not in SPECIAL and line.function != 'clrex'

    # ---- Operands that exist --------------------------------------------------------------------------------------

    def make_pool(self):
        """Encodings of each line that the GNU disassembler takes for defined and predictable."""
        made = [(line, self.fill(line)) for line in self.lines for _ in range(POOL)]
        made = [(line, bits) for line, bits in made if self.exists(line, bits) and not self.peer_errs(line, bits)]
        pool = {line.ident: [] for line in self.lines}
        texts = disassemble(self.thumb, [(bits, line.length // 8) for line, bits in made])
        for (line, bits), text in zip(made, texts):
            if not WRONG.search(text):
                pool[line.ident].append(bits)
        return pool

    def values(self, line, bits):
        """The arguments that the encoding gives."""
        return {field.operand.arg: field.value(bits) for field in line.fields.values()}

    def exists(self, line, bits):
        if any(line.fields[name].value(bits) == value for name, value in line.unequal):
            return False
        v = self.values(line, bits)
        kinds = {field.operand.arg: field.operand.kind for field in line.fields.values()}
        if 'RdLo' in v and v['RdLo'] == v['RdHi'] or 'Rt2' in v and v['Rt2'] == v['Rt']:
            return False
        if 'width' in v and v['lsb'] + v['width'] > 32 or 'msb' in v and v['msb'] < v['lsb']:
            return False
        if self.thumb and 'sat' in v and v.get('shift') == 2:
            return False        # is SSAT16
        if kinds.get('imm12') == 't32imm' and 1 <= v['imm12'] >> 8 <= 3 and not v['imm12'] & 255:
            return False
        return self.vector_exists(line, v)

    @staticmethod
    def vector_exists(line, v):
        """What the GNU disassembler does not mind."""
        struct = line.format.struct
        if struct == 'Wfix':
            return v['imm5'] <= (32 if v['sx'] else 16)
        if struct == 'Wtwo':
            return v['Rd'] != 128 + 31
        if struct == 'Wldm':
            count = v['imm8'] // (1 if line.sets['single'] == '1' else 2)
            return 0 < count <= (32 if line.sets['single'] == '1' else 16) and v['Rd'] % 32 + count <= 32
        if struct == 'Ntbl':
            return (v['list'] & 31) + (v['list'] >> 5) < 32
        if struct == 'Nfix':
            return v['fsz'] or v['imm6'] >= 16
        if struct in ('Nmem', 'Nlane', 'Nall'):
            return Generator.structure_exists(line, v)
        if line.function in ('a32_v_permute', 'a32_v_swap'):
            return v['Rd'] != v['Rn'] and not (v['size'] == 2 and not v['Q'] and line.name != 'vtrn' if 'size' in v else False)
        return True

    @staticmethod
    def structure_exists(line, v):
        get = {name: int(value) for name, value in line.sets.items() if value.isdigit()}
        if line.format.struct == 'Nmem':
            rows = get['regs'] // get['group']
            far = get['regs'] - 1 if rows == get['regs'] else (get['group'] - 1) * get['step'] + rows - 1
            return (v['Rd'] + far < 32 and not (v['align'] & 2 and get['regs'] in (1, 3))
                    and not (v['align'] == 3 and get['regs'] == 2))
        if line.format.struct == 'Nall':
            step = v['T'] + 1
            last = v['Rd'] + (step - 1 if get['count'] == 1 else (get['count'] - 1) * step)
            return (last < 32 and not (get['count'] == 3 and v['al']) and not (get['count'] == 4 and v['size'] == 3 and not v['al'])
                    and not (get['count'] == 1 and v['size'] == 0 and v['al']))
        low = v['ialign'] & ((1 << v['size']) - 1 or 1)
        step = 2 if v['size'] and v['ialign'] >> v['size'] & 1 else 1
        fits = {1: not low if v['size'] == 0 else step == 1 and (v['size'] == 1 or low in (0, 3)), 2: not low & 2, 3: not low,
                4: low != 3}[get['count']]
        return fits and v['Rd'] + (get['count'] - 1) * step < 32

    def is_covered(self, line):
        """Whether blocks are meant to hold it."""
        return line.group in GROUPS[self.isa] and self.file_of(line) in FILES | {'branch', 'misc'} and not self.peer_errs(line, line.match)

    def peer_errs(self, line, bits):
        return any((self.isa, line.name) == (isa, name) and bits & mask == value
                   for isa, name, mask, value in PEER_ERRORS)

    # ---- One instruction ------------------------------------------------------------------------------------------

    def fill(self, line):
        """The line with random operands; registers that are written are free ones."""
        bits = line.match
        for pos in range(line.length):
            if not line.mask >> pos & 1:
                bits |= self.random.getrandbits(1) << pos
        for field in line.fields.values():
            kind, arg, width = field.operand.kind, field.operand.arg, field.bits()
            if line.format.struct in ('Aldrd', 'Aldrdr') and not self.thumb and arg == 'Rt':
                bits = self.put_field(bits, field, self.random.randrange(4) * 2)
            elif kind in ('vfpdlist', 'vfpslist'):
                bits = self.put_field(bits, field, self.random.randrange(1, 33))
            elif kind == 'qreg' or kind == 'nreg' and self.random.random() < 0.7:
                bits = self.put_field(bits, field, self.random.randrange(16) * 2)
            elif kind == 'nbase':
                bits = self.put_field(bits, field, BASE)
            elif kind == 'nstep':
                bits = self.put_field(bits, field, self.random.choice((13, 15, *FREE)))
            elif kind in REGISTERS:
                bits = self.put_field(bits, field, self.register(line, arg, width))
            elif kind == 'acond':
                bits = self.put_field(bits, field, self.random.choice((14, self.random.randrange(15))))
            elif self.random.random() < 0.25:
                corner = (0, 1, (1 << width) - 1, 1 << (width - 1), (1 << (width - 1)) - 1)
                bits = self.put_field(bits, field, self.random.choice(corner))
        return bits

    def register(self, line, arg, width):
        wide = line.length == 32
        fits = line.format.struct in ('AdpImm', 'AdpReg') and wide != self.thumb
        if arg in SOURCES and width == 4 and fits and not (self.thumb and arg == 'Rn') and self.random.random() < 0.1:
            return self.random.choice((BASE, PC))
        return self.random.choice(LOW if width == 3 else FREE)

    @staticmethod
    def put_field(bits, field, value):
        for pos, width, at in field.pieces:
            bits = put(bits, pos, width, value >> at)
        return bits

    def set(self, line, bits, arg, value):
        """The encoding with another value of an operand, in its own bits."""
        for field in line.fields.values():
            if field.operand.arg == arg:
                return self.put_field(bits, field, value)
        return bits

    def item(self, line, bits):
        return Item(bits, line.name, line.length // 8)

    def instruction(self, line):
        """Items for the line: itself, with what it needs; none if these operands are nothing to compare."""
        for _ in range(20):
            bits = self.random.choice(self.pool[line.ident])
            items = self.access(line, bits)
            if items:
                return items
        return []

    def access(self, line, bits):
        struct = line.format.struct
        maker = {'Aldr': self.single, 'Astr': self.single, 'Aldrr': self.indexed, 'Astrr': self.indexed, 'Aldrd': self.single,
                 'Aldrdr': self.indexed, 'Aldm': self.several, 'TldmIn': self.several, 'Alda': self.ordered,
                 'Wldr': self.one_float, 'Wldm': self.several_floats, 'Nmem': self.structure, 'Nlane': self.structure,
                 'Nall': self.structure}.get(struct)
        if maker:
            return maker(line, bits)
        if line.sets.get('Rd') == '13':
            return [self.item(line, bits), self.restore_base()]
        return [self.item(line, bits)]

    # -- Small sequences

    def mov(self, rd, rn):
        if self.thumb:
            return Item(0x4600 | (rd & 8) << 4 | rn << 3 | rd & 7, 'mov', 2)
        return Item(0xe1a00000 | rd << 12 | rn, 'mov')

    def movw(self, rd, value):
        if self.thumb:
            return Item(0xf2400000 | rd << 8 | (value >> 8 & 7) << 12 | value & 255, 'movw')
        return Item(0xe3000000 | rd << 12 | value & 0xfff, 'movw')

    def restore_base(self):
        """ldr sp,[r10,#13*4]"""
        return Item(0xf8dad034 if self.thumb else 0xe59ad034, 'ldr')

    def nop(self, size=4):
        if self.thumb:
            return Item(0xbf00, 'nop', 2) if size == 2 else Item(0xf3af8000, 'nop')
        return Item(0xe1a00000, 'nop')

    def scratch(self, *taken, low=False):
        return self.random.choice([n for n in (LOW if low else FREE) if n not in taken])

    # -- Memory

    def base(self, line, bits, aligned, moves):
        """Items that make the base, and the encoding with it."""
        field = next((f for f in line.fields.values() if f.operand.arg == 'Rn'), None)
        if not field:
            return [], bits     # sp, pc
        place = BASE if aligned else self.random.choice((BASE, ODD))
        v = self.values(line, bits)
        if field.bits() == 3 or moves:
            taken = [v.get(arg) for arg in ('Rt', 'Rt2', 'Rd', 'Rm')] + [v.get('Rt', 0) + 1]
            register = self.scratch(*taken, low=field.bits() == 3)
            return [self.mov(register, place)], self.put_field(bits, field, register)
        return [], self.put_field(bits, field, place)

    @staticmethod
    def moves(line):
        return line.sets.get('index') in ('ARM_INDEX_PRE', 'ARM_INDEX_POST', 'ARM_INDEX_UNPRIV_POST')

    def single(self, line, bits):
        aligned = line.format.struct == 'Aldrd'
        field = next((f for f in line.fields.values() if f.operand.arg == 'ofs'), None)
        add = bits & 1 << next((pos for pos, _, at in field.pieces if at == 12), 0)
        bias = field.operand.bias
        offset = self.random.randrange(0, 240, 4) if aligned else self.random.randrange(240)
        bits = self.put_field(bits, field, offset)
        if not bias:
            bits = bits | add if add else bits
        lead, bits = self.base(line, bits, aligned, self.moves(line))
        return [*lead, self.item(line, bits)]

    def indexed(self, line, bits):
        """The index is small, and its shift leaves it small."""
        v = self.values(line, bits)
        field = next((f for f in line.fields.values() if f.operand.arg == 'shift'), None)
        aligned = line.format.struct == 'Aldrdr'
        if field and field.bits() == 7:
            kind = self.random.randrange(3)
            bits = self.put_field(bits, field, self.random.randrange(5) << 2 if kind == 0
                                  else self.random.randrange(32) << 2 | kind)
        lead, bits = self.base(line, bits, aligned, self.moves(line))
        v = self.values(line, bits)
        index = next(f for f in line.fields.values() if f.operand.arg == 'Rm')
        taken = [v.get('Rn'), *([v.get('Rt'), v.get('Rt', 0) + 1, v.get('Rt2')] if aligned else [])]
        register = self.scratch(*taken, low=index.bits() == 3)
        value = self.random.randrange(0, 16, 4 if aligned else 1)
        return [*lead, self.movw(register, value), self.item(line, self.put_field(bits, index, register))]

    def several(self, line, bits):
        """Free registers, two at least; the base is none of them where it is written back."""
        fields = {field.operand.arg: field for field in line.fields.values()}
        room = sum(((1 << width) - 1) << at for _, width, at in fields['list'].pieces)
        some = [n for n in FREE if room >> n & 1]
        base = fields.get('Rn')
        if base:
            register = self.scratch(low=base.bits() == 3)
            some = [n for n in some if n != register]
            bits = self.put_field(bits, base, register)
        chosen = self.random.sample(some, self.random.randrange(2, len(some) + 1))
        bits = self.put_field(bits, fields['list'], sum(1 << n for n in chosen))
        if base:
            return [self.mov(register, BASE), self.item(line, bits)]
        return [self.item(line, bits), self.restore_base()]

    def ordered(self, line, bits):
        return [self.item(line, self.set(line, bits, 'Rn', BASE))]

    def one_float(self, line, bits):
        field = next(f for f in line.fields.values() if f.operand.arg == 'ofs')
        offset = self.random.randrange(60) | self.random.getrandbits(1) << 8
        return [self.item(line, self.set(line, self.put_field(bits, field, offset), 'Rn', BASE))]

    def several_floats(self, line, bits):
        if 'Rn' in line.sets:
            return [self.item(line, bits), self.restore_base()]
        register = self.scratch()
        return [self.mov(register, BASE), self.item(line, self.set(line, bits, 'Rn', register))]

    def structure(self, line, bits):
        """From where it may say what it is aligned to."""
        v = self.values(line, bits)
        says = v.get('align') or v.get('al') or v.get('ialign', 0) & ((1 << v['size']) - 1 or 1)
        register = self.scratch(v['Rm'])
        place = BASE if says else self.random.choice((BASE, ODD))
        return [self.mov(register, place), self.item(line, self.set(line, bits, 'Rn', register))]

    # ---- Several --------------------------------------------------------------------------------------------------

    def reserve(self):
        """An exclusive load, computation, the store."""
        acquire, release = self.random.getrandbits(1), self.random.getrandbits(1)
        size = self.random.randrange(4)     # bytes, halfwords, words, two of them
        rt, data = self.random.sample((0, 2, 4, 6), 2)
        rd = self.random.choice((8, LINK))
        if not self.thumb:
            size = size - 2 & 3             # in this order from words on
            load = 0xe1900c9f | size << 21 | BASE << 16 | rt << 12 | (2 if acquire else 3) << 8
            store = 0xe1800c90 | size << 21 | BASE << 16 | rd << 12 | (2 if release else 3) << 8 | data
        elif size == 2 and not acquire and not release:
            offset = self.random.randrange(16)
            load = 0xe8500f00 | BASE << 16 | rt << 12 | offset
            store = 0xe8400000 | BASE << 16 | data << 12 | rd << 8 | offset
        else:
            acquire, release = acquire or size == 2, release or size == 2
            second, second_data = (rt + 1, data + 1) if size == 3 else (15, 15)
            load = 0xe8d0000f | BASE << 16 | rt << 12 | second << 8 | (12 if acquire else 4) << 4 | size << 4
            store = 0xe8c00000 | BASE << 16 | data << 12 | second_data << 8 | (12 if release else 4) << 4 | size << 4 | rd
        between = [item for _ in range(self.random.randrange(3)) for item in self.compute()]
        return [Item(load, 'ldrex'), *between, Item(store, 'strex')]

    def compute(self):
        """Something that is no access of memory."""
        while True:
            line = self.random.choice(self.others)
            if self.file_of(line) != 'ldst':
                return self.instruction(line)

    def some(self, count):
        return [item for _ in range(count) for item in self.any_instruction()]

    def any_instruction(self):
        if self.vectors and self.random.random() < 0.4:
            return self.instruction(self.random.choice(self.vectors))
        return self.instruction(self.random.choice(self.others))

    def branch(self, distance, cond, wide=False):
        """So many bytes behind its own end."""
        if not self.thumb:
            return Item(put(0x0a000000 | cond << 28, 0, 24, (distance - 4) >> 2), 'b')
        narrow = not wide and self.random.random() < 0.5 and distance < 200
        ahead = distance - 2 if narrow else distance
        if narrow and cond != 14:
            return Item(0xd000 | cond << 8 | ahead >> 1 & 255, 'b', 2)
        if narrow:
            return Item(0xe000 | ahead >> 1 & 0x7ff, 'b', 2)
        if cond != 14:
            sign = ahead < 0
            return Item(0xf0008000 | sign << 26 | cond << 22 | (ahead >> 12 & 63) << 16 | sign << 13 | sign << 11
                        | ahead >> 1 & 0x7ff, 'b')
        sign = ahead < 0
        link = self.random.getrandbits(1) << 14
        return Item(0xf000b800 | link | sign << 26 | (ahead >> 12 & 0x3ff) << 16 | ahead >> 1 & 0x7ff, 'b')

    @staticmethod
    def size(items):
        return sum(item.size for item in items)

    def skip(self):
        over = self.some(self.random.randrange(4))
        if self.thumb and self.random.random() < 0.3:
            if self.size(over) + 2 <= 128:
                ahead = self.size(over) - 2
                if ahead >= 0:
                    register = self.random.choice(LOW)
                    return [Item(0xb100 | self.random.getrandbits(1) << 11 | (ahead >> 6 & 1) << 9 | (ahead >> 1 & 31) << 3
                                 | register, 'cbz', 2), *over]
        if not self.thumb and self.random.random() < 0.2:
            return [Item(0x0b000000 | self.random.randrange(15) << 28 | (self.size(over) - 4) >> 2 & 0xffffff, 'bl'), *over]
        return [self.branch(self.size(over), self.random.randrange(15)), *over]

    def indirect(self):
        """An address made, and a jump there, by any instruction that writes r15."""
        over = self.some(self.random.randrange(3))
        register = self.random.choice(LOW)
        kind = self.random.randrange(6)
        if self.thumb:
            jump = ([Item(0x4700 | register << 3, 'bx', 2)], [Item(0x4780 | register << 3, 'blx', 2)],
                    [Item(0x4687 | register << 3, 'mov', 2)], [Item(0xf3c08f00 | register << 16, 'bxj')],
                    [Item(0xb400 | 1 << register, 'push', 2), Item(0xbd00, 'pop', 2)],
                    [Item(0xf8cd0000 | register << 12, 'str'), Item(0xf8ddf000, 'ldr')])[kind]
            # addw rN,pc,#distance: of the aligned address, which is what a wide nop before settles
            lead = [self.nop(2)] if self.at & 2 else []
            distance = self.size(jump) + self.size(over)
            return [*lead, Item(0xf20f0000 | register << 8 | (distance | 1) & 255 | (distance >> 8 & 7) << 12, 'adr'),
                    *jump, *over]
        jump = ([Item(0xe12fff10 | register, 'bx')], [Item(0xe12fff30 | register, 'blx')], [Item(0xe12fff20 | register, 'bxj')],
                [Item(0xe1a0f000 | register, 'mov')],
                [Item(0xe52d0004 | register << 12, 'push'), Item(0xe49df004, 'pop')],
                [Item(0xe58d0000 | register << 12, 'str'), Item(0xe59df000, 'ldr')])[kind]
        distance = self.size(jump) + self.size(over) - 4
        return [Item(0xe28f0000 | register << 12 | distance if distance < 256 else 0xe28f0f00 | register << 12 | distance >> 2,
                     'adr'), *jump, *over]

    def other_set(self):
        """Into the other instruction set and back."""
        if not self.thumb:
            return [Item(0xfaffffff, 'blx'), Item(0x46c04778, 'bx')]        # blx to the next; bx pc; nop
        # aligned: bx pc, or blx to the next; then, in A32: add lr,pc,#1; bx lr
        lead = [self.nop(2)] if self.at & 2 else []
        there = self.random.choice(([Item(0x4778, 'bx', 2), self.nop(2)], [Item(0xf000e800, 'blx')]))
        return [*lead, *there, Item(0xe001e28f, 'add'), Item(0xff1ee12f, 'bx')]

    def big_endian(self):
        """Accesses between SETEND BE and SETEND LE."""
        inside = []
        for _ in range(self.random.randrange(1, 5)):
            if self.random.random() < 0.2:
                items = self.reserve()
            else:
                items = self.instruction(self.random.choice(self.accesses))
            if not any(item.bits == self.restore_base().bits for item in items):
                inside += items
        big, little, size = (0xb658, 0xb650, 2) if self.thumb else (0xf1010200, 0xf1010000, 4)
        return [Item(big, 'setend', size), *inside, Item(little, 'setend', size)]

    def table(self):
        """A branch by a table of two bytes behind it, or halfwords."""
        register, over = self.random.choice(LOW), self.some(self.random.randrange(3))
        half = self.random.getrandbits(1)
        far = (self.size(over) >> 1) + (2 if half else 1)
        near = 2 if half else 1
        if far > 255:
            return []
        entries = [Item(near, 'data', 2), Item(far, 'data', 2)] if half else [Item(near | far << 8, 'data', 2)]
        return [self.movw(register, self.random.getrandbits(1)), Item(0xe8d0f000 | PC << 16 | half << 4 | register, 'tb'),
                *entries, *over]

    def loop(self):
        """Some instructions a few times, counted in r9."""
        body = self.some(self.random.randrange(1, 8))
        count = [self.movw(COUNT, self.random.randrange(1, 6))]
        step = Item(0xf1b90901 if self.thumb else 0xe2599001, 'subs')
        return [*count, *body, step, self.branch(-(self.size(body) + 8), 1, True)]

    def flags(self):
        register = self.random.choice(FREE)
        read, read_at, write, write_at = APSR[self.isa]
        if self.vectors and self.random.random() < 0.6:
            rt = self.random.choice((PC, register))
            return [Item(0xeef10a10 | rt << 12, 'vmrs')]
        if self.random.random() < 0.5:
            flags = 0xf0004078 | register << 16 | register << 8 if self.thumb else 0xe20004f8 | register << 16 | register << 12
            return [Item(read | register << read_at, 'mrs'), Item(flags, 'and')]
        return [Item(write | register << write_at, 'msr')]

    def it_block(self):
        """Up to four instructions that need nothing before them."""
        cond, count = self.random.randrange(14), self.random.randrange(1, 5)
        mask = 1 << (4 - count)
        for n in range(count - 1):
            mask |= self.random.getrandbits(1) << (3 - n)
        inside = []
        while len(inside) < count:
            items = self.any_instruction()
            if len(items) == 1 and not OUTSIDE_IT.match(items[0].name):
                inside += items
        return [Item(0xbf00 | cond << 4 | mask, 'it', 2), *inside]

    def block_items(self, length):
        items = []
        while len(items) < length:
            self.at = self.size(items)
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
            elif kind < 0.14:
                items += self.other_set()
            elif kind < 0.15:
                items += self.big_endian()
            elif kind < 0.20 and self.thumb:
                items += self.it_block()
            elif kind < 0.21 and self.thumb:
                items += self.table()
            else:
                items += self.any_instruction()
            if items:
                items[-1].ends = True
        return items


def assemble(thumb, items):
    end = (0x4760, 2) if thumb else (0xe12fff1c, 4)     # bx r12
    code = b''.join(encode(thumb, item.bits, item.size) for item in items) + encode(thumb, *end)
    return code + b'\0' * (-len(code) % 4)
