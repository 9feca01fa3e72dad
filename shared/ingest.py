"""Builds the loader of uploaded files, once per process, for ingest_csv and its backfill."""

from typing import Any

from shared import dataflow, wiring
from shared.lazy import Once
from shared.loading.ledger import load_id_of
from shared.loading.uploads import Uploads
from shared.storage import StoredObject


@Once
def uploads() -> Uploads:
    """Return the loader of uploaded files; it hands files too large for one call to Dataflow."""
    settings = wiring.settings()
    return Uploads(
        settings,
        wiring.engine(),
        wiring.object_store(),
        wiring.publisher(),
        _hand_over if settings.dataflow_template else None,
    )


@Once
def _dataflow_client() -> Any:
    return dataflow.connect(wiring.settings())


def _hand_over(stored: StoredObject) -> None:
    load_id = str(load_id_of(stored.identity))
    dataflow.launch(
        _dataflow_client(),
        wiring.settings(),
        load_id,
        stored.bucket,
        stored.name,
        stored.generation,
    )
