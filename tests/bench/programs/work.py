# What Python programs do: objects, dictionaries, strings, regular expressions, JSON, sorting, numbers.
import collections
import hashlib
import heapq
import json
import math
import re
import sys


class Vector:
    __slots__ = ('x', 'y', 'z')

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def scale(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)


def words(text):
    return collections.Counter(re.findall(r'[A-Za-z_]\w*', text)).most_common(50)


def orbit(steps):
    place, speed = Vector(1.0, 0.0, 0.0), Vector(0.0, 1.0, 0.1)
    for _ in range(steps):
        distance = math.sqrt(place.x ** 2 + place.y ** 2 + place.z ** 2)
        speed = speed + place.scale(-0.001 / distance ** 3)
        place = place + speed.scale(0.001)
    return f'{place.x:.9f} {place.y:.9f}'


def paths(size):
    best, queue = {}, [(0, 0, 0)]
    while queue:
        cost, x, y = heapq.heappop(queue)
        if (x, y) in best:
            continue
        best[x, y] = cost
        for nx, ny in ((x + 1, y), (x, y + 1), (x - 1, y), (x, y - 1)):
            if 0 <= nx < size and 0 <= ny < size and (nx, ny) not in best:
                heapq.heappush(queue, (cost + (nx * 7 + ny * 13) % 11, nx, ny))
    return best[size - 1, size - 1]


def records(count):
    made = [{'id': i, 'name': f'name{i * 7919 % count}', 'tags': [i % 3, i % 5], 'value': i / 7} for i in range(count)]
    again = json.loads(json.dumps(made))
    again.sort(key=lambda record: (record['name'], -record['value']))
    return hashlib.sha256(repr(again).encode()).hexdigest()


def main():
    text = sys.stdin.read()
    for turn in range(int(sys.argv[1])):
        print(turn, words(text), orbit(6000), paths(40), records(1500), math.factorial(600) % 1000003)


main()
