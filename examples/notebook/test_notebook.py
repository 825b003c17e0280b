"""The notebook runs from top to bottom, and prints what stands in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "data_product.ipynb"


def printed(notebook):
    """What is below each cell of code."""
    return [
        "".join(output.get("text", "?") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_it_runs_and_prints_what_stands_in_it(tmp_path):
    """Cell by cell, in a kernel of its own; sockets are files, so no port is opened."""
    kept = nbformat.read(NOTEBOOK, as_version=4)
    kernel = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(tmp_path / "kernel"))

    ran = NotebookClient(nbformat.from_dict(kept), km=kernel, timeout=60).execute()

    assert printed(ran) == printed(kept)
    assert "".join(printed(kept)).count("\n") > 20
