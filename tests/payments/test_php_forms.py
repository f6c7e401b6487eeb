"""Forms as PHP parses them: compared with a second implementation, and with malformed input."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.payments.providers.prodamus import php_forms
from tests.payments import php_reference
from tests.support import examples

LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12
)  # of values: anything but surrogates
WORDS = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z_0-9 .\-/]{0,6}", fullmatch=True),
    st.from_regex(r"[а-я]{1,4}", fullmatch=True),
)
STEPS = st.one_of(WORDS, st.integers(0, 6).map(str), st.just(""))
NAMES = st.builds(
    lambda head, steps: head + "".join(f"[{step}]" for step in steps), WORDS, st.lists(STEPS, max_size=3)
)
FORMS = st.lists(st.tuples(NAMES, LETTERS), min_size=1, max_size=14)


def multipart(fields: list[tuple[str, str]], boundary: str = "b0undary") -> tuple[str, bytes]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


@given(FORMS)
@settings(max_examples=examples(400), deadline=None)
def test_forms_are_parsed_and_written_as_php_does(fields: list[tuple[str, str]]) -> None:
    expected = php_reference.encode(php_reference.post(fields))
    body = urlencode(fields).encode()
    read = php_forms.fields("application/x-www-form-urlencoded", body)
    assert read == fields
    assert php_forms.canonical(php_forms.nested(read)).decode() == expected


@given(FORMS)
@settings(max_examples=examples(300), deadline=None)
def test_multipart_values_are_unchanged(fields: list[tuple[str, str]]) -> None:
    """Spaces, line ends and unusual characters are signed, so they must not be changed."""
    fields = [(name, value) for name, value in fields if "--b0undary" not in value]
    if fields:
        assert php_forms.fields(*multipart(fields)) == fields


@pytest.mark.parametrize(
    "value", ["", " a ", "\r\n", "a\r\nb\n\rc\r", "\n\n", "\r", "-", "--", "\r\n--", "\r\n--b", "é\u2028я"]
)
def test_line_ends_in_a_field_are_kept(value: str) -> None:
    assert php_forms.fields(*multipart([("a", value), ("b", "2")])) == [("a", value), ("b", "2")]


@given(st.recursive(LETTERS, lambda inner: st.dictionaries(WORDS, inner, max_size=4), max_leaves=8))
@settings(max_examples=examples(200), deadline=None)
def test_a_written_form_parses_to_itself(tree: Any) -> None:
    if isinstance(tree, dict):
        tree = {name.replace(".", "_").replace(" ", "_"): value for name, value in tree.items()}
        written = php_forms.form(tree)
        read = php_forms.nested(php_forms.fields("application/x-www-form-urlencoded", written))
        assert php_forms.canonical(read) == php_forms.canonical(_without_empty(tree))


def _without_empty(tree: Any) -> Any:
    """An empty map has no field in a form."""
    if not isinstance(tree, dict):
        return tree
    kept = {name: _without_empty(value) for name, value in tree.items()}
    return {name: value for name, value in kept.items() if value != {}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([("b", "2"), ("a", "1")], '{"a":"1","b":"2"}'),
        ([("a", "1"), ("a", "2")], '{"a":"2"}'),
        ([("a[]", "x"), ("a[]", "y")], '{"a":["x","y"]}'),
        ([("a[1]", "x"), ("a[3]", "y")], '{"a":{"1":"x","3":"y"}}'),
        ([("a[5]", "x"), ("a[]", "y")], '{"a":{"5":"x","6":"y"}}'),
        ([("a[10]", "x"), ("a[9]", "y")], '{"a":{"9":"y","10":"x"}}'),
        ([("a.b c", "1")], '{"a_b_c":"1"}'),
        ([("a[b.c d]", "1")], '{"a":{"b.c d":"1"}}'),
        ([("a", "1"), ("a[b]", "2")], '{"a":{"b":"2"}}'),
        ([("a[b]", "2"), ("a", "1")], '{"a":"1"}'),
        ([("Z", "1"), ("_", "2"), ("a", "3")], '{"Z":"1","_":"2","a":"3"}'),
        ([("a", '/"\\\n\t\x01\x7f\u2028я')], '{"a":"\\/\\"\\\\\\n\\t\\u0001\x7f\\u2028я"}'),
    ],
)
def test_known_edge_cases(fields: list[tuple[str, str]], text: str) -> None:
    assert php_forms.canonical(php_forms.nested(fields)).decode() == text
    assert php_reference.encode(php_reference.post(fields)) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"a":true,"b":false,"c":null}', '{"a":"1","b":"","c":""}'),
        ('{"a":770.0,"b":770.5,"c":0.1,"d":-0.0}', '{"a":"770","b":"770.5","c":"0.1","d":"-0"}'),
        ('{"a":1e25,"b":1e-7,"c":100000000000000}', '{"a":"1.0E+25","b":"1.0E-7","c":"100000000000000"}'),
        ('{"a":9223372036854775807}', '{"a":"9223372036854775807"}'),
        ('{"a":9223372036854775808}', '{"a":"9.2233720368548E+18"}'),
        ('{"a":[],"b":{}}', '{"a":[],"b":[]}'),
        ('{"a":{"1":"x","0":"y"}}', '{"a":["y","x"]}'),
        ('{"a":["x",{"b":1}]}', '{"a":["x",{"b":"1"}]}'),
    ],
)
def test_json_values_become_text_as_in_php(body: str, text: str) -> None:
    assert php_forms.canonical(php_forms.from_json(body.encode())).decode() == text


URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "body",
    [
        b"a[b=1",
        b"a]=1",
        b"[a]=1",
        b"=1",
        b" a=1",
        b"%0Aa=1",
        b"a[b]c=1",
        b"a[[b]]=1",
        b"a%00=1",
        b"a[10000]=1",
        b"a[99999999999999999999]=1",
        b"a[-1]=1",
        b"a[01]=1",
        b"a[1.5]=1",
        b"a[ 1]=1",
        b"a[%2B1]=1",
        b"a" + b"[b]" * 8 + b"=1",
        b"a" * 201 + b"=1",
        b"&".join(b"a%d=1" % number for number in range(301)),
        b"a=%ff",
        b"a=\xff",
    ],
)
def test_names_that_php_versions_parse_differently_are_rejected(body: bytes) -> None:
    with pytest.raises(php_forms.Malformed):
        php_forms.nested(php_forms.fields(URLENCODED, body))


def test_a_large_index_costs_nothing() -> None:
    begin = time.perf_counter()
    for index in (3_000_000, 10**9, 10**30):
        with pytest.raises(php_forms.Malformed):
            php_forms.nested([(f"a[{index}]", "1")])
    assert php_forms.nested([("a[9999]", "1")]) == {"a": {9999: "1"}}
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
        json.dumps({f"a{number}": 1 for number in range(301)}).encode(),
        json.dumps({"a": list(range(400))}).encode(),
        b'{"01":1}',
    ],
)
def test_other_json_is_rejected(body: bytes) -> None:
    with pytest.raises(php_forms.Malformed):
        php_forms.from_json(body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b\r\n\r\n--b--"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=é", b"x"),
        ("multipart/form-data; boundary=" + "b" * 300, b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\nv\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b--"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nno end',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nv\r\n--b--',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--',
        ),
        multipart([("a", "1")] * 301),
    ],
)
def test_malformed_multipart_is_rejected(content_type: str, body: bytes) -> None:
    with pytest.raises(php_forms.Malformed):
        php_forms.nested(php_forms.fields(content_type, body))


@given(
    st.sampled_from(["multipart/form-data; boundary=b", URLENCODED, "text/plain", "application/json", ""]),
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                b'--b|--b--|\r\n|\n|\r|Content-Disposition: form-data; name="a[b]"|; filename=x|v|'.split(
                    b"|"
                )
                + b":| |=|\xff|&|a[|]|%|%ff|\0".split(b"|")
            ),
            max_size=30,
        ).map(b"".join),
    ),
)
@settings(max_examples=examples(1500), deadline=None)
def test_any_input_is_parsed_or_malformed(content_type: str, body: bytes) -> None:
    """The only exception is Malformed."""
    for read in (
        lambda: php_forms.canonical(php_forms.nested(php_forms.fields(content_type, body))),
        lambda: php_forms.canonical(php_forms.from_json(body)),
    ):
        with suppress(php_forms.Malformed):
            assert isinstance(read(), bytes)
