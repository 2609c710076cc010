"""The course as a static site: pages that can be opened from disk, with sliders that work without a kernel.

Each notebook is run once, the output of its cells is turned into HTML, and the rows of its panels are baked into
tables, which are drawn by the same `live.js` as in JupyterLab.
"""
