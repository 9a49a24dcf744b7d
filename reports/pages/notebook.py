"""The notebook of a report: short calls to the bundle, executed in a kernel of its own, shown as HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CODE = Path(__file__).parents[2]  # where `reports` is imported from
SECONDS = 300  # for the kernel to start, and for each cell
KERNEL_SPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


class Kernel:
    """A Python kernel that starts up while the reports' other files are made, and serves one report after another.

    It runs this interpreter, whatever kernels the user has installed, talks over sockets in a private folder rather
    than network ports, and reads no start-up files.
    """

    def __enter__(self) -> Kernel:
        self._private = Path(tempfile.mkdtemp(prefix="kernel-"))
        self.manager = AsyncKernelManager(  # the blocking one would not notice a dead kernel
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            transport="ipc",
            connection_file=str(self._private / "kernel.json"),
        )
        path = os.pathsep.join(filter(None, [str(CODE), os.environ.get("PYTHONPATH")]))
        run_sync(self.manager.start_kernel)(
            cwd=str(self._private),
            env={**os.environ, "PYTHONPATH": path, "IPYTHONDIR": str(self._private)},
            extra_arguments=[
                "--HistoryManager.enabled=False",
                "--IPKernelApp.exec_lines=import reports.bundle, reports.figures.interactive",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *_: object) -> None:
        run_sync(self.manager.shutdown_kernel)(now=True)
        run_sync(self.manager.cleanup_resources)()
        shutil.rmtree(self._private, ignore_errors=True)

    def execute(self, notebook: NotebookNode, folder: Path) -> str:
        """Run every cell of `notebook` in `folder`, with nothing left of an earlier one, and keep what it shows.

        Returns why that ended early, where a cell failed or the kernel did not start, hung or died; a report must not
        be lost by that.
        """
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError

        if not run_sync(self.manager.is_alive)():  # an earlier notebook was its death
            self.__exit__()
            self.__enter__()
        client = NotebookClient(
            notebook, km=self.manager, timeout=SECONDS, startup_timeout=SECONDS, record_timing=False
        )
        try:
            self._clear(folder)
            client.execute()
        except CellExecutionError as error:
            return f"{error.ename}: {error.evalue}"
        except (OSError, RuntimeError, TimeoutError) as error:
            return str(error) or type(error).__name__
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
        return ""

    def _clear(self, folder: Path) -> None:
        """Go to `folder`, forget all names, and count cells from one again."""
        client = self.manager.client()
        client.start_channels()
        try:
            run_sync(client.wait_for_ready)(timeout=SECONDS)
            code = f"import os; os.chdir({str(folder)!r}); get_ipython().reset(new_session=True)"
            run_sync(client.execute_interactive)(code, silent=True, store_history=False, timeout=SECONDS)
        finally:
            client.stop_channels()


def remark(text: str) -> NotebookNode:
    """A cell of text."""
    cell: NotebookNode = new_markdown_cell(text, id="remark")
    return cell


def assemble(title: str, sections: Iterable[tuple[str, str]]) -> NotebookNode:
    """A notebook of `sections`: text, and the call that shows what the text is about (empty: none)."""
    cells = [new_markdown_cell(f"# {title}"), new_code_cell("from reports.bundle import Bundle\n\nbundle = Bundle()")]
    for text, call in sections:
        cells += ([new_markdown_cell(text)] if text else []) + ([new_code_cell(call)] if call else [])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # a random one would make equal reports differ
    made: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": KERNEL_SPEC, "title": title})
    return made


def write(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook."""
    nbformat.write(notebook, path)


def html(notebook: NotebookNode) -> str:
    """The executed notebook as one self-contained page."""
    from nbconvert import HTMLExporter

    from reports.pages.page import page

    options: Mapping[str, Any] = {
        "exclude_input_prompt": True,
        "exclude_output_prompt": True,
        "exclude_anchor_links": True,
        "embed_images": True,
    }
    body, _ = HTMLExporter(template_name="basic", **options).from_notebook_node(notebook)
    script = plotly_script() if "Plotly.newPlot" in body else ""
    return page("page.html.j2", title=notebook["metadata"]["title"], body=body, script=script)


def plotly_script() -> str:
    """The script that interactive figures need, put into a page once."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script
