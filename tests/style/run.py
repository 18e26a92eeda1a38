"""run.py BUILD: the rules of rules.py on src/: includes, bans, sizes, headers that stand alone, no mutable globals."""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

import rules

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
SRC = os.path.join(ROOT, 'src')


def source_files(*endings):
    for folder, _, names in sorted(os.walk(SRC)):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), SRC)


def read_lines(path):
    with open(os.path.join(SRC, path), encoding='utf-8') as source:
        return source.read().split('\n')


def layer_of(path):
    """A file's entry in LAYERS: its folder's first level, with /* when it is deeper."""
    folder = os.path.dirname(path)
    if not folder:
        return path
    top = folder.split('/')[0]
    return top + '/*' if '/' in folder and top + '/*' in rules.LAYERS else top


def may_include(path, header):
    source, target = layer_of(path), layer_of(header)
    if target == source == 'isa/*' or target == source == 'jit/*':
        return path.split('/')[1] == header.split('/')[1]
    return source == target or target in rules.LAYERS.get(source, ())


def check_includes():
    for path in source_files('.c', '.h'):
        if layer_of(path) not in rules.LAYERS:
            yield f'src/{path}: its folder is no layer of tests/style/rules.py'
        for number, line in enumerate(read_lines(path), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            header = match.group(1)
            if '..' in header or '/' not in header and '/' in path:
                yield f'src/{path}:{number}: "{header}" is not written from src/'
            elif not may_include(path, header):
                yield (f'src/{path}:{number}: {layer_of(path)} may not include {header} '
                       f'(may: {", ".join(rules.LAYERS.get(layer_of(path), ()))})')


def without_comments(text):
    """The same lines with comments and the insides of strings blanked."""
    def blank(match):
        word = match.group(0)
        if word[0] in '"\'':
            return word[0] + ' ' * (len(word) - 2) + word[0]
        return re.sub(r'[^\n]', ' ', word)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL)


def check_bans():
    for path in source_files('.c', '.h'):
        lines = read_lines(path)
        code = without_comments('\n'.join(lines)).split('\n')
        for what, words, allowed in rules.BANS:
            if path.startswith(allowed or ('/',)):
                continue
            # Unfinished work hides in comments.
            for number, line in enumerate(lines if 'TODO' in words else code, 1):
                if re.search(words, line):
                    yield f'src/{path}:{number}: {what}: {line.strip()}'


def functions(path):
    """(name, first line, number of lines) of each function: a brace in column 0 opens and closes it."""
    lines = without_comments('\n'.join(read_lines(path))).split('\n')
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith('{') and number > 1:
            start = number
        elif line.startswith('}') and start:
            head = ' '.join(lines[max(0, start - 4):start - 1])
            names = re.findall(r'(\w+)\s*\(', head)
            yield (names[0] if names else '?'), start, number - start + 1
            start = None


def check_layout():
    for path in source_files('.c', '.h'):
        lines = read_lines(path)
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                yield f'src/{path}:{number}: trailing white space'
            if '\t' in line:
                yield f'src/{path}:{number}: a tab'
            if len(line) > rules.COLUMNS_CAP:
                yield f'src/{path}:{number}: {len(line)} columns (at most {rules.COLUMNS_CAP})'
        wide = sum(len(line) > rules.COLUMNS_WARN for line in lines)
        if wide:
            print(f'note: src/{path} has {wide} lines of more than {rules.COLUMNS_WARN} columns')
        if lines and lines[-1]:
            yield f'src/{path}: no line feed at its end'


def check_sizes():
    for path in source_files('.c', '.h'):
        count = len(read_lines(path)) - 1
        if count > rules.LINES_CAP:
            yield f'src/{path}: {count} lines (at most {rules.LINES_CAP})'
        elif count > rules.LINES_WARN:
            print(f'note: src/{path} has {count} lines (should be at most {rules.LINES_WARN})')
        if not path.endswith('.c'):
            continue
        for name, line, length in functions(path):
            if length > rules.FUNCTION_CAP:
                yield f'src/{path}:{line}: {name} has {length} lines (at most {rules.FUNCTION_CAP})'


def check_openings():
    for path in source_files('.c', '.h'):
        if not read_lines(path)[0].startswith('/*'):
            yield f'src/{path}:1: a file opens with a comment that says what it is'


def compile_flags(build):
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as database:
        words = shlex.split(json.load(database)[0]['command'])
    keep = [word for word in words if re.match(r'-(I|D|W|std|f(?!diagnostics))', word)
            and not word.startswith('-Wp') and word != '-Winvalid-pch']
    return [word for word in words[:2] if not word.endswith('ccache')][:1] + keep


def check_headers(build):
    """Each header compiles by itself: who includes it needs to include nothing before."""
    flags = compile_flags(build)

    def compile_one(path):
        done = subprocess.run(flags + ['-Werror', '-fsyntax-only', '-x', 'c', '-', '-I', SRC], cwd=build,
                              input=f'#include "{path}"\n', text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return f'src/{path}: does not compile alone\n{done.stdout[:1500]}' if done.returncode else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_one, source_files('.h')))


def check_globals(build):
    """No object of ours holds data that can change: state belongs to a machine."""
    library = os.path.join(build, 'libguise.a')
    if not os.path.exists(library):
        yield f'{library} is missing'
        return
    listing = subprocess.run(['nm', '-f', 'sysv', '--defined-only', library], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    source = '?'
    for line in listing.split('\n'):
        member = re.match(r'Symbols from .*\[(.*)\.o\]', line)
        fields = [field.strip() for field in line.split('|')]
        if member:
            source = member.group(1)
        elif len(fields) == 7 and re.match(r'(%s)(\.(?!rel\.ro)|$)' % '|'.join(
                map(re.escape, rules.MUTABLE_SECTIONS)), fields[6].split()[0] if fields[6] else ''):
            if not fields[0].startswith(('__asan', '__odr_asan', '.LASAN')):
                yield f'{source}: {fields[0]} is mutable ({fields[6]})'


def main():
    build = os.path.realpath(sys.argv[1])
    failed = 0
    for name, check in [('includes', check_includes), ('bans', check_bans), ('layout', check_layout),
                        ('sizes', check_sizes), ('openings', check_openings),
                        ('headers-stand-alone', lambda: check_headers(build)),
                        ('no-mutable-globals', lambda: check_globals(build))]:
        problems = list(check())
        for problem in problems:
            print(problem)
        print(f'{"not ok" if problems else "ok"} {name}')
        failed += bool(problems)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
