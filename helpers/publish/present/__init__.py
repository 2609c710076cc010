"""A lesson for the projector: as slides without a kernel, or its panel alone over the whole screen with a kernel.

The slides are the cells of the notebook as `helpers.publish.cells` runs and bakes them: a short deck, or the whole
lesson divided by slide types. reveal.js (folder `reveal`, MIT licence) shows them.
"""
