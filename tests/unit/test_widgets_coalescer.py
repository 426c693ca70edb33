"""How often the browser is told, with a clock that only the test moves."""

import asyncio
import itertools

from comfy_widgets.widgets.coalescer import INTERVAL, coalescer_of


class ManualLoop:
    """A loop's timers, run when the test says so."""

    def __init__(self):
        self.now = 0.0
        self._due = []

    def call_soon(self, call):
        self.call_later(0.0, call)

    def call_later(self, delay, call):
        self._due.append((self.now + delay, call))

    def run_until(self, moment):
        while due := [entry for entry in self._due if entry[0] <= moment + 1e-9]:
            first = min(due, key=lambda entry: entry[0])
            self._due.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = moment

    @property
    def idle(self):
        return not self._due


class Widget:
    def __init__(self, loop):
        self._loop = loop
        self.value = None
        self.pushes = []

    def push(self):
        self.pushes.append((self._loop.now, self.value))

    def change(self, value):
        self.value = value
        coalescer_of(self._loop).mark(self)


def test_the_first_change_is_told_at_once_and_a_burst_is_one_message():
    loop = ManualLoop()
    widget = Widget(loop)
    for value in range(5):
        widget.change(value)
    loop.run_until(0)
    assert widget.pushes == [(0, 4)]


def test_a_widget_is_told_ten_times_a_second_and_its_last_state_gets_through():
    loop = ManualLoop()
    widget = Widget(loop)
    for step in range(1000):
        loop.run_until(step / 1000)
        widget.change(step)
    loop.run_until(5)
    times = [moment for moment, _ in widget.pushes]
    assert len(times) <= 11
    assert min(b - a for a, b in itertools.pairwise(times)) >= INTERVAL - 1e-9
    assert widget.pushes[-1][1] == 999
    assert loop.idle


def test_all_together_are_told_a_hundred_times_a_second_and_none_is_forgotten():
    loop = ManualLoop()
    widgets = [Widget(loop) for _ in range(35)]
    for widget in widgets:
        widget.change("new")
    loop.run_until(5)
    moments = sorted(moment for widget in widgets for moment, _ in widget.pushes)
    assert len(moments) == 35
    assert all(sum(start <= moment < start + INTERVAL for moment in moments) <= 10 for start in moments)


def test_whoever_waits_longest_is_told_first():
    loop = ManualLoop()
    widgets = [Widget(loop) for _ in range(20)]
    for widget in widgets:
        widget.change(0)
    loop.run_until(0)
    for widget in widgets[:10]:
        widget.change(1)
    loop.run_until(INTERVAL)
    assert [widget.pushes[-1][1] for widget in widgets] == [0] * 20
    loop.run_until(2 * INTERVAL)
    assert [widget.pushes[-1][1] for widget in widgets[:10]] == [1] * 10


def test_a_change_after_a_rest_is_told_at_once():
    loop = ManualLoop()
    widget = Widget(loop)
    widget.change(1)
    loop.run_until(10)
    widget.change(2)
    loop.run_until(10)
    assert widget.pushes == [(0, 1), (10, 2)]


def test_changing_again_does_not_cost_the_place_in_the_line():
    loop = ManualLoop()
    widgets = [Widget(loop) for _ in range(12)]
    for widget in widgets:
        widget.change(0)
    loop.run_until(0)
    for widget in (*widgets[:10], widgets[10]):
        widget.change(1)
    loop.run_until(INTERVAL)
    assert widgets[10].pushes == [(INTERVAL, 1)]


def test_one_that_fails_does_not_silence_the_others(caplog):
    loop = ManualLoop()
    bad, good = Widget(loop), Widget(loop)
    bad.push = lambda: 1 / 0
    bad.change(1)
    good.change(1)
    loop.run_until(1)
    assert good.pushes == [(0, 1)]
    assert "could not be told" in caplog.text


async def test_there_is_one_for_a_loop():
    loop = asyncio.get_running_loop()
    assert coalescer_of(loop) is coalescer_of(loop)
    assert coalescer_of(ManualLoop()) is not coalescer_of(loop)
