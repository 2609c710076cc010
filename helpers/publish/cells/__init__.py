"""The cells of a notebook prepared for pages: run once, turned into HTML, and their panels baked into tables.

A panel's rows are computed once and stored; pages draw them with the same `live.js` as JupyterLab. Site and slides are
both built from these cells.
"""
