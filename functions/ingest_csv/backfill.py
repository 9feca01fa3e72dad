"""backfill: load a file that is too large for one call of ingest_csv, with Apache Beam.

One worker cuts the file into pieces of whole rows, all judge them, and one loads what was judged.
On Google Cloud ingest_csv launches it as a Dataflow Flex Template.

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
    """A step of a file's backfill, on whichever worker it runs.

    Args:
        bucket: the file's bucket.
        name: its name there.
        generation: which version of that name.
        settings: variables of the functions' settings.
    """

    def __init__(self, bucket: str, name: str, generation: int, settings: str) -> None:
        super().__init__()
        self.file, self.settings = (bucket, name, generation), settings

    def setup(self) -> None:
        """Connect, once a worker; the settings travel with the pipeline."""
        wiring.configure(json.loads(self.settings))
        wiring.settings().require("staging_bucket")
        self.backfill = Backfill(ingest.uploads(), *self.file)


class CutIntoPieces(Step):
    """Stage the file's rows in pieces."""

    def process(self, _: None) -> Iterator[FilePiece | FileEnd]:
        """Give each piece, and the end."""
        yield from self.backfill.split()


class Judge(Step):
    """Judge a piece."""

    def process(self, part: FilePiece | FileEnd) -> Iterator[FilePiece | FileEnd]:
        """Give the piece as it was judged; the end as it is."""
        yield self.backfill.validate(part) if isinstance(part, FilePiece) else part


class Load(Step):
    """Load what was judged, once all of it is."""

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
        judged = (
            pipeline
            | "the file" >> beam.Create([None])
            | "cut" >> beam.ParDo(CutIntoPieces(*file))
            # Else all pieces would be judged where they were cut.
            | "spread" >> beam.Reshuffle()
            | "judge" >> beam.ParDo(Judge(*file))
        )
        _ = (
            pipeline
            | "once" >> beam.Create([None])
            | "load" >> beam.ParDo(Load(*file), beam.pvalue.AsList(judged))
        )


if __name__ == "__main__":
    main()
