#!/usr/bin/env python3
"""Debian's U-Boot, EDK2 and GRUB in the machine, up to their prompts and to the Linux that they boot.

U-Boot finds its devices, boots Debian's kernel from an ext4 partition on a disk by itself (extlinux.conf), as told by
hand, and through GRUB as an EFI program; on RISC-V in M-mode in OpenSBI's place and in S-mode started by it. EDK2 by
-bios and in two flash drives: its shell, variables that survive in flash, a kernel given with -kernel (which it reads
from fw_cfg), one on a FAT disk, and GRUB on a GPT disk as an installed Debian has it, by device tree and by ACPI. Any
program with the command line can be given: with the peer the tests test themselves.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, '..'), HERE]
from support import guest  # noqa: E402
import disks  # noqa: E402

PART_MIB = 96
VENDOR = '5a1e0d6c-3b0f-4c7a-9d55-7b1f5d2f3c11'     # names our EFI variables; the standard's own names are policed
MARK = 'quiet guise.mark=firmware'
ESCAPES = re.compile(rb'\x1b\[[0-9;=?]*[A-Za-z]')

# What differs: where memory begins, how U-Boot is started, under which name EFI starts a disk's loader.
BOARDS = {
    'riscv64': {'ram': 0x80000000, 'uboot': ('-kernel', 'UBOOT_S'), 'loader': 'BOOTRISCV64.EFI', 'grub': 'riscv64'},
    'aarch64': {'ram': 0x40000000, 'uboot': ('-bios', 'UBOOT'), 'loader': 'BOOTAA64.EFI', 'grub': 'arm64'},
}


class Bench:
    """What every test needs: the program, what it is to start, and a folder of its own."""

    def __init__(self, arguments, folder):
        self.binary = os.path.realpath(arguments.binary)
        self.arch = arguments.arch
        self.board = BOARDS[self.arch]
        self.options = arguments.options.split()
        self.folder = folder
        self.logs = arguments.log or folder
        self.patience = arguments.patience
        self.linux = guest.read_env(self.arch)
        self.firmware = guest.read_env(self.arch, tool='get-firmware')

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *options, machine='virt,acpi=off'):
        command = guest.machine_command(self.binary, '-M', machine, '-m', '512M', '-smp', '2', *options,
                                        *self.options, arch=self.arch)
        return guest.Machine(command, os.path.join(self.logs, name + '.log'))

    def start_uboot(self, name, *options):
        option, image = self.board['uboot']
        return self.start(name, option, self.firmware[image], *options)

    def variables(self, path):
        """A store of variables, new but for what earlier starts with it have written."""
        if not os.path.exists(path):
            shutil.copy(self.firmware['EFI_VARS'], path)
        return path

    def flash(self, variables):
        """EDK2's two drives: code that nobody writes, variables of this test."""
        return ('-drive', f'if=pflash,format=raw,unit=0,file={self.firmware["EFI_CODE"]},readonly=on',
                '-drive', f'if=pflash,format=raw,unit=1,file={self.variables(variables)}')


def require(condition, text):
    if not condition:
        raise guest.Failure(text)


def disk_options(path, card='virtio-blk-device'):
    return ('-drive', f'file={path},format=raw,if=none,id=disk', '-device', f'{card},drive=disk')


def command(machine, prompt, text, seconds):
    """What a firmware's prompt answers; its screen codes and the line ends are taken out."""
    machine.send(text + '\r')
    start = machine.seen
    match = machine.expect(prompt, seconds)
    return ESCAPES.sub(b'', machine.output[start:match.start()]).decode(errors='replace').replace('\r', '')


def check_linux(machine, patience, *found):
    """Linux is there, was told our words, and sees what the firmware should have given it."""
    machine.login(120 * patience)
    told = machine.check_shell('cat /proc/cmdline')
    require(MARK in told, f'the kernel was told {told!r}, not {MARK!r}')
    require(machine.check_shell('nproc') == '2', 'one of two CPUs is missing')
    for test in found:
        machine.check_shell(test)


def expect_linux(machine, patience, *found):
    check_linux(machine, patience, *found)
    machine.send('poweroff\r')
    status = machine.wait(30 * patience)
    require(status == 0, f'poweroff: exit status {status}')


# ---- U-Boot ----

UBOOT = r'^=> '


def linux_disk(bench):
    path = bench.path('ext4.raw')
    if not os.path.exists(path):
        disks.write_ext4_disk(path, PART_MIB, {
            'Image': bench.linux['KERNEL'], 'initrd': bench.linux['INITRD'],
            'extlinux/extlinux.conf': 'default linux\ntimeout 1\nlabel linux\n kernel /Image\n initrd /initrd\n'
                                      f' append {MARK}\n'})
    return path


def uboot_prompt(machine, patience):
    machine.expect(r'Hit any key to stop autoboot', 60 * patience)
    machine.send(' ')
    machine.expect(UBOOT, 20 * patience)


def grub_disk(bench):
    path = bench.path('grub.raw')
    if not os.path.exists(path):
        disks.write_grub_disk(path, bench.board['loader'], bench.firmware['GRUB'], bench.linux['KERNEL'],
                              bench.linux['INITRD'], MARK)
    return path


def expect_grub(bench, machine):
    machine.expect(f'guise: GRUB {bench.board["grub"]} efi', 60 * bench.patience)


def check_uboot(bench, machine):
    """Its memory and its timer."""
    patience = bench.patience
    uboot_prompt(machine, patience)
    memory = command(machine, UBOOT, 'bdinfo', 20 * patience)
    require(re.search(rf'start\s+= 0x0+{bench.board["ram"]:x}\b', memory) and re.search(r'size\s+= 0x0+20000000\b', memory),
            f'512 MiB at {bench.board["ram"]:#x} are not in: {memory}')
    began = time.monotonic()
    command(machine, UBOOT, 'sleep 2', 60 * patience)
    slept = time.monotonic() - began
    require(1.9 < slept < 4 * patience, f'two seconds by its timer took {slept:.2f} s')


def uboot_in_machine_mode(bench):
    """In OpenSBI's place, and off."""
    patience = bench.patience
    with bench.start('uboot-m', '-bios', bench.firmware['UBOOT_M'], *disk_options(linux_disk(bench))) as machine:
        check_uboot(bench, machine)
        machine.send('poweroff\r')
        status = machine.wait(20 * patience)
        require(status == 0, f'poweroff: exit status {status}')


def uboot_by_hand(bench):
    """Its commands see memory, flash, cards, the network, the disk and the files; booti starts the kernel."""
    patience = bench.patience
    with bench.start_uboot('uboot-booti', *disk_options(linux_disk(bench)), '-nic', 'user') as machine:
        check_uboot(bench, machine)
        banks = command(machine, UBOOT, 'flinfo', 20 * patience)
        require(banks.count('CFI conformant') == 2 and banks.count('Intel Extended') == 2, f'two banks are not in: {banks}')
        if bench.arch == 'aarch64':
            cards = command(machine, UBOOT, 'pci', 20 * patience)
            require('0x1af4' in cards and 'Network controller' in cards, f'no card in: {cards}')
        bound = command(machine, UBOOT, 'setenv autoload no; dhcp', 60 * patience)
        require('bound to address 10.0.2.15' in bound, f'no address: {bound}')
        size = os.path.getsize(bench.linux['KERNEL'])
        loaded = command(machine, UBOOT, 'virtio scan; load virtio 0:1 ${kernel_addr_r} /Image', 60 * patience)
        require(f'{size} bytes read' in loaded, f'the kernel has {size} bytes; {loaded}')
        size = os.path.getsize(bench.linux['INITRD'])
        loaded = command(machine, UBOOT, 'load virtio 0:1 ${ramdisk_addr_r} /initrd', 60 * patience)
        require(f'{size} bytes read' in loaded, f'the initrd has {size} bytes; {loaded}')
        command(machine, UBOOT, f'setenv bootargs {MARK}', 20 * patience)
        machine.send('booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}\r')
        expect_linux(machine, patience)


def uboot_boots_disk(bench):
    """Nobody types: it finds extlinux.conf on the partition."""
    with bench.start_uboot('uboot-disk', *disk_options(linux_disk(bench))) as machine:
        expect_linux(machine, bench.patience)


def uboot_boots_grub(bench):
    """Nor here: it starts the loader in the EFI system partition as an EFI program."""
    with bench.start_uboot('uboot-grub', *disk_options(grub_disk(bench))) as machine:
        expect_grub(bench, machine)
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/efi', 'test -d /sys/firmware/devicetree')


# ---- EDK2 ----

SHELL = r'Shell> '


def efi_hurry(machine, patience):
    """It would wait some seconds for a key before it boots."""
    machine.expect(r'=3h(?s:.*)=3h', 60 * patience)
    machine.send('\r')


def efi_shell(machine, patience):
    efi_hurry(machine, patience)
    machine.expect(r'to skip .*startup\.nsh', 90 * patience)
    machine.send('\x1b')
    machine.expect(SHELL, 30 * patience)


def efi_off(machine, patience):
    machine.send('reset -s\r')
    status = machine.wait(30 * patience)
    require(status == 0, f'reset -s: exit status {status}')


def efi_by_bios(bench):
    """The code alone, as -bios, with the newer interrupt controller."""
    with bench.start('efi-bios', '-bios', bench.firmware['EFI_BIOS'], *disk_options(grub_disk(bench)),
                     machine='virt,gic-version=3') as machine:
        efi_hurry(machine, bench.patience)
        expect_grub(bench, machine)


def efi_variables(bench):
    """The shell; a variable written in one run is in flash after a reset and in the next run, when it is changed and
    deleted."""
    patience, variables = bench.patience, bench.path('vars.fd')
    name = f'setvar GuiseTest -guid {VENDOR}'
    with bench.start('efi-vars-1', *bench.flash(variables)) as machine:
        efi_shell(machine, patience)
        require('UEFI v2' in command(machine, SHELL, 'ver', 30 * patience), 'the shell knows no version')
        told = command(machine, SHELL, name, 30 * patience)
        require('Unable to get' in told, f'a new store has the variable: {told}')
        told = command(machine, SHELL, f'{name} -nv -bs =0x1234abcd', 30 * patience)
        require('Unable' not in told, f'the variable is not written: {told}')
        machine.send('reset -w\r')
        efi_shell(machine, patience)
        told = command(machine, SHELL, name, 30 * patience)
        require('CD AB 34 12' in told, f'after a reset: {told}')
        efi_off(machine, patience)
    with bench.start('efi-vars-2', *bench.flash(variables)) as machine:
        efi_shell(machine, patience)
        told = command(machine, SHELL, name, 30 * patience)
        require('CD AB 34 12' in told, f'the second run finds: {told}')
        # The old value is marked deleted in place, by clearing bits of flash.
        command(machine, SHELL, f'{name} -nv -bs =0x55', 30 * patience)
        told = command(machine, SHELL, name, 30 * patience)
        require(re.search(r'0001 Bytes\s+55\b', told), f'after the change: {told}')
        command(machine, SHELL, f'{name} =', 30 * patience)
        efi_off(machine, patience)
    with open(bench.firmware['EFI_VARS'], 'rb') as before, open(variables, 'rb') as after:
        require(before.read() != after.read(), 'the image of the variables was never written')


def efi_boots_kernel(bench):
    """-kernel, -initrd and -append by way of fw_cfg; the kernel comes up as an EFI application."""
    with bench.start('efi-kernel', *bench.flash(bench.path('vars-kernel.fd')), '-kernel', bench.linux['KERNEL'],
                     '-initrd', bench.linux['INITRD'], '-append', MARK) as machine:
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/efi', 'test -d /sys/firmware/devicetree')


def efi_boots_disk(bench):
    """The shell finds a script on a FAT disk, and starts the kernel that lies there."""
    path = bench.path('fat.raw')
    disks.make_image(path, PART_MIB)
    disks.write_fat(path, 0, PART_MIB, {
        'linux.efi': bench.linux['KERNEL'], 'initrd': bench.linux['INITRD'],
        'startup.nsh': f'fs0:\r\nlinux.efi initrd=\\initrd {MARK}\r\n'})
    with bench.start('efi-disk', *bench.flash(bench.path('vars-disk.fd')), *disk_options(path)) as machine:
        efi_hurry(machine, bench.patience)
        machine.expect(r'to skip .*startup\.nsh', 90 * bench.patience)
        machine.send(' ')
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/efi')


# ---- GRUB ----

def efi_boots_grub(bench):
    """From the GPT disk, by device tree; Linux reboots through firmware."""
    with bench.start('grub', *bench.flash(bench.path('vars-grub.fd')), *disk_options(grub_disk(bench))) as machine:
        efi_hurry(machine, bench.patience)
        expect_grub(bench, machine)
        check_linux(machine, bench.patience, 'test -d /sys/firmware/devicetree', 'test -b /dev/vda2')
        machine.send('reboot\r')
        efi_hurry(machine, bench.patience)
        expect_grub(bench, machine)
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/efi')


def efi_boots_grub_pci(bench):
    """By ACPI, from a card on PCI; the flash banks are blockdevs."""
    banks = []
    for name, path, more in (('code', bench.firmware['EFI_CODE'], ',read-only=on'),
                             ('vars', bench.variables(bench.path('vars-pci.fd')), '')):
        banks += ['-blockdev', f'driver=raw,node-name={name},file.driver=file,file.filename={path}{more}']
    with bench.start('grub-pci', *banks, '-cpu', 'max', *disk_options(grub_disk(bench), 'virtio-blk-pci'), '-nic', 'user',
                     machine='virt,pflash0=code,pflash1=vars') as machine:
        efi_hurry(machine, bench.patience)
        expect_grub(bench, machine)
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/acpi/tables', 'test -b /dev/vda2',
                     'test -d /sys/bus/pci/drivers/virtio-pci/0000:00:01.0')


BOTH = {
    'uboot-by-hand': uboot_by_hand,
    'uboot-boots-disk': uboot_boots_disk,
    'uboot-boots-grub': uboot_boots_grub,
    'efi-variables': efi_variables,
    'efi-boots-kernel': efi_boots_kernel,
    'efi-boots-disk': efi_boots_disk,
    'efi-boots-grub': efi_boots_grub,
}
TESTS = {
    'riscv64': {'uboot-machine-mode': uboot_in_machine_mode, **BOTH},
    'aarch64': {**BOTH, 'efi-bios': efi_by_bios, 'efi-boots-grub-pci': efi_boots_grub_pci},
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('binary', help='guise, or a program with its command line')
    parser.add_argument('tests', nargs='*', help='default: all of ' + ' '.join({**TESTS['riscv64'], **TESTS['aarch64']}))
    parser.add_argument('--arch', choices=TESTS, default='riscv64')
    parser.add_argument('--options', default='', help='more options for the program, as one word')
    parser.add_argument('--patience', type=float, default=1, help='factor for all deadlines')
    parser.add_argument('--log', metavar='FOLDER', help='keep what the consoles showed')
    return parser.parse_intermixed_args()


def main():
    arguments = parse_arguments()
    tests = TESTS[arguments.arch]
    unknown = set(arguments.tests) - set(tests)
    if unknown:
        sys.exit(f'no test {", ".join(unknown)}; there are: {", ".join(tests)}')
    if arguments.log:
        os.makedirs(arguments.log, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix='guise-firmware.') as folder:
        try:
            bench = Bench(arguments, folder)
        except guest.Unavailable as reason:
            print(f'skip firmware: {reason}', flush=True)
            return 0
        for name in arguments.tests or tests:
            try:
                tests[name](bench)
                print(f'ok {name}', flush=True)
            except (guest.Failure, subprocess.CalledProcessError) as failure:
                failed += 1
                print(f'{failure}\nnot ok {name}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
