"""The body of a request, whatever its size claims to be."""

from starlette.requests import Request

from alflow.errors import InvalidInputError


async def received(request: Request, most: int, what: str) -> bytes:
    """All that was sent; a body of more than `most` bytes is not read to its end, nor at all where it says so.

    Raises:
        InvalidInputError: `what` is larger.
    """
    claimed = request.headers.get("content-length", "")
    if not claimed.isdecimal() or int(claimed) <= most:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise InvalidInputError(f"{what} is larger than {most:,} bytes.")
