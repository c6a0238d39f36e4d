"""A server that returns the request body: the lower bound of costs."""

from .asgi import application
from .stack import serve


async def answer(body: bytes) -> bytes:
    """Return the request body."""
    return body


if __name__ == "__main__":
    serve(application(answer))
