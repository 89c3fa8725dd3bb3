# SPDX-License-Identifier: GPL-2.0
"""Sphinx configuration. It needs only python3-sphinx of Debian 12."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "ext"))

project = "Queztl"
author = "The Queztl maintainers"
copyright = "The Queztl authors"
version = release = re.search(r'QZ_VERSION\s+"(.*)"', (HERE.parent / "module/version.h").read_text())[1]

extensions = ["kdoc"]
master_doc = "index"
primary_domain = "c"
highlight_language = "none"
smartquotes = False
html_theme = "alabaster"
html_theme_options = {"page_width": "72em", "sidebar_width": "14em", "fixed_sidebar": True}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False

# The types of the kernel are not documented here.
nitpick_ignore = [("c:identifier", name) for name in ("__u8", "__u16", "__u32", "__s32", "__u64")]
