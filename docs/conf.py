"""The site of these pages: ``make docs`` builds it into ``build/site`` and fails on a warning."""

from oncovivo.version import __version__

project = "oncovivo"
author = "The oncovivo developers"
copyright = "The oncovivo developers"
release = __version__
language = "en"

extensions = ["myst_parser"]
exclude_patterns = ["examples/**"]
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

html_theme = "furo"
html_title = "oncovivo"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e6e", "color-brand-content": "#0b6e6e"},
    "dark_css_variables": {"color-brand-primary": "#5cc4c4", "color-brand-content": "#5cc4c4"},
}
