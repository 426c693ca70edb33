"""What must hold on any ComfyUI server, with core nodes only.

By default the embedded server; ``COMFY_URL=http://host:8188 tests/run --server`` holds these against another.
"""

import asyncio
import os
import random
import uuid

import av
import pytest

from comfy_widgets import Studio, Workflow
from comfy_widgets.demo import DemoServer
from comfy_widgets.errors import NodeFailed, Rejected
from comfy_widgets.jobs import JobStatus

pytestmark = pytest.mark.slow

ANOTHER = os.environ.get("TESTS_SERVER")


def still(color: int, *, count: int = 8, fps: float = 8.0, size: int = 64) -> Workflow:
    """A clip of one colour: core nodes that need no model."""
    return Workflow(
        {
            "1": {
                "class_type": "EmptyImage",
                "inputs": {"width": size, "height": size, "batch_size": 1, "color": color},
            },
            "2": {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": count}},
            "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": fps}},
            "4": {
                "class_type": "SaveVideo",
                "inputs": {"video": ["3", 0], "filename_prefix": "tests/still", "format": "auto", "codec": "auto"},
            },
        }
    )


@pytest.fixture
def color():
    """A colour that the server has not been asked for: its own cache must not answer."""
    return random.SystemRandom().randrange(1 << 24)


@pytest.fixture(params=["there"] if ANOTHER else ["0.3.64", "newest"])
async def anywhere(tmp_path, request):
    if ANOTHER:
        async with Studio(
            ANOTHER, cache=tmp_path / "takes", api_key=os.environ.get("TESTS_SERVER_KEY") or None
        ) as studio:
            yield studio
    else:
        async with DemoServer(release=request.param) as server, Studio(server.url, cache=tmp_path / "takes") as studio:
            yield studio


async def test_a_clip_comes_whole(anywhere, color):
    take = await anywhere.submit(still(color, count=12, fps=12.0, size=96))
    assert (take.width, take.height, take.frames, take.fps, take.codec) == (96, 96, 12, 12.0, "h264")
    assert (await anywhere.submit(still(color, count=12, fps=12.0, size=96))).cached


async def test_the_same_again_is_saved_again(anywhere, color):
    """The server serves the same graph from its cache and names the old file: ours is saved anew."""
    one = await anywhere.submit(still(color))
    two = await anywhere.submit(still(color), fresh=True)
    assert one.path != two.path
    assert one.frames == two.frames == 8


async def test_a_picture_goes_there_and_back(anywhere, tmp_path, color):
    path = tmp_path / "frame.png"
    frame = av.VideoFrame(64, 48, "rgb24")
    frame.planes[0].update((color.to_bytes(3, "big") * 64 + bytes(frame.planes[0].line_size - 192)) * 48)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux([*stream.encode(frame), *stream.encode(None)])
    workflow = Workflow(
        {
            "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "tests/picture"}},
        }
    )
    take = await anywhere.submit(workflow, keyframe=path)
    assert (take.kind, take.width, take.height) == ("image", 64, 48)


async def test_many_at_once_end_in_order(anywhere, color):
    jobs = [anywhere.submit(still(color ^ n, count=4)) for n in range(6)]
    await asyncio.gather(*jobs)
    assert {job.status for job in jobs} == {JobStatus.COMPLETE}
    assert len({job.id for job in jobs}) == len({job.take.path for job in jobs}) == 6
    assert all(str(uuid.UUID(job.id)) == job.id for job in jobs)


async def test_stopping_ends_one_way_or_the_other(anywhere, color):
    jobs = [anywhere.submit(still(color ^ n, count=60, size=256)) for n in range(4)]
    await asyncio.gather(*(job.cancel() for job in jobs[1:]))
    assert (await jobs[0]).frames == 60
    assert {job.status for job in jobs[1:]} <= {JobStatus.CANCELLED, JobStatus.COMPLETE}


async def test_a_graph_that_is_refused(anywhere, color):
    workflow = still(color)
    with pytest.raises(Rejected, match=r"RepeatImageBatch|EmptyImage|refused"):
        await anywhere.submit(workflow, inputs={"2.amount": -5})


async def test_a_node_that_fails(anywhere, color):
    """A name that leads out of the output folder fails when it is saved, not before."""
    with pytest.raises((NodeFailed, Rejected)):
        await anywhere.submit(still(color), inputs={"4.filename_prefix": "../../outside"})
