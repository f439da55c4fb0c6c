# The two commands are `make book` and `make test`. Everything lives in .venv and _build, nothing else is touched.
# Another Python: `make book PYTHON=python3.12`. Another build of torch: `make book TORCH_BUILD=cpu` (or cu128, ...).
# More than two tests at a time, each with its own browser or kernel: `make test JOBS=8`.
PYTHON ?= python3
JOBS ?= 2
PORT ?= 8000
VENV := .venv/bin/python
PIP := $(VENV) -m pip install --quiet --disable-pip-version-check
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book serve zip pdf test notebooks lab bench clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: .venv/book-ready ## build the course: _build/html/index.html
	@# Sphinx tells a warning only once: after a failure the next build reads every page again.
	@.venv/bin/jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; exit 1; }
	@echo "The book is ready: open _build/html/index.html in a browser, or run 'make serve'."

serve: ## serve the built book on this machine only, at http://127.0.0.1:8000
	@test -f _build/html/index.html || { echo "There is no book yet: run 'make book' first."; exit 1; }
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

zip: book .venv/test-ready ## pack the book for reading without a network: _build/convolutions-VERSION.zip
	@$(VENV) tools/offline.py zip

pdf: book .venv/test-ready ## print the book with Chromium: _build/convolutions-VERSION.pdf
	@$(VENV) tools/offline.py pdf

test: .venv/test-ready ## check everything: code, stored notebooks, pages in a browser
	@failed=; step() { name=$$1; shift; echo; echo "== $$name"; env $(ONE_THREAD) "$$@" || failed="$$failed; $$name"; }; \
	step style $(VENV) -m ruff check .; \
	step format $(VENV) -m ruff format --check .; \
	step spelling $(VENV) -m codespell_lib; \
	step types $(VENV) -m mypy; \
	step "form of the notebooks" $(VENV) tools/notebooks.py --check; \
	step book $(MAKE) --no-print-directory book; \
	step "tests, pages" $(VENV) -m pytest -n $(JOBS) --dist loadfile tests convlib; \
	step "stored outputs, on another instruction set than they were made" $(VENV) tools/notebooks.py --portable --jobs $(JOBS); \
	echo; if [ -n "$$failed" ]; then echo "FAILED: $${failed#; }"; exit 1; else echo "Everything passed."; fi

notebooks: .venv/test-ready ## run the notebooks and store their outputs in the one agreed form
	@$(VENV) tools/notebooks.py

lab: .venv/book-ready ## open the notebooks in JupyterLab
	@$(VENV) -m jupyterlab --notebook-dir=book

bench: book .venv/test-ready ## compare the speed of convlib with that of others: tables, and figures in _build/benchmarks
	@$(VENV) benchmarks/conv2d.py
	@$(VENV) benchmarks/conv2d.py --batch 8 --rounds 5
	@$(VENV) benchmarks/conv2d.py --threads 2
	@$(VENV) benchmarks/operations.py
	@$(VENV) benchmarks/scaling.py
	@$(VENV) benchmarks/receptive_field.py
	@$(VENV) benchmarks/labs.py

clean: ## remove the built book and all caches (not .venv)
	@rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
	@find . -path ./.venv -prune -o -name __pycache__ -exec rm -rf {} +

.venv/book-ready: requirements.txt pyproject.toml | $(VENV)
	@echo "Installing what requirements.txt pins into .venv: a few minutes, once."
	@$(if $(TORCH_BUILD),$(PIP) "$$(grep -o '^torch==[^ ]*' requirements.txt)" --index-url https://download.pytorch.org/whl/$(TORCH_BUILD))
	@$(PIP) -r requirements.txt -e .
	@touch $@

.venv/test-ready: tests/requirements.txt .venv/book-ready
	@$(PIP) -r tests/requirements.txt
	@touch $@

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "The course needs Python 3.11 or newer: \
	name one, as in 'make book PYTHON=python3.12'."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments: install its venv \
	package (Debian, Ubuntu: apt-get install python3-venv)."; exit 1; }
	$(PYTHON) -m venv .venv
