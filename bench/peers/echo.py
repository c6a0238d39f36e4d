"""The floor: sends back what it gets."""

from .asgi import application
from .stack import serve


async def answer(body: bytes) -> bytes:
    return body


if __name__ == "__main__":
    serve(application(answer))
