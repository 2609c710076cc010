"""Publish the finished course in other forms: web pages, slides, JupyterLite, files of questions.

`start.py` runs these programs; no other part of the course imports them.
"""
