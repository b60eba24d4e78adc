# ===- conftest.py - makes python/linnet importable, and the quick subset -===//
#
# Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
#
# ===----------------------------------------------------------------------===//
"""How much of the tests runs is one knob, `./dev test [--all|--full]`:

- quick, pytest's `--quick` or LINNET_QUICK=1: of every test, cases that together have every value
  of each of its parameters, and every pair of values where there are three or more parameters; of
  tests marked `slow(quick=EXPR)` only cases whose id EXPR matches, or none. CPU levels and thread
  counts take turns instead of being paired with the rest. Tests of references alone cost nothing and
  stay whole;
- all, which is pytest's default: every case;
- `--device=vulkan` (or cuda) runs models on a GPU, and the tests marked `device`: device_cases.py;
- full, with LINNET_FULL=1: more random programs, longer runs, larger models in the tests that have
  more than what is worth running each time.
"""
import collections
import itertools
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python"))

import device_cases  # noqa: E402: of linnet

TAKES_TURNS = {"cpu", "level", "threads"}


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", default=bool(os.environ.get("LINNET_QUICK")),
                     help="a subset that has every parameter's values")
    parser.addoption("--device", default="cpu", help="where models run: cpu, vulkan, cuda")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow(quick=None): with --quick only cases matched by `quick`")
    config.addinivalue_line("markers", "cpu: runs no model, or is about CPUs: not with --device")
    config.addinivalue_line("markers", "device: is about devices: only with --device")
    if _device(config):
        device_cases.configure(config, _device(config))


def _device(config):
    device = config.getoption("--device")
    return None if device == "cpu" else device


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    if _device(item.config):
        yield from device_cases.during(item)
    else:
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    if _device(item.config):
        yield from device_cases.during(item)
    else:
        yield


def pytest_sessionfinish(session):
    if _device(session.config) and not hasattr(session.config, "workerinput"):
        device_cases.finish(session)


def pytest_terminal_summary(terminalreporter, config):
    if _device(config):
        device_cases.summary(terminalreporter, config, _device(config))


def _values(item):
    """(parameter, value) of a case. Names that are parametrized together are one parameter; values
    that are not plain are told apart by identity."""
    plain = (str, int, float, bool, type(None), tuple)
    parameters = item.callspec.params
    told = {name: repr(v) if isinstance(v, plain) else id(v) for name, v in parameters.items()}
    values = []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else mark.args[0]
        values.append((",".join(names), *(told.pop(name) for name in names)))
    return values + list(told.items())


def _wanted(values):
    """What a case is there to cover."""
    mixed = [value for value in values if value[0] not in TAKES_TURNS]
    pairs = itertools.combinations(mixed, 2) if len(mixed) > 2 else ()
    return {*((value,) for value in values), *pairs}


def cover(cases):
    """Some of the cases that together cover what all do: always that which adds most, and of those
    the one whose values were taken least."""
    values = [_values(case) for case in cases]
    wanted, used = [_wanted(v) for v in values], collections.Counter()
    left, chosen = set().union(*wanted), set()
    while left:
        best = max(range(len(cases)),
                   key=lambda i: (len(wanted[i] & left), -sum(used[v] for v in values[i])))
        chosen.add(best)
        used.update(values[best])
        left -= wanted[best]
    return [cases[i] for i in sorted(chosen)]


def _is_quick(item):
    marks = list(item.iter_markers("slow"))
    case = item.name.partition("[")[2].removesuffix("]")
    return all(m.kwargs.get("quick") and re.search(m.kwargs["quick"], case) for m in marks)


def _is_of_a_reference(item):
    return item.path.name.startswith("test_reference_")


def _runs_models(item):
    return not (item.get_closest_marker("cpu") or _is_of_a_reference(item))


def _may_shrink(item):
    return hasattr(item, "callspec") and not _is_of_a_reference(item)


def _deselect(config, items, kept):
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def pytest_collection_modifyitems(config, items):
    wanted = _runs_models if _device(config) else lambda item: not item.get_closest_marker("device")
    _deselect(config, items, {item for item in items if wanted(item)})
    if not config.getoption("--quick"):
        return
    groups = collections.defaultdict(list)
    for item in filter(_is_quick, items):
        groups[item.nodeid.partition("[")[0]].append(item)
    kept = {item for group in groups.values()
            for item in (cover(group) if _may_shrink(group[0]) else group)}
    _deselect(config, items, kept)
