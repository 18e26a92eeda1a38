#!/usr/bin/env python3
"""Debian's U-Boot and EDK2 in the machine, up to their prompts and to the Linux that they boot.

U-Boot in M-mode in OpenSBI's place, and in S-mode started by it: finds its devices, boots Debian's kernel from an
ext4 partition on a disk by itself (extlinux.conf), or as told by hand. EDK2 in two flash drives: its shell, variables
that survive in flash, a kernel given with -kernel (which it reads from fw_cfg), and one on a FAT disk. Any program
with the command line can be given: with the peer the tests test themselves.
"""

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from support import guest  # noqa: E402

MIB = 1 << 20
PART_MIB = 96
VENDOR = '5a1e0d6c-3b0f-4c7a-9d55-7b1f5d2f3c11'     # names our EFI variables; the standard's own names are policed
MARK = 'quiet guise.mark=firmware'
ESCAPES = re.compile(rb'\x1b\[[0-9;=?]*[A-Za-z]')


class Bench:
    """What every test needs: the program, what it is to start, and a folder of its own."""

    def __init__(self, arguments, folder):
        self.binary = os.path.realpath(arguments.binary)
        self.options = arguments.options.split()
        self.folder = folder
        self.logs = arguments.log or folder
        self.patience = arguments.patience
        self.linux = guest.read_env()
        self.firmware = guest.read_env(tool='get-firmware')

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *options):
        command = guest.machine_command(self.binary, '-M', 'virt,acpi=off', '-m', '512M', '-smp', '2', *options,
                                        *self.options)
        return guest.Machine(command, os.path.join(self.logs, name + '.log'))

    def flash(self, variables):
        """EDK2's two drives: code that nobody writes, variables of this test."""
        if not os.path.exists(variables):
            shutil.copy(self.firmware['EFI_VARS'], variables)
        return ('-drive', f'if=pflash,format=raw,unit=0,file={self.firmware["EFI_CODE"]},readonly=on',
                '-drive', f'if=pflash,format=raw,unit=1,file={variables}')


def require(condition, text):
    if not condition:
        raise guest.Failure(text)


def disk_options(path):
    return ('-drive', f'file={path},format=raw,if=none,id=disk', '-device', 'virtio-blk-device,drive=disk')


def command(machine, prompt, text, seconds):
    """What a firmware's prompt answers; its screen codes and the line ends are taken out."""
    machine.send(text + '\r')
    start = machine.seen
    match = machine.expect(prompt, seconds)
    return ESCAPES.sub(b'', machine.output[start:match.start()]).decode(errors='replace').replace('\r', '')


def expect_linux(machine, patience, *found):
    """Linux is there, was told our words, and sees what the firmware should have given it."""
    machine.login(120 * patience)
    told = machine.check_shell('cat /proc/cmdline')
    require(MARK in told, f'the kernel was told {told!r}, not {MARK!r}')
    require(machine.check_shell('nproc') == '2', 'one of two CPUs is missing')
    for test in found:
        machine.check_shell(test)
    machine.send('poweroff\r')
    status = machine.wait(30 * patience)
    require(status == 0, f'poweroff: exit status {status}')


# ---- U-Boot ----

UBOOT = r'^=> '


def write_ext4_disk(path, files):
    """A disk whose first partition (type 83) is an ext4 file system with FILES {name: file on the host or text}."""
    with tempfile.TemporaryDirectory(prefix='guise-tree.') as tree:
        for name, content in files.items():
            target = os.path.join(tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.exists(content):
                shutil.copy(content, target)
            else:
                with open(target, 'w', encoding='utf-8') as out:
                    out.write(content)
        with open(path, 'wb') as disk:
            disk.truncate((1 + PART_MIB) * MIB)
        subprocess.run(['/sbin/mke2fs', '-q', '-t', 'ext4', '-d', tree, '-E', f'offset={MIB}', path,
                        f'{PART_MIB}M'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', 0x83, b'\xfe\xff\xff', MIB // 512,
                        PART_MIB * MIB // 512)
    with open(path, 'r+b') as disk:
        disk.seek(446)
        disk.write(entry)
        disk.seek(510)
        disk.write(b'\x55\xaa')


def linux_disk(bench):
    path = bench.path('ext4.raw')
    if not os.path.exists(path):
        write_ext4_disk(path, {
            'Image': bench.linux['KERNEL'], 'initrd': bench.linux['INITRD'],
            'extlinux/extlinux.conf': 'default linux\ntimeout 1\nlabel linux\n kernel /Image\n initrd /initrd\n'
                                      f' append {MARK}\n'})
    return path


def uboot_prompt(machine, patience):
    machine.expect(r'Hit any key to stop autoboot', 60 * patience)
    machine.send(' ')
    machine.expect(UBOOT, 20 * patience)


def uboot_in_machine_mode(bench):
    """In OpenSBI's place: its prompt, its memory, its timer, and off."""
    patience = bench.patience
    with bench.start('uboot-m', '-bios', bench.firmware['UBOOT_M'], *disk_options(linux_disk(bench))) as machine:
        uboot_prompt(machine, patience)
        memory = command(machine, UBOOT, 'bdinfo', 20 * patience)
        require(re.search(r'start\s+= 0x0+80000000\b', memory) and re.search(r'size\s+= 0x0+20000000\b', memory),
                f'512 MiB at 0x80000000 are not in: {memory}')
        began = time.monotonic()
        command(machine, UBOOT, 'sleep 2', 60 * patience)
        slept = time.monotonic() - began
        require(1.9 < slept < 4 * patience, f'two seconds by its timer took {slept:.2f} s')
        machine.send('poweroff\r')
        status = machine.wait(20 * patience)
        require(status == 0, f'poweroff: exit status {status}')


def uboot_by_hand(bench):
    """S-mode: its commands see the flash, the disk and the files; booti starts the kernel."""
    patience = bench.patience
    with bench.start('uboot-booti', '-kernel', bench.firmware['UBOOT_S'],
                     *disk_options(linux_disk(bench))) as machine:
        uboot_prompt(machine, patience)
        banks = command(machine, UBOOT, 'flinfo', 20 * patience)
        require(banks.count('CFI conformant') == 2 and banks.count('Intel Extended') == 2, f'two banks are not in: {banks}')
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
    with bench.start('uboot-disk', '-kernel', bench.firmware['UBOOT_S'],
                     *disk_options(linux_disk(bench))) as machine:
        expect_linux(machine, bench.patience)


# ---- EDK2 ----

SHELL = r'Shell> '


def efi_shell(machine, patience):
    machine.expect(r'to skip .*startup\.nsh', 90 * patience)
    machine.send('\x1b')
    machine.expect(SHELL, 30 * patience)


def efi_off(machine, patience):
    machine.send('reset -s\r')
    status = machine.wait(30 * patience)
    require(status == 0, f'reset -s: exit status {status}')


def efi_variables(bench):
    """The shell; a variable written in one run is in flash in the next, when it is changed and deleted."""
    patience, variables = bench.patience, bench.path('vars.fd')
    name = f'setvar GuiseTest -guid {VENDOR}'
    with bench.start('efi-vars-1', *bench.flash(variables)) as machine:
        efi_shell(machine, patience)
        require('UEFI v2' in command(machine, SHELL, 'ver', 30 * patience), 'the shell knows no version')
        told = command(machine, SHELL, name, 30 * patience)
        require('Unable to get' in told, f'a new store has the variable: {told}')
        told = command(machine, SHELL, f'{name} -nv -bs =0x1234abcd', 30 * patience)
        require('Unable' not in told, f'the variable is not written: {told}')
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


def write_fat_disk(path, files):
    with open(path, 'wb') as disk:
        disk.truncate(PART_MIB * MIB)
    subprocess.run(['mformat', '-i', path, '-F', '::'], check=True)
    for name, content in files.items():
        if os.path.exists(content):
            subprocess.run(['mcopy', '-i', path, content, f'::{name}'], check=True)
        else:
            subprocess.run(['mcopy', '-i', path, '-', f'::{name}'], input=content.encode(), check=True)


def efi_boots_disk(bench):
    """The shell finds a script on a FAT disk, and starts the kernel that lies there."""
    path = bench.path('fat.raw')
    write_fat_disk(path, {'linux.efi': bench.linux['KERNEL'], 'initrd': bench.linux['INITRD'],
                          'startup.nsh': f'fs0:\r\nlinux.efi initrd=\\initrd {MARK}\r\n'})
    with bench.start('efi-disk', *bench.flash(bench.path('vars-disk.fd')), *disk_options(path)) as machine:
        machine.expect(r'to skip .*startup\.nsh', 90 * bench.patience)
        machine.send(' ')
        expect_linux(machine, bench.patience, 'test -d /sys/firmware/efi')


TESTS = {
    'uboot-machine-mode': uboot_in_machine_mode,
    'uboot-by-hand': uboot_by_hand,
    'uboot-boots-disk': uboot_boots_disk,
    'efi-variables': efi_variables,
    'efi-boots-kernel': efi_boots_kernel,
    'efi-boots-disk': efi_boots_disk,
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('binary', help='guise, or a program with its command line')
    parser.add_argument('tests', nargs='*', help='default: all of ' + ' '.join(TESTS))
    parser.add_argument('--options', default='', help='more options for the program, as one word')
    parser.add_argument('--patience', type=float, default=1, help='factor for all deadlines')
    parser.add_argument('--log', metavar='FOLDER', help='keep what the consoles showed')
    return parser.parse_intermixed_args()


def main():
    arguments = parse_arguments()
    unknown = set(arguments.tests) - set(TESTS)
    if unknown:
        sys.exit(f'no test {", ".join(unknown)}; there are: {", ".join(TESTS)}')
    if arguments.log:
        os.makedirs(arguments.log, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix='guise-firmware.') as folder:
        try:
            bench = Bench(arguments, folder)
        except guest.Unavailable as reason:
            print(f'skip firmware: {reason}', flush=True)
            return 0
        for name in arguments.tests or TESTS:
            try:
                TESTS[name](bench)
                print(f'ok {name}', flush=True)
            except (guest.Failure, subprocess.CalledProcessError) as failure:
                failed += 1
                print(f'{failure}\nnot ok {name}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
