"""backfill: load a file that is too large for one call of ingest_csv, with Apache Beam.

One worker cuts the file into pieces of whole rows, all workers validate the pieces, and one worker
loads them. On Google Cloud, ingest_csv launches it as a Dataflow Flex Template.

    python -m functions.ingest_csv.backfill --bucket B --name OBJECT --generation N [Beam's options]
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from shared import ingest, wiring
from shared.loading.backfill import Backfill, FileEnd, FilePiece


class Step(beam.DoFn):  # type: ignore[misc]
    """One step of a file's backfill; it can run on any worker.

    Args:
        bucket: the file's bucket.
        name: its name in the bucket.
        generation: its generation.
        settings: variables of the functions' settings, as JSON.
    """

    def __init__(self, bucket: str, name: str, generation: int, settings: str) -> None:
        super().__init__()
        self.file, self.settings = (bucket, name, generation), settings

    def setup(self) -> None:
        """Connect, once per worker, with the settings that the pipeline carries."""
        wiring.configure(json.loads(self.settings))
        wiring.settings().require("staging_bucket")
        self.backfill = Backfill(ingest.uploads(), *self.file)


class CutIntoPieces(Step):
    """Stage the file's rows in pieces."""

    def process(self, _: None) -> Iterator[FilePiece | FileEnd]:
        """Yield each piece, then the end."""
        yield from self.backfill.split()


class Validate(Step):
    """Validate a piece."""

    def process(self, part: FilePiece | FileEnd) -> Iterator[FilePiece | FileEnd]:
        """Yield the validated piece; the end passes unchanged."""
        yield self.backfill.validate(part) if isinstance(part, FilePiece) else part


class Load(Step):
    """Load the validated pieces once all have arrived."""

    def process(self, _: None, parts: Sequence[FilePiece | FileEnd]) -> None:
        """Load all parts in one transaction."""
        self.backfill.load(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the pipeline to its end."""
    parser = argparse.ArgumentParser(description="Load a large file.")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--name", required=True, help="the object")
    parser.add_argument("--generation", required=True, type=int)
    parser.add_argument("--settings", default="{}", help="variables of the settings, as JSON")
    ours, beams = parser.parse_known_args(arguments)
    file: tuple[Any, ...] = (ours.bucket, ours.name, ours.generation, ours.settings)
    with beam.Pipeline(options=PipelineOptions(list(beams))) as pipeline:
        validated = (
            pipeline
            | "the file" >> beam.Create([None])
            | "cut" >> beam.ParDo(CutIntoPieces(*file))
            # Without this, the worker that cut the file would validate all pieces.
            | "spread" >> beam.Reshuffle()
            | "validate" >> beam.ParDo(Validate(*file))
        )
        _ = (
            pipeline
            | "once" >> beam.Create([None])
            | "load" >> beam.ParDo(Load(*file), beam.pvalue.AsList(validated))
        )


if __name__ == "__main__":
    main()
