"""The rows that tests/bench/run measures, in groups, and what the guest needs to run them."""

import os
import re
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCES = os.path.join(HERE, 'guest')
PROGRAMS = os.path.join(HERE, 'programs')


class Group:
    """Rows whose ratios have one geometric mean, and the bound that is to hold for it."""

    def __init__(self, title, bound, rows):
        self.title = title
        self.bound = bound if isinstance(bound, dict) else {'riscv64': bound, 'aarch64': bound}
        self.rows = rows.split()


def program_rows():
    with open(os.path.join(PROGRAMS, 'rows.sh'), encoding='utf-8') as source:
        return re.findall(r'^# row: (\w+) \d+$', source.read(), re.MULTILINE)


# By the name that --group takes.
GROUPS = {
    'boot': Group("boot of Debian's kernel to the shell, cold", 2, 'boot'),
    'boot-warm': Group('... with the cache on disk warm', 3, 'boot-warm'),
    'integer': Group('integer and branches', 2.5, 'integer branches'),
    'calls': Group('calls, indirect calls, interpreter loops', 5, 'calls indirect interpreter'),
    'float': Group('double and float, scalar', 5, 'double float'),
    'vector': Group('vectorisable loops', {'riscv64': 5, 'aarch64': 10}, 'vector lanes blocks'),
    'memory': Group('memory and string', 2.5, 'chase memory string'),
    'system': Group('system calls, processes, page faults, signals', 4,
                    'syscalls faults fork pipes threads signals'),
    'code': Group('code written at run time', 4, 'code'),
    'programs': Group('real programs', 3, ' '.join(program_rows())),
}


BOOTS = ('boot', 'boot-warm')


def all_rows():
    return [row for group in GROUPS.values() for row in group.rows]


def build_gbench(folder, compiler):
    """The program of all rows but the boot and the real programs: static, for the guest."""
    program = os.path.join(folder, 'gbench')
    names = sorted(name for name in os.listdir(SOURCES) if name.endswith('.c'))
    subprocess.run([compiler, '-O2', '-Wall', '-static', '-pthread', '-o', program,
                    *(os.path.join(SOURCES, name) for name in names), '-lm'], check=True)
    return program


def guest_files(folder, compiler, rows):
    """{name in the initramfs: bytes} of what the rows run."""
    paths = {}
    if set(rows) - set(GROUPS['programs'].rows):
        paths['tests/gbench'] = build_gbench(folder, compiler)
    if set(rows) & set(GROUPS['programs'].rows):
        paths['tests/programs'] = os.path.join(PROGRAMS, 'start')
        for directory, pattern in ((PROGRAMS, r'rows\.sh|work\.\w+'), (SOURCES, r'.*\.[ch]')):
            for name in os.listdir(directory):
                if re.fullmatch(pattern, name):
                    paths['tests/' + name] = os.path.join(directory, name)
    files = {}
    for name, path in paths.items():
        with open(path, 'rb') as file:
            files[name] = file.read()
    return files
