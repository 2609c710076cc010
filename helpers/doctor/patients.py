"""The patients of lesson 11 under their former name, until the notebook has the new one."""

from importlib import import_module
from sys import modules

modules[__name__] = import_module("helpers.patients")
