#!/usr/bin/env python3
"""Machines saved by one process and loaded by another; results in the protocol of tests/suites.txt.

A booted Linux is saved with `migrate file:`, the process ends, a new one takes the state with -incoming and the
shell goes on, under the other engine too, and while a disk is written. Golden states, saved by earlier versions,
must load for ever: `state.py BINARY --make-golden NAME` adds one, none is ever replaced.
"""

import argparse
import glob
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from support import guest  # noqa: E402

MIB = 1 << 20
GOLDEN = os.path.join(HERE, 'golden')
GOLDEN_OPTIONS = ('-bios', 'none', '-m', '8M', '-smp', '2')
GOLDEN_STATUS = 42      # of golden.S, when it finds everything as it was
TO_MONITOR = TO_CONSOLE = '\x01c'
PROMPT = r'\(guise\) '


def require(condition, text):
    if not condition:
        raise guest.Failure(text)


class Bench:
    """What every test needs: the program, and a folder of its own."""

    def __init__(self, arguments, folder):
        self.binary = os.path.realpath(arguments.binary)
        self.arch = arguments.arch
        self.folder = folder
        self.logs = arguments.log or folder
        self.patience = arguments.patience

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *options):
        command = guest.machine_command(self.binary, *options, arch=self.arch)
        return guest.Machine(command, os.path.join(self.logs, name + '.log'))

    def linux(self, name, *options):
        linux = guest.linux_options(guest.read_env(self.arch), arch=self.arch)
        return self.start(name, '-m', '256M', '-smp', '2', *linux, *options)


def monitor(machine, command, seconds=60):
    """What the monitor answers; the monitor has the terminal."""
    machine.send(command + '\r')
    machine.expect(r'\r*\n', 10)
    start = machine.seen
    match = machine.expect(PROMPT, seconds)
    return machine.output[start:match.start()].decode(errors='replace').replace('\r', '').strip()


def to_monitor(machine):
    machine.send(TO_MONITOR)
    machine.expect(PROMPT, 10)


def hush_shell(machine):
    """The guest's shell waits for a line: its prompt, whenever it comes, would stand among what the monitor says."""
    machine.send("echo shell-'waits'; read line\r")
    machine.expect(r'shell-waits\r*\n', 60)


def wake_shell(machine):
    machine.send('\r')
    machine.expect('# ', 60)


def save_and_quit(machine, path, patience):
    to_monitor(machine)
    answer = monitor(machine, f'migrate file:{path}', 60 * patience)
    require(not answer, f'migrate says: {answer}')
    answer = monitor(machine, 'info status')
    require('postmigrate' in answer, f'info status says: {answer}')
    machine.send('quit\r')
    status = machine.wait(20)
    require(status == 0, f'quit: exit status {status}')


def uptime(machine):
    # The kernel may say something on the same console meanwhile.
    return float(re.search(r'^(\d+\.\d+) \d+\.\d+', machine.check_shell('cat /proc/uptime'), re.MULTILINE)[1])


def linux_goes_on(bench):
    """jit, then interp, then jit again: a file in memory, a process and the time are still there."""
    patience = bench.patience
    with bench.linux('jit') as machine:
        machine.login(120 * patience)
        machine.check_shell('seq 1 300000 > /tmp/numbers')
        # Moved into place: who reads it never sees it empty.
        machine.check_shell('(n=0; while sleep 0.1; do n=$((n+1)); echo $n > /tmp/next; mv /tmp/next /tmp/count; done) & sleep 1')
        before = uptime(machine)
        hush_shell(machine)
        save_and_quit(machine, bench.path('1'), patience)
    expected = hashlib.md5(b''.join(b'%d\n' % n for n in range(1, 300001))).hexdigest()
    for engine, source, target in ('interp', '1', '2'), ('jit', '2', None):
        name = f'{engine}-again'
        with bench.linux(name, '-accel', engine, '-incoming', f'file:{bench.path(source)}') as machine:
            wake_shell(machine)
            after = uptime(machine)
            require(before <= after < before + 60, f'uptime was {before}, under {engine} it is {after}')
            found = re.search(r'\b[0-9a-f]{32}\b', machine.check_shell('md5sum /tmp/numbers', 60 * patience))[0]
            require(found == expected, f'{name}: the file is {found}, not {expected}')
            count = int(machine.check_shell('cat /tmp/count'))
            later = int(machine.check_shell('sleep 2; cat /tmp/count', 60 * patience))
            require(later > count, f'{name}: the process in the background stands at {count}')
            cpus = machine.check_shell('nproc; for c in 0 1; do taskset $((c+1)) echo alive; done')
            require(cpus.split() == ['2', 'alive', 'alive'], f'{name}: CPUs: {cpus}')
            before = uptime(machine)
            if target:
                hush_shell(machine)
                save_and_quit(machine, bench.path(target), patience)
            else:
                machine.send('poweroff\r')
                require(machine.wait(30 * patience) == 0, 'poweroff failed')


def disk_is_busy(bench, *board):
    """Saved while a disk is written, network and rng being there (Arm: on PCI): the file is whole in the end."""
    image, patience, lines = bench.path('disk.raw'), bench.patience, 400000
    with open(image, 'wb') as disk:
        disk.truncate(128 * MIB)
    subprocess.run(['/sbin/mke2fs', '-q', '-t', 'ext4', image], check=True)
    bus = 'pci' if bench.arch == 'aarch64' else 'device'
    options = (*board, '-drive', f'file={image},format=raw,if=none,id=disk', '-device', f'virtio-blk-{bus},drive=disk',
               '-netdev', 'user,id=net', '-device', f'virtio-net-{bus},netdev=net',
               '-device', f'virtio-rng-{bus}')
    with bench.linux('busy', *options) as machine:
        machine.login(120 * patience)
        machine.check_shell('mount -o sync /dev/vda /mnt')
        machine.check_shell(f'seq 1 {lines} > /tmp/numbers')
        machine.check_shell('(dd if=/tmp/numbers of=/mnt/numbers bs=8k 2>/dev/null; sync; echo done > /tmp/done) & '
                            'sleep 0.3')
        require(machine.shell('[ -e /tmp/done ]')[0] == 1, 'the disk was too fast for this test')
        hush_shell(machine)
        save_and_quit(machine, bench.path('busy'), patience)
    with bench.linux('busy-again', *options, '-incoming', f'file:{bench.path("busy")}') as machine:
        wake_shell(machine)
        machine.check_shell('while [ ! -e /tmp/done ]; do sleep 0.2; done', 300 * patience)
        machine.check_shell('umount /mnt && mount /dev/vda /mnt', 60 * patience)
        found = machine.check_shell('md5sum /mnt/numbers', 120 * patience).split()[0]
        machine.check_shell('ping -c 1 -W 5 10.0.2.2', 30 * patience)
        machine.send('poweroff\r')
        require(machine.wait(30 * patience) == 0, 'poweroff failed')
    expected = hashlib.md5(b''.join(b'%d\n' % n for n in range(1, lines + 1))).hexdigest()
    require(found == expected, f'the file on the disk is {found}, not {expected}')


def machine_goes_on_after_save(bench):
    """cont after migrate; a second save takes the place of the first."""
    patience = bench.patience
    with bench.linux('twice') as machine:
        machine.login(120 * patience)
        for round_ in range(3):
            hush_shell(machine)
            to_monitor(machine)
            answer = monitor(machine, f'migrate file:{bench.path("twice")}', 60 * patience)
            require(not answer, f'migrate says: {answer}')
            answer = monitor(machine, 'cont')
            require('Error' not in answer, f'cont says: {answer}')
            machine.send(TO_CONSOLE)
            wake_shell(machine)
            machine.check_shell(f'echo {round_} > /tmp/round')
    with bench.linux('twice-again', '-incoming', f'file:{bench.path("twice")}') as machine:
        wake_shell(machine)
        found = machine.check_shell('cat /tmp/round')
        require(found == '1', f'the last state is of round {found}, not 1')


def refusals(bench):
    """A state that is not there, not a state, or of another machine: one message, exit status 1."""
    golden = unpacked(bench, golden_files()[0])
    other = [option if option != '8M' else '16M' for option in GOLDEN_OPTIONS]
    for options, said in (
            (('-incoming', 'file:/nowhere/state'), 'No such file'),
            (('-incoming', f'file:{bench.binary}'), 'not a state'),
            (('-incoming', 'exec:true'), 'file:'),
            (('-incoming', f'file:{golden}', *other), '16 MiB')):
        with bench.start('refused', *(() if golden in options[1] else GOLDEN_OPTIONS), *options) as machine:
            status = machine.wait(20)
            text = machine.output.decode(errors='replace')
            require(status == 1 and said in text, f'{options}: status {status}: {text}')


def golden_files():
    found = sorted(glob.glob(os.path.join(GOLDEN, '*.gz')))
    require(found, f'no golden state in {GOLDEN}')
    return found


def unpacked(bench, path):
    target = bench.path(os.path.basename(path).removesuffix('.gz'))
    with gzip.open(path) as packed, open(target, 'wb') as state:
        state.write(packed.read())
    return target


def golden_loads(bench):
    """Each golden state goes on under both engines, finds everything as it was, and says so."""
    for path in golden_files():
        state = unpacked(bench, path)
        for engine in 'jit', 'interp':
            options = (*GOLDEN_OPTIONS, '-accel', engine, '-incoming', f'file:{state}')
            with bench.start('golden', *options) as machine:
                machine.send('g')
                status = machine.wait(20 * bench.patience)
                require(status == GOLDEN_STATUS, f'{os.path.basename(path)} under {engine}: status {status}; '
                        + machine.tail())


def make_golden(bench, name):
    """Adds tests/state/golden/NAME.gz."""
    target = os.path.join(GOLDEN, name + '.gz')
    program = bench.path('golden')
    subprocess.run(['riscv64-linux-gnu-gcc', '-nostdlib', '-static', '-Wl,-N,--no-warn-rwx-segments,-Ttext=0x80000000,--build-id=none',
                    '-o', program, os.path.join(HERE, 'golden.S')], check=True)
    with bench.start('make-golden', *GOLDEN_OPTIONS, '-kernel', program) as machine:
        machine.expect('ready', 20)
        save_and_quit(machine, bench.path('state'), 1)
    with open(bench.path('state'), 'rb') as state, open(target, 'xb') as packed:
        packed.write(gzip.compress(state.read(), 9, mtime=0))
    require(os.path.getsize(target) < 65536, f'{target} has more than 64 KiB')
    print(f'{target}: {os.path.getsize(target)} bytes')


TESTS = {
    'golden': golden_loads,
    'refusals': refusals,
    'linux-jit-interp-jit': linux_goes_on,
    'linux-busy-disk': disk_is_busy,
    'linux-save-and-go-on': machine_goes_on_after_save,
    # The disk's and the network's interrupts are messages that the ITS translates.
    'linux-gicv3-its': lambda bench: disk_is_busy(bench, '-M', 'virt,gic-version=3'),
}
ONLY = {'golden': 'riscv64', 'refusals': 'riscv64', 'linux-gicv3-its': 'aarch64'}


def tests_of(arch):
    return [name for name in TESTS if ONLY.get(name, arch) == arch]


def run_test(bench, name):
    try:
        TESTS[name](bench)
        print(f'ok {name}', flush=True)
    except guest.Unavailable as reason:
        print(f'skip {name}: {reason}', flush=True)
    except (guest.Failure, subprocess.CalledProcessError) as failure:
        print(f'{failure}\nnot ok {name}', flush=True)
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('binary', help='guise')
    parser.add_argument('tests', nargs='*', help='default: all that the architecture has, of ' + ' '.join(TESTS))
    parser.add_argument('--arch', choices=('riscv64', 'aarch64', 'arm'), default='riscv64', help='default: %(default)s')
    parser.add_argument('--patience', type=float, default=1, help='factor for all deadlines')
    parser.add_argument('--log', metavar='FOLDER', help='keep what the consoles showed')
    parser.add_argument('--make-golden', metavar='NAME', help='add a golden state')
    arguments = parser.parse_intermixed_args()
    tests = tests_of(arguments.arch)
    unknown = set(arguments.tests) - set(tests)
    if unknown:
        sys.exit(f'no test {", ".join(unknown)}; there are: {", ".join(tests)}')
    if arguments.log:
        os.makedirs(arguments.log, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='guise-state.') as folder:
        bench = Bench(arguments, folder)
        if arguments.make_golden:
            make_golden(bench, arguments.make_golden)
            return 0
        results = [run_test(bench, name) for name in arguments.tests or tests]
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main())
