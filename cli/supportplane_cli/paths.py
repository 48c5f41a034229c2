"""The data directory: which one is meant, and where everything in it lies.

One folder holds all data of one agent: database, cache, keys, secrets, logs. Which one: `--data-dir`, else
SUPPORTPLANE_DATA_DIR, else the nearest `.supportplane` from the working directory upwards, as git finds its own.
"""

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SUPPORTPLANE_DATA_DIR"
NAME = ".supportplane"


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths only; nothing here touches the disk."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def passwords(self) -> Path:
        """Passwords of the embedded parts, made by us: never needed by people, except with --listen."""
        return self.root / "passwords"

    @property
    def secrets(self) -> Path:
        """What credentialsSecretRef names: secrets/<name>/<key>, put there by people."""
        return self.root / "secrets"

    @property
    def api_key(self) -> Path:
        return self.root / "api-key"

    @property
    def visitor_secret(self) -> Path:
        """Signed visitors' tokens in releases that kept it here; the gateway takes it into the database."""
        return self.passwords / "visitor-secret"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def layout(self) -> Path:
        return self.root / "layout.json"

    @property
    def warmth(self) -> Path:
        return self.root / "warmth.json"

    @property
    def evaluation(self) -> Path:
        """The figures of the last `supportplane eval`."""
        return self.root / "evaluation.json"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"


def find_data_dir(option: Path | None) -> DataDir:
    """The data directory that is meant, absolute; it need not exist."""
    if option is not None:
        return DataDir(option.expanduser().resolve())
    if named := os.environ.get(VARIABLE):
        return DataDir(Path(named).expanduser().resolve())
    here = Path.cwd()
    nearest = next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_dir()), here / NAME)
    return DataDir(nearest)
