"""Disk images for the firmware's tests, made as any user: no loop devices, no mounts.

FILES of a file system is {name in it: a file of the host, or text}.
"""

import os
import shutil
import struct
import subprocess
import tempfile
import uuid
import zlib

SECTOR = 512
MIB = 1 << 20
ENTRIES, ENTRY_BYTES = 128, 128     # of a GPT
ENTRY_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
TYPES = {
    'esp': uuid.UUID('c12a7328-f81f-11d2-ba4b-00a0c93ec93b'),
    'linux': uuid.UUID('0fc63daf-8483-4772-8e79-3d69d8477de4'),
}


def make_image(path, mib):
    with open(path, 'wb') as disk:
        disk.truncate(mib * MIB)


def write_at(path, sector, data):
    with open(path, 'r+b') as disk:
        disk.seek(sector * SECTOR)
        disk.write(data)


def write_ext4(path, at_mib, mib, files, label='boot'):
    """A file system inside an image."""
    with tempfile.TemporaryDirectory(prefix='guise-tree.') as tree:
        for name, content in files.items():
            target = os.path.join(tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.exists(content):
                shutil.copy(content, target)
            else:
                with open(target, 'w', encoding='utf-8') as out:
                    out.write(content)
        subprocess.run(['/sbin/mke2fs', '-q', '-t', 'ext4', '-L', label, '-d', tree, '-E', f'offset={at_mib * MIB}',
                        path, f'{mib}M'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_fat(path, at_mib, mib, files):
    image = f'{path}@@{at_mib}M'
    subprocess.run(['mformat', '-i', image, '-F', '-T', str(mib * MIB // SECTOR), '::'], check=True)
    folders = {os.path.dirname(name)[:cut] for name in files
               for cut in range(1, len(name)) if (os.path.dirname(name) + '/')[cut:cut + 1] == '/'}
    for folder in sorted(folders):
        subprocess.run(['mmd', '-i', image, f'::{folder}'], check=True)
    for name, content in files.items():
        if os.path.exists(content):
            subprocess.run(['mcopy', '-i', image, content, f'::{name}'], check=True)
        else:
            subprocess.run(['mcopy', '-i', image, '-', f'::{name}'], input=content.encode(), check=True)


def mbr_entry(kind, first, count, active=0):
    return struct.pack('<B3sB3sII', active, b'\xfe\xff\xff', kind, b'\xfe\xff\xff', first, count)


def write_mbr(path, entry):
    """A table of one partition."""
    write_at(path, 0, bytes(446) + entry + bytes(48) + b'\x55\xaa')


def gpt_header(disk, here, other, entries_at, last, checksum):
    fields = (b'EFI PART', 0x10000, 92, 0, 0, here, other, 2 + ENTRY_SECTORS, last, disk.bytes_le, entries_at,
              ENTRIES, ENTRY_BYTES, checksum)
    form = '<8sIIIIQQQQ16sQIII'
    crc = zlib.crc32(struct.pack(form, *fields))
    return struct.pack(form, *fields[:3], crc, *fields[4:]).ljust(SECTOR, b'\0')


def write_gpt(path, partitions):
    """PARTITIONS: (type's name, MiB where it begins, its MiB). A table in front, its copy at the end."""
    end = os.path.getsize(path) // SECTOR - 1
    table = b''
    for kind, first, mib in partitions:
        unique = uuid.uuid5(TYPES[kind], f'guise {first}')
        table += struct.pack('<16s16sQQQ72s', TYPES[kind].bytes_le, unique.bytes_le, first * MIB // SECTOR,
                             (first + mib) * MIB // SECTOR - 1, 0, kind.encode('utf-16-le'))
    table = table.ljust(ENTRIES * ENTRY_BYTES, b'\0')
    disk = uuid.uuid5(uuid.NAMESPACE_OID, 'guise disk')
    checksum, last = zlib.crc32(table), end - ENTRY_SECTORS - 1
    write_mbr(path, mbr_entry(0xee, 1, end))
    write_at(path, 1, gpt_header(disk, 1, end, 2, last, checksum) + table)
    write_at(path, end - ENTRY_SECTORS, table + gpt_header(disk, end, 1, end - ENTRY_SECTORS, last, checksum))


def write_ext4_disk(path, mib, files):
    """One partition of Linux's type, as of old."""
    make_image(path, 1 + mib)
    write_ext4(path, 1, mib, files)
    write_mbr(path, mbr_entry(0x83, MIB // SECTOR, mib * MIB // SECTOR, 0x80))


def write_grub_disk(path, loader, grub, kernel, initrd, arguments):
    """As an installed Debian lies on a disk: a GPT, the EFI system partition with GRUB under the name LOADER that is
    started when nothing else is chosen, and a partition with kernel and initramfs."""
    esp_mib, boot_mib = 34, 96
    make_image(path, esp_mib + boot_mib + 2)
    config = ('set timeout=0\nsearch --no-floppy --label boot --set=root\n'
              f'menuentry Debian {{\n echo "guise: GRUB $grub_cpu $grub_platform"\n linux /vmlinuz {arguments}\n'
              ' initrd /initrd.img\n}\n')
    write_fat(path, 1, esp_mib, {f'EFI/BOOT/{loader}': grub, 'EFI/debian/grub.cfg': config})
    write_ext4(path, 1 + esp_mib, boot_mib, {'vmlinuz': kernel, 'initrd.img': initrd})
    write_gpt(path, [('esp', 1, esp_mib), ('linux', 1 + esp_mib, boot_mib)])
