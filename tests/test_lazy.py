"""Packages import their public names when these are first used, and keep them."""

from __future__ import annotations

import subprocess
import sys
from types import FunctionType

import pytest

HEAVY = ("scipy.stats", "scipy.optimize", "matplotlib", "sklearn", "numba")


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_function_keeps_its_name_when_its_module_is_loaded_before_and_after() -> None:
    code = (
        "import oncovivo.survival.turnbull, oncovivo.growth\n"
        "from oncovivo.survival import turnbull\n"
        "from oncovivo.growth import influence\n"
        "import oncovivo.growth.influence\n"
        "print(type(turnbull).__name__, type(influence).__name__,\n"
        "      oncovivo.growth.influence is influence)"
    )
    assert run(code) == f"{FunctionType.__name__} {FunctionType.__name__} True"


def test_a_name_that_a_package_lacks_is_an_attribute_error_and_a_module_is_found() -> None:
    import oncovivo.survival
    from oncovivo.survival import risk_sets

    assert risk_sets.__name__ == "oncovivo.survival.risk_sets"
    with pytest.raises(AttributeError, match=r"module 'oncovivo\.survival' has no attribute 'no'"):
        getattr(oncovivo.survival, "no")  # noqa: B009  # a type checker knows that it is not there
    assert {"turnbull", "kaplan_meier"} & set(dir(oncovivo.survival)) == {"turnbull"}


def test_what_builds_a_guide_is_imported_without_the_engines_of_statistics() -> None:
    code = f"import sys, oncovivo.guide.build\nprint([m for m in {HEAVY} if m in sys.modules])"
    assert run(code) == "[]"


def test_the_command_line_starts_without_numbers() -> None:
    code = (
        "import sys, oncovivo.cli.main\n"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'oncovivo.analyses') if m in sys.modules])"
    )
    assert run(code) == "[]"
