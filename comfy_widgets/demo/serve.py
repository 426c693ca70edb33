"""The embedded server as a program."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

from comfy_widgets.demo.allocator import share_one_arena
from comfy_widgets.demo.server import DemoServer
from comfy_widgets.demo.settings import RELEASES, Settings
from comfy_widgets.errors import DemoError


def serve(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    settings
        What the server shall be like.
    announce
        Called with the address once it answers; prints it if None.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings, announce or say, _signalled))


def serve_until_stdin_closes(settings: Settings) -> None:
    """Serve until whoever holds the other end of stdin ends, however it ends; print the address as a line of JSON."""
    # Ctrl-C in the terminal is meant for the notebook's kernel, not for its server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(settings, lambda url: say(json.dumps({"url": url})), _stdin_closed))


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve(settings: Settings, announce: Callable[[str], None], ended: Callable[[], Awaitable[None]]) -> None:
    share_one_arena()
    async with DemoServer(settings) as server:
        waits = [asyncio.ensure_future(ended()), asyncio.ensure_future(server.ended())]
        # They begin to listen for their end before anybody knows the address.
        await asyncio.sleep(0)
        announce(server.url)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if server.crashed:
            raise DemoError("The embedded server died, as the real one does of a value that JSON cannot hold.")


async def _signalled() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no handlers in the loop: KeyboardInterrupt does it
            loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def _stdin_closed() -> None:
    """Wait until stdin closes, or somebody terminates the process: then its folder goes as well."""
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, closed.set)

    def read() -> None:
        # Not through sys.stdin, whose lock this thread would still hold when the interpreter ends.
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
            loop.call_soon_threadsafe(closed.set)

    # A daemon thread: the loop cannot watch a pipe on Windows, and a thread that reads must not keep the process alive.
    threading.Thread(target=read, daemon=True).start()
    await closed.wait()


def parser() -> argparse.ArgumentParser:
    """The options that become settings."""
    options = argparse.ArgumentParser(
        prog="comfy-widgets serve", description="A ComfyUI-compatible server without a GPU."
    )
    default = Settings()
    options.add_argument("--host", default=default.host)
    options.add_argument("--port", type=int, default=8188, help="0 takes a free one")
    options.add_argument("--release", choices=RELEASES, default=default.release)
    options.add_argument("--key", default=default.key, help="demanded from clients; cloud demands 'demo' without it")
    options.add_argument("--fault", action="append", default=[], metavar="FAULT", help="see FAULTS.md; may be repeated")
    options.add_argument("--seed", type=int, default=default.seed, help="of faults that draw lots")
    options.add_argument("--step-seconds", type=float, default=default.step_seconds)
    options.add_argument("--no-previews", action="store_true", help="send no pictures of what is being sampled")
    options.add_argument("--folder", default=None, help="keep input and output here")
    return options


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Settings from parsed options."""
    return Settings(
        host=arguments.host,
        port=arguments.port,
        step_seconds=arguments.step_seconds,
        previews=not arguments.no_previews,
        release=arguments.release,
        faults=tuple(arguments.fault),
        seed=arguments.seed,
        folder=arguments.folder,
        key=arguments.key,
    )


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m comfy_widgets.demo``."""
    options = parser()
    options.prog = "python -m comfy_widgets.demo"
    options.add_argument("--settings", help="all settings as JSON instead")
    options.add_argument("--until-stdin-closes", action="store_true")
    arguments = options.parse_args(argv)
    try:
        settings = Settings.from_json(arguments.settings) if arguments.settings else settings_of(arguments)
        if arguments.until_stdin_closes:
            serve_until_stdin_closes(settings)
        else:
            serve(settings)
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
