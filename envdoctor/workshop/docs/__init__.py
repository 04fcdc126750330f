"""Generates the pages of the documentation that follow from code and data: commands, entries, indexes, stacks, fields.

    pages = generated_pages(source=Path("matrix"), command=app)      relative path -> Markdown
    stage(docs=Path("docs"), pages=pages, output=Path("build/docs")) the folder that the site generator reads

`docs/build.py` does both and runs the site generator. Same sources, same bytes: no clock, no environment.
"""

from envdoctor.workshop.docs.site import generated_pages, stage

__all__ = ["generated_pages", "stage"]
