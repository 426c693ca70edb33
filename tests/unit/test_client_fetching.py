"""Files from a server that breaks off, answers badly, or has another file meanwhile."""

import gzip

import pytest

from comfy_widgets.comfyui.replies import OutputFile
from comfy_widgets.errors import (
    FetchFailed,
    KeyRefused,
    OutputMissing,
)
from tests.lib.raw_server import Cut, reply

SECRET = "sk-very-secret"
FILM = bytes(range(256)) * 40
OUTPUT = OutputFile("9", "film.mp4", "video", "output")
PAGE = "<html><head><title>x</title></head><body><h1>Bad Gateway</h1><p>nginx</p></body></html>"


def ignore(_have, _total):
    pass


def slice_of(data, asked):
    """What a file server answers, with or without Range."""
    asked_from = asked.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
    if not asked_from:
        return reply(data)
    start = int(asked_from)
    if start >= len(data):
        return reply(b"", 416, Content_Range=f"bytes */{len(data)}")
    return reply(data[start:], 206, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")


async def test_a_file_is_fetched_whole_and_its_bytes_are_counted(talk, tmp_path):
    client, server = await talk(lambda asked: slice_of(FILM, asked))
    heard = []
    assert await client.fetch(OUTPUT, tmp_path / "part", lambda *news: heard.append(news))
    assert (tmp_path / "part").read_bytes() == FILM
    assert heard[-1] == (len(FILM), len(FILM))
    assert server.asked[0].path == "/view?filename=film.mp4&subfolder=video&type=output"


async def test_what_was_cut_is_continued(talk, tmp_path):
    def answer(asked):
        whole = slice_of(FILM, asked)
        return Cut(whole[:-4000]) if "range" not in asked.headers else whole

    client, server = await talk(answer)
    with pytest.raises(FetchFailed, match=r"film\.mp4 broke off"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
    have = (tmp_path / "part").stat().st_size
    assert 0 < have < len(FILM)
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert server.asked[-1].headers["range"] == f"bytes={have}-"
    assert (tmp_path / "part").read_bytes() == FILM


def version(data, tag, asked, heeds="if-match"):
    """What a file server answers whose file has this tag."""
    if asked.headers.get(heeds, tag) != tag:
        return reply(b"", 412)
    answer = slice_of(data, asked)
    return answer.replace(b"\r\n", f"\r\nETag: {tag}\r\n".encode(), 1)


@pytest.mark.parametrize("heeds", ["if-match", "nothing"])
async def test_a_file_that_was_replaced_meanwhile_is_not_continued(talk, tmp_path, heeds):
    new = FILM[::-1] + FILM

    def answer(asked):
        first = len(server.asked) == 1
        return Cut(version(FILM, '"1-a"', asked)[:-4000]) if first else version(new, '"2-b"', asked, heeds)

    client, server = await talk(answer)
    with pytest.raises(FetchFailed, match=r"film\.mp4 broke off"):
        await client.fetch(OUTPUT, tmp_path / "film.part", ignore)
    with pytest.raises(FetchFailed, match=r"another file on the server by now"):
        await client.fetch(OUTPUT, tmp_path / "film.part", ignore)
    assert server.asked[-1].headers["if-match"] == '"1-a"'
    assert await client.fetch(OUTPUT, tmp_path / "film.part", ignore)
    assert (tmp_path / "film.part").read_bytes() == new


async def test_a_rest_that_begins_elsewhere_is_not_joined(talk, tmp_path):
    answers = iter([reply(FILM[50:], 206, Content_Range=f"bytes 50-{len(FILM) - 1}/{len(FILM)}")])
    client, _ = await talk(lambda _asked: next(answers, reply(FILM)))
    (tmp_path / "part").write_bytes(FILM[:100])
    with pytest.raises(FetchFailed, match="another file"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM


async def test_a_weak_tag_joins_nothing(talk, tmp_path):
    def answer(asked):
        whole = version(FILM, 'W/"1"', asked)
        return whole if "range" in asked.headers else Cut(whole[:-4000])

    client, server = await talk(answer)
    with pytest.raises(FetchFailed, match="broke off"):
        await client.fetch(OUTPUT, tmp_path / "film.part", ignore)
    assert await client.fetch(OUTPUT, tmp_path / "film.part", ignore)
    assert "if-match" not in server.asked[-1].headers


async def test_a_server_without_ranges_begins_again(talk, tmp_path):
    client, _ = await talk(lambda _asked: reply(FILM))
    (tmp_path / "part").write_bytes(FILM[:100])
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM


async def test_nothing_left_to_fetch_is_the_whole_file(talk, tmp_path):
    client, _ = await talk(lambda asked: slice_of(FILM, asked))
    (tmp_path / "part").write_bytes(FILM)
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM


async def test_more_bytes_than_the_file_has_are_of_another_file(talk, tmp_path):
    client, _ = await talk(lambda asked: slice_of(FILM, asked))
    (tmp_path / "part").write_bytes(FILM + b"more")
    with pytest.raises(FetchFailed, match=f"{len(FILM) + 4} bytes of film.mp4 were here"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM


async def test_a_file_of_unknown_length_is_not_said_to_be_whole(talk, tmp_path):
    chunks = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    client, _ = await talk(lambda _asked: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert not await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == b"hello world"


async def test_chunks_that_break_off_are_not_a_file(talk, tmp_path):
    client, _ = await talk(lambda _asked: Cut(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
    with pytest.raises(FetchFailed, match="broke off"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)


async def test_a_cut_is_continued_in_the_file_and_not_in_its_compressed_form(talk, tmp_path):
    """A server that compresses what it may (--enable-compress-response-body)."""

    def answer(asked):
        if "gzip" in asked.headers.get("accept-encoding", ""):
            return reply(gzip.compress(FILM), Content_Encoding="gzip")
        return slice_of(FILM, asked)

    client, _ = await talk(answer)
    (tmp_path / "part").write_bytes(FILM[:5000])
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM


async def test_a_file_that_is_gone_is_told_from_one_that_fails(talk, tmp_path):
    client, server = await talk(lambda _asked: reply(PAGE, 404))
    with pytest.raises(OutputMissing, match=r"film\.mp4"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
    server.answer = lambda _asked: reply(PAGE, 500)
    with pytest.raises(FetchFailed, match="500"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_file_asks_for_the_key(talk, tmp_path, status):
    client, _ = await talk(lambda _asked: reply(PAGE, status))
    with pytest.raises(KeyRefused, match="api_key="):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)


async def test_a_redirect_to_another_origin_is_followed_without_our_headers(talk, tmp_path):
    _, store = await talk(lambda _asked: reply(FILM))
    client, server = await talk(
        lambda _asked: reply(b"", 302, Location=f"{store.url}/signed?x=1"), api_key=SECRET, headers={"Cookie": SECRET}
    )
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert (tmp_path / "part").read_bytes() == FILM
    assert server.asked[0].headers["x-api-key"] == SECRET
    assert store.asked[0].path == "/signed?x=1"
    assert SECRET not in str(store.asked[0].headers)


async def test_a_signed_address_that_has_expired_is_no_matter_of_our_key(talk, tmp_path):
    _, store = await talk(lambda _asked: reply(b"", 403))
    client, _ = await talk(lambda _asked: reply(b"", 302, Location=f"{store.url}/signed"))
    with pytest.raises(FetchFailed, match="403"):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)


async def test_a_redirect_at_home_keeps_the_key(talk, tmp_path):
    def answer(asked):
        return reply(b"", 302, Location="/moved") if asked.path.startswith("/view") else reply(FILM)

    client, server = await talk(answer, api_key=SECRET)
    assert await client.fetch(OUTPUT, tmp_path / "part", ignore)
    assert [asked.headers.get("x-api-key") for asked in server.asked] == [SECRET, SECRET]


async def test_an_address_that_leads_nowhere_is_a_failed_fetch(talk, tmp_path):
    client, _ = await talk(lambda _asked: reply(b"", 302, Location="file:///etc/hostname"))
    with pytest.raises(FetchFailed):
        await client.fetch(OUTPUT, tmp_path / "part", ignore)
