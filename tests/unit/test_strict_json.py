"""JSON is parsed strictly: input that two parsers could read differently is refused."""

import pytest

from shared.strict_json import NotStrictJson, decode


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "not_json"),
        (b"{}{}", "not_json"),
        (b"\xff", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'[{"a": {"b": 1, "\\u0062": 2}}]', "duplicate_key"),
        (b"[NaN]", "not_finite"),
        (b"-Infinity", "not_finite"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
    ],
)
def test_input_that_is_not_strict_json_is_refused_with_a_code_and_a_remedy(text, code):
    with pytest.raises(NotStrictJson) as caught:
        decode(text)

    assert caught.value.code == code
    assert str(caught.value).endswith(".")
    assert ";" in str(caught.value)


def test_a_syntax_error_says_where_it_is():
    with pytest.raises(NotStrictJson, match=r"line 2, column 6"):
        decode(b'{\n"a": }')


def test_valid_json_is_decoded():
    text = '{"a": [1, -2, 0.5, true, null, "é"], "b": {"a": 1}}'.encode()

    assert decode(text) == {"a": [1, -2, 0.5, True, None, "é"], "b": {"a": 1}}


@pytest.mark.parametrize(("sign", "low", "high"), [("", 2**63, None), ("-", None, -(2**63))])
def test_a_huge_integer_is_outside_every_range(sign, low, high):
    value = decode(f"[{sign}{'9' * 10_000}]".encode())[0]

    assert (low is None or value > low) and (high is None or value < high)


def test_a_lone_surrogate_is_decoded():
    assert decode(b'"\\ud83d"') == "\ud83d"
