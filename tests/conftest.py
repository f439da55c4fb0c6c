"""What all test files share."""

import hypothesis
import pytest

# The same examples on every machine: a red test is then a fact about the code, not about the day.
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, max_examples=40)
hypothesis.settings.load_profile("course")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cuda: needs a CUDA device; skipped where there is none")
