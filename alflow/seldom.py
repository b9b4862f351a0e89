"""A server of uvicorn that wakes once a second, not ten times: such looks are most of what an idle machine spends."""

import asyncio
from typing import Final

import uvicorn

_TICK_SECONDS: Final = 1.0  # after which it ends, once it is told to; uvicorn has no setting for it


class SeldomServer(uvicorn.Server):
    """Serves as uvicorn's own does, whose loop only looks whether to end and sets the date of answers."""

    async def main_loop(self) -> None:
        """Return once the server is to end."""
        while not await self.on_tick(0):  # 0: a tick in which it sets the date
            await asyncio.sleep(_TICK_SECONDS)
