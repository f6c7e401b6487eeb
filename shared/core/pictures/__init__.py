"""Pictures that bots send: drawn here from plain figures and words, without knowing whose they are.

`canvas` draws shapes and words sharply, one file beside it a picture. Pillow is imported when one is drawn:
commands that draw nothing do not wait for it. The typeface is Inter, in `fonts/` with its licence.
"""
