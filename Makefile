# Two commands do everything on a fresh machine: `make demo` and `make test`.
# They need Python 3.11+, make and a package index. Times below are those of two idle cores.

# As on a user's machine: what is compiled is kept, also where an image says otherwise (then every start compiles anew).
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCHEDULERS := airflow prefect jupyter_scheduler
ENVS := $(SCHEDULERS:%=.venvs/%/.installed)
PYTEST := $(BIN)/python -m pytest --dist worksteal
# What takes long carries one of these markers (pyproject.toml says what each means).
SLOW := kernel or browser or kill or month or long

.PHONY: demo test test-slow test-all test-nightly test-schedulers check messages lists pages docs app lab bench bench-quick clean \
	examples-env pictures

demo: $(VENV)/.installed
	@$(BIN)/smskit demo

# Everything that needs no Jupyter kernel, browser, killed process or simulated month: for every change. By one
# more than there are cores, since many of these wait for a process or a clock.
test: $(VENV)/.installed
	$(PYTEST) -n 3 -m "not ($(SLOW) or schedulers or nightly)"

# All that `make test` leaves to it; the browser tests need Debian's chromium and fonts-noto-cjk.
test-slow: $(VENV)/.installed
	$(PYTEST) -n 2 -m "($(SLOW)) and not (schedulers or nightly)"

# All but the schedulers and the nightly ones: before a release, or after a change to sending or the notebooks.
test-all: test test-slow

# What is drawn at random, for much longer: kills at any moment, more months, a thousand examples a property.
test-nightly: $(VENV)/.installed
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -n 2 -m "nightly or hypothesis"

# The worked examples under Airflow, Prefect and jupyter-scheduler themselves: 1.5 GB of environments.
test-schedulers: $(VENV)/.installed examples-env
	$(BIN)/python -m pytest -m schedulers tests/examples

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Sentences for people: from the code into smskit/locale, compiled; lists those without their Chinese.
messages: $(VENV)/.installed
	$(BIN)/python -m tests.messages

app: $(VENV)/.installed
	$(BIN)/smskit app

lab: $(VENV)/.installed
	$(BIN)/jupyter lab --notebook-dir=. notebooks/00_start.ipynb

bench: $(VENV)/.installed
	$(BIN)/python -m bench

# Its ratios with 100,000 people, in three minutes; names those that are worse than in bench/quick.json.
bench-quick: $(VENV)/.installed
	$(BIN)/python -m bench --quick

# The docs and the API reference as a site, into site/; a broken link fails.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The tables of docs/reference.md and the pages about providers anew, from what the code declares.
pages: $(VENV)/.installed
	$(BIN)/python -m smskit.cli.provider_pages

# environment.yml and constraints.txt anew, from pyproject.toml and what is installed.
lists: $(VENV)/.installed
	$(BIN)/python -m tools.lists

# The guide's pictures anew, by a walk through a real JupyterLab; needs Debian's chromium, some ten minutes.
pictures: $(VENV)/.installed
	$(BIN)/python -m tests.e2e.pictures

# Made again whenever what it depends on changes; says what it is doing, since pip is silent for minutes.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit('smskit needs Python 3.11 or newer; try make PYTHON=python3.12') if sys.version_info < (3, 11) else None"
	@echo "Found $$($(PYTHON) --version) at $$(command -v $(PYTHON)); making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing $$(grep -c == constraints.txt) packages into it: 1 to 3 minutes, nothing is printed meanwhile ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@
	@echo "Installed smskit $$($(BIN)/python -c 'import smskit; print(smskit.__version__)')"

# The schedulers of examples/ want other versions than smskit, so the tests run each in an environment of its own.
examples-env: $(ENVS)

.venvs/%/.installed: examples/%/requirements.txt examples/%/constraints.txt
	$(PYTHON) -m venv .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --disable-pip-version-check -r examples/$*/requirements.txt -c examples/$*/constraints.txt
	touch $@

clean:
	rm -rf $(VENV) .venvs runs site build dist .pytest_cache .mypy_cache .ruff_cache
