"""Many visitors of the Beat lab at once: how long each waits, what an answer costs, what is left in memory.

    python -m benchmarks.load [--sessions 1 10 50] [--every 10] [--seconds 60] [--beside-training]

A server of its own with one process, and as many websockets as visitors, which speak as the browser does: each opens the Beat
lab (one MLP) and then turns the noise to another level, every visitor to another one, so that nothing is remembered. First all do
so at the same instant; then each once in ``--every`` seconds, spread evenly. Waits are from the request to the end of the page's
run, without what a browser then draws. CPU is that of the server's process. The server's memory is read after everybody has gone.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
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
    parser.add_argument(
        "--beside-training", action="store_true", help="while a network is trained, as a run of the app is"
    )
    given = parser.parse_args()
    rows = []
    with TemporaryDirectory() as folder:
        training = _train(Path(folder)) if given.beside_training else None
        try:
            for count in given.sessions:
                with server(HERE / "app.py") as (address, process):
                    rows.append(asyncio.run(_measure(address, process.pid, count, given.every, given.seconds)))
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


async def _measure(address: str, pid: int, count: int, every: float, seconds: float) -> dict[str, str]:
    url = address.replace("http", "ws") + "/_stcore/stream"
    first = await _visit(url, FIRST)  # how long a server's first one waits: benchmarks.cold_start
    await first.open()
    await first.change()
    await first.socket.close()
    memory = _memory(pid)
    visitors = [await _visit(url, number) for number in range(count)]
    opened, open_cost = await _at_once(pid, [visitor.open for visitor in visitors])
    changed, cost = await _at_once(pid, [visitor.change for visitor in visitors])
    waits = await asyncio.gather(*(_now_and_then(visitor, every, seconds, count) for visitor in visitors))
    most = _memory(pid)
    for visitor in visitors:
        await visitor.socket.close()
    await asyncio.sleep(5)
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
        "MB after": f"{_memory(pid):.0f}",
    }


async def _visit(url: str, number: int) -> Visitor:
    return Visitor(
        await websockets.connect(
            url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None, ping_interval=None
        ),
        number,
    )


async def _at_once(pid: int, actions: Sequence[Callable[[], Awaitable[float]]]) -> tuple[list[float], float]:
    """Seconds that each took, and CPU seconds of the server in all."""
    before = _cpu_seconds(pid)
    waits = await asyncio.gather(*(action() for action in actions))
    return list(waits), _cpu_seconds(pid) - before


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
