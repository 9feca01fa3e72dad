"""The corpus of the fuzzers, replayed without atheris: every check passes for every input."""

import random
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus_passes(name):
    found = sorted((CORPUS / name).iterdir())

    assert len(found) >= 10
    for file in found:
        TARGETS[name](file.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_of_the_corpus_pass_too(name):
    rng = random.Random(8)
    for file in sorted((CORPUS / name).iterdir()):
        content = bytearray(file.read_bytes()[:4096])
        for _ in range(4):
            place = rng.randrange(len(content) + 1)
            content[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
            TARGETS[name](bytes(content))
