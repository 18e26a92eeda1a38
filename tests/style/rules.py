"""The house's rules as tables: who may include whom, and what may not be written where.

Layers are folders of src/. A folder's entry is longest-match: device/virtio is under `device/*`, device.h of the
device core under `device`. To read: LAYERS[x] are the layers that x may include besides itself.
"""

# The core of devices and the devices proper differ: a CPU knows wires, not a UART.
BELOW = ('base', 'loop', 'memory', 'state')

LAYERS = {
    'base': (),
    'float': ('base',),
    'loop': ('base',),
    'memory': ('base',),
    'state': ('base',),
    'backend': BELOW,
    'device': BELOW,
    'device/*': BELOW + ('device', 'backend'),
    'cpu': BELOW + ('device',),
    'jit': BELOW + ('device', 'cpu', 'float'),
    'jit/*': BELOW + ('device', 'cpu', 'float', 'jit'),
    'kvm': BELOW + ('device', 'cpu'),
    'isa': BELOW + ('device', 'cpu', 'jit', 'kvm', 'float'),
    'isa/*': BELOW + ('device', 'cpu', 'jit', 'kvm', 'float', 'isa'),
    'machine': BELOW + ('device', 'backend', 'cpu', 'jit', 'kvm'),
    'boot': BELOW + ('device', 'machine'),
    'board': BELOW + ('device', 'device/*', 'backend', 'cpu', 'isa', 'isa/*', 'boot', 'machine'),
    'migration': BELOW + ('device', 'cpu', 'machine'),
    'control': BELOW + ('device', 'backend', 'cpu', 'jit', 'machine', 'board', 'boot', 'migration', 'isa'),
    'main.c': BELOW + ('device', 'backend', 'cpu', 'machine', 'board', 'migration', 'control'),
}

# (what, the words, where they are allowed)
BANS = [
    ('ends the process', r'\b(exit|_exit|abort)\s*\(', ('main.c', 'base/')),
    ('knows the host', r'^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(__x86_64__|__aarch64__|__linux__|__i386__|_WIN32)',
     ('base/host', 'jit/x86_64/')),
    ('knows a target', r'^\s*#\s*(if|ifdef|ifndef|elif)\b.*\bTARGET_', ()),
    ('declares mutable data', r'^\s*extern\s+(?!.*\bconst\b)(?!.*\()', ()),
    ('longjmp', r'\b(sig)?longjmp\s*\(', ()),
    ('is unfinished', r'\b(TODO|FIXME|XXX)\b', ()),
    ('unbounded string function', r'\b(strcpy|strcat|sprintf|gets)\s*\(', ()),
]

LINES_WARN, LINES_CAP = 800, 1500
FUNCTION_CAP = 120
COLUMNS_WARN, COLUMNS_CAP = 100, 144

# Sections of an object file that hold what can change while the program runs.
MUTABLE_SECTIONS = ('.data', '.bss', '.tdata', '.tbss', '*COM*')
