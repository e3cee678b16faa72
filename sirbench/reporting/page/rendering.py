"""From contents to HTML: one page that needs nothing but itself, all text in it escaped."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sirbench.reporting.page.contents import Page

TEMPLATES = Path(__file__).with_name("templates")


def render(page: Page) -> str:
    """The page as HTML; a template that asks for what `page` lacks raises `UndefinedError`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_address"] = _data_address
    return environment.get_template("page.html.j2").render(page=page)


def _data_address(svg: bytes) -> str:
    """The address of an image that is its own content."""
    return f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}"
