"""How the documentation is built."""

from importlib.metadata import version as installed

project = "data-marketplace-sdk"
author = "The data-marketplace-sdk maintainers"
project_copyright = author
release = installed(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "changelog.d"]
html_theme = "furo"
html_title = f"{project} {release}"
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_use_ivar = True  # attributes are named once, in the class's own words
suppress_warnings = [
    "ref.python",  # a name stands both in marketplace_sdk and in marketplace_sdk.plugin
]
