"""Many visitors of the Beat lab at once: how long each waits, what an answer costs, what is left in memory.

    python -m benchmarks.load [--sessions 1 10 50] [--every 10] [--seconds 60] [--processes 1] [--beside-training]

A server of its own with one process, or several behind Caddy, which keeps each visitor with one of them as ``deploy/Caddyfile``
says, and as many websockets as visitors, which speak as the browser does: each opens the Beat
lab (one MLP) and then turns the noise to another level, every visitor to another one, so that nothing is remembered. First all do
so at the same instant; then each once in ``--every`` seconds, spread evenly. Waits are from the request to the end of the page's
run, without what a browser then draws. CPU and memory are those of all the server's processes; memory is read once before, at the
end, and when the server has had time to notice that they have gone. That counts caches which were empty before: with
``--rounds 2`` as many visitors come again, and only what they leave on top is growth.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.cold_start import server
from benchmarks.tables import markdown

HERE = Path(__file__).resolve().parents[1]
NETWORK = "mlp-ce"
#: The number of the visitor who comes first, apart from the others' numbers; from 270 on the noise would be above the dial's end.
FIRST = 269
MEGABYTE = 2**20
PROXY, COOKIE = "caddy", "nsr_server"
#: Until memory is read again after all have gone.
REST_SECONDS = 65
#: Of a visitor in one round, at most; the next round's take other noise.
CHANGES = 25


@dataclass
class Visitor:
    """A browser's side of a session.

    Attributes:
        socket: to the server.
        number: no two visitors have the same.
        changes: how often the noise was turned.
        page: the hash of the Beat lab's script, as the server names it; empty until it was opened.
    """

    socket: websockets.ClientConnection
    number: int
    changes: int = 0
    page: str = field(default="")

    async def open(self) -> float:
        """Seconds until the page stands."""
        return await self._run(0.02)

    async def change(self) -> float:
        """Seconds until the page stands with another noise level, one that nobody had before."""
        self.changes += 1
        return await self._run(0.03 + 1e-5 * (100 * self.number + self.changes))

    async def _run(self, eps: float) -> float:
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string = f"models={NETWORK}&eps={eps:.5f}"
        state.page_script_hash, state.page_name = self.page, "" if self.page else "beat_lab"
        state.context_info.timezone, state.context_info.locale = "UTC", "en"
        began = time.perf_counter()
        await self.socket.send(asked.SerializeToString())
        async for message in self.socket:
            heard = ForwardMsg.FromString(message)
            # Not new_session: what that names is app.py, which a later request would take for the first page.
            if heard.WhichOneof("type") == "navigation":
                self._arrive(heard.navigation.page_script_hash)
            elif heard.WhichOneof("type") == "delta" and heard.delta.new_element.HasField("exception"):
                raise RuntimeError(heard.delta.new_element.exception.message)
            elif heard.WhichOneof("type") == "script_finished" and (
                heard.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            ):
                return time.perf_counter() - began
        raise RuntimeError("the server closed the connection")

    def _arrive(self, page: str) -> None:
        if self.page not in ("", page):
            raise RuntimeError("the server drew another page than the Beat lab")
        self.page = page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50], help="numbers of visitors")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one change of a visitor to the next")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they go on")
    parser.add_argument("--processes", type=int, default=1, help="of the server; several need caddy")
    parser.add_argument("--rounds", type=int, default=1, help="so often as many visitors come and go")
    parser.add_argument(
        "--beside-training", action="store_true", help="while a network is trained, as a run of the app is"
    )
    given = parser.parse_args()
    if given.processes > 1 and shutil.which(PROXY) is None:
        parser.error(f"several processes need {PROXY}, which is not installed")
    rows = []
    with TemporaryDirectory() as folder:
        training = _train(Path(folder)) if given.beside_training else None
        try:
            for count in given.sessions:
                with ExitStack() as running:
                    servers = [running.enter_context(server(HERE / "app.py")) for _ in range(given.processes)]
                    addresses = [address for address, _ in servers]
                    served = Served(
                        running.enter_context(_proxy(addresses, Path(folder))) if len(servers) > 1 else addresses[0],
                        addresses,
                        [process.pid for _, process in servers],
                    )
                    rows += [
                        asyncio.run(_measure(served, count, given.every, given.seconds, number))
                        for number in range(given.rounds)
                    ]
        finally:
            if training is not None:
                training.kill()
                training.wait()
    print(markdown(pd.DataFrame(rows)))


def _train(folder: Path) -> subprocess.Popen[bytes]:
    """A training as the app starts it."""
    command = ["train", "mlp", "ce", "--source", "demo", "--epochs", "100000", "--out", str(folder / "run")]
    return subprocess.Popen(
        [sys.executable, "-m", "nsr_core", *command], cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@dataclass
class Served:
    """A server: the address that visitors use, and those of its processes with their numbers."""

    address: str
    each: list[str]
    pids: list[int]

    def cpu_seconds(self) -> float:
        return sum(map(_cpu_seconds, self.pids))

    def memory(self) -> float:
        return sum(map(_memory, self.pids))


@contextmanager
def _proxy(addresses: list[str], folder: Path) -> Iterator[str]:
    """The address of a proxy before several processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    upstreams = " ".join(address.removeprefix("http://") for address in addresses)
    settings = folder / "Caddyfile"
    settings.write_text(
        f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{port} {{\n\treverse_proxy {upstreams} {{\n"
        f"\t\tlb_policy cookie {COOKIE}\n\t}}\n}}\n"
    )
    own = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    process = subprocess.Popen(
        [PROXY, "run", "--config", str(settings), "--adapter", "caddyfile"],
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


async def _measure(served: Served, count: int, every: float, seconds: float, number: int) -> dict[str, str]:
    for address in served.each if number == 0 else ():
        first = await _visit(address, FIRST)  # how long a server's first one waits: benchmarks.cold_start
        await first.open()
        await first.change()
        await first.socket.close()
    memory = served.memory()
    visitors = [await _visit(served.address, visitor) for visitor in range(count)]
    for visitor in visitors:
        visitor.changes = CHANGES * number
    opened, open_cost = await _at_once(served, [visitor.open for visitor in visitors])
    changed, cost = await _at_once(served, [visitor.change for visitor in visitors])
    waits = await asyncio.gather(*(_now_and_then(visitor, every, seconds, count) for visitor in visitors))
    most = served.memory()
    for visitor in visitors:
        await visitor.socket.close()
    await asyncio.sleep(REST_SECONDS)
    return {
        "sessions": f"{count}",
        "open at once, median s": f"{np.median(opened):.2f}",
        "change at once, median s": f"{np.median(changed):.2f}",
        "change at once, slowest s": f"{max(changed):.2f}",
        f"change every {every:g} s, p95 s": f"{np.quantile(np.concatenate(waits), 0.95):.2f}",
        "CPU s, open": f"{open_cost / count:.2f}",
        "CPU s, change": f"{cost / count:.2f}",
        "MB before": f"{memory:.0f}",
        "MB most": f"{most:.0f}",
        "MB after": f"{served.memory():.0f}",
    }


async def _visit(address: str, number: int) -> Visitor:
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:  # as a browser, which fetches the page
        cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
    connection = await websockets.connect(
        address.replace("http", "ws") + "/_stcore/stream",
        subprotocols=[websockets.Subprotocol("streamlit")],
        additional_headers={"Cookie": cookie} if cookie else None,
        max_size=None,
        ping_interval=None,
    )
    assert connection.response is not None  # of the handshake, which is over
    if cookie and COOKIE in connection.response.headers.get("Set-Cookie", ""):
        raise RuntimeError("the proxy gave the visitor's websocket to another process than the page")
    return Visitor(connection, number)


async def _at_once(served: Served, actions: Sequence[Callable[[], Awaitable[float]]]) -> tuple[list[float], float]:
    """Seconds that each took, and CPU seconds of the server in all."""
    before = served.cpu_seconds()
    waits = await asyncio.gather(*(action() for action in actions))
    return list(waits), served.cpu_seconds() - before


async def _now_and_then(visitor: Visitor, every: float, seconds: float, count: int) -> list[float]:
    """Seconds that each change took, one in ``every`` seconds; the visitors take turns."""
    began = time.perf_counter() + every * visitor.number / count
    waits = []
    for turn in range(max(1, round(seconds / every))):
        await asyncio.sleep(max(0.0, began + turn * every - time.perf_counter()))
        waits.append(await visitor.change())
    return waits


def _cpu_seconds(pid: int) -> float:
    """Of a process and all its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


if __name__ == "__main__":
    main()
