"""Guests for the tests: where the kernel is, what is added to its initramfs, and a started machine on its console.

A Machine is a process whose serial console is its standard input and output. Everything it prints is kept in
`output` (bytes) and, while a test waits, searched for what is expected; a wait always has a deadline.
"""

import gzip
import os
import re
import selectors
import shlex
import signal
import subprocess
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
CACHE = os.environ.get('GUISE_CACHE') or os.path.expanduser('~/.cache/guise')


class Failure(Exception):
    """A machine did not do what the test waits for."""


class Unavailable(Exception):
    """What a test needs cannot be had here: the test is skipped, and says why."""


def obtain(*command):
    """The last line that a tool which fetches things prints."""
    done = subprocess.run([os.path.join(ROOT, 'tools', command[0]), *command[1:]], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Unavailable(f'{" ".join(command)}: {done.stderr.strip().splitlines()[-1:]}')
    return done.stdout.strip()


def read_env(arch='riscv64', tool='get-guest'):
    """The assignments that a tool leaves: KERNEL, INITRD, FIRMWARE of get-guest; see tools/firmware/ for get-firmware."""
    with open(obtain(tool, arch), encoding='utf-8') as lines:
        return dict(shlex.split(line)[0].split('=', 1) for line in lines)


def peer_binary(name='qemu-system-riscv64'):
    return os.path.join(obtain('get-peer'), name)


def machine_command(binary, *options, arch='riscv64'):
    """How a machine is started on a pipe, by guise or by the peer: their command lines are one."""
    chosen = ['-arch', arch] if os.path.basename(binary) == 'guise' else []
    return [binary, *chosen, '-M', 'virt', '-nographic', *options]


def linux_options(env, append='', initrd=None, arch='riscv64'):
    """The kernel, and on RISC-V the firmware that starts it: Arm's board starts a kernel by itself."""
    firmware = ['-bios', env['FIRMWARE']] if arch.startswith('riscv') else []
    return [*firmware, '-kernel', env['KERNEL'], '-initrd', initrd or env['INITRD'], '-append', append]


def cpio_member(name, data, mode, number):
    """One file of a "newc" archive, the form of an initramfs."""
    name = name.encode() + b'\0'
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b'070701' + b''.join(b'%08x' % field for field in fields) + name
    return head + b'\0' * (-len(head) % 4) + data + b'\0' * (-len(data) % 4)


def initrd_member(path, name):
    """The bytes of a file in an initramfs."""
    with gzip.open(path) as archive:
        return subprocess.run(['cpio', '-i', '--quiet', '--to-stdout', name], input=archive.read(), check=True,
                              stdout=subprocess.PIPE).stdout


def write_initrd(path, base, files):
    """BASE followed by an archive of FILES {name in the guest: bytes}; the kernel unpacks one after the other."""
    members = [cpio_member(name, data, 0o100755, 1000 + i)
               for i, (name, data) in enumerate(sorted(files.items()))]
    with open(base, 'rb') as source:
        image = source.read()
    image += b'\0' * (-len(image) % 4)
    image += gzip.compress(b''.join(members) + cpio_member('TRAILER!!!', b'', 0, 0), mtime=0)
    with open(path, 'wb') as target:
        target.write(image)


class Machine:
    """A process with a console. Use it in a `with`: the end of the block ends the process."""

    def __init__(self, command, log=None):
        self.command = command
        self.output = b''
        self.seen = 0           # how far of the output has been matched
        self.log = open(log, 'wb') if log else None
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0, start_new_session=True)
        self.status = None
        self.usage = None
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def read(self, seconds):
        """Takes in what the console has, waiting at most SECONDS for it; False at its end."""
        if not self.selector.select(max(seconds, 0)):
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data
        if self.log:
            self.log.write(data)
            self.log.flush()
        return bool(data)

    def expect(self, pattern, seconds=60):
        """Waits until the console shows the regular expression after the last match; returns the match."""
        regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.MULTILINE)
        deadline = time.monotonic() + seconds
        while True:
            match = regex.search(self.output, self.seen)
            if match:
                self.seen = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f'no {regex.pattern!r} within {seconds} s; {self.tail()}')
            if not self.read(left):
                raise Failure(f'ended (status {self.wait(10)}) without {regex.pattern!r}; {self.tail()}')

    def send(self, text):
        data = text.encode()
        try:
            while data:
                data = data[os.write(self.process.stdin.fileno(), data):]
        except OSError as error:
            raise Failure(f'does not take input: {error}; {self.tail()}') from error

    def login(self, seconds=120):
        """Waits for the shell of tools/guest/init."""
        self.expect(r"Enter 'help' for a list", seconds)
        self.expect(r'# ', 10)
        # What the kernel says on the same console would stand in the answers: only the last words go there.
        self.check_shell('dmesg -n 1')

    def shell(self, command, seconds=60):
        """Runs a command in the guest's shell; returns (its exit status, what it printed)."""
        # The marks are quoted apart, so that the echo of the typed line does not look like the answer.
        self.send(f"echo guest-'begin'; {command}; echo guest-'status'=$?\r")
        self.expect(r'guest-begin\r*\n', seconds)
        start = self.seen
        match = self.expect(r'guest-status=(\d+)\r*\n', seconds)
        output = self.output[start:match.start()].decode(errors='replace').replace('\r', '')
        return int(match.group(1)), output

    def check_shell(self, command, seconds=60):
        """The same, where the command must succeed; returns what it printed, without white space around it."""
        status, output = self.shell(command, seconds)
        if status:
            raise Failure(f'{command!r} in the guest: status {status}: {output}')
        return output.strip()

    def cpu_seconds(self):
        """CPU time, user and system, of the process's threads so far."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def wait(self, seconds):
        """Waits for the process to end by itself; returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.status is None and self.read(min(0.2, deadline - time.monotonic())):
            if time.monotonic() > deadline:
                raise Failure(f'still running after {seconds} s; {self.tail()}')
        while self.status is None:
            self.reap(os.WNOHANG)
            if self.status is None and time.monotonic() > deadline:
                raise Failure(f'console closed, but still running after {seconds} s; {self.tail()}')
            time.sleep(0.01)
        return self.status

    def reap(self, options):
        pid, status, usage = os.wait4(self.process.pid, options)
        if pid:
            self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
            self.usage = usage

    def stop(self):
        if self.status is None:
            self.process.send_signal(signal.SIGKILL)
            self.reap(0)
        self.selector.close()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.log:
            self.log.close()

    def tail(self):
        return 'console: ' + self.output[-600:].decode(errors='replace').replace('\r', '')
