"""How the documentation is built."""

from importlib.metadata import version as installed
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

project = "data-marketplace-sdk"
author = "The data-marketplace-sdk maintainers"
project_copyright = author
release = installed(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "changelog.d"]
html_theme = "furo"
html_title = f"{project} {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False  # a page says where its names are imported from
maximum_signature_line_length = 110  # longer ones have a line for each parameter
napoleon_use_ivar = True  # attributes are named once, in the class's own words
napoleon_use_rtype = False  # the signature says it
suppress_warnings = [
    "ref.python",  # a name stands both in marketplace_sdk and in marketplace_sdk.plugin
]


class PicturesOfThePage(SphinxPostTransform):
    """Puts our pictures into the page itself, so that they take the colours of its theme."""

    default_priority = 800
    formats = ("html",)

    def run(self, **_):
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].startswith("pictures/"):
                svg = Path(self.app.srcdir, image["uri"]).read_text(encoding="utf-8")
                image.replace_self(nodes.raw("", svg, format="html"))


def setup(app):
    """Called by Sphinx."""
    app.add_post_transform(PicturesOfThePage)
