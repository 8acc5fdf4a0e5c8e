"""Templates that try to take the machine's time or memory."""

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.automation.template.engine import Templates
from hub.bus import Bus
from hub.errors import TemplateError
from hub.states import States
from hub.testing.clock import ManualClock

GREEDY = [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) recursive %}{% if loop.depth < 4 %}{{ loop(range(99999)) }}{% endif %}{% endfor %}",  # noqa: E501
    "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{{ 'x' * 200000000 }}",
    "{{ [0] * 200000000 }}",
    "{{ [[0] * 1000] * 1000 * 1000 }}",
    "{{ 'x' | center(200000000) }}",
    "{{ 'x'.center(200000000) }}",
    "{{ 'x'.ljust(100000000) }}",
    "{{ 'x'.zfill(1000000000) }}",
    "{{ ('\t' * 1000).expandtabs(1000000000) }}",
    "{{ '%100000000d' % 5 }}",
    "{{ '%*d' | format(1000000000, 1) }}",
    "{{ '{:>100000000}'.format(5) }}",
    "{{ '{0:{1}}'.format(1, 1000000000) }}",
    "{{ '{a:>100000000}'.format_map({'a': 5}) }}",
    "{{ ('%s' * 100000) % tuple(['x' * 100000] * 100000) }}",
    "{% set n = namespace(s='xxxxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",  # noqa: E501
    "{% set n = namespace(s='xxxxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",  # noqa: E501
    "{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s == n.s }}",  # noqa: E501
    "{% set n = namespace(s=99999) %}{% for i in range(60) %}{% set n.s = n.s * n.s %}{% endfor %}",
    "{{ 9 ** 99999999 }}",
    "{{ range(100000) | map('center', 1000000) | list }}",
    "{{ [1] | slice(1000000000) | list }}",
    "{{ [1] | batch(1000000000, 'x') | list }}",
    "{{ ('a' * 1000) | replace('', 'y' * 100000) }}",
    "{{ ('a' * 1000).replace('', 'y' * 100000) }}",
    "{{ range(99999) | join('x' * 10000) }}",
    "{{ ('x' * 9999).join(range(99999) | map('string')) }}",
    "{{ 'a' | indent(100000000) }}",
    "{{ (1).to_bytes(1000000000, 'big') }}",
    "{{ 'a'.translate({97: 'y' * 1000000}) * 100 }}",
    "{{ pack('x', '>1000000000s') }}",
    "{{ ([[1] * 1000] * 100000) | sum(start=[]) }}",
    "{% for i in range(100000) %}" + "x" * 5000 + "{% endfor %}",
    "{% set x %}{% for i in range(100000) %}" + "x" * 5000 + "{% endfor %}{% endset %}",
    "{{ range(100000) | map('regex_search', '(a+)+$') | list }}",
    "{{ ('a' * 5000 ~ 'b') | regex_search('(a|a)*$') }}",
    "{{ 'x' | regex_search('x' * 5000) }}",
    "{{ ('ab ' * 100000) | wordwrap(1) }}",
    "{{ version('1.' * 50000) }}",
    "{{ 1.5 | round(10000000000) }}",
    "{{ strptime('1' * 1000, '%d' * 500) }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "1+" * 20000 + "1 }}",
    "x" * 70000 + "{{ 1 }}",
]


@pytest.mark.parametrize("source", GREEDY, ids=[source[:50] for source in GREEDY])
def test_a_greedy_template_ends_soon_with_an_error(source, templates):
    tracemalloc.start()
    began = time.thread_time()
    try:
        with pytest.raises(TemplateError) as caught:
            templates.evaluate(source)
        spent = time.thread_time() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "TypeError" not in str(caught.value)
    # Tracing memory makes Python several times slower; the limit itself is 100 ms.
    assert spent < 3
    assert peak < 100 * 1024 * 1024


def test_nested_loops_end_within_their_time(templates):
    began = time.thread_time()
    with pytest.raises(TemplateError, match="longer than 100 ms"):
        templates.evaluate(GREEDY[0])

    assert time.thread_time() - began < 0.3


def test_an_error_names_the_template_and_the_problem(templates):
    with pytest.raises(TemplateError, match=r"float got invalid input 'x'.*\{\{ 'x' \| float \}\}"):
        templates.evaluate("{{ 'x' | float }}")


def test_a_loop_of_reasonable_size_is_fine(templates):
    text = (
        "{% set n = namespace(t=0) %}{% for i in range(1000) %}{% set n.t = n.t + i %}{% endfor %}"
    )

    assert templates.template(text + "{{ n.t }}").render() == 499500


def test_one_source_is_compiled_once(templates):
    kept = [templates.template("{{ 1 + 1 }}") for _ in range(10)]
    assert templates.compile_count == 0

    assert {template.render() for template in kept} == {2}
    assert templates.compile_count == 1


def test_what_is_rendered_by_hand_is_not_kept_for_ever(templates):
    for number in range(300):
        templates.evaluate(f"{{{{ {number} }}}}")

    assert len(templates._recent) <= 128
    assert len(templates._by_source) <= 130


WORDS = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "for",
        "in",
        "endfor",
        "if",
        "endif",
        "set",
        "range(9)",
        "x",
        "a.b",
        "['k']",
        "|",
        "join",
        "list",
        "map('int')",
        "states('a.b')",
        "states.sensor",
        "now()",
        "**",
        "*",
        "+",
        "~",
        "'q'",
        "1",
        "2.5",
        "[1]",
        "(1,)",
        "{}",
        "is",
        "defined",
        "not",
        "namespace(a=1)",
        "loop.index",
        "macro",
        "m()",
        "endmacro",
        "call",
        "break",
        "continue",
        "%}",
        "{{",
        "9**9",
        "__class__",
        ".format(1)",
    ]
)


def engine():
    clock = ManualClock()
    return Templates(states=States(Bus(), clock), clock=clock)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_is_rendered_or_refused(source):
    templates = engine()
    try:
        templates.template(source).render({"x": [1, "2", None]})
    except TemplateError:
        return


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=8).map(lambda words: "{{ " + " ".join(words) + " }}"))
def test_any_expression_is_rendered_or_refused(source):
    templates = engine()
    try:
        templates.template(source).text()
    except TemplateError:
        return
