import warnings
from importlib import import_module

with warnings.catch_warnings():
    # Great Expectations imports modules that Python has deprecated; whoever imports it next finds it loaded.
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("expectations.wording")
