"""./check's heart: builds what the chosen suites need, runs them one after the other, and counts.

Each suite's output is kept in build-logs/SUITE.log. A suite that ends badly, late, or
without having told any result is itself a failure: nothing passes by silence.
"""

import argparse
import collections
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
LOGS = os.path.join(ROOT, 'build-logs')
SHOWN_LINES = 60
BUILDS = {
    'debug': ['--buildtype=debug', '-Dwerror=true'],
    'asan': ['--buildtype=debugoptimized', '-Db_sanitize=address,undefined', '-Dwerror=true'],
    'fuzz': ['--buildtype=debugoptimized', '-Db_sanitize=address,undefined', '-Dwerror=true', '-Dfuzz=true',
             '--native-file=tools/clang.ini'],
    'release': ['--buildtype=release'],
}
RESULT = re.compile(r'(ok|not ok|skip) ([^:]+)(?:: (.*))?$')

Suite = collections.namedtuple('Suite', 'name when seconds command')


def read_suites():
    suites = []
    with open(os.path.join(ROOT, 'tests/suites.txt'), encoding='utf-8') as table:
        for line in table:
            if line.strip() and not line.startswith('#'):
                name, when, seconds, command = line.split(None, 3)
                suites.append(Suite(name, when, int(seconds), command.strip()))
    return suites


class Tally:
    """The results so far, told as they come."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.failed = []
        self.skipped = []
        self.passed = 0

    def counts(self):
        return self.passed, len(self.failed), len(self.skipped)

    def add(self, kind, name, reason, output):
        if kind == 'ok':
            self.passed += 1
            if self.verbose:
                print(f'  ok {name}', flush=True)
        elif kind == 'skip':
            self.skipped.append(f'{name}: {reason or "no reason given"}')
        else:
            self.failed.append(name)
            for line in output[-SHOWN_LINES:]:
                print(f'  | {line}')
            print(f'  FAILED {name}' + (f': {reason}' if reason else ''), flush=True)


class Run:
    """One command under a deadline; its result lines go to the tally."""

    def __init__(self, suite, tally):
        self.suite = suite
        self.tally = tally
        self.pending = collections.deque(maxlen=400)
        self.told = False
        self.late = False

    def stop(self, process):
        self.late = True
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def line(self, text):
        match = RESULT.match(text)
        if not match:
            self.pending.append(text)
            return
        self.told = True
        kind, name, reason = match.groups()
        self.tally.add(kind, f'{self.suite.name}/{name}', reason, list(self.pending))
        self.pending.clear()

    def run(self, command):
        before = len(self.tally.failed)
        log_path = os.path.join(LOGS, self.suite.name + '.log')
        with open(log_path, 'w', encoding='utf-8') as log, \
             subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True, shell=True,
                              text=True, errors='replace') as process:
            timer = threading.Timer(self.suite.seconds, self.stop, [process])
            timer.start()
            for text in process.stdout:
                log.write(text)
                self.line(text.rstrip('\n'))
            status = process.wait()
            timer.cancel()
        self.finish(status, len(self.tally.failed) > before)

    def finish(self, status, has_failed):
        reason = None
        if self.late:
            reason = f'stopped after {self.suite.seconds} s'
        elif status and not has_failed:
            reason = f'exit status {status}'
        elif not self.told:
            reason = 'told no result'
        if reason:
            self.tally.add('not ok', self.suite.name, reason, list(self.pending))


def build(name, tally):
    """Builds one folder; a build that fails is a failed test, and its suites do not run."""
    folder = 'build-' + name
    options = ' '.join(BUILDS[name])
    script = f'. tools/say.sh; . tools/build.sh; build_guise {folder} {options}'
    started = time.monotonic()
    done = subprocess.run(['bash', '-c', script], cwd=ROOT, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, CI='true'))
    print(f'build {name}: {time.monotonic() - started:.0f} s', flush=True)
    tally.add('not ok' if done.returncode else 'ok', f'build/{name}', None,
              [line for line in done.stdout.splitlines() if not re.match(r'\[\d+/\d+\] ', line)])
    return done.returncode == 0


def choose(arguments, suites):
    names = [word for word in arguments.words if word != 'quick']
    unknown = set(names) - {suite.name for suite in suites}
    if unknown:
        sys.exit(f'check: no suite {", ".join(sorted(unknown))}; there are: '
                 f'{", ".join(suite.name for suite in suites)}')
    if names:
        return [suite for suite in suites if suite.name in names]
    return [suite for suite in suites if suite.when == 'quick' or 'quick' not in arguments.words]


def run_suite(suite, built, tally):
    broken = [name for name in BUILDS if '{%s}' % name in suite.command and not built[name]]
    if broken:
        tally.add('not ok', suite.name, f'build {broken[0]} failed', [])
        return
    command = suite.command.replace('{cores}', str(os.cpu_count()))
    for name in BUILDS:
        command = command.replace('{%s}' % name, 'build-' + name)
    before, started = tally.counts(), time.monotonic()
    print(f'{suite.name}:', flush=True)
    Run(suite, tally).run(command)
    passed, failed, skipped = (now - then for now, then in zip(tally.counts(), before))
    print(f'  {passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - started:.0f} s',
          flush=True)


def main():
    parser = argparse.ArgumentParser(prog='./check', description='Runs the tests.')
    parser.add_argument('words', nargs='*', metavar='quick|SUITE',
                        help='quick: only what takes less than 3 minutes; or names of suites')
    parser.add_argument('--list', action='store_true', help='name the suites and end')
    parser.add_argument('--verbose', action='store_true', help='tell passed tests too')
    arguments = parser.parse_args()
    suites = read_suites()
    if arguments.list:
        print('\n'.join(f'{suite.name:14}{suite.when}' for suite in suites))
        return 0
    chosen = choose(arguments, suites)
    os.makedirs(LOGS, exist_ok=True)
    tally, built = Tally(arguments.verbose), {}
    for name in BUILDS:
        if any('{%s}' % name in suite.command for suite in chosen):
            built[name] = build(name, tally)
    for suite in chosen:
        run_suite(suite, built, tally)
    print('\n'.join([f'skipped {text}' for text in tally.skipped] +
                    [f'FAILED {name}' for name in tally.failed]), flush=True)
    print('%d passed, %d failed, %d skipped' % tally.counts(), flush=True)
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
