"""A lesson for the projector: as slides that need no kernel, or its panel alone over the whole screen, with one.

The slides are the cells of the notebook as `helpers.publish.site` runs and bakes them, cut by their slide types;
reveal.js (folder `reveal`, MIT licence) turns them.
"""
