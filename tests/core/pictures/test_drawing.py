"""Pictures are drawn one at a time, a long wait is refused, and memory is freed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from io import BytesIO

import pytest

from shared.core.pictures.drawing import draw_in_turn
from tests.support import in_parallel

# In a separate process, so that only drawing affects its memory.
_MANY = """
import threading
import psutil
from concurrent.futures import ThreadPoolExecutor
from shared.core.pictures.drawing import draw_in_turn
from shared.features.account.usage_picture import draw
from shared.features.account.usage_view import Day, Meter, UsageView

meter = Meter(3, 25, "Today", "22", "left of 25")
days = [Day(str(number), number % 7, number % 3, 1) for number in range(30)]
view = UsageView(
    title="Your requests", plan="PREMIUM", today=meter, month=meter, days=days, average="14 a day",
    bonus="+5", chart="30 days", chart_about="9 at most", legend=[("limit", "limit")], nothing="nothing",
)
process = psutil.Process()
draw_in_turn(lambda: draw(view))
before, peak, stop = process.memory_full_info().pss, 0, threading.Event()

def watch():
    global peak
    while not stop.wait(0.01):
        peak = max(peak, process.memory_full_info().pss)

watcher = threading.Thread(target=watch)
watcher.start()
with ThreadPoolExecutor(16) as pool:
    drawn = list(pool.map(lambda _n: draw_in_turn(lambda: draw(view), 60), range(40)))
stop.set()
watcher.join()
draw_in_turn(lambda: None)  # on a busy machine the last one is still being drawn
after = process.memory_full_info().pss
print(sum(one is not None for one in drawn), (peak - before) / 1e6, (after - before) / 1e6)
"""


def test_forty_concurrent_drawings_take_little_memory() -> None:
    ran = subprocess.run([sys.executable, "-c", _MANY], capture_output=True, text=True, check=True)
    drawn, peak, after = (float(word) for word in ran.stdout.split())
    assert peak < 60, "MB"  # 550 without turns
    assert after < 25, "MB"  # 90 and more when each thread draws
    assert drawn >= 1


def test_one_is_drawn_at_a_time() -> None:
    at_work: list[int] = []
    seen: list[int] = []

    def draw() -> BytesIO:
        at_work.append(1)
        seen.append(len(at_work))
        time.sleep(0.01)
        at_work.pop()
        return BytesIO()

    assert all(in_parallel(8, lambda _n: draw_in_turn(draw)))
    assert seen == [1] * 8


@pytest.mark.parametrize("seconds", [0.05, 0, -3])
def test_a_drawing_that_would_wait_too_long_is_refused(seconds: float) -> None:
    started, done = threading.Event(), threading.Event()

    def slowly() -> BytesIO:
        started.set()
        done.wait(5)
        return BytesIO()

    other = threading.Thread(target=draw_in_turn, args=(slowly,))
    other.start()
    started.wait(5)
    try:
        assert draw_in_turn(BytesIO, seconds) is None
    finally:
        done.set()
        other.join()
    assert draw_in_turn(BytesIO) is not None


def test_a_failed_drawing_lets_the_next_one_start() -> None:
    def fail() -> BytesIO:
        raise ValueError("no font")

    with pytest.raises(ValueError, match="no font"):
        draw_in_turn(fail)
    assert draw_in_turn(BytesIO) is not None
