"""A folder with a few files, and guise run in it."""

import hashlib
import os
import select
import shutil
import socket
import struct
import subprocess
import time

PATIENCE = 20  # seconds that anything may take


class Failure(Exception):
    """Guise did not do what the case says."""


class Skip(Exception):
    """What the case needs cannot be had here."""


def require(condition, text):
    if not condition:
        raise Failure(text)


# ---- Guests -------------------------------------------------------------------------------------
# A few RISC-V instructions are all the guest that is needed: no compiler is.

T0, T1, T2 = 5, 6, 7


def lui(rd, value):
    return (value << 12 | rd << 7 | 0x37) & 0xffffffff


def addi(rd, rs, value):
    return ((value & 0xfff) << 20 | rs << 15 | rd << 7 | 0x13) & 0xffffffff


def load_immediate(rd, value):
    low = (value & 0xfff) - (0x1000 if value & 0x800 else 0)
    return [lui(rd, (value - low) >> 12), addi(rd, rd, low)]


def auipc(rd, value):
    return value << 12 | rd << 7 | 0x17


def load_word(rd, base, offset):
    return offset << 20 | base << 15 | 2 << 12 | rd << 7 | 0x03


def store_word(rs, base, offset=0):
    return rs << 20 | base << 15 | 2 << 12 | offset << 7 | 0x23


def store_byte(rs, base):
    return rs << 20 | base << 15 | 0x23


def csr_write(csr, rs):
    return csr << 20 | rs << 15 | 1 << 12 | 0x73


def branch_not_zero(rs, offset):
    return ((offset >> 12 & 1) << 31 | (offset >> 5 & 0x3f) << 25 | rs << 15 | 1 << 12 | (offset >> 1 & 15) << 8 |
            (offset >> 11 & 1) << 7 | 0x63)


def jump_back(count):
    """Over so many instructions."""
    back = -4 * count
    return ((back & 0x7fe) << 20 | (back & 0x800) << 9 | (back & 0xff000) | (1 << 31) | 0x6f) & 0xffffffff


LOOP = [0x0000006f]                         # j .
FINISHER, UART = 0x100000, 0x10000000
POWER_OFF, RESET = 0x5555, 0x7777
CLOCK_KEPT = 0x8000100c


def keep_clock():
    """Reads the clock, the low word first, which latches the high one, and keeps both at CLOCK_KEPT."""
    return [lui(T0, 0x101), load_word(T1, T0, 0), load_word(T2, T0, 4), auipc(T0, 1), store_word(T1, T0),
            store_word(T2, T0, 4), *LOOP]


def finish(value):
    """Writes value to the test finisher."""
    return [*load_immediate(T0, FINISHER), *load_immediate(T1, value), store_word(T1, T0), *LOOP]


def say(text):
    """Writes text to the serial port."""
    code = load_immediate(T0, UART)
    for char in text.encode():
        code += [addi(T1, 0, char), store_byte(T1, T0)]
    return code


def chatter():
    """Writes dots to the serial port for ever."""
    return [*say('.'), jump_back(1)]


def read_clock():
    """Reads a register of the clock for ever."""
    return [lui(T0, 0x101), load_word(T1, T0, 0), jump_back(1)]


def write_csr():
    """Writes mcycle for ever."""
    return [csr_write(0xb00, 0), jump_back(1)]


COUNTED = 1 << 16


def count_down():
    """COUNTED times around four instructions, a load and a store among them; then power off."""
    return [auipc(T0, 1), *load_immediate(T2, COUNTED), load_word(T1, T0, 0), store_word(T1, T0, 4), addi(T2, T2, -1),
            branch_not_zero(T2, -12), *finish(POWER_OFF)]


def nested():
    """Two loops without end, one in the other."""
    return [addi(T1, 0, 3), addi(T1, T1, -1), branch_not_zero(T1, -4), jump_back(3)]


def elf(code, machine=243, bits=64):
    """A program at the start of the board's memory."""
    data = struct.pack(f'<{len(code)}I', *code)
    base, head = 0x80000000, 0x1000
    if bits == 64:
        ident, header = b'\x7fELF\x02\x01\x01', struct.pack('<HHIQQQIHHHHHH', 2, machine, 1, base, 64, 0, 0, 64, 56,
                                                            1, 0, 0, 0)
        segment = struct.pack('<IIQQQQQQ', 1, 5, head, base, base, len(data), len(data), 0x1000)
    else:
        ident, header = b'\x7fELF\x01\x01\x01', struct.pack('<HHIIIIIHHHHHH', 2, machine, 1, base, 52, 0, 0, 52, 32,
                                                            1, 0, 0, 0)
        segment = struct.pack('<IIIIIIII', 1, head, base, base, len(data), len(data), 5, 0x1000)
    image = ident.ljust(16, b'\0') + header + segment
    return image.ljust(head, b'\0') + data


# What each folder has.
FILES = {'disk': bytes(1 << 20), 'odd': b'123', 'only-read': b'456', 'smbios': b'\3\x09\x77\7\0\3\0\0\0\0\0',
         'smbios-end': b'\x7f\4\0\x7f\0\0', 'smbios-two': 2 * b'\xc8\4\0\x10\0\0', 'keep': b'to be kept\n', 'empty': b'', 'text': b'not an image\n',
         'loop.elf': elf(LOOP), 'hello.elf': elf(say('hello\n') + finish(POWER_OFF)),
         'rv32.elf': elf(LOOP, bits=32), 'x86.elf': elf(LOOP, machine=62),
         'clock.elf': elf(keep_clock()), 'reset.elf': elf(finish(RESET)), 'off.elf': elf(finish(POWER_OFF)),
         'fail.elf': elf(finish(7 << 16 | 0x3333)), 'chatter.elf': elf(chatter()),
         'clock-reader.elf': elf(read_clock()), 'csr.elf': elf(write_csr()), 'count.elf': elf(count_down()), 'nested.elf': elf(nested()),
         'not-for-me': b'secret', 'fw_dynamic.bin': struct.pack('<I', LOOP[0]) * 1024}


class Bench:
    def __init__(self, guise, folder):
        self.guise = guise
        self.name = os.path.basename(guise)
        self.folder = folder
        for name, data in FILES.items():
            with open(self.path(name), 'wb') as file:
                file.write(data)
        os.mkdir(self.path('folder'))
        os.mkdir(self.path('closed'))
        os.mkfifo(self.path('fifo'))
        os.chmod(self.path('not-for-me'), 0)
        os.chmod(self.path('only-read'), 0o444)
        os.chmod(self.path('closed'), 0o500)

    def path(self, name):
        return os.path.join(self.folder, name)

    def snapshot(self):
        """{path: what it is}, of all the folder."""
        found = {}
        for parent, folders, files in os.walk(self.folder):
            for name in folders + files:
                path = os.path.join(parent, name)
                status = os.lstat(path)
                content = ''
                if os.path.isfile(path):
                    with open(path, 'rb') as file:
                        content = hashlib.sha256(file.read()).hexdigest()
                found[os.path.relpath(path, self.folder)] = (status.st_mode, status.st_ino, content)
        return found

    def command(self, words, root_rights=True):
        if root_rights or os.geteuid():
            return [self.guise, *words]
        # root can read and write everything; without that right it is as other people.
        if not shutil.which('setpriv'):
            raise Skip('there is no setpriv to give up rights with')
        return ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', self.guise, *words]

    def run(self, words, told='', root_rights=True):
        return subprocess.run(self.command(words, root_rights), cwd=self.folder, input=told, timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def start(self, *words, **more):
        return Process(self, words, **more)


class Talk:
    """Bytes to and from, by descriptors."""

    def __init__(self, read_fd, write_fd):
        self.read_fd, self.write_fd = read_fd, write_fd
        self.heard = b''

    def expect(self, text, seconds=PATIENCE):
        """Waits for text; what came before it is returned, and forgotten."""
        deadline, text = time.monotonic() + seconds, text.encode()
        while text not in self.heard:
            ready, _, _ = select.select([self.read_fd], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self.read_fd, 65536) if ready else b''
            require(data, f'{"the end" if ready else "silence"} and no {text!r} after {self.heard[-1000:]!r}')
            self.heard += data
        before, self.heard = self.heard.split(text, 1)
        return before.decode(errors='replace')

    def send(self, text):
        os.write(self.write_fd, text.encode())

    def ask(self, command):
        """A monitor's answer."""
        self.send(command + '\n')
        self.expect('\r\n')
        return self.expect('(guise) ').replace('\r', '')


class Process(Talk):
    """Guise while it runs. For a `with`."""

    def __init__(self, bench, words, stdin=subprocess.PIPE):
        self.process = subprocess.Popen(bench.command(words), cwd=bench.folder, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        super().__init__(self.process.stdout.fileno(), self.process.stdin.fileno() if stdin == subprocess.PIPE else -1)
        self.errors = Talk(self.process.stderr.fileno(), -1)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def ends(self, status):
        found = self.process.wait(PATIENCE)
        if found != status:
            raise Failure(f'status {found}, not {status}: {os.read(self.errors.read_fd, 4096)}')

    def runs(self):
        require(self.process.poll() is None, f'ended with status {self.process.returncode}')


def appears(path):
    """Waits for a file."""
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        require(time.monotonic() < deadline, f'no {path}')
        time.sleep(0.005)
    return path


def vanishes(path):
    deadline = time.monotonic() + PATIENCE
    while os.path.lexists(path):
        require(time.monotonic() < deadline, f'{path} is left')
        time.sleep(0.005)


def dial(path):
    """Talk over a UNIX socket that a server makes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
            break
        except OSError as error:
            line.close()
            require(time.monotonic() < deadline, f'{path}: {error}')
            time.sleep(0.005)
    talk = Talk(line.fileno(), line.fileno())
    talk.line = line
    return talk
