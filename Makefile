# Every target makes .venv and installs what is pinned there when that is missing or out of date.
PYTHON ?= python3
PRESET ?= quick
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
LOWEST := .venv-lowest
TORCH ?= $(shell sed -n 's/^torch==\([^ ;]*\).*/\1/p' constraints.txt)

.PHONY: help reproduce test test-slurm test-lowest lab lint figures site notebooks clean
.DELETE_ON_ERROR:

help:
	@echo "make reproduce   run all notebooks (PRESET=quick or paper) and verify what they gave"
	@echo "make test        unit tests, then the committed notebooks"
	@echo "make test-slurm  the Slurm profile on a real cluster of one node (as root, on Debian)"
	@echo "make test-lowest unit tests with the oldest versions that pyproject.toml allows"
	@echo "make lab         open the notebooks in JupyterLab (LAB=--no-browser for its options)"
	@echo "make lint        ruff over the code and the notebooks"
	@echo "make figures     redraw every figure from its stored data, computing nothing"
	@echo "make site        the committed notebooks as HTML in site/"
	@echo "make notebooks   execute all notebooks and refresh their committed outputs"
	@echo "make clean       remove everything made but .venv"

# $(call require,MAJOR.MINOR,WHO): stop unless the Python in use is at least that version.
require = py=$(BIN)/python; test -x $$py || py="$(PYTHON)"; \
	$$py -c 'import sys; v = "$(1)"; m = tuple(map(int, v.split("."))); \
	sys.exit(None if sys.version_info >= m else "$(2) needs Python " + v + " or later, this is " \
	+ sys.version.split()[0] + " (" + sys.executable + "); pass PYTHON=... to make, without an older .venv")'

# Every file by its hash; then the two projects, and NVIDIA's libraries where PyPI's torch needs them.
# A wheel of torch on this disk (PIP_FIND_LINKS) goes first: pip would rather download PyPI's.
$(STAMP): pyproject.toml companion/pyproject.toml constraints.txt
	@$(call require,3.10,nslib)
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "installing into .venv (a minute or two)"
	@sed -n '/^torch==/,/[0-9a-f]$$/p' constraints.txt > .venv/torch.txt
	@$(PIP) --require-hashes --no-deps --no-index -r .venv/torch.txt 2> /dev/null || true
	@$(PIP) --require-hashes --no-deps -r constraints.txt
	@$(PIP) --no-build-isolation -e . -e "./companion[test]"
	@touch $@

reproduce:
	@$(call require,3.11,make reproduce (Snakemake))
	@$(MAKE) --no-print-directory $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" nslib reproduce --preset $(PRESET)
	@$(BIN)/nslib verify --preset $(PRESET)

# One thread a test process: two processes share the cores, and sums come out the same everywhere.
# What the notebooks write goes aside: the committed figures and records stay as they are.
test: export OMP_NUM_THREADS = 1
test: export NSLIB_OUTPUT = $(CURDIR)/build/test
test: $(STAMP)
	$(BIN)/python -m pytest -q -n 2
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax notebooks

# Slurm's packages stay on the machine; the cluster lives in a temporary folder and ends.
test-slurm:
	@test "$$(id -u)" = 0 && command -v apt-get > /dev/null || { echo "make test-slurm installs" \
	"Slurm with apt-get and starts a cluster: run it as root, on a Debian or Ubuntu machine that" \
	"may be thrown away" >&2; exit 1; }
	@$(call require,3.11,make test-slurm (Snakemake))
	@$(MAKE) --no-print-directory $(STAMP)
	@sed -n '/^snakemake-executor/,/[0-9a-f]$$/p' constraints-extras.txt > .venv/cluster.txt
	@$(PIP) --require-hashes --no-deps -r .venv/cluster.txt
	@which munged slurmctld slurmd > /dev/null || { \
	echo "installing slurm-wlm and munge from Debian's packages"; apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends slurm-wlm munge \
	> /dev/null; }
	$(BIN)/python -m pytest -q -rA --show-capture=no tests/slurm

# The oldest versions that both pyproject.toml allow, but torch (TORCH=...): uv, which finds them, would
# take a build for CUDA.
test-lowest: export OMP_NUM_THREADS = 1
test-lowest: export NSLIB_OUTPUT = $(CURDIR)/build/test
test-lowest:
	@$(call require,3.11,make test-lowest (Snakemake))
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/pip install --quiet uv
	printf 'torch\nnslib\n' > $(LOWEST)/excluded.txt
	$(LOWEST)/bin/uv pip compile --quiet --resolution lowest-direct --excludes $(LOWEST)/excluded.txt \
		--extra test --output-file $(LOWEST)/versions.txt pyproject.toml companion/pyproject.toml
	$(LOWEST)/bin/pip install --quiet torch==$(TORCH) -r $(LOWEST)/versions.txt
	$(LOWEST)/bin/pip install --quiet --no-deps --no-build-isolation -e . -e ./companion
	$(LOWEST)/bin/python -m pytest -q -n 2

lab: $(STAMP)
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB)

lint: $(STAMP)
	$(BIN)/ruff check .

figures: $(STAMP)
	$(BIN)/nslib figures

site: $(STAMP)
	$(BIN)/jupyter nbconvert --to html --embed-images --output-dir site notebooks/*.ipynb
	sed -i.bak -E 's/(href="[0-9][^"/]*)\.ipynb(["#])/\1.html\2/g' site/*.html && rm site/*.bak
	cp site/00_start_here.html site/index.html

notebooks: $(STAMP)
	$(BIN)/nslib run all
	$(BIN)/nslib refresh all

clean:
	rm -rf build site .snakemake .pytest_cache .hypothesis .ruff_cache *.egg-info
