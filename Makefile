# Two commands set everything up: `make demo` shows the product, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APT := samba samba-ad-provision samba-dsdb-modules ldap-utils openssl postgresql chromium unixodbc krb5-user libkrb5-dev gcc

.PHONY: help demo test check fix sql bench compiled servers clean

help:  ## say what the targets do
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "recon needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(VENV)/.runtime  ## make .venv, install, and run the main job on the sample company
	$(BIN)/recon demo

servers:  # Samba, PostgreSQL and Chromium for the tests: Debian packages, installed when root
	@if dpkg -s $(APT) >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing Debian packages for the tests: $(APT)"; \
	  (apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $(APT)) >.apt.log 2>&1 \
	    || { tail -20 .apt.log; exit 1; }; rm -f .apt.log; \
	else echo "note: tests whose server is not installed are skipped; they use: $(APT)"; fi

$(VENV)/.kerberos: $(VENV)/.dev | servers  # compiled against the Debian packages; without them its tests are skipped
	@if command -v krb5-config >/dev/null; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[kerberos]" && touch $@; \
	else echo "note: no Kerberos library to build gssapi with: its tests are skipped"; fi

test: $(VENV)/.dev servers $(VENV)/.kerberos  ## install what the tests need (Debian packages too, when root) and run them all
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: $(VENV)/.dev  ## format, lint, types, layers, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m recon.deploy --check
	$(BIN)/python docs/generate.py --check

fix: $(VENV)/.dev  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sql: $(VENV)/.dev  ## write sql/deploy/ and the generated pages of docs/ again
	$(BIN)/python -m recon.deploy
	$(BIN)/python docs/generate.py

COMPILED := build/compiled
$(COMPILED)/.done: $(VENV)/.dev pyproject.toml $(shell find recon -name '*.py') | servers  # a copy of the tree, hot modules compiled
	rm -rf $(COMPILED) && mkdir -p $(COMPILED)
	cp -R recon sql reports tests docs notebooks pyproject.toml constraints.txt Makefile *.md LICENSE $(COMPILED)
	cd $(COMPILED) && HATCH_BUILD_HOOKS_ENABLE=1 $(CURDIR)/$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .
	@touch $@

compiled: $(COMPILED)/.done $(VENV)/.kerberos  ## compile the hot modules (needs a C compiler) and run the tests of loading with them
	cp -R tests $(COMPILED)
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -m pytest -n auto --dist loadgroup $(or $(ARGS),tests/decode tests/sources tests/store/test_stage.py)

bench: $(VENV)/.dev servers  ## measure the loads; writes docs/benchmarks.md
	-$(MAKE) $(COMPILED)/.done
	$(BIN)/python -m tests.bench.run

clean:  ## remove the virtual environment and what the tools left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo build
