"""The anchor: a bare aiohttp handler that decodes the body with the standard library's json.

Run as a program: ``python -m tests.benchmarks.bare`` prints its port and serves until killed.
"""

import asyncio
import json
import sys

from aiohttp import web


async def take(request: web.Request) -> web.Response:
    """Decode and answer, and nothing else."""
    data = json.loads(await request.read())
    handles = [entry["response_handle"] for entry in data["measurements"]]
    return web.json_response({"Y": handles, "N": []}, status=201)


async def main() -> None:
    """Serve on a free port."""
    app = web.Application()
    app.router.add_post("/api/v4/measurements", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
