"""The command line ``supportplane`` (also ``kubectl supportplane``), above every plane."""
