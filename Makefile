# Two commands: `make demo` and `make test`. Both make the virtual environment first.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Where it is set, each process that starts compiles torch, ray and all else anew: twice the time that they take to load.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-long test-versions test-browser test-faults soak lock bench bench-gpu gpu-packages docs lint screenshots clean

help:
	@echo "make demo   install, then superpixels against random boxes on generated street scenes"
	@echo "make test   install, then everything that CI runs"
	@echo "make test-long   the tests that take minutes each: sweeps on a cluster"
	@echo "make test-versions   what the oldest and the newest packages that pyproject.toml allows can break; with uv"
	@echo "make test-faults  install, then kill, cut off, fill and damage everything: takes long"
	@echo "make soak   install, then the loop, the service and queries for SOAK_MINUTES=30: memory, files, processes"
	@echo "make lock   the hashes of all pinned versions anew, with uv"
	@echo "make lint   format, lint, types, import layers"
	@echo "make test-browser  all tests of the page, in a Chromium of this machine; make test runs some"
	@echo "make screenshots  take docs/screenshots anew, with a Chromium of this machine"
	@echo "make docs   the docs site, in build/site; every warning is an error"
	@echo "make bench  install, then measure every stage: a table, and runs/benchmarks.json"
	@echo "make bench-gpu  on a machine with a GPU: every figure of it, in 8 minutes; make gpu-packages first, elsewhere"
	@echo "make clean  remove the virtual environment and runs/"

# Not compiled: Python does that with what is imported, a fifth of the files; all of them take a minute.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
		-c constraints.txt -e '.[tune,serve,pretrained,people,trackers,docs,dev]'
	touch $@

install: $(VENV)/.installed

demo: install
	$(BIN)/raymeta demo

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Three processes of one thread, a file of tests in one of them: see tests/conftest.py.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 40

test-browser: install
	$(BIN)/python -m pytest tests/browser -m "long or not long"

screenshots: install
	RAYMETA_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/browser/test_screenshots.py tests/browser/test_labelling_screenshots.py \
		tests/browser/test_docs_screenshots.py -m "long or not long"

# The server of MLflow brings much that nothing else needs: an environment of its own.
$(VENV)-mlflow/bin/mlflow:
	$(PYTHON) -m venv $(VENV)-mlflow
	$(VENV)-mlflow/bin/python -m pip install --quiet --disable-pip-version-check 'mlflow==3.17.2'

test-long: install $(VENV)-mlflow/bin/mlflow
	RAYMETA_MLFLOW=$(VENV)-mlflow/bin/mlflow $(BIN)/python -m pytest -m long

# lowest-direct: the oldest versions that pyproject.toml allows; highest: the newest there are. Not those of constraints.txt.
TESTS_OF_VERSIONS = tests/metaseg tests/acquisition tests/annotation tests/runs tests/training tests/exchange \
	tests/networks/test_networks.py tests/report/test_report.py tests/loop/test_local_experiment.py \
	tests/loop/test_trackers.py tests/cli/test_finished_run.py tests/cluster/test_scoring_scale.py \
	tests/service/test_upload_routes.py tests/test_public_face.py
test-versions:
	for versions in lowest-direct highest; do \
		uv venv --quiet --clear --python $(PYTHON) $(VENV)-$$versions && \
		uv pip install --quiet --python $(VENV)-$$versions/bin/python --resolution $$versions \
			'.[tune,serve,pretrained,people,trackers]' 'hypothesis>=6.100' 'pytest>=8.3' 'pytest-timeout>=2.3' && \
		$(VENV)-$$versions/bin/python -m pytest -p no:cacheprovider $(TESTS_OF_VERSIONS) || exit 1; \
	done

# moto, a server of the S3 protocol, pins other versions than ours: an environment of its own.
$(VENV)-moto/bin/moto_server:
	$(PYTHON) -m venv $(VENV)-moto
	$(VENV)-moto/bin/python -m pip install --quiet --disable-pip-version-check 'moto[server]==5.2.5'

test-faults: install $(VENV)-moto/bin/moto_server
	rm -f build/faults.jsonl
	RAYMETA_MOTO=$(VENV)-moto/bin/moto_server RAYMETA_FAULT_LEDGER=build/faults.jsonl \
		$(BIN)/python -m pytest tests/faults -m 'faults or not faults'
	$(BIN)/python tests/faults/fault_ledger.py build/faults.jsonl

SOAK_MINUTES ?= 30
soak: install
	$(BIN)/python -m benchmarks.soak --minutes $(SOAK_MINUTES)

# Versions stay those of constraints.txt; needs uv. torch has a lock of its own: another build of it is another file.
UV_LOCK = uv pip compile --quiet --generate-hashes --no-annotate --no-header --python-version 3.11 -c constraints.txt
lock:
	mkdir -p build
	echo 'torch; sys_platform == "never"' > build/no-torch.txt
	echo setuptools | $(UV_LOCK) --all-extras --override build/no-torch.txt pyproject.toml - -o requirements.lock
	echo torch | $(UV_LOCK) $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/--no-emit-package \1/p' requirements.lock) - \
		-o requirements-torch.lock

bench: install
	$(BIN)/python -m benchmarks

# What a bare machine with torch, numba, OpenCV, scikit-learn, pyarrow, rich and pytest lacks, to be carried there as
# wheels in build/gpu-wheels: 21 MB. On a barer one, add names to GPU_PACKAGES.
GPU_PYTHON ?= 3.12
GPU_PLATFORMS = 2_28 2_27 2_17
GPU_PACKAGES ?= annotated-types connected-components-3d lazy-loader pydantic pydantic-core scikit-image typing-inspection
gpu-packages:
	rm -rf build/gpu-wheels
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --dest build/gpu-wheels --no-deps \
		--only-binary=:all: --implementation cp --python-version $(GPU_PYTHON) \
		$(GPU_PLATFORMS:%=--platform manylinux_%_x86_64) --platform manylinux2014_x86_64 -c constraints.txt $(GPU_PACKAGES)

# On the machine with the GPU: no index is asked, and results lie in OUT. At most 8 minutes.
OUT ?= runs/gpu
build/gpu: $(wildcard build/gpu-wheels/*.whl)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --upgrade \
		--target build/gpu $^
	touch $@

bench-gpu: $(if $(wildcard build/gpu-wheels/*.whl),build/gpu)
	OMP_WAIT_POLICY=PASSIVE PYTHONPATH=.:build/gpu $(PYTHON) -m benchmarks.gpu_run --out $(OUT)

docs: install
	$(BIN)/python docs/site/build_pages.py build/site_pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/site/index.html"

clean:
	rm -rf $(VENV) $(VENV)-moto $(VENV)-mlflow runs build
