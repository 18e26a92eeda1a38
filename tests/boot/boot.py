#!/usr/bin/env python3
"""Boots guests with the program given and tells the results in the protocol of tests/suites.txt.

Linux comes up on 1, 2 and 8 CPUs; it writes a disk, is reset and compares; it fetches over user networking and
serves through a forwarded port; it does both with cards on PCI, behind a root port too; it powers off. A small
program of our own starts a hundred times. Any program with the command line can be given: with the peer the tests
test themselves.
"""

import argparse
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from support import guest  # noqa: E402

MIB = 1 << 20
DISK_MIB, FILE_MIB, FETCH_MIB = 512, 256, 64
FINISH_PASS, FINISH_FAIL, FINISH_RESET = 0x5555, 0x3333, 0x7777
PSCI_OFF, PSCI_RESET = 0x84000008, 0x84000009


class Bench:
    """What every test needs: the program, its options, and a folder of its own."""

    def __init__(self, arguments, folder):
        self.binary = os.path.realpath(arguments.binary)
        self.arch = arguments.arch
        self.options = arguments.options.split()
        self.folder = folder
        self.logs = arguments.log or folder
        self.count = arguments.count
        self.patience = arguments.patience

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *options):
        command = guest.machine_command(self.binary, *options, *self.options, arch=self.arch)
        return guest.Machine(command, os.path.join(self.logs, name + '.log'))

    def start_linux(self, name, cpus, *options):
        linux = guest.linux_options(guest.read_env(self.arch), arch=self.arch)
        return self.start(name, '-m', '512M', '-smp', str(cpus), *linux, *options)

    def start_short(self, name, cpus, *options):
        """Debian's kernel for CPUs without LPAE: tables of short descriptors."""
        linux = guest.linux_options(guest.read_env('armmp'), arch=self.arch)
        return self.start(name, '-m', '512M', '-smp', str(cpus), *linux, *options)

    def start_efi(self, name, cpus, *options):
        """By EDK2, which takes the kernel out of fw_cfg and hands it ACPI and SMBIOS tables."""
        return self.start_linux(name, cpus, '-bios', guest.read_env(self.arch)['FIRMWARE'], *options)


def require(condition, text):
    if not condition:
        raise guest.Failure(text)


def power_off(machine, patience):
    machine.send('poweroff\r')
    status = machine.wait(30 * patience)
    require(status == 0, f'poweroff: exit status {status}')


def boots_on(cpus, *options, start=Bench.start_linux):
    def run(bench):
        with start(bench, '-'.join((start.__name__, str(cpus), *options[1:])), cpus, *options) as machine:
            machine.login(120 * bench.patience)
            found = machine.check_shell('nproc')
            require(found == str(cpus), f'the guest has {found} CPUs of {cpus}')
            # Every CPU does something, and gets interrupts of its own.
            machine.check_shell('for c in $(seq $(nproc)); do (n=0; while [ $n -lt 500 ]; do n=$((n+1)); done) & '
                                'done; wait', 120 * bench.patience)
            _, trouble = machine.shell('dmesg | grep -E "Oops|BUG:|WARNING:|detected stall"')
            require('[' not in trouble, f'the kernel complains: {trouble}')
            power_off(machine, bench.patience)
    return run


def starts_in_aarch32(bench):
    """The 32-bit kernel on a 64-bit CPU."""
    linux = guest.linux_options(guest.read_env('arm'), arch='arm')
    command = guest.machine_command(bench.binary, '-cpu', 'cortex-a53,aarch64=off', '-m', '512M', *linux,
                                    *bench.options, arch='aarch64')
    with guest.Machine(command, os.path.join(bench.logs, 'aarch32.log')) as machine:
        machine.login(120 * bench.patience)
        found = machine.check_shell('uname -m')
        require(found.startswith('armv'), f'the guest is {found}')
        power_off(machine, bench.patience)


ARMHF = b'''#!/bin/busybox32 sh
set -e
case $(busybox32 uname -m) in armv8l|aarch64) ;; *) exit 1 ;; esac
n=0; while [ $n -lt 2000 ]; do n=$((n+1)); done
busybox32 seq 1 100 | busybox32 awk '{ s += $1 / 8 } END { printf "%.3f\\n", s }' | busybox32 grep -q '^631.250$'
busybox32 dd if=/dev/zero bs=1k count=64 2>/dev/null | busybox32 sha256sum |
    busybox32 grep -q ^de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31
echo armhf fine
'''


def armhf_runs(bench):
    """Debian's armhf busybox under the arm64 kernel."""
    env, initrd = guest.read_env('aarch64'), bench.path('initrd-armhf')
    busybox = guest.initrd_member(guest.read_env('arm')['INITRD'], 'bin/busybox')
    guest.write_initrd(initrd, env['INITRD'], {'bin/busybox32': busybox, 'tests/armhf': ARMHF})
    linux = guest.linux_options(env, append='guise.test=armhf', initrd=initrd, arch='aarch64')
    with bench.start('armhf', '-cpu', 'cortex-a72', '-m', '512M', '-smp', '2', *linux) as machine:
        machine.expect('armhf fine', 120 * bench.patience)
        machine.expect('guise-test: armhf exit 0', 60 * bench.patience)


def disk_options(path):
    return ('-drive', f'file={path},format=raw,if=none,id=disk', '-device', 'virtio-blk-device,drive=disk')


def make_ext4(path, mib):
    with open(path, 'wb') as disk:
        disk.truncate(mib * MIB)
    subprocess.run(['/sbin/mke2fs', '-q', '-t', 'ext4', path], check=True)


def digest_in_image(image, name):
    """A file's digest as the host finds it in the ext4 image; the file system must be clean."""
    with subprocess.Popen(['/sbin/debugfs', '-R', f'cat {name}', image], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as dump:
        digest = hashlib.md5()
        while block := dump.stdout.read(MIB):
            digest.update(block)
    checked = subprocess.run(['/sbin/e2fsck', '-fn', image], stdout=subprocess.PIPE, check=False,
                             stderr=subprocess.STDOUT, text=True)
    require(checked.returncode == 0, f'e2fsck of the image: {checked.stdout}')
    return digest.hexdigest()


def write_reset_compare(machine, mib, patience, reboot):
    """Write, sync, reset, compare; returns the file's digest."""
    machine.check_shell('mount /dev/vda /mnt')
    machine.check_shell(f'dd if=/dev/urandom of=/mnt/data bs=1M count={mib}', 300 * patience)
    written = machine.check_shell('md5sum /mnt/data', 120 * patience).split()[0]
    machine.check_shell('sync', 60 * patience)
    machine.send(f'{reboot}\r')
    machine.login(120 * patience)
    machine.check_shell('mount /dev/vda /mnt')
    found = machine.check_shell('md5sum /mnt/data', 120 * patience).split()[0]
    require(found == written, f'after the reset the guest reads {found}, it wrote {written}')
    machine.check_shell('umount /mnt', 60 * patience)
    return written


def disk_keeps_data(bench):
    """And the host finds the same in the image."""
    image, patience = bench.path('disk.raw'), bench.patience
    make_ext4(image, DISK_MIB)
    with bench.start_linux('disk', 2, *disk_options(image)) as machine:
        machine.login(120 * patience)
        written = write_reset_compare(machine, FILE_MIB, patience, '/bin/busybox reboot -f')
        power_off(machine, patience)
    found = digest_in_image(image, '/data')
    require(found == written, f'the image holds {found}, the guest wrote {written}')


class Server:
    """An HTTP server on the host's loopback with one answer."""

    def __init__(self, data):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                self.send_response(200)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def fetch(url, seconds):
    """From the guest's server, which may need a moment to listen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as answer:
                return answer.read()
        except OSError as error:
            if time.monotonic() > deadline:
                raise guest.Failure(f'{url}: {error}') from error
            time.sleep(0.5)


def network_carries_data(bench):
    """64 MiB to the guest, and back to the host through a forwarded port."""
    data, port, patience = os.urandom(FETCH_MIB * MIB), free_port(), bench.patience
    options = ('-netdev', f'user,id=net,hostfwd=tcp:127.0.0.1:{port}-:80',
               '-device', 'virtio-net-device,netdev=net')
    with Server(data) as server, bench.start_linux('network', 2, *options) as machine:
        machine.login(120 * patience)
        machine.check_shell(f'wget -q -O /tmp/data http://10.0.2.2:{server.port}/data', 300 * patience)
        found = machine.check_shell('md5sum /tmp/data', 60 * patience).split()[0]
        expected = hashlib.md5(data).hexdigest()
        require(found == expected, f'the guest received {found}, the host sent {expected}')
        machine.check_shell('httpd -p 80 -h /tmp')
        back = fetch(f'http://127.0.0.1:{port}/data', 120 * patience)
        require(back == data, f'the host received {len(back)} bytes that are not those it sent')
        power_off(machine, patience)


def pci_cards_work(bench):
    """Disk by the legacy interface, network behind a root port, entropy; Linux gives them places and interrupts."""
    data, patience, image = os.urandom(4 * MIB), bench.patience, bench.path('pci.raw')
    with open(image, 'wb') as disk:
        disk.write(data)
    options = ('-device', 'pcie-root-port,id=port,addr=3',
               '-drive', f'file={image},format=raw,if=none,id=disk',
               '-device', 'virtio-blk-pci,drive=disk,addr=5,disable-modern=on',
               '-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,bus=port',
               '-device', 'virtio-rng-pci,addr=6')
    expected = hashlib.md5(data).hexdigest()
    with Server(data) as server, bench.start_linux('pci', 2, *options) as machine:
        machine.login(120 * patience)
        found = machine.check_shell('cd /sys/bus/pci/devices; echo $(for i in *; do echo $i=$(cat $i/class); done); cd')
        for place in ('00:03.0=0x060400', '00:05.0=0x010000', '00:06.0=0x00ff00', '01:00.0=0x020000'):
            require(f'0000:{place}' in found, f'the guest has not {place} on PCI: {found}')
        found = machine.check_shell('ls -d /sys/bus/pci/devices/0000:00:06.0/virtio*')
        require('virtio' in found, f'no driver has taken the entropy card: {found}')
        found = machine.check_shell('md5sum /dev/vda', 60 * patience).split()[0]
        require(found == expected, f'the disk has {expected}, the guest reads {found}')
        machine.check_shell(f'wget -q -O /tmp/data http://10.0.2.2:{server.port}/data', 60 * patience)
        machine.check_shell('dd if=/tmp/data of=/dev/vda bs=64k skip=1 && sync', 60 * patience)
        power_off(machine, patience)
    with open(image, 'rb') as disk:
        require(disk.read() == data[0x10000:] + data[-0x10000:], 'the image is not what the guest wrote')


def check_cards(machine, server, data, patience):
    """A disk and a network card, both modern cards on PCI with MSI-X; the network brings what the host serves."""
    found = machine.check_shell('for i in 0 1; do readlink -f /sys/bus/virtio/devices/virtio$i; done')
    require(found.count('/pci0000:00/0000:00:0') == 2, f'disk and network are not on PCI: {found}')
    interrupts = machine.check_shell('grep MSI /proc/interrupts')
    for name in ('virtio0-req', 'virtio1-input'):
        require(name in interrupts, f'no message-signalled {name} in: {interrupts}')
    machine.check_shell(f'wget -q -O /tmp/data http://10.0.2.2:{server.port}/data', 300 * patience)
    found, expected = machine.check_shell('md5sum /tmp/data', 60 * patience).split()[0], hashlib.md5(data).hexdigest()
    require(found == expected, f'the guest received {found}, the host sent {expected}')


def default_cards_work(bench):
    """-drive and -nic alone, by the device tree."""
    data, patience, image = os.urandom(16 * MIB), bench.patience, bench.path('cards.raw')
    make_ext4(image, DISK_MIB)
    options = ('-drive', f'file={image},format=raw', '-nic', 'user')
    with Server(data) as server, bench.start_linux('cards', 2, *options) as machine:
        machine.login(120 * patience)
        check_cards(machine, server, data, patience)
        written = write_reset_compare(machine, 96, patience, '/bin/busybox reboot -f')
        power_off(machine, patience)
    found = digest_in_image(image, '/data')
    require(found == written, f'the image holds {found}, the guest wrote {written}')


def its_takes_messages(bench):
    """By ACPI, with a GICv3: IORT leads the cards' messages to the ITS."""
    data, patience, image = os.urandom(16 * MIB), bench.patience, bench.path('its.raw')
    make_ext4(image, 16)
    options = ('-M', 'virt,gic-version=3', '-drive', f'file={image},format=raw', '-nic', 'user')
    with Server(data) as server, bench.start_efi('acpi-its', 2, *options) as machine:
        machine.login(120 * patience)
        machine.check_shell('test -e /sys/firmware/acpi/tables/IORT')
        check_cards(machine, server, data, patience)
        interrupts = machine.check_shell('grep MSI /proc/interrupts')
        require('ITS' in interrupts, f'the messages do not go to the ITS: {interrupts}')
        power_off(machine, patience)


# Of the button itself: how often it was told that it is pressed.
PRESSED = 'cat /sys/bus/acpi/devices/PNP0C0C:00/wakeup/*/event_count'


def acpi_describes(bench):
    """EDK2 and Linux find CPUs, serial port, PCI, cards and the power key by ACPI alone; SMBIOS says who it is."""
    data, patience, image = os.urandom(16 * MIB), bench.patience, bench.path('acpi.raw')
    make_ext4(image, DISK_MIB)
    options = ('-cpu', 'cortex-a72', '-drive', f'file={image},format=raw', '-nic', 'user', '-smbios',
               'type=1,product=Vehicle')
    with Server(data) as server, bench.start_efi('acpi', 2, *options) as machine:
        machine.login(120 * patience)
        machine.check_shell('test ! -e /proc/device-tree/cpus')
        require(machine.check_shell('nproc') == '2', 'one of two CPUs is missing')
        tables = machine.check_shell('ls /sys/firmware/acpi/tables')
        for name in ('APIC', 'DBG2', 'DSDT', 'FACP', 'GTDT', 'MCFG', 'PPTT', 'SPCR'):
            require(name in tables, f'no {name} in: {tables}')
        trouble = machine.check_shell('dmesg | grep -iE "ACPI.*(error|warning)|Oops|BUG:|WARNING:" || true')
        require(not trouble, f'the kernel complains: {trouble}')
        require(machine.check_shell('cat /sys/class/dmi/id/product_name') == 'Vehicle', 'SMBIOS is not ours')
        check_cards(machine, server, data, patience)
        require(machine.check_shell(PRESSED) == '0', 'the power key was pressed before it was')
        machine.send('\x01csystem_powerdown\r')
        machine.expect(r'\(guise\)|\(qemu\)', 20 * patience)
        machine.send('\x01c')
        deadline = time.monotonic() + 20 * patience
        while machine.check_shell(PRESSED) == '0':
            require(time.monotonic() < deadline, 'the power key has come to nobody')
        written = write_reset_compare(machine, 96, patience, 'reboot')
        power_off(machine, patience)
    found = digest_in_image(image, '/data')
    require(found == written, f'the image holds {found}, the guest wrote {written}')


# How the small program of an architecture is built and started: its compiler, its options, the board's options.
SMALL = {
    'riscv64': ('riscv64-linux-gnu-gcc', 'small.S', '0x80000000', ('-bios', 'none')),
    'aarch64': ('aarch64-linux-gnu-gcc', 'small_aarch64.S', '0x40080000', ()),
    'arm': ('arm-linux-gnueabihf-gcc', 'small_arm.S', '0x40010000', ()),
}


def build_small(bench, harts, finish, *defines):
    compiler, source, start, _ = SMALL[bench.arch]
    program = bench.path('-'.join(('small', str(harts), f'{finish:x}', *defines)))
    if not os.path.exists(program):
        subprocess.run([compiler, '-nostdlib', '-static', f'-Wl,-Ttext={start},-z,norelro', '-Wl,--build-id=none',
                        f'-DHARTS={harts}', f'-DFINISH={finish:#x}', *defines, '-o', program,
                        os.path.join(HERE, source)], check=True)
    return program


def start_small(bench, harts, finish, *options, defines=()):
    return bench.start('small', *SMALL[bench.arch][3], '-m', '32M', '-smp', str(harts), '-kernel',
                       build_small(bench, harts, finish, *defines), *options)


def run_small(bench, harts, finish, *options):
    """One start to its end; returns the exit status."""
    with start_small(bench, harts, finish, *options) as machine:
        machine.expect('small guest', 20 * bench.patience)
        return machine.wait(20 * bench.patience)


def small_starts_often(bench):
    finish = FINISH_PASS if bench.arch == 'riscv64' else PSCI_OFF
    for number in range(bench.count):
        harts = (1, 2, 4, 8)[number % 4]
        try:
            status = run_small(bench, harts, finish)
            require(status == 0, f'exit status {status}')
        except guest.Failure as failure:
            raise guest.Failure(f'start {number} on {harts} CPUs: {failure}') from failure


def reset_begins_again(bench, harts, finish):
    status = run_small(bench, harts, finish, '-no-reboot')
    require(status == 0, f'reset with -no-reboot: exit status {status}')
    with start_small(bench, harts, finish) as machine:
        for _ in range(5):
            machine.expect('small guest', 20 * bench.patience)


def finisher_tells_status(bench):
    """Codes of the test finisher are the process's exit status."""
    for code in (1, 42):
        status = run_small(bench, 1, code << 16 | FINISH_FAIL)
        require(status == code, f'the guest told {code}, the exit status is {status}')
    reset_begins_again(bench, 1, FINISH_RESET)


def psci_resets(bench):
    """By one CPU, and with others switched on before, which are off again after it."""
    for harts in (1, 4):
        reset_begins_again(bench, harts, PSCI_RESET)


def power_key_arrives(bench):
    """system_powerdown presses the key: line 3 of the PL061, an interrupt, and the guest ends."""
    with start_small(bench, 2, PSCI_OFF, defines=('-DKEY',)) as machine:
        machine.expect('waits for the key', 20 * bench.patience)
        machine.send('\x01csystem_powerdown\r')
        machine.expect('key pressed', 20 * bench.patience)
        status = machine.wait(20 * bench.patience)
        require(status == 0, f'exit status {status}')


CACHE_LEAST = 0.9       # of the second boot's units are the first one's


def boot_with_cache(bench, name, options=''):
    """Counters of a boot with a folder for translations, and what it showed."""
    accel = f'jit,cache={bench.path("cache")},cache-key={bench.path("key")}{options}'
    report = bench.path(name + '.stats')
    with bench.start_linux('cache-' + name, 2, '-accel', accel, '-d', 'stats', '-D', report) as machine:
        machine.login(120 * bench.patience)
        said = machine.check_shell('n=0; while [ $n -lt 2000 ]; do n=$((n+1)); done; echo $n | sha256sum; nproc')
        power_off(machine, bench.patience)
    with open(os.path.join(bench.logs, f'cache-{name}.log'), encoding='utf-8', errors='replace') as log:
        require('cache-verify:' not in log.read(), 'the cache has other code than the translator makes')
    with open(report, encoding='utf-8') as lines:
        counters = {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2}
    return counters, said


def cache_serves_second_boot(bench):
    cold, first = boot_with_cache(bench, 'cold')
    warm, second = boot_with_cache(bench, 'warm')
    require(not cold['unpaired'], 'Linux has store-conditionals that look like ends of no pair')
    require(first == second, f'the first boot said {first}, the second {second}')
    require(warm['loaded'] >= CACHE_LEAST * (warm['loaded'] + warm['stored']),
            f'{cold["stored"]} units stored; the second boot took {warm["loaded"]}, and made {warm["stored"]}')
    checked, third = boot_with_cache(bench, 'verified', ',cache-verify=on')
    require(third == first and checked['loaded'] >= CACHE_LEAST * warm['loaded'], f'{checked["loaded"]} units verified')


TESTS = {
    'small-100-starts': small_starts_often,
    'finisher-status': finisher_tells_status,
    'linux-1-cpu': boots_on(1),
    'linux-2-cpus': boots_on(2),
    'linux-4-cpus': boots_on(4),
    'linux-8-cpus': boots_on(8),
    'disk': disk_keeps_data,
    'network': network_carries_data,
    'pci': pci_cards_work,
    'disk-cache': cache_serves_second_boot,
    'psci-reset': psci_resets,
    'power-key': power_key_arrives,
    'linux-cortex-a72': boots_on(2, '-cpu', 'cortex-a72'),
    'linux-cpu-max': boots_on(2, '-cpu', 'max'),
    'linux-cortex-a7': boots_on(2, '-cpu', 'cortex-a7'),
    'linux-short-tables': boots_on(2, start=Bench.start_short),
    'linux-a53-in-aarch32': starts_in_aarch32,
    'armhf': armhf_runs,
    'cards': default_cards_work,
    'acpi': acpi_describes,
    'acpi-its': its_takes_messages,
    'acpi-8-cpus': boots_on(8, '-cpu', 'max', start=Bench.start_efi),
    'gicv3-8-cpus': boots_on(8, '-M', 'virt,gic-version=3,virtualization=on'),
    'gicv3-64-cpus': boots_on(64, '-M', 'virt,gic-version=3'),
}
ONE_ARCH = {
    'finisher-status': ('riscv64',),
    'psci-reset': ('aarch64', 'arm'),
    'power-key': ('aarch64',),
    'linux-cortex-a72': ('aarch64',),
    'linux-cpu-max': ('aarch64', 'arm'),
    'linux-4-cpus': ('arm',),
    'linux-cortex-a7': ('arm',),
    'linux-short-tables': ('arm',),
    'linux-a53-in-aarch32': ('arm',),
    'armhf': ('aarch64',),
    'cards': ('aarch64',),
    'acpi': ('aarch64',),
    'acpi-8-cpus': ('aarch64',),
    'gicv3-8-cpus': ('aarch64',),
    'gicv3-64-cpus': ('aarch64',),
}


def tests_of(arch):
    return [name for name in TESTS if arch in ONE_ARCH.get(name, (arch,))]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('binary', help='guise, or a program with its command line')
    parser.add_argument('tests', nargs='*', help='default: all that the architecture has, of ' + ' '.join(TESTS))
    parser.add_argument('--arch', choices=tuple(SMALL), default='riscv64', help='default: %(default)s')
    parser.add_argument('--options', default='', help="more options for the program, as one word")
    parser.add_argument('--count', type=int, default=100, help='starts of the small guest')
    parser.add_argument('--patience', type=float, default=1, help='factor for all deadlines')
    parser.add_argument('--log', metavar='FOLDER', help='keep what the consoles showed')
    return parser.parse_intermixed_args()


def main():
    arguments = parse_arguments()
    tests = tests_of(arguments.arch)
    unknown = set(arguments.tests) - set(tests)
    if unknown:
        sys.exit(f'no test {", ".join(unknown)}; there are: {", ".join(tests)}')
    if arguments.log:
        os.makedirs(arguments.log, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix='guise-boot.') as folder:
        bench = Bench(arguments, folder)
        for name in arguments.tests or tests:
            try:
                TESTS[name](bench)
                print(f'ok {name}', flush=True)
            except guest.Unavailable as reason:
                print(f'skip {name}: {reason}', flush=True)
            except (guest.Failure, subprocess.CalledProcessError) as failure:
                failed += 1
                print(f'{failure}\nnot ok {name}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
