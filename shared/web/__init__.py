"""Pages for a browser: a Flask request in, a response out.

    page.py        `Page`: a path, its handler and what the page may do
    site.py        finds the page of a request; errors, limits, compression
    visit.py       `Visit`: a request of a page, as its handler sees it
    access.py      who may open a page            sessions.py     who is logged in
    csrf.py        protects forms                  forms.py        reads them into pydantic models
    login/         checks what Telegram signs about a user
    language.py    which language a visitor reads
    templates.py   Jinja2: features/<feature>/templates, and the frame in templates/
    security.py    the headers of every response
    errors.py      errors as pages
    markdown.py    the AI's Markdown as HTML      html_writer.py  writes it
    styled.py      texts of bots as HTML           charts.py       charts as SVG
    avatars.py     fetches profile photos          avatar_page.py  shows them
    addresses.py   our own address, origins        cookies.py     cookies of the site
    spreadsheet.py tables as CSV
    stored_media.py  links to files in Storage     players.py      origins of video players
    assets.py      files with a hash in their names, of files/; asset_page.py serves them

A feature declares its pages in `pages.py` or the package `pages`; shared/console/routes.py lists them. A page
works without JavaScript, has no inline code or style (the headers forbid it), and its texts are in the
feature's `texts`.
"""
