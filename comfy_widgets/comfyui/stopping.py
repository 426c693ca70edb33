"""Stopping one prompt, and only that one."""

import asyncio
from collections.abc import Callable

from comfy_widgets.comfyui.client import Client
from comfy_widgets.comfyui.replies import AnswerLost
from comfy_widgets.comfyui.together import Together
from comfy_widgets.comfyui.tracked import Tracked
from comfy_widgets.errors import ComfyWidgetsError, ServerUnreachable

_RETRY_SECONDS, _LONGEST_SECONDS = 0.2, 5.0


async def stop(client: Client, tracked: Tracked, look: Together[Tracked], price: Callable[[], float]) -> None:
    """Ask again and again until the server has no more to do for it.

    A single interrupt is easily lost: it does nothing to a prompt that has not quite started, and is forgotten
    by one that just did.

    Parameters
    ----------
    client
        HTTP to the server.
    tracked
        The prompt.
    look
        Sees what became of it.
    price
        What the last look took, in seconds.
    """
    tracked.cancelling = True
    pause = _RETRY_SECONDS
    while not tracked.ended.done():
        try:
            await client.stop(tracked.prompt_id)
        except (ServerUnreachable, AnswerLost):
            # Nobody said no; who comes back is asked at once.
            pause = _RETRY_SECONDS
        except ComfyWidgetsError as error:
            tracked.refuse(error.what)
            pause = min(2 * pause, _LONGEST_SECONDS)
        else:
            tracked.refuse(None)
            pause = _RETRY_SECONDS
            await look.done(tracked, unless=tracked.ended)
        await asyncio.wait([tracked.ended], timeout=max(pause, price() * 2))
