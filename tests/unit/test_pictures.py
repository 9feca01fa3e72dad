"""The recording of a terminal is a picture that any viewer shows, whatever was printed."""

from xml.etree import ElementTree

from tests.pictures.terminal import Recording

SVG = "{http://www.w3.org/2000/svg}"


def frames(recording):
    root = ElementTree.fromstring(recording.svg())
    return [[text.text or "" for text in frame] for frame in root.iter(f"{SVG}g")]


def test_each_command_is_typed_and_then_answered():
    recording = Recording()
    recording.add("./tablegate rows jobs", ['<b>&"1"', "two"])
    recording.add("./tablegate down", ["Stopped."])

    typed, answered, typed_again, last = frames(recording)

    assert typed == ["$ ./tablegate rows jobs"]
    assert answered == [*typed, '<b>&"1"', "two"]
    assert typed_again == [*answered, "", "$ ./tablegate down"]
    assert last == [*typed_again, "Stopped."]


def test_long_lines_are_cut_and_the_last_lines_are_shown():
    recording = Recording()
    recording.add("x", [f"{number} {'y' * 300}" for number in range(100)])

    last = frames(recording)[-1]

    assert last[-1].startswith("99 yyy")
    assert last[-1].endswith("…")
    assert len(last) < 40


def test_every_frame_has_its_time_and_together_they_fill_the_loop():
    recording = Recording()
    for _ in range(5):
        recording.add("x", ["y"])
    style = ElementTree.fromstring(recording.svg()).find(f"{SVG}style").text

    assert all(f"@keyframes f{number} " in style for number in range(10))
    assert "100.000%" in style
    assert "prefers-reduced-motion" in style
