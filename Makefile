# Everything is made in this folder: .venv (work), .venv-pure (no Rust, no native module), .venv-wheel, build/.
# Stamp files make a second run fast. Rust is optional; where cargo is missing, its steps say so and are skipped.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PURE := .venv-pure
WHEEL := .venv-wheel
BIN := $(CURDIR)/$(VENV)/bin

CARGO := $(shell command -v cargo 2>/dev/null)
KERNELS := $(if $(CARGO),present,absent)
export CARGO_TARGET_DIR := $(CURDIR)/kernels/target

CRATE := kernels/Cargo.toml kernels/Cargo.lock kernels/build.rs $(wildcard kernels/src/*.rs kernels/src/*/*.rs)
# Folders too, so that a deleted file counts as a change.
SOURCES := $(shell find zkmargin circuits cli tests examples docs -not -path '*/__pycache__*' -not -name '*.so' 2>/dev/null)
PACKAGE := pyproject.toml MANIFEST.in README.md LICENSE CHANGELOG.md

PIP := -m pip --disable-pip-version-check
# A PATH with this environment's own commands and no others: no cargo, wherever it is installed.
WITHOUT_RUST := env -u CARGO -u RUSTC PATH="$(CURDIR)/$(PURE)/bin"

.PHONY: help setup demo docs test bench models check suite core wheel fuzz lock clean

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(VENV)/.installed-$(KERNELS)  ## install into .venv; the command is .venv/bin/zkmargin

demo: setup  ## a small exchange: attest, verify, audit, and cheats that are caught
	@$(BIN)/zkmargin demo

test: check suite core wheel  ## check, the whole suite, its core without Rust, the wheel: what CI runs
	@echo "make test: everything passed (native module: $(KERNELS))"

check: setup $(PURE)/.installed  ## linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@# Against the installed package and outside the root: only there does zkmargin hold circuits and cli.
	cd build && $(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache \
		--python-executable ../$(PURE)/bin/python -p zkmargin
ifdef CARGO
	cargo fmt --manifest-path kernels/Cargo.toml --check
	cargo clippy --manifest-path kernels/Cargo.toml --release --locked --all-targets -- -D warnings
else
	@echo "SKIPPED: cargo is not on PATH, so cargo fmt and cargo clippy did not run"
endif

suite: setup
	$(BIN)/python -m pytest --kernels=$(KERNELS)

# The tests of the source distribution, against the pure-Python package that was built from it.
core: $(PURE)/.installed build/.suite
	cd build/suite && HYPOTHESIS_PROFILE=core $(WITHOUT_RUST) pytest --kernels=absent -m "core and not slow and not fuzz"

ifdef CARGO
wheel: $(WHEEL)/.installed build/.suite
	cd build && ../$(WHEEL)/bin/zkmargin --help >/dev/null
	cd build/suite && ../../$(WHEEL)/bin/python -m pytest --kernels=present tests/packaging tests/kernels
else
wheel:
	@echo "SKIPPED: cargo is not on PATH, so there is no wheel with a native module; the core ran on the pure one"
endif

bench: setup  ## time the real commands on the standard book, against a micro-kernel and the baseline
	$(BIN)/python benchmarks/bench.py

models: setup  ## time whole attestations of every margin model, some ten minutes
	$(BIN)/python benchmarks/models.py

fuzz: setup  ## long mutation runs: every byte of an attestation, more examples per property
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest --kernels=$(KERNELS) -m fuzz

docs: setup  ## write today's help texts into docs/cli.md
	$(BIN)/python docs/update_cli.py

lock: $(VENV)/.dependencies  ## resolve the pinned versions in requirements/ anew
	$(BIN)/python $(PIP) install --quiet uv
	for set in "dev --extra plots" "test --constraints requirements/dev.txt"; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" pyproject.toml requirements/$${set%% *}.in \
			$${set#* } -o requirements/$${set%% *}.txt; done

clean:  ## remove everything that make made, the environments included
	rm -rf $(VENV) $(PURE) $(WHEEL) build kernels/target zkmargin.egg-info zkmargin/_kernels*.so \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis
	find zkmargin circuits cli tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the working environment ---------------------------------------------------------------------------------------

$(VENV)/.dependencies: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# A module of other sources is worse than none: it goes first, and is built again where there is a cargo.
$(VENV)/.installed-$(KERNELS): $(VENV)/.dependencies pyproject.toml $(CRATE)
	rm -f zkmargin/_kernels*.so $(VENV)/.installed-*
	PYTHONWARNINGS=ignore $(BIN)/python $(PIP) install --quiet --no-build-isolation --no-deps -e .
ifdef CARGO
	@$(BIN)/python -c 'import zkmargin._kernels' || { \
		echo "The native module did not build (zkmargin works without it, slowly); see why with"; \
		echo "  cargo build --manifest-path kernels/Cargo.toml --release --locked"; exit 1; } >&2
else
	@echo "cargo is not on PATH: installed without the native module, which makes large exchanges fast"
endif
	@touch $@

# --- what users get: a source distribution, a pure wheel and a native wheel out of it ---------------------------------

build/.source: $(VENV)/.dependencies $(SOURCES) $(CRATE) $(PACKAGE)
	rm -rf build/dist build/source && mkdir -p build/dist build/source
	$(BIN)/python -c 'from setuptools import build_meta; build_meta.build_sdist("build/dist")' >build/sdist.log 2>&1 \
		|| { cat build/sdist.log; exit 1; }
	tar -xzf build/dist/zkmargin-*.tar.gz -C build/source --strip-components=1
	@touch $@

# The tests without the packages beside them: what they import is what is installed.
build/.suite: build/.source
	rm -rf build/suite && mkdir -p build/suite
	cp -r build/source/{pyproject.toml,README.md,CHANGELOG.md,Makefile,kernels,tests} build/suite
	for folder in docs examples; do if [ -d build/source/$$folder ]; then cp -r build/source/$$folder build/suite; fi; done
	@touch $@

$(PURE)/.dependencies: requirements/test.txt
	$(PYTHON) -m venv $(PURE)
	$(PURE)/bin/python $(PIP) install --quiet --require-hashes -r requirements/test.txt
	@touch $@

$(PURE)/.installed: $(PURE)/.dependencies build/.source
	rm -rf build/pure build/source/build
	$(WITHOUT_RUST) python $(PIP) wheel --quiet --no-build-isolation --no-deps -w build/pure ./build/source
	$(PURE)/bin/python $(PIP) install --quiet --no-index --no-deps --force-reinstall build/pure/*.whl
	$(PURE)/bin/python $(PIP) check
	@touch $@

# A throw-away environment that holds the native wheel and borrows the dependencies of .venv-pure.
$(WHEEL)/.installed: $(PURE)/.installed build/.source
	rm -rf build/native build/source/build $(WHEEL)
	$(BIN)/python $(PIP) wheel --quiet --no-build-isolation --no-deps -w build/native ./build/source
	$(BIN)/python -m zipfile -l build/native/*.whl >build/native/contents.txt
	grep -q 'zkmargin/_kernels.abi3' build/native/contents.txt \
		|| { echo "the wheel lacks the native module" >&2; exit 1; }
	$(PYTHON) -m venv --without-pip $(WHEEL)
	$(BIN)/python $(PIP) --python $(WHEEL)/bin/python install --quiet --no-index --no-deps build/native/*.whl
	$(PURE)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		>"$$($(WHEEL)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth"
	@touch $@
