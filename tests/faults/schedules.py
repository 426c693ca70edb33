"""Random schedules of faults over batches of jobs, judged by what the server says really happened.

``python -m tests.faults.schedules 1000`` runs so many; ``--seed 17`` runs that one again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from comfy_widgets import Studio, Workflow
from comfy_widgets.demo import DemoServer

# What may become of a job after each kind of fault, and how many times its files may be saved. {n} is drawn from 1–4,
# {m} from 1–12.
WELL = {"complete"}
LEGAL: dict[str, tuple[set[str], int]] = {
    "ws:cut@{n}": (WELL, 1),
    "ws:mute@{n}": (WELL, 1),
    "ws:drop@{n}*": (WELL, 1),
    "ws:repeat@{n}*": (WELL, 1),
    "ws:swap@{n}*": (WELL, 1),
    "ws:delay=0.2@{n}": (WELL, 1),
    "http:503@GET /queue": (WELL, 1),
    "http:reset@GET /queue": (WELL, 1),
    "http:html@{n}": (WELL, 1),
    # Whatever is asked for, be it an upload's, a history's or a file's turn.
    "http:503@{m}": (WELL, 1),
    "http:reset@{m}": (WELL, 1),
    "http:503@POST /prompt": (WELL, 1),
    "http:reset@POST /prompt": (WELL, 1),
    # The prompt is queued although the answer says otherwise: a second POST would render it twice.
    "http:after-503@POST /prompt": (WELL, 1),
    "http:after-reset@POST /prompt": (WELL, 1),
    "http:after-slow=0.3@POST /prompt": (WELL, 1),
    "http:slow=0.3@{n}": (WELL, 1),
    "view:truncate=60@png": (WELL, 1),
    "view:slow=20000": (WELL, 1),
    # A file that is gone or broken can only be saved again.
    "view:missing@png": (WELL, 2),
    "output:missing@png": (WELL, 2),
    "output:truncate=10@png": (WELL, 2),
    "loop:stall=0.4@LabSlow#{n}": (WELL, 1),
    "history:late=0.5@{n}": (WELL, 1),
    # Without a record, and if the socket missed the end, nobody can know what it left.
    "history:clear@{n}": ({"complete", "lost"}, 1),
    "queue:clear@LabSlow#{n}": ({"complete", "lost"}, 1),
    "queue:interrupt@LabSlow#{n}": ({"complete", "error"}, 1),
    "server:restart@LabSlow#{n}": ({"complete", "lost"}, 1),
    "server:restart=0.3@LabSlow#{n}": ({"complete", "lost"}, 1),
    "server:crash@LabSlow#{n}": ({"complete", "lost"}, 1),
    "node:error@LabSlow#{n}": ({"complete", "error"}, 1),
    "node:memory@LabSlow#{n}": ({"complete", "error"}, 1),
    # Nobody here has a key; a socket that wants one leaves the looks.
    "key:http": ({"error"}, 0),
    "key:both": ({"error"}, 0),
    "key:socket": (WELL, 1),
}
DOWN_SECONDS = 0.3
HANG_SECONDS = 60.0
# Most of them wait, for what may never come, as long as people would.
ABREAST = 32
AGAIN = 0.3
ENOUGH, OF_SO_MANY = 20, 1000


@dataclass
class Outcome:
    """What became of one schedule."""

    seed: int
    faults: list[str] = field(default_factory=list)
    fired: set[str] = field(default_factory=set)
    jobs: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)

    @property
    def bad(self) -> list[str]:
        return self.wrong + self.lost + self.double + self.hung


def drawn(seed: int) -> tuple[list[str], int]:
    """The faults of a schedule and how many jobs it has."""
    lots = random.Random(seed)
    # Each kind comes up first in turn, so that none is left to chance. A door that is shut hides all others.
    first = sorted(LEGAL)[seed % len(LEGAL)]
    others = [kind for kind in sorted(LEGAL) if not kind.startswith("key:")]
    more = [] if first.startswith("key:") else lots.sample(others, lots.choice([0, 0, 1, 2]))
    return list(dict.fromkeys([first, *more])), lots.randint(1, 4)


def workflow(seed: int) -> Workflow:
    graph = {
        "1": {"class_type": "LabSlow", "inputs": {"steps": 3, "delay": 0.02, "preview": "jpeg", "seed": seed}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"lab/s{seed}-"}},
    }
    return Workflow(graph)


async def run(seed: int, folder: Path) -> Outcome:
    """One schedule: a server that misbehaves, a batch of jobs, and what the server's own books say."""
    kinds, count = drawn(seed)
    lots = random.Random(seed + 1)
    kind_of = {kind.format(n=lots.randint(1, 4), m=lots.randint(1, 12)): kind for kind in kinds}
    outcome = Outcome(seed, list(kind_of))
    with DemoServer(step_seconds=0.0, faults=tuple(outcome.faults), seed=seed) as server:
        server.submit(brought_back(server))
        async with Studio(server.url, cache=folder) as studio:
            # Another take of what is being made: the two may end at the same moment.
            asked = [(n, fresh) for n in range(count) for fresh in (False, True) if not fresh or lots.random() < AGAIN]
            jobs = {(n, fresh): studio.submit(workflow(n), fresh=fresh) for n, fresh in asked}
            outcome.jobs = len(jobs)
            await ended(jobs, outcome)
            if outcome.hung:
                return outcome
            judge(kinds, jobs, server, outcome)
            server.heal()
            outcome.fired = {kind_of[fault] for fault in server.journal.faults()}
            await pick_up(studio, server, jobs, outcome)
    return outcome


async def brought_back(server):
    """Somebody starts the server again whenever it died."""
    while True:
        await server.ended()
        await server.restarted(DOWN_SECONDS)


def judge(kinds, jobs, server, outcome):
    """Hold the ends, the files on the server and the takes against what is legal."""
    ends = set.union(*(LEGAL[kind][0] for kind in kinds))
    saves = max(LEGAL[kind][1] for kind in kinds)
    for (n, _), job in jobs.items():
        if job.status not in ends:
            outcome.wrong.append(f"job {n} is {job.status}: {job.error}")
    for n, asked in Counter(n for n, _ in jobs).items():
        saved = len(list(server.folders.of("output").rglob(f"s{n}-*.png")))
        if saved > saves * asked:
            outcome.double.append(f"job {n} was saved {saved} times")
    if saves == 1:
        # Who lost his file takes the other's, rather than render again; everybody else has his own.
        paths = Counter(job.take.path for job in jobs.values() if job.take is not None)
        outcome.lost += [f"{path.name} is the take of {times} jobs" for path, times in paths.items() if times > 1]


async def ended(jobs, outcome):
    try:
        async with asyncio.timeout(HANG_SECONDS):
            await asyncio.gather(*(job.ended() for job in jobs.values()))
    except TimeoutError:
        outcome.hung = [f"job {n} is {job.status}" for n, job in jobs.items() if not job.over]


async def pick_up(studio, server, jobs, outcome):
    """What the server still has must be had by asking again, and what is complete must be there."""
    for n, job in jobs.items():
        if job.status == "complete" and (job.take is None or not job.take.path.exists()):
            outcome.lost.append(f"job {n} is complete and has no file")
    lost = {job.id for job in jobs.values() if job.status == "lost"}
    resumed = [job for job in studio.resume() if job.id in lost]
    await asyncio.gather(*(job.ended() for job in resumed))
    async with httpx.AsyncClient(base_url=server.url) as client:
        for job in resumed:
            record = (await client.get(f"/history/{job.id}")).json().get(job.id)
            if job.take is None and record and record["status"]["status_str"] == "success":
                outcome.lost.append(f"prompt {job.id} ended well and its take is not here: {job.error}")


async def run_many(seeds) -> list[Outcome]:
    gate = asyncio.Semaphore(ABREAST)

    async def one(seed):
        async with gate:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return await run(seed, Path(folder))

    return list(await asyncio.gather(*(one(seed) for seed in seeds)))


def complaints(outcomes: list[Outcome]) -> list[str]:
    return [f"seed {outcome.seed} {outcome.faults}: {'; '.join(outcome.bad)}" for outcome in outcomes if outcome.bad]


def least(outcomes: list[Outcome]) -> int:
    """In how many schedules the rarest kind of fault fired."""
    fired = Counter(kind for outcome in outcomes for kind in outcome.fired)
    return min(fired[kind] for kind in LEGAL)


def report(outcomes: list[Outcome]) -> str:
    wrong, lost, double, hung = (
        sum(len(getattr(outcome, name)) for outcome in outcomes) for name in ("wrong", "lost", "double", "hung")
    )
    return (
        f"{len(outcomes)} schedules, {sum(outcome.jobs for outcome in outcomes)} jobs, "
        f"each of {len(LEGAL)} faults fired ≥ {least(outcomes)} times: "
        f"{wrong} wrong ends, {lost} lost takes, {double} double renders, {hung} hangs"
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("count", type=int, nargs="?", default=1)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    outcomes = asyncio.run(run_many(range(chosen.seed, chosen.seed + chosen.count)))
    for kind, times in Counter(kind for outcome in outcomes for kind in outcome.fired).most_common():
        sys.stdout.write(f"{times:5} {kind}\n")
    sys.stdout.write("\n".join([*complaints(outcomes), report(outcomes)]) + "\n")
    rare = chosen.count >= OF_SO_MANY and least(outcomes) < ENOUGH
    return rare or any(outcome.bad for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
