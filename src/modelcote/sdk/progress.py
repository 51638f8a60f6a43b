"""The output of a running deploy: plain lines, and a progress bar for the upload on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Reporter:
    """Writes to standard output; `quiet` writes nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        self._console.print(line, markup=False)

    @contextmanager
    def upload(self, size: int) -> Iterator[Callable[[int], None]]:
        """Show an upload of `size` bytes; yield the function to call with the number of bytes of each chunk."""
        if not self._console.is_terminal:
            yield lambda _: None
            self.say(f"uploaded {size / 1e6:.2f} MB")
            return
        columns = (TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("upload", total=size)
            yield lambda sent: progress.advance(task, sent)


def snippets(url: str) -> str:
    """Return code that calls the endpoint from a shell and from Python; the key stays in the environment."""
    headers = '-H "Authorization: $MODELCOTE_API_KEY" -H "Content-Type: application/json"'
    return (
        f"\ncurl '{url}' {headers} -d '[[...]]'\n\n"
        "import os\n"
        "from modelcote import model_api_request\n"
        f'model_api_request("{url}", [[...]], os.environ["MODELCOTE_API_KEY"])\n'
    )
