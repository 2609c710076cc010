"""The cells of a notebook as pages need them: run once, turned into HTML, and their panels baked into tables.

A panel's rows are computed once and stored; the same `live.js` draws them on a page that draws them in JupyterLab. Site
and slides are both made of these cells.
"""
