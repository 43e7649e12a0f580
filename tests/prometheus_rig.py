"""A real Prometheus that scrapes one address every second, and what it knows."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from debian import debian_program
from mail_server import free_port

PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its API."""

    client: httpx2.AsyncClient
    process: asyncio.subprocess.Process

    async def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return what a query gives now: labels and value of each series."""
        answer = await self.client.get("/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    async def wait_for(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return what a query gives as soon as it gives anything."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if found := await self.ask(query):
                    return found
                await asyncio.sleep(0.2)

    async def started(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._is_ready():
                assert self.process.returncode is None, "prometheus has ended"
                await asyncio.sleep(0.1)

    async def _is_ready(self) -> bool:
        try:
            return (await self.client.get("/-/ready")).status_code == 200
        except httpx2.TransportError:
            return False


@asynccontextmanager
async def prometheus(folder: Path, target: str, settings: str, rules: Path) -> AsyncIterator[Prometheus]:
    """Let it scrape `host:port` as the further settings of the job say, with the rules loaded."""
    program = await asyncio.to_thread(debian_program, "prometheus", "prometheus")
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{rules}']\n"
        "scrape_configs:\n"
        f"- {{job_name: pmo_watch, static_configs: [{{targets: ['{target}']}}], {settings}}}\n"
    )
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            server = Prometheus(client, process)
            await server.started()
            yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
