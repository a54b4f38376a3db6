"""What is played on both sides: functions that get a `World`. Their names are what the output and `explained.txt` call them."""

import importlib
import inspect
import pkgutil


def _found():
    """The public functions of the modules here, in the order they are written."""
    for module in pkgutil.iter_modules(__path__):
        members = inspect.getmembers(importlib.import_module(f"{__name__}.{module.name}"), inspect.isfunction)
        own = [member for _, member in members if member.__module__ == f"{__name__}.{module.name}"]
        yield from sorted((f for f in own if not f.__name__.startswith("_")), key=lambda f: f.__code__.co_firstlineno)


SCENARIOS = {function.__name__: function for function in _found()}
