"""Performs each recording's scenario on the embedded server and says where the two differ: one line a recording.

Run it with ``python -m tests.server.replay [name…]``.
"""

import asyncio
import json
import sys
import uuid

import httpx
import websockets

from comfy_widgets.demo import DemoServer
from tests.server import reduced

PATIENCE = 15.0
ROOM = 160
STATUS_APART, PROGRESS_APART = "status apart", "status and progress apart"
STEPS = {"progress", "progress_state", "binary"}
#: What a recording needs to have happened before it began.
BEFORE = {"cached_rerun": "success_video"}


class Socket:
    """One WebSocket of the scenario, with everything that came on it."""

    def __init__(self, name, connection):
        self.name = name
        self.connection = connection
        self.seen = []
        self.came = asyncio.Condition()
        self.code = None
        self.task = asyncio.create_task(self._listen())

    async def _listen(self):
        try:
            async for message in self.connection:
                await self._note(message)
        except websockets.ConnectionClosed:
            pass
        async with self.came:
            self.code = self.connection.close_code
            self.came.notify_all()

    async def _note(self, message):
        async with self.came:
            self.seen.append(message)
            self.came.notify_all()

    async def wait(self, count, lasting=0):
        """Until so many messages came, so many of them of the kind whose number does not depend on time."""

        def enough():
            return len(self.seen) >= count and sum(map(is_lasting, self.seen)) >= lasting

        async with self.came:
            await self.came.wait_for(lambda: enough() or self.code is not None)

    async def close(self):
        await self.connection.close()
        await self.task


class Replay:
    """One scenario on one server."""

    def __init__(self, server, steps):
        self.server = server
        self.steps = steps
        self.names = reduced.Names()
        self.values = {}
        self.sockets = {}
        self.expected = {}
        self.differences = []
        self.client = httpx.AsyncClient(base_url=server.url, timeout=PATIENCE)

    async def run(self):
        self._prepare()
        for step in self.steps:
            if "see" in step:
                self.expected.setdefault(step["sock"], []).append(step["see"])
                continue
            await self._catch_up()
            await getattr(self, "_" + step["do"].replace(" ", "_"))(step)
        await self._catch_up()
        for socket in self.sockets.values():
            await socket.close()
        await self.client.aclose()
        for name, expected in self.expected.items():
            self._compare(name, expected)
        return self.differences

    def _prepare(self):
        """Start where the recording started: its counter of prompts, and what history already held."""
        answers = [step["answer"] for step in self.steps if step.get("do") == "http"]
        numbers = [
            a["number"]
            for a in answers
            if isinstance(a, dict) and isinstance(a.get("number"), int) and a["number"] >= 0
        ]
        self.server.core.counter = numbers[0] if numbers else 0
        if any(isinstance(answer, dict) and "<other>" in answer for answer in answers):
            others = [str(uuid.uuid4()) for _ in range(3)]
            self.server.core.queue.history.update({other: {"outputs": {}, "status": None} for other in others})

    async def _catch_up(self):
        """Go on only when everything came that the recorded client had seen by now."""
        for name, expected in self.expected.items():
            try:
                lasting = len(without_progress(expected))
                await asyncio.wait_for(self.sockets[name].wait(len(expected), lasting), PATIENCE)
            except TimeoutError:
                self.differences.append(f"{name}: {len(self.sockets[name].seen)} of {len(expected)} messages came")

    def _live(self, text):
        """Put this run's ids in place of the names."""
        for name, value in self.values.items():
            text = text.replace(f"<{name}>", value)
        for number in range(1, 60):
            if f"<P{number}>" in text:
                self._learn(f"P{number}", str(uuid.uuid4()))
                text = text.replace(f"<P{number}>", self.values[f"P{number}"])
        return text.replace("<other>", str(uuid.uuid4()))

    def _learn(self, name, value):
        self.values[name] = value
        self.names.known.setdefault(value, name)

    async def _open(self, step):
        name = step["sock"]
        query = ""
        await self._queue_as_long_as(next(s["see"][1] for s in self.steps if s.get("sock") == name and "see" in s))
        if step["named"]:
            client = next((v for k, v in self.values.items() if k == f"C-{name}"), None) or self._shared_client(name)
            self._learn(f"C-{name}", client)
            query = f"?clientId={client}"
        url = self.server.url.replace("http", "ws", 1) + "/ws" + query
        self.sockets[name] = Socket(name, await websockets.connect(url, max_size=None))
        if not step["named"]:
            await asyncio.wait_for(self.sockets[name].wait(1), PATIENCE)
            self._learn(f"C-{name}", json.loads(self.sockets[name].seen[0])["data"]["sid"])

    async def _queue_as_long_as(self, status):
        """The recorded client opened its socket when so many prompts were left."""
        left = status["status"]["exec_info"]["queue_remaining"]
        while self.server.core.queue.remaining != left:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def _shared_client(self, name):
        """A socket whose recorded id was another one's has no name of its own: the status it sees says whose it is."""
        first = next(s["see"] for s in self.steps if s.get("sock") == name and "see" in s)
        owner = first[1]["sid"].strip("<>")
        return self.values.get(owner) or uuid.uuid4().hex

    async def _send(self, step):
        await self.sockets[step["sock"]].connection.send(step.get("raw") or json.dumps(step["data"]))

    async def _close(self, step):
        await self.sockets[step["sock"]].close()

    async def _closed(self, step):
        socket = self.sockets[step["sock"]]
        try:
            await asyncio.wait_for(asyncio.shield(socket.task), PATIENCE)
        except TimeoutError:
            self.differences.append(f"{socket.name}: was not closed")
        if socket.code != step["code"]:
            self.differences.append(f"{socket.name}: closed with {socket.code}, recorded {step['code']}")

    async def _restart(self, _):
        await self.server.restarted()

    async def _remove_outputs(self, _):
        for path in self.server.folders.of("output").rglob("*.png"):
            path.unlink()

    async def _http(self, step):
        body = None if step["body"] is None else self._live(step["body"])
        path = self._live(step["path"])
        wanted = step["answer"]
        for _ in range(200):
            response = await self.client.request(step["method"], path, content=body)
            answer = self._read(response, wanted)
            # History may come a moment after the events; the recorded client waited as well.
            if path.startswith("/history/") and answer == {} and wanted:
                await asyncio.sleep(0.02)
                continue
            break
        self._compare_answer(f"{step['method']} {step['path']}", step, response, answer)

    def _read(self, response, wanted):
        if response.headers.get("content-type", "").startswith("application/json"):
            answer = json.loads(response.text)
            if (
                isinstance(wanted, dict)
                and isinstance(answer, dict)
                and "prompt_id" in wanted
                and "prompt_id" in answer
            ):
                name = wanted["prompt_id"].strip("<>")
                if name.startswith("P") and name not in self.values:
                    self._learn(name, answer["prompt_id"])
            return reduced.shape_response(answer, self.names)
        return reduced.shape(response.text, self.names)

    def _compare_answer(self, what, step, response, answer):
        if response.status_code != step["status"]:
            self.differences.append(f"{what}: {response.status_code}, recorded {step['status']}")
            return
        if response.headers.get("content-type") != step["type"] and step["type"] is not None:
            self.differences.append(f"{what}: {response.headers.get('content-type')}, recorded {step['type']}")
        wanted = step["answer"]
        if what.startswith("GET /history"):
            wanted, answer = known_only(wanted), known_only(answer)
        if answer != wanted:
            self.differences.append(f"{what}: {first_difference(wanted, answer)}")

    def _compare(self, name, expected):
        seen = [
            reduced.shape_bytes(m, self.names)
            if isinstance(m, bytes)
            else reduced.shape_event(json.loads(m), self.names)
            for m in self.sockets[name].seen
        ]
        if seen == expected:
            return
        for tolerance, form in ((STATUS_APART, without_status), (PROGRESS_APART, without_progress)):
            if form(seen) == form(expected):
                wanted, got = fields_of(expected), fields_of(seen)
                odd = sorted(kind for kind in wanted.keys() | got.keys() if wanted.get(kind) != got.get(kind))
                self.differences += [f"{name}: other fields in {kind}" for kind in odd] or [f"~{tolerance}"]
                return
        self.differences.append(f"{name}: {first_difference(without_status(expected), without_status(seen))}")


def known_only(answer):
    """A listing without the prompts of other recordings that the same real server still remembered."""
    if isinstance(answer, dict):
        return {key: value for key, value in answer.items() if key != "<other>"}
    return answer


def without_status(messages):
    """When a status comes among other events depends on when the next request does."""
    return [message for message in messages if message[0] != "status"]


def without_progress(messages):
    """How many steps a client sees that connects in the middle depends on when it does."""
    return [m for m in without_status(messages) if m[0] not in STEPS]


def fields_of(messages):
    """Which fields each kind of message has, whatever they say and however often it came."""
    found = {}
    for kind, *facts in messages:
        # A text and a preview are both binary, and have nothing in common.
        name = f"{kind} {facts[0]}" if kind == "binary" else kind
        if kind == "progress_state":
            # Its nodes have their own ids for names: which of them are seen is a matter of when.
            told = fields({**facts[0], "nodes": None, "fields": dict.fromkeys(facts[0]["fields"])})
        else:
            told = fields(facts)
        found.setdefault(name, set()).add(told)
    return found


def fields(value):
    """The names of a value's fields, however deep."""
    if isinstance(value, dict):
        return frozenset((name, fields(each)) for name, each in value.items())
    return frozenset(map(fields, value)) if isinstance(value, list) else None


def is_lasting(message):
    """Whether `without_progress` keeps a message that came."""
    return not isinstance(message, bytes) and json.loads(message)["type"] not in {"status", *STEPS}


def first_difference(wanted, got, where=""):
    """A short sentence about the first place where two values differ."""
    if type(wanted) is not type(got):
        return f"{where or 'value'}: {short(got)}, recorded {short(wanted)}"
    if isinstance(wanted, dict) and set(wanted) != set(got):
        return f"{where}: fields +{sorted(set(got) - set(wanted))} -{sorted(set(wanted) - set(got))}"
    if isinstance(wanted, dict):
        key = next(k for k in wanted if wanted[k] != got[k])
        return first_difference(wanted[key], got[key], f"{where}.{key}")
    if isinstance(wanted, list):
        for index, (a, b) in enumerate(zip(wanted, got, strict=False)):
            if a != b:
                return first_difference(a, b, f"{where}[{index}]")
        longer = max(got, wanted, key=len)
        following = short(longer[min(len(got), len(wanted))])
        return f"{where}: {len(got)} entries, recorded {len(wanted)}; next {following}"
    return f"{where}: {short(got)}, recorded {short(wanted)}"


def short(value):
    text = json.dumps(value)
    return text if len(text) < ROOM else text[:ROOM] + "..."


async def perform(name, **settings):
    """Replay one recording; the list of differences, empty where all agrees."""
    async with DemoServer(**settings) as server:
        if name in BEFORE:
            await run_first_prompt(server, reduced.load(BEFORE[name]))
        return await Replay(server, reduced.load(name)).run()


async def run_first_prompt(server, steps):
    body = next(step["body"] for step in steps if step.get("method") == "POST")
    async with httpx.AsyncClient(base_url=server.url) as client:
        await client.post("/prompt", content=body)
    while server.core.queue.remaining:  # noqa: ASYNC110 - the queue is another's and has no event to wait for
        await asyncio.sleep(0.01)


def verdict(differences):
    """One line about a recording."""
    if not differences:
        return "agrees"
    if all(difference.startswith("~") for difference in differences):
        return "agrees, " + ", ".join(sorted({difference[1:] for difference in differences}))
    return "differs: " + "; ".join(differences)


def names():
    return sorted(path.stem for path in reduced.DATA.glob("*.json"))


async def main(chosen):
    for name in chosen or names():
        sys.stdout.write(f"{name}: {verdict(await perform(name))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
