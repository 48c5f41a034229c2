"""The command line ``supportplane`` (also ``kubectl supportplane``), above every plane."""

from importlib.metadata import version as installed_version

__version__ = installed_version("supportplane")
