"""Writes the lesson that is a notebook as a page, too: ``python docs/notebook_page.py``."""

from __future__ import annotations

import json
from pathlib import Path

from terms import linked

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "examples" / "notebook" / "data_product.ipynb"
PAGE = HERE / "tutorials" / "a-product-from-start-to-end.md"

NOTE = """\
This page is a notebook, too:
{download}`data_product.ipynb <../../examples/notebook/data_product.ipynb>`.
What stands below a cell is what it prints.
"""


def page() -> str:
    """Words with links to the glossary, code and what it prints as blocks."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    title, *parts = (part for cell in cells for part in _parts(cell))
    heading, _, rest = title.partition("\n")
    return linked("\n\n".join([heading, NOTE.strip(), rest.strip(), *parts]) + "\n")


def _parts(cell: dict[str, object]) -> list[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    printed = "".join(line for each in cell["outputs"] for line in each["text"])
    blocks = [f"```python\n{text}\n```"]
    return [*blocks, f"```text\n{printed}```"] if printed else blocks


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
