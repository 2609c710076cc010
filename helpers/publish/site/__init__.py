"""The course as a static site: pages that open from a file, with sliders that work without a kernel.

A notebook is run once, what its cells show is turned into HTML, and the rows of its panels are baked into tables, which
the same `live.js` draws that draws them in JupyterLab.
"""
