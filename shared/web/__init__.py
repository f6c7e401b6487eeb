"""Pages for a browser: a Flask request in, a response out.

    page.py        `Page`: a path, its handler and what the page may do
    site.py        finds the page of a request; errors, limits, compression
    visit.py       `Visit`: a request of a page, as its handler sees it
    language.py    which language a visitor reads
    templates.py   Jinja2: features/<feature>/templates, and the frame in templates/
    security.py    the headers of every response
    errors.py      errors as pages
    markdown.py    the AI's Markdown as HTML      html_writer.py  writes it
    assets.py      files with a hash in their names, of files/; asset_page.py serves them

A feature declares its pages in its `pages.py`; shared/console/routes.py lists them. A page works without
JavaScript, has no inline code or style (the headers forbid it), and its texts are in the feature's `texts`.
"""
