"""meson_suite.py BUILD SUITE: runs one suite of meson's tests and tells every case of every test program.

A test program speaks cmocka's words or the protocol of tests/suites.txt; one that speaks neither is one case.
"""

import json
import os
import re
import subprocess
import sys

CMOCKA = re.compile(r'\[ +(OK|FAILED|SKIPPED) +\] ([^:\s]+)')
PLAIN = re.compile(r'(ok|not ok|skip) (.+)')
WORDS = {'OK': 'ok', 'FAILED': 'not ok', 'SKIPPED': 'skip'}


def cases(output):
    """[(ok | not ok | skip, name)]: what the program itself told, each name once."""
    found = {}
    for line in output.splitlines():
        cmocka, plain = CMOCKA.search(line), PLAIN.match(line)
        if cmocka:
            found[cmocka.group(2)] = WORDS[cmocka.group(1)]
        elif plain:
            found[plain.group(2)] = plain.group(1)
    return [(kind, name) for name, kind in found.items()]


def tell(test):
    name = test['name'].rsplit(':', 1)[-1].strip()
    output = test.get('stdout', '') + test.get('stderr', '')
    told = cases(output)
    failed = test['result'] not in ('OK', 'SKIP', 'EXPECTEDFAIL')
    if failed:
        print(output)
    for kind, case in told:
        print(f'{kind} {name}/{case}' + (': told by the test' if kind == 'skip' else ''))
    if failed and not any(kind == 'not ok' for kind, _ in told):
        print(f'not ok {name}: {test["result"]}')
    elif not told:
        print(f'skip {name}: cannot run here' if test['result'] == 'SKIP' else f'ok {name}')


def main():
    build, suite = sys.argv[1:3]
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.remove(log)
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='STDOUT',
                       UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1')
    run = subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--suite', suite],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, env=environment)
    if not os.path.exists(log):
        print(run.stdout)
        print(f'not ok {suite}: meson ran no test')
        return 1
    with open(log, encoding='utf-8') as lines:
        for line in lines:
            tell(json.loads(line))
    return run.returncode


if __name__ == '__main__':
    sys.exit(main())
