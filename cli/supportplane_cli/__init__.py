"""The command line ``supportplane`` (also ``kubectl supportplane``), above every plane."""


def __getattr__(name: str) -> str:
    """``__version__``, looked up when it is asked for: that takes as long as all of Python's own start."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("supportplane")
