"""What a process has built before it serves is kept out of garbage collections. Called by the roles that serve."""

import gc


def keep_garbage_collections_short() -> None:
    """Modules, models and the application live as long as the process: no collection needs to look at them again."""
    gc.collect()
    gc.freeze()
