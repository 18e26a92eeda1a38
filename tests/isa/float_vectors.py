"""Floating-point instructions with operands where something happens, and their results by rational arithmetic.

usage: float_vectors.py FOLDER

Writes float_vectors.h, a function's text for each instruction (rv_float.c includes it), and float_vectors.bin, rows of
operands and of what comes of them. Nothing here knows how a machine computes: a result is the exact value, rounded once.
"""

import math
import os
import random
import struct
import sys
from fractions import Fraction

NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16
RNE, RTZ, RDN, RUP, RMM = range(5)
MODES = ('rne', 'rtz', 'rdn', 'rup', 'rmm')


class Format:
    """`code`: its number in the encodings; `places`: bits of the fraction that are stored."""

    def __init__(self, letter, code, width, places):
        self.letter, self.code, self.width, self.places = letter, code, width, places
        self.bias = (1 << (width - places - 2)) - 1
        self.least = 1 - self.bias  # exponent of the least normal number
        self.sign = 1 << (width - 1)
        self.infinity = (2 * self.bias + 1) << places
        self.nan = self.infinity | 1 << (places - 1)
        self.one = self.bias << places

    def box(self, bits):
        return bits | (~0 << self.width & (1 << 64) - 1)

    def is_nan(self, bits):
        return bits & ~self.sign > self.infinity

    def is_signaling(self, bits):
        return self.is_nan(bits) and not bits >> (self.places - 1) & 1

    def is_infinite(self, bits):
        return bits & ~self.sign == self.infinity

    def negative(self, bits):
        return bool(bits & self.sign)

    def value(self, bits):
        exponent, fraction = bits >> self.places & (2 * self.bias + 1), bits & ((1 << self.places) - 1)
        if exponent:
            fraction |= 1 << self.places
        size = fraction * Fraction(2) ** (max(exponent, 1) - self.bias - self.places)
        return -size if self.negative(bits) else size

    def round(self, v, mode, zero_sign=False):
        """Bits and flags of an exact value; the sign is for zero."""
        if v == 0:
            return (self.sign if zero_sign else 0), 0
        negative, size = v < 0, abs(v)
        exponent = size.numerator.bit_length() - size.denominator.bit_length()
        exponent -= size < Fraction(2) ** exponent
        free, _ = to_integer(size / Fraction(2) ** (exponent - self.places), mode, negative)
        tiny = free * Fraction(2) ** (exponent - self.places) < Fraction(2) ** self.least
        unit = max(exponent, self.least) - self.places
        n, inexact = to_integer(size / Fraction(2) ** unit, mode, negative)
        sign = self.sign if negative else 0
        if n >> self.places == 0:
            bits = n
        else:
            if n >> (self.places + 1):
                n, unit = n >> 1, unit + 1
            bits = ((unit + self.places + self.bias) << self.places) + n - (1 << self.places)
        if bits >= self.infinity:
            away = mode in (RNE, RMM) or mode == (RDN if negative else RUP)
            return sign | (self.infinity if away else self.infinity - 1), OF | NX
        return sign | bits, (NX | (UF if tiny else 0)) if inexact else 0


def to_integer(size, mode, negative):
    """A value of zero or more, rounded; whether that changed it."""
    whole, rest = divmod(size.numerator, size.denominator)
    twice = 2 * rest
    above, tie = twice > size.denominator, twice == size.denominator
    up = {RNE: above or tie and whole & 1, RTZ: False, RDN: negative and rest, RUP: not negative and rest,
          RMM: above or tie}[mode]
    return whole + bool(up), rest != 0


H, S, D = Format('h', 2, 16, 10), Format('s', 0, 32, 23), Format('d', 1, 64, 52)
FORMATS = (H, S, D)

# ---- Operations: of a format, a mode and bits, to bits and flags ----


def nan_of(f, *operands):
    return f.nan, NV if any(f.is_signaling(x) for x in operands) else 0


def sum_of(f, mode, a, b):
    """Pairs (infinite, negative, value); infinities of both signs cannot be added."""
    if a[0] or b[0]:
        if a[0] and b[0] and a[1] != b[1]:
            return f.nan, NV
        return f.infinity | (f.sign if (a if a[0] else b)[1] else 0), 0
    return f.round(a[2] + b[2], mode, a[1] if a[1] == b[1] else mode == RDN)


def parts(f, bits, flip=False):
    infinite, negative = f.is_infinite(bits), f.negative(bits) != flip
    return infinite, negative, None if infinite else -f.value(bits) if flip else f.value(bits)


def add(f, mode, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return nan_of(f, a, b)
    return sum_of(f, mode, parts(f, a), parts(f, b))


def sub(f, mode, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return nan_of(f, a, b)
    return sum_of(f, mode, parts(f, a), parts(f, b, True))


def mul(f, mode, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return nan_of(f, a, b)
    negative = f.negative(a) != f.negative(b)
    if f.is_infinite(a) or f.is_infinite(b):
        if not a & ~f.sign or not b & ~f.sign:
            return f.nan, NV
        return f.infinity | (f.sign if negative else 0), 0
    return f.round(f.value(a) * f.value(b), mode, negative)


def div(f, mode, a, b):
    if f.is_nan(a) or f.is_nan(b):
        return nan_of(f, a, b)
    sign = f.sign if f.negative(a) != f.negative(b) else 0
    zero_a, zero_b = not a & ~f.sign, not b & ~f.sign
    if zero_a and zero_b or f.is_infinite(a) and f.is_infinite(b):
        return f.nan, NV
    if f.is_infinite(a):
        return sign | f.infinity, 0
    if zero_b:
        return sign | f.infinity, DZ
    if f.is_infinite(b):
        return sign, 0
    return f.round(f.value(a) / f.value(b), mode, bool(sign))


def sqrt(f, mode, a):
    if f.is_nan(a):
        return nan_of(f, a)
    if not a & ~f.sign or a == f.infinity:
        return a, 0
    if f.negative(a):
        return f.nan, NV
    v = f.value(a)
    shift = 2 * (f.places + f.bias + 8)  # far more bits than the result has; one more tells of the rest
    n = v.numerator * (1 << 2 * shift) // v.denominator
    root = math.isqrt(n)
    return f.round(Fraction(2 * root + (root * root != n), 1 << (shift + 1)), mode)


def fused(negate_product, negate_addend):
    def run(f, mode, a, b, c):
        zero_by_infinity = (f.is_infinite(a) and not b & ~f.sign) or (f.is_infinite(b) and not a & ~f.sign)
        if f.is_nan(a) or f.is_nan(b) or f.is_nan(c):
            bits, flags = nan_of(f, a, b, c)
            return bits, flags | (NV if zero_by_infinity else 0)
        if zero_by_infinity:
            return f.nan, NV
        negative = (f.negative(a) != f.negative(b)) != negate_product
        infinite = f.is_infinite(a) or f.is_infinite(b)
        product = None if infinite else f.value(a) * f.value(b) * (-1 if negate_product else 1)
        return sum_of(f, mode, (infinite, negative, product), parts(f, c, negate_addend))
    return run


def key(f, bits):
    """Orders what is not a NaN, -0 before +0."""
    return -(bits & ~f.sign) - 1 if f.negative(bits) else bits


def extreme(pick, propagates):
    def run(f, _, a, b):
        flags = NV if f.is_signaling(a) or f.is_signaling(b) else 0
        if f.is_nan(a) or f.is_nan(b):
            if propagates or (f.is_nan(a) and f.is_nan(b)):
                return f.nan, flags
            return (b if f.is_nan(a) else a), flags
        return pick(a, b, key=lambda x: key(f, x)), flags
    return run


def compare(holds, quiet):
    def run(f, _, a, b):
        if f.is_nan(a) or f.is_nan(b):
            return 0, NV if not quiet or f.is_signaling(a) or f.is_signaling(b) else 0
        x, y = (0 if not v & ~f.sign else key(f, v) + f.negative(v) for v in (a, b))
        return int(holds(x, y)), 0
    return run


def classify(f, _, a):
    negative, size = f.negative(a), a & ~f.sign
    if f.is_nan(a):
        return 1 << (8 if f.is_signaling(a) else 9), 0
    kind = 0 if size == f.infinity else 1 if size >> f.places else 2 if size else 3
    return 1 << (kind if negative else 7 - kind), 0


def sign_of(rule):
    return lambda f, _, a, b: (a & ~f.sign | (f.sign if rule(f.negative(a), f.negative(b)) else 0), 0)


def extended(v, bits):
    """What a register of 64 bits holds of an integer of `bits`."""
    v &= (1 << bits) - 1
    return v | (~0 << bits & (1 << 64) - 1) if bits == 32 and v >> 31 else v


def to_int(bits, signed):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)

    def run(f, mode, a):
        if f.is_nan(a):
            return extended(high, bits), NV
        if f.is_infinite(a):
            return extended(low if f.negative(a) else high, bits), NV
        n, inexact = to_integer(abs(f.value(a)), mode, f.negative(a))
        n = -n if f.negative(a) else n
        if not low <= n <= high:
            return extended(low if n < low else high, bits), NV
        return extended(n, bits), NX if inexact else 0
    return run


def to_int_modular(f, _, a):
    _, flags = to_int(32, True)(f, RTZ, a)
    if f.is_nan(a) or f.is_infinite(a):
        return 0, flags
    return extended(math.trunc(f.value(a)), 32), flags


def from_int(bits, signed):
    def run(f, mode, n):
        n &= (1 << bits) - 1
        return f.round(Fraction(n - (1 << bits) if signed and n >> (bits - 1) else n), mode)
    return run


def from_format(source):
    def run(f, mode, a):
        if source.is_nan(a):
            return f.nan, NV if source.is_signaling(a) else 0
        if source.is_infinite(a):
            return f.infinity | (f.sign if source.negative(a) else 0), 0
        return f.round(source.value(a), mode, source.negative(a))
    return run


# ---- Operands ----


def corners(f):
    ulp = 1 << f.places
    sizes = [0, 1, 2, ulp - 1, ulp, ulp + 1, f.one - 1, f.one, f.one + 1, f.one + ulp // 2, f.one + ulp,
             f.one + ulp + ulp // 2, f.one - ulp, f.one + f.places * ulp, f.one + (f.places + 1) * ulp + 1,
             f.infinity - 1, f.infinity - ulp, f.infinity, f.nan, f.infinity + 1, f.nan + 5]
    return [s | sign for s in sizes for sign in (0, f.sign)]


def some(f, rng):
    """A number; often near where results are tiny or huge, often of few bits, so that sums and products tie."""
    kind = rng.randrange(4)
    exponent = {0: rng.randrange(2 * f.bias + 1), 1: f.bias + rng.randint(-3, 3),
                2: rng.choice((0, 1, 2, f.bias // 2, f.bias // 2 + 1)),
                3: rng.choice((2 * f.bias, 2 * f.bias - 1, f.bias + f.bias // 2))}[kind]
    fraction = rng.getrandbits(f.places)
    if rng.randrange(2):
        keep = rng.randrange(1, 5)
        fraction = fraction >> (f.places - keep) << (f.places - keep) | rng.choice((0, 0, 1))
    return rng.choice((0, f.sign)) | exponent << f.places | fraction


def integers(rng):
    edges = [0, 1, 3, 5] + [(1 << n) + d for n in (10, 11, 12, 15, 16, 23, 24, 25, 31, 32, 33, 52, 53, 54, 62, 63)
                            for d in (-3, -1, 0, 1, 2, 3)]
    return [s * n & (1 << 64) - 1 for n in edges for s in (1, -1)] + [rng.getrandbits(64) for _ in range(40)]


def near_integers(f, rng):
    """Around the limits of the integers, with halves and quarters."""
    found = []
    for n in (0, 1, 2, 7, 31, 32, 52, 53, 63, 64):
        for d in (-1, Fraction(-1, 2), Fraction(-1, 4), 0, Fraction(1, 4), Fraction(1, 2), 1, Fraction(3, 2)):
            found.append(f.round(Fraction(2) ** n + d, RNE)[0])
    return [x | s for x in found if not f.is_infinite(x) for s in (0, f.sign)] + [some(f, rng) for _ in range(30)]


def singles(f, rng):
    return [(a,) for a in corners(f) + [some(f, rng) for _ in range(60)]]


def pairs(f, rng):
    return [(a, b) for a in corners(f) for b in corners(f)] + [(some(f, rng), some(f, rng)) for _ in range(300)]


def few_pairs(f, rng):
    few = corners(f)[::2] + corners(f)[1:8:2] + [f.sign | f.infinity, f.sign | f.one]
    return [(a, b) for a in few for b in few] + [(x, x) for x in (some(f, rng) for _ in range(20))]


def triples(f, rng):
    """Also c that takes away nearly all of a * b, and c that is only a hint beside it."""
    found = [tuple(rng.choice(corners(f)) for _ in range(3)) for _ in range(300)]
    for _ in range(300):
        a, b = some(f, rng), some(f, rng)
        product, _ = mul(f, rng.randrange(5), a, b)
        hint = max(0, (product & ~f.sign) - rng.randrange(f.places << f.places))
        found.append((a, b, rng.choice((product, product ^ f.sign, hint, hint | f.sign, some(f, rng)))))
    return found


# ---- Instructions: name, text, what it needs, operation, operands ----


class Instruction:
    """`wide`: 64-bit registers only; `into`, `out_of`: formats, None for an integer register."""

    def __init__(self, name, text, run, operands, into, out_of, rounds=True, wide=False):
        self.name, self.text, self.run, self.operands = name, text, run, operands
        self.into, self.out_of, self.rounds, self.wide = into, out_of, rounds, wide


def of_format(f, rng):
    x, rows = f.letter, []

    def row(name, text, run, operands, into=f, out_of=f, **options):
        rows.append(Instruction(f'{name}_{x}', text, run, operands, into, out_of, **options))

    for name, run in (('add', add), ('sub', sub), ('mul', mul), ('div', div)):
        row(name, f'f{name}.{x} fa0, fa0, fa1', run, pairs(f, rng))
    row('sqrt', f'fsqrt.{x} fa0, fa0', sqrt, singles(f, rng))
    for name, flips in (('madd', (0, 0)), ('msub', (0, 1)), ('nmsub', (1, 0)), ('nmadd', (1, 1))):
        row(name, f'f{name}.{x} fa0, fa0, fa1, fa2', fused(*map(bool, flips)), triples(f, rng))
    for name, pick in (('min', min), ('max', max)):
        row(name, f'f{name}.{x} fa0, fa0, fa1', extreme(pick, False), few_pairs(f, rng), rounds=False)
        row(name + 'm', f'.insn r 0x53, {2 if pick is min else 3}, {0x14 + f.code}, fa0, fa0, fa1', extreme(pick, True),
            few_pairs(f, rng), rounds=False)
    for name, holds, quiet, bits in (('eq', int.__eq__, True, 0), ('lt', int.__lt__, False, 5),
                                     ('le', int.__le__, False, 4)):
        row(name, f'f{name}.{x} a0, fa0, fa1', compare(holds, quiet), few_pairs(f, rng), into=None, rounds=False)
        if bits:
            row(name + 'q', f'.insn r 0x53, {bits}, {0x50 + f.code}, a0, fa0, fa1', compare(holds, True),
                few_pairs(f, rng), into=None, rounds=False)
    row('class', f'fclass.{x} a0, fa0', classify, singles(f, rng), into=None, rounds=False)
    for name, rule in (('sgnj', lambda a, b: b), ('sgnjn', lambda a, b: not b), ('sgnjx', lambda a, b: a != b)):
        row(name, f'f{name}.{x} fa0, fa0, fa1', sign_of(rule), few_pairs(f, rng), rounds=False)
    for name, bits, signed in (('w', 32, True), ('wu', 32, False), ('l', 64, True), ('lu', 64, False)):
        row(f'to_{name}', f'fcvt.{name}.{x} a0, fa0', to_int(bits, signed),
            singles(f, rng) + [(a,) for a in near_integers(f, rng)], into=None, wide=bits == 64)
        exact = f is D and bits == 32  # the assembler takes no mode
        row(f'from_{name}', f'fcvt.{x}.{name} fa0, a0', from_int(bits, signed), [(n,) for n in integers(rng)],
            out_of=None, wide=bits == 64, rounds=not exact)
    for other in FORMATS:
        if other is f:
            continue
        row(f'from_{other.letter}', f'fcvt.{x}.{other.letter} fa0, fa0', from_format(other),
            singles(other, rng) + [(y,) for y in near_ties(other, f, rng)], out_of=other, rounds=other.width > f.width)
    constants = [Fraction(-1), None, Fraction(1, 1 << 16), Fraction(1, 1 << 15), Fraction(1, 256), Fraction(1, 128),
                 Fraction(1, 16), Fraction(1, 8)]
    constants += [Fraction(n, 16) for n in (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 128, 256)]
    constants += [Fraction(n) for n in (128, 256, 1 << 15, 1 << 16)] + ['inf', 'nan']
    for i, v in enumerate(constants):
        special = {None: 1 << f.places, 'inf': f.infinity, 'nan': f.nan}
        bits = special[v] if v in special else f.round(Fraction(v), RNE)[0]
        row(f'li{i}', f'.insn r 0x53, 0, {0x78 + f.code}, fa0, x{i}, x1', lambda f, m, b=bits: (b, 0), [()],
            rounds=False)
    return rows


def near_ties(source, f, rng):
    """Wide numbers whose bits past the narrow fraction are a tie, or nearly; also at its least exponents."""
    if source.width < f.width:
        return []
    drop, found = source.places - f.places, []
    for _ in range(80):
        exponent = rng.choice((rng.randrange(f.least - f.places - 2, f.least + 2), rng.randrange(f.least, f.bias + 2)))
        extra = max(0, f.least - exponent)
        shift = min(source.places, drop + extra)
        fraction = rng.getrandbits(source.places) >> shift << shift | rng.choice((0, 1 << (shift - 1)))
        found.append((exponent + source.bias) << source.places | (fraction + rng.choice((-1, 0, 1)))
                     & ((1 << source.places) - 1) | rng.choice((0, source.sign)))
    return found


def instructions():
    rng = random.Random(20)
    rows = [row for f in FORMATS for row in of_format(f, rng)]
    rows.append(Instruction('to_w_modular', '.insn r 0x53, 1, 0x61, a0, fa0, f8', to_int_modular,
                            singles(D, rng) + [(a,) for a in near_integers(D, rng)], None, D, rounds=False))
    return rows


def main():
    header, blob, function, n = [], [], 0, 0
    for i in instructions():
        kind = 'TO_INTEGER' if i.into is None else 'FROM_INTEGER' if i.out_of is None else 'FLOAT'
        texts = [f'{i.text}, {mode}' for mode in MODES] + [f'{i.text}, dyn'] if i.rounds else [i.text]
        header += [f'{"WIDE_" if i.wide else ""}{kind}({i.name}_{k}, "{text}")' for k, text in enumerate(texts)]
        f = i.into or i.out_of
        for operands in i.operands:
            n += 1
            mode = n % 5
            static = i.rounds and n // 5 % 2
            bits, flags = i.run(f, mode, *operands)
            given = [i.out_of.box(x) if i.out_of else x for x in operands] + [0, 0, 0]
            before = (0, NX, n * 5 & 31)[n // 10 % 3]
            chosen = function + (mode if static else len(texts) - 1)
            blob.append(struct.pack('<4QHBBBxxx', *given[:3], i.into.box(bits) if i.into else bits, chosen,
                                    (mode + 1) % 5 if static else mode, before, flags))
        function += len(texts)
    folder = sys.argv[1]
    with open(os.path.join(folder, 'float_vectors.h'), 'w', encoding='utf-8') as out:
        out.write('\n'.join(header) + '\n')
    with open(os.path.join(folder, 'float_vectors.bin'), 'wb') as out:
        out.write(b''.join(blob))


if __name__ == '__main__':
    main()
