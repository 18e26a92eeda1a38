"""Cases that take more than a table: machines that run, and people at their terminals and sockets."""

import os
import re
import signal
import socket
import struct
import subprocess
import time

from bench import CLOCK_KEPT, COUNTED, PATIENCE, Skip, Talk, appears, dial, require, vanishes

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ANY_ARCH = ('-M', 'virt', '-bios', 'none', '-m', '16M', '-display', 'none')
USUAL = ('-arch', 'riscv64', *ANY_ARCH)
MONITOR = ('-monitor', 'stdio')
# Options whose case is here.
OPTIONS = ('-S', '-incoming', '-dtb', '-no-reboot', '-mon', '-daemonize', '-pflash')


def prompt(process):
    process.expect('(guise) ')
    return process


def expect_state(process, state):
    answer = process.ask('info status')
    require(f'VM status: {state}' in answer, f'not {state}: {answer}')


# ---- Run states ---------------------------------------------------------------------------------

def starts_at_once(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf') as process:
        expect_state(prompt(process), 'running')


def stops_and_goes(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf', '-S') as process:
        expect_state(prompt(process), 'paused (prelaunch)')
        for command, state in (('cont', 'running'), ('stop', 'paused'), ('stop', 'paused'), ('c', 'running'),
                               ('system_reset', 'running')):
            process.ask(command)
            expect_state(process, state)
        process.send('quit\n')
        process.ends(0)


def commands_refuse(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf') as process:
        prompt(process)
        for command, says in (('contt', "did you mean 'cont'"), ('info statuss', "did you mean 'status'"),
                              ('quit now', "'now' is too much"), ('cpu 1', 'there are 0 to 0'), ('xp', 'Error: '),
                              ('xp /zz 0', 'Error: '), ('log in_asn', "did you mean 'in_asm'"),
                              ('system_powerdown', 'virt has no power button'), ('migrate', 'Error: '),
                              ('migrate file:nowhere/state', 'No such file or directory')):
            answer = process.ask(command)
            require('Error: ' in answer and says in answer, f'{command}: {answer}')
        expect_state(process, 'running')


def memory_is_shown(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf', '-S') as process:
        prompt(process)
        for command, has in (('xp /1xw 0x80000000', '0000000080000000: 0x0000006f'),
                             ('x /1i 0x80000000', 'j'), ('info registers', 'pc'), ('print /d 6*7', '42'),
                             ('info mtree', 'address-space: memory'), ('help x', 'show memory')):
            answer = process.ask(command)
            require(has in answer, f'{command}: {answer}')


def ends_by(options, program, status):
    def test(bench):
        with bench.start(*USUAL, *options, '-kernel', program) as process:
            process.ends(status)
    return test


def stays_by(options, program, state):
    def test(bench):
        with bench.start(*USUAL, *MONITOR, *options, '-kernel', program) as process:
            prompt(process)
            for _ in range(1000):
                if state in process.ask('info status'):
                    break
            expect_state(process, state)
    return test


def resets_for_ever(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'reset.elf') as process:
        for _ in range(20):
            expect_state(prompt(process) if _ == 0 else process, 'running')


# ---- Signals ------------------------------------------------------------------------------------

def ended_by_signal(number):
    def test(bench):
        with bench.start(*USUAL, '-kernel', 'loop.elf', '-pidfile', 'pid', '-monitor',
                         'unix:monitor,server,nowait') as process:
            appears(bench.path('pid'))
            process.process.send_signal(number)
            process.ends(0)
            told = os.read(process.errors.read_fd, 4096).decode()
            require(f'ended by signal {int(number)} of process {os.getpid()}' in told, told)
        for name in ('pid', 'monitor'):
            require(not os.path.exists(bench.path(name)), f'{name} is left')
    return test


def waiting_can_be_ended(bench):
    """A machine that waits for its first peer can be ended."""
    with bench.start(*USUAL, '-serial', 'unix:line,server') as process:
        process.errors.expect('waiting for a connection')
        process.process.send_signal(signal.SIGTERM)
        process.ends(-signal.SIGTERM)


def peer_may_go(bench):
    """A guest that talks to somebody who is gone talks on."""
    with bench.start(*USUAL, *MONITOR, '-kernel', 'chatter.elf', '-serial', 'unix:line,server') as process:
        for _ in range(20):
            line = dial(bench.path('line'))
            line.expect('.')
            line.line.close()
        expect_state(prompt(process), 'running')


# ---- In the background --------------------------------------------------------------------------

def goes_to_background(bench):
    """When it returns, all is there; the process behind it has no terminal, and ends in order."""
    done = bench.run([*USUAL, '-kernel', 'loop.elf', '-daemonize', '-pidfile', 'pid', '-monitor',
                      'unix:monitor,server,nowait'])
    require(done.returncode == 0 and not done.stderr + done.stdout, f'status {done.returncode}: {done.stderr}')
    with open(bench.path('pid'), encoding='ascii') as file:
        process = int(file.read())
    try:
        require(os.getsid(process) == process, 'it is in the session of who started it')
        require(os.readlink(f'/proc/{process}/fd/2') == '/dev/null', 'it has our standard error')
        line = prompt(dial(bench.path('monitor')))
        expect_state(line, 'running')
    finally:
        os.kill(process, signal.SIGTERM)
    vanishes(bench.path('pid'))
    vanishes(bench.path('monitor'))


def background_refuses(bench):
    for options, says in ((['-serial', 'stdio'], 'serial0: stdio is not there behind -daemonize'),
                          (['-device', 'virtio-blk-device,drive=x'], 'drive=x: no such block backend')):
        before = bench.snapshot()
        done = bench.run([*USUAL, '-daemonize', '-pidfile', 'pid', *options])
        require(done.returncode == 1 and says in done.stderr, f'status {done.returncode}: {done.stderr}')
        require(bench.snapshot() == before, 'something changed')


def flash_banks(bench):
    for bank in ('first', 'second'):
        with open(bench.path(bank), 'wb') as file:
            file.truncate(32 << 20)
    node = 'driver=raw,node-name={},file.driver=file,file.filename={}'
    for options in (['-pflash', 'first', '-drive', 'if=pflash,format=raw,file=second'],
                    ['-M', 'virt,pflash0=a,pflash1=b', '-blockdev', node.format('a', 'first'), '-blockdev',
                     node.format('b', 'second')]):
        with bench.start(*USUAL, *MONITOR, '-S', *options) as process:
            answer = prompt(process).ask('info block')
            require(answer.count('33554432 bytes') == 2 and 'not used' not in answer, answer)


# ---- Terminals and sockets ----------------------------------------------------------------------

def serial_says(bench, options, expect):
    with bench.start(*USUAL, *options, '-kernel', 'hello.elf') as process:
        expect(process)
        process.ends(0)


def serial_to_stdio(bench):
    serial_says(bench, ['-serial', 'stdio'], lambda process: process.expect('hello'))


def serial_to_file(bench):
    serial_says(bench, ['-serial', 'file:keep'], lambda process: None)
    with open(bench.path('keep'), encoding='ascii') as file:
        require(file.read() == 'hello\n', 'the file has not what was said')


def serial_with_log(bench):
    serial_says(bench, ['-chardev', 'null,id=c,logfile=keep', '-serial', 'chardev:c'], lambda process: None)
    with open(bench.path('keep'), encoding='ascii') as file:
        require(file.read() == 'to be kept\nhello\n', 'the log has not what was said, or lost what it had')


def serial_to_socket(bench):
    def peer(_process):
        dial(bench.path('line')).expect('hello')
    serial_says(bench, ['-serial', 'unix:line,server'], peer)


def serial_to_server(bench):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(bench.path('line'))
        server.listen()
        serial_says(bench, ['-serial', 'unix:line'], lambda process: None)
        with server.accept()[0] as line:
            require(line.recv(100, socket.MSG_WAITALL) == b'hello\n', 'the peer did not hear hello')


def serial_to_tcp(bench):
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        serial_says(bench, ['-serial', f'tcp:127.0.0.1:{server.getsockname()[1]}'], lambda process: None)
        with server.accept()[0] as line:
            require(line.recv(100, socket.MSG_WAITALL) == b'hello\n', 'the peer did not hear hello')


def serial_to_terminal(bench):
    def person(process):
        process.errors.expect('char device redirected to ')
        name = process.errors.expect(' (label serial0)')
        with open(name, 'rb', buffering=0) as terminal:
            process.ask('cont')
            Talk(terminal.fileno(), -1).expect('hello')
        process.send('quit\n')
    with bench.start(*USUAL, *MONITOR, '-S', '-serial', 'pty', '-kernel', 'hello.elf', '-no-shutdown') as process:
        person(process)
        process.ends(0)


def monitor_on_socket(bench):
    """It comes and goes; what is left of another machine's is taken over."""
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(bench.path('monitor'))
    stale.close()
    with bench.start(*USUAL, '-kernel', 'loop.elf', '-monitor', 'unix:monitor,server,nowait') as process:
        for _ in range(3):
            line = dial(bench.path('monitor'))
            line.expect('Guise monitor')
            expect_state(prompt(line), 'running')
            line.line.close()
        line = prompt(dial(bench.path('monitor')))
        line.send('quit\n')
        process.ends(0)


def monitor_on_tcp(bench):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    with bench.start(*USUAL, '-pidfile', 'pid', '-monitor', f'tcp:127.0.0.1:{port},server,nowait') as process:
        appears(bench.path('pid'))
        with socket.create_connection(('127.0.0.1', port), PATIENCE) as line:
            require(b'Guise' in line.recv(100), 'no greeting')
            line.sendall(b'quit\n')
            process.ends(0)


def shared_terminal(*options):
    """Ctrl-A c goes to the monitor and back, Ctrl-A x ends."""
    def test(bench):
        with bench.start(*USUAL, *options, '-kernel', 'loop.elf') as process:
            process.send('\1h')
            process.expect('switch between console and monitor')
            process.send('\1c')
            expect_state(prompt(process), 'running')
            process.send('\1c\1x')
            process.ends(0)
    return test


def greeting_waits(bench):
    """The guest has the terminal first: nothing of the monitor is mixed in."""
    done = bench.run([*USUAL, '-serial', 'mon:stdio', '-kernel', 'hello.elf'])
    require(done.stdout.replace('\r', '') == 'hello\n', f'the terminal shows {done.stdout!r}')


# ---- Files --------------------------------------------------------------------------------------

def pidfile_tells(bench):
    with bench.start(*USUAL, *MONITOR, '-pidfile', 'pid') as process:
        expect_state(prompt(process), 'running')
        with open(bench.path('pid'), encoding='ascii') as file:
            require(int(file.read()) == process.process.pid, 'not the process')
        process.send('quit\n')
        process.ends(0)
    require(not os.path.exists(bench.path('pid')), 'the pidfile is left')


def pidfile_is_of_one(bench):
    """A second machine does not take the first one's pidfile; one that was left is taken over."""
    with open(bench.path('pid'), 'w', encoding='ascii') as file:
        file.write('123456789012\n')
    with bench.start(*USUAL, *MONITOR, '-pidfile', 'pid') as process:
        expect_state(prompt(process), 'running')
        before = bench.snapshot()
        done = bench.run([*USUAL, '-pidfile', 'pid', '-D', 'keep'])
        require(done.returncode == 1, f'status {done.returncode}')
        require(f"-pidfile pid: is the running process {process.process.pid}'s" in done.stderr, done.stderr)
        require(bench.snapshot() == before, 'something changed')
        with open(bench.path('pid'), encoding='ascii') as file:
            require(file.read() == f'{process.process.pid}\n', 'the pidfile is not its own')


def log_is_written(bench):
    with bench.start(*USUAL, '-serial', 'null', '-kernel', 'off.elf', '-d', 'in_asm,guest_errors', '-D', 'keep') as process:
        process.ends(0)
    with open(bench.path('keep'), encoding='utf-8') as file:
        text = file.read()
    require('lui' in text and 'to be kept' not in text, f'the log: {text}')


def code_for_perf(bench):
    """The jitdump file: header, units of code that follow each other in time, and its end."""
    with bench.start(*USUAL, '-serial', 'null', '-kernel', 'off.elf', '-accel', 'jit,perf-dump=folder') as process:
        process.ends(0)
        pid = process.process.pid
    with open(bench.path(f'folder/jit-{pid}.dump'), 'rb') as file:
        data = file.read()
    magic, version, at, _, _, owner, last, _ = struct.unpack_from('<6I2Q', data)
    require((magic, version, at, owner) == (0x4a695444, 1, 40, pid), f'the header: {data[:40]}')
    kinds = []
    while at < len(data):
        kind, size, when = struct.unpack_from('<2IQ', data, at)
        require(size >= 16 and when >= last, f'record {kind} of {size} bytes at {at}')
        if kind == 0:
            _, _, address, _, code_size, index = struct.unpack_from('<2I4Q', data, at + 16)
            name = data[at + 56:at + size - code_size]
            require(address and index == len(kinds) and re.fullmatch(rb'guest_[0-9a-f]+_\d+\0', name), f'{name}')
        kinds.append(kind)
        last, at = when, at + size
    require(kinds[-1] == 3 and len(kinds) > 1 and not any(kinds[:-1]), f'records: {kinds}')


PROFILED = 0.4  # seconds of CPU time: a hundred samples where the host's clock ticks 250 times a second


def profile(process):
    """{row: per cent} of `info jit`, when the guest has run for long enough."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = process.ask('info jit')
        match = re.search(r'^profile +([\d.]+) s on CPUs', answer, re.MULTILINE)
        require(match, f'no profile: {answer}')
        if float(match.group(1)) >= PROFILED:
            rows = re.findall(r'^  (\S.*?) +([\d.]+) % +[\d.]+ s +(#*) *$', answer, re.MULTILINE)
            return {name: float(share) for name, share, _ in rows}, [len(bar) for _, _, bar in rows]
        require(time.monotonic() < deadline, f'after {PATIENCE} seconds: {answer}')
        time.sleep(0.1)


def time_goes_to(program, row, least, accel='jit'):
    def test(bench):
        with bench.start(*USUAL, *MONITOR, '-serial', 'null', '-accel', accel + ',profile=on', '-kernel', program) as process:
            shares, bars = profile(prompt(process))
        require(abs(sum(shares.values()) - 100) < 0.01 * len(shares) + 0.01, f'the sum is not 100: {shares}')
        require(shares.get(row, 0) >= least, f'{row}: not {least} % of {shares}')
        require(bars == sorted(bars, reverse=True) and bars[0] > 40 * least / 100 - 1, f'bars: {bars}')
    return test


def code_is_counted(bench):
    """What a program of known length executes, and no less with units that are small, or large."""
    for accel in ('jit', 'jit,stress-hot=on', 'jit,max-insns=1,link=off', 'jit,stress-spill=on,tlb-bits=2'):
        done = bench.run([*USUAL, '-serial', 'null', '-kernel', 'count.elf', '-accel', accel + ',count=on', '-d', 'stats'])
        executed = re.search(r'^executed +(\d+) guest instructions, by ([\d.]+) of the host', done.stderr, re.MULTILINE)
        accesses = re.search(r'^accesses +(\d+) to memory, ([\d.]+) % of them hits', done.stderr, re.MULTILINE)
        require(executed and accesses, f'{accel}: {done.stderr}')
        more = int(executed.group(1)) - 4 * COUNTED, int(accesses.group(1)) - 2 * COUNTED
        # Beside the loop: eight instructions, one of them a store; what reset code does; a few turns at the end.
        require(8 <= more[0] <= 1000 and 1 <= more[1] <= 10, f'{accel}: {more} more than the loop')
        require(1 < float(executed.group(2)) < 20 and float(accesses.group(2)) > 99.9, f'{accel}: {done.stderr}')


def counters(process):
    return {name: int(n) for name, n in re.findall(r'^(\w+) +(\d+)\r?$', process.ask('info jit'), re.MULTILINE)}


def regions_by(accel, thread):
    """Regions are made, and on the thread that they are to be made on."""
    def test(bench):
        with bench.start(*USUAL, *MONITOR, '-serial', 'null', '-sandbox', 'on', '-accel', accel, '-kernel', 'nested.elf') as process:
            prompt(process)
            deadline, wanted = time.monotonic() + PATIENCE, 'thread_regions' if thread else 'regions'
            while not (counts := counters(process)).get(wanted):
                require(time.monotonic() < deadline, f'after {PATIENCE} seconds: {counts}')
            require(thread or not counts['thread_regions'] + counts['thread_ns'], f'not on the CPU: {counts}')
    return test


def nothing_is_counted(bench):
    done = bench.run([*USUAL, '-serial', 'null', '-kernel', 'off.elf', '-d', 'stats'])
    require('tlb_misses' in done.stderr and 'waits for it' in done.stderr, f'no counters: {done.stderr}')
    require('executed' not in done.stderr and 'profile' not in done.stderr, f'unasked: {done.stderr}')


def log_to_errors(bench):
    done = bench.run([*USUAL, '-serial', 'null', '-kernel', 'off.elf', '-d', 'in_asm'])
    require('lui' in done.stderr, f'standard error: {done.stderr}')


def tree_of_the_users(bench):
    """What dumpdtb wrote, dtb takes."""
    done = bench.run([*USUAL, '-M', 'virt,dumpdtb=tree'])
    require(done.returncode == 0, done.stderr)
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf', '-dtb', 'tree') as process:
        expect_state(prompt(process), 'running')


def state_is_taken_up(bench):
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf') as process:
        process.expect('(guise) ')
        answer = process.ask('migrate file:state')
        require('Error' not in answer, answer)
        expect_state(process, 'paused (postmigrate)')
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf', '-incoming', 'file:state', '-D', 'log') as process:
        prompt(process)
        require('running' in process.ask('info status') or 'Error' not in process.ask('cont'), 'it does not go on')
        expect_state(process, 'running')


def bad_state_overwrites_nothing(bench):
    """The state is read whole before a file is touched."""
    with bench.start(*USUAL, *MONITOR, '-kernel', 'loop.elf') as process:
        prompt(process)
        process.ask('migrate file:state')
    size = os.path.getsize(bench.path('state'))
    os.truncate(bench.path('state'), size - 40)
    before = bench.snapshot()
    done = bench.run([*USUAL, '-kernel', 'loop.elf', '-incoming', 'file:state', '-serial', 'file:keep', '-D', 'log'])
    require(done.returncode == 1 and 'state' in done.stderr, f'status {done.returncode}: {done.stderr}')
    require(bench.snapshot() == before, 'something changed')


# ---- Clock, messages, names ---------------------------------------------------------------------

def clock_reads(seconds, *options):
    """What a guest reads, seconds since 1970, is at most a minute later."""
    def test(bench):
        with bench.start(*USUAL, *MONITOR, '-kernel', 'clock.elf', *options) as process:
            prompt(process)
            low = high = 0
            while not high:
                answer = process.ask(f'xp /2xw {CLOCK_KEPT:#x}')
                low, high = (int(word, 16) for word in re.findall(r'0x[0-9a-f]{8}\b', answer)[-2:])
            found = (high << 32 | low) // 10**9
            require(seconds() <= found <= seconds() + 60, f'{found}, not {seconds()}')
    return test


def messages_have_time(bench):
    done = bench.run([*USUAL, '-name', 'Fritz', '-msg', 'timestamp=on,guest-name=on', '-kernel', 'nowhere'])
    require(re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z Fritz guise: -kernel nowhere: ', done.stderr), done.stderr)


def names_choose(bench):
    """Installed as qemu-system-ARCH, it is that architecture's; the names are those of -arch help."""
    build, stage = bench.path('build'), bench.path('stage')
    folder = os.path.join(stage, 'usr/bin')
    os.makedirs(folder)
    os.symlink(bench.guise, os.path.join(folder, 'guise'))
    for command in (['meson', 'setup', build, ROOT, '-Dsystem-names=true', '--prefix=/usr'],
                    ['meson', 'install', '-C', build, '--no-rebuild', '--tags', 'names', '--destdir', stage]):
        try:
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError as error:
            raise Skip('there is no meson') from error
        require(done.returncode == 0, done.stdout)
    archs = bench.run(['-arch', 'help']).stdout.split()
    require(sorted(os.listdir(folder)) == ['guise', *sorted(f'qemu-system-{arch}' for arch in archs)],
            f'installed are {os.listdir(folder)}, and there are {archs}')
    for arch, program in (('riscv64', 'loop.elf'), ('riscv32', 'rv32.elf')):
        name = os.path.join(folder, f'qemu-system-{arch}')
        for kernel, status in ((program, 0), ('x86.elf', 1), ('rv32.elf' if arch == 'riscv64' else 'loop.elf', 1)):
            done = subprocess.run([name, *ANY_ARCH, *MONITOR, '-S', '-kernel', kernel], input='quit\n', cwd=bench.folder,
                                  check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            require(done.returncode == status, f'{name} -kernel {kernel}: status {done.returncode}: {done.stderr}')
            require(not status or done.stderr.startswith(f'qemu-system-{arch}: -kernel'), done.stderr)


TESTS = {
    'starts-at-once': starts_at_once,
    'stops-and-goes': stops_and_goes,
    'commands-refuse': commands_refuse,
    'memory-is-shown': memory_is_shown,
    'ends-power-off': ends_by([], 'off.elf', 0),
    'ends-failure': ends_by([], 'fail.elf', 7),
    'ends-no-reboot': ends_by(['-no-reboot'], 'reset.elf', 0),
    'ends-action-reboot': ends_by(['-action', 'reboot=shutdown'], 'reset.elf', 0),
    'ends-action-last': ends_by(['-no-shutdown', '-action', 'shutdown=poweroff'], 'off.elf', 0),
    'stays-no-shutdown': stays_by(['-no-shutdown'], 'off.elf', 'paused (shutdown)'),
    'stays-action-shutdown': stays_by(['-action', 'shutdown=pause'], 'off.elf', 'paused (shutdown)'),
    'stays-no-reboot-no-shutdown': stays_by(['-no-reboot', '-no-shutdown'], 'reset.elf', 'paused (shutdown)'),
    'resets-for-ever': resets_for_ever,
    'signal-term': ended_by_signal(signal.SIGTERM),
    'signal-int': ended_by_signal(signal.SIGINT),
    'signal-hup': ended_by_signal(signal.SIGHUP),
    'signal-while-waiting': waiting_can_be_ended,
    'peer-may-go': peer_may_go,
    'background': goes_to_background,
    'background-refuses': background_refuses,
    'flash-banks': flash_banks,
    'serial-stdio': serial_to_stdio,
    'serial-file': serial_to_file,
    'serial-log': serial_with_log,
    'serial-socket': serial_to_socket,
    'serial-socket-client': serial_to_server,
    'serial-tcp-client': serial_to_tcp,
    'serial-pty': serial_to_terminal,
    'monitor-socket': monitor_on_socket,
    'monitor-tcp': monitor_on_tcp,
    'shared-serial': shared_terminal('-serial', 'mon:stdio'),
    'shared-nographic': shared_terminal('-nographic'),
    'shared-chardev': shared_terminal('-chardev', 'stdio,id=c,mux=on,signal=off', '-serial', 'chardev:c', '-mon',
                                      'chardev=c,mode=readline'),
    'greeting-waits': greeting_waits,
    'pidfile': pidfile_tells,
    'pidfile-of-one': pidfile_is_of_one,
    'log-file': log_is_written, 'perf-dump': code_for_perf,
    'profile-code': time_goes_to('loop.elf', 'translated code', 80),
    'profile-devices': time_goes_to('clock-reader.elf', 'memory: devices', 20),
    'profile-helper': time_goes_to('csr.elf', 'helper riscv_helper_csr', 20),
    'profile-interpreter': time_goes_to('loop.elf', 'interpreter', 5, 'interp'),
    'regions-thread': regions_by('jit,stress-hot=on,hot-thread=always', True),
    'regions-no-thread': regions_by('jit,stress-hot=on,hot-thread=off', False),
    'regions-at-once': regions_by('jit,stress-hot=on', False),
    'count': code_is_counted, 'count-unasked': nothing_is_counted,
    'log-stderr': log_to_errors,
    'dtb': tree_of_the_users,
    'incoming': state_is_taken_up,
    'incoming-cut': bad_state_overwrites_nothing,
    'rtc-base-time': clock_reads(lambda: 10**9, '-rtc', 'base=2001-09-09T01:46:40,clock=vm'),
    'rtc-base-day': clock_reads(lambda: 86400, '-rtc', 'base=1970-01-02'),
    'rtc-base-utc': clock_reads(lambda: int(time.time()) - 1, '-rtc', 'base=utc,clock=host'),
    'rtc-of-the-host': clock_reads(lambda: int(time.time()) - 1),
    'messages-have-time': messages_have_time,
    'system-names': names_choose,
}
