"""What glibc's allocator must be told so that a server that waits holds little memory; elsewhere nothing."""

import contextlib
import ctypes

#: <malloc.h>
M_ARENA_MAX = -8


def share_one_arena() -> None:
    """Let all threads of this process allocate in one place; to be called before there are any."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Hand freed memory back to the system: glibc would keep for ever what one big clip needed."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
