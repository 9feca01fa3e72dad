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


@pytest.mark.parametrize(("open_", "shut"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_a_hundred_levels_are_the_deepest(open_, shut):
    levels = open_.count(b"[") + open_.count(b"{")
    times = 100 // levels

    decode(open_ * times + b"1" + shut * times)
    with pytest.raises(NotStrictJson) as caught:
        decode(b"[" + open_ * times + b"1" + shut * times + b"]")

    assert caught.value.code == "too_deep"


def test_depth_is_counted_in_the_deepest_branch():
    deep = b"[" * 99 + b"]" * 99

    decode(b"[1," + deep + b"," + deep + b"]")
    with pytest.raises(NotStrictJson, match="100 levels"):
        decode(b'{"a": 1, "b": [' + deep + b'], "c": {}}')


def test_many_brackets_side_by_side_are_not_deep():
    assert len(decode(b"[" + b",".join([b"[]", b"{}"] * 200) + b"]")) == 400


def test_a_text_that_holds_brackets_is_not_deep():
    assert decode(b'"' + b"[" * 200 + b'"') == "[" * 200


@pytest.mark.parametrize("text", [b"[1e999]", b"[-1e999]", b"1" + b"0" * 400 + b".0"])
def test_a_number_beyond_what_a_number_holds_is_refused(text):
    with pytest.raises(NotStrictJson) as caught:
        decode(text)

    assert caught.value.code == "not_finite"
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("name", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_is_refused_by_its_name(name):
    with pytest.raises(NotStrictJson, match=rf"^{name.decode()} is not"):
        decode(b'{"a": ' + name + b"}")


@pytest.mark.parametrize("digits", [1, 18, 19, 20, 98])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_below_a_hundred_digits_is_exact(sign, digits):
    number = sign + "9" * digits

    assert decode(number.encode()) == int(number)


@pytest.mark.parametrize(("text", "value"), [("9" * 100, 10**100), ("-" + "9" * 100, -(10**100))])
def test_an_integer_of_more_digits_keeps_its_sign(text, value):
    found = decode(text.encode())

    assert abs(found) >= 10**99
    assert (found > 0) is (value > 0)


def test_a_key_twice_is_named_and_cut_if_it_is_long():
    with pytest.raises(NotStrictJson, match="'b' occurs twice"):
        decode(b'{"a": 1, "b": 2, "c": 3, "b": 4}')
    with pytest.raises(NotStrictJson) as caught:
        decode(b'{"%b": 1, "%b": 2}' % (b"k" * 5000, b"k" * 5000))
    assert len(str(caught.value)) < 200


def test_the_same_key_in_two_objects_is_no_repeat():
    assert decode(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]
