"""The role ``model``: the embedded model server of a ModelEndpoint. Reads no agent file and opens no database."""

from supportplane_runtime.model.embedded_server import Serving, serve
from supportplane_runtime.settings import ModelServerSettings


def run() -> None:
    settings = ModelServerSettings()
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
    serve(Serving(settings.http_host, settings.http_port, settings.model_name, key))
