"""Plays the scenario with Python's websockets: `python websockets_client.py ws://…`."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

MIB = 1024 * 1024


async def closing(socket):
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return [closed.rcvd.code, closed.rcvd.reason]


async def play(base):
    seen = []
    async with connect(base + "/echo", subprotocols=["first", "second"]) as echo:
        seen.append(["protocol", echo.subprotocol])
        await echo.send("héllo")
        seen.append(["text", await echo.recv()])
        await echo.send(bytes([1, 2, 255]))
        seen.append(["bytes", list(await echo.recv())])
        long = "0123456789abcdef" * (MIB // 16)
        await echo.send(long)
        seen.append(["a long text", await echo.recv() == long])
        await echo.close(4002, "done")
        seen.append(["closed by the client", [echo.close_code, echo.close_reason]])

    async with connect(base + "/news") as news:
        await news.send("go")
        in_order = 0
        while in_order < 1000 and await news.recv() == f"message {in_order}":
            in_order += 1
        seen.append(["messages in order", in_order])
        await news.send("bye")
        seen.append(["closed by the server", await closing(news)])

    try:
        await connect(base + "/secret")
        seen.append(["refused", False])
    except InvalidStatus as refusal:
        seen.append(["refused", refusal.response.status_code == 401])

    async with connect(base + "/news") as last:
        await last.send("shut down")
        seen.append(["at the shutdown", await closing(last)])
    return seen


print(json.dumps(asyncio.run(play(sys.argv[1]))))
