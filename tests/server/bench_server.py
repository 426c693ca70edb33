"""What the embedded server costs; run with ``python -m tests.server.bench_server``. Linux only: it reads /proc."""

import os
import statistics
import sys
import time
from pathlib import Path

import httpx

from comfy_widgets.demo import Settings, start
from tests.server.client import Client, slow
from tests.server.test_workflows import workflow

BUDGETS = {
    "CPU seconds of a take, 49 frames 1280x544": 1.5,
    "MB RSS, idle": 80,
    "MB RSS, idle after a take": 80,
    "seconds from start to the first answer": 1.0,
    "ms GET /prompt with 1,000 queued, median": 5.0,
}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid, field):
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure_start():
    began = time.perf_counter()
    process = start(Settings(step_seconds=0.0))
    httpx.get(process.url + "/prompt")
    return process, time.perf_counter() - began


def measure_take(process):
    with Client(process) as client:
        client.connect()
        graph = workflow("wan22", n5_width=1280, n5_height=544, n5_length=49, n8_steps=20)
        before, began = cpu_seconds(process.pid), time.perf_counter()
        client.run(graph)
        return cpu_seconds(process.pid) - before, time.perf_counter() - began


def measure_queue(process, count=1000):
    with Client(process) as client:
        client.post(slow(100000, 0.01))
        graph = workflow("wan22")
        posts = [timed(lambda n=n: client.post({**graph, "6": texted(graph, n)})) for n in range(count)]
        looks = [timed(lambda: client.http.get("/prompt")) for _ in range(200)]
        queues = [timed(lambda: client.http.get("/queue")) for _ in range(5)]
        client.http.post("/queue", json={"clear": True})
        client.http.post("/interrupt")
        return posts, looks, queues


def texted(graph, number):
    node = graph["6"]
    return {**node, "inputs": {**node["inputs"], "text": f"prompt {number}"}}


def timed(act):
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def main():
    process, seconds = measure_start()
    found = {"seconds from start to the first answer": seconds, "MB RSS, idle": megabytes(process.pid, "VmRSS")}
    posts, looks, queues = measure_queue(process)
    found["ms GET /prompt with 1,000 queued, median"] = statistics.median(looks)
    found["ms GET /prompt with 1,000 queued, longest"] = max(looks)
    found["ms POST /prompt, median"] = statistics.median(posts)
    found["ms GET /queue with 1,000 queued, median"] = statistics.median(queues)
    cpu, wall = measure_take(process)
    found["CPU seconds of a take, 49 frames 1280x544"] = cpu
    found["seconds of a take, 49 frames 1280x544, 20 steps of 0 s"] = wall
    httpx.get(process.url + "/prompt")  # answered once the worker waits again
    found["MB RSS, most"] = megabytes(process.pid, "VmHWM")
    found["MB RSS, idle after a take"] = megabytes(process.pid, "VmRSS")
    process.stop()
    for name, value in found.items():
        budget = BUDGETS.get(name)
        note = "" if budget is None else f"  (budget {budget:g}, {'met' if value <= budget else 'MISSED'})"
        sys.stdout.write(f"{value:9.3f} {name}{note}\n")
    return int(any(found[name] > budget for name, budget in BUDGETS.items()))


if __name__ == "__main__":
    sys.exit(main())
