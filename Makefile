# make demo    converts MobileNetV3-Large live and from its .pt2, checks and times both
# make test    everything that must hold: gates, C++, Python, sanitizers, a minute of fuzzing
# make gates   formatting, ruff, includes, clang-tidy on what changed; make format mends the first
# make models  the table of models in README.md
# make operators  the table of operators, docs/operators.md, from PyTorch's own samples
# make modules    the table of modules of torch.nn, docs/modules.md, likewise
# make families   the table of families of models, docs/families.md: an hour
# make keras-models  the table of networks on Keras' backends, docs/keras_models.md: hours, which may
#                 be interrupted: what out/keras_models.jsonl has is not run again
# make bench, make bench-peers    speed; against litert-torch, in an environment of its own
# make fuzz    ten minutes of it
# make wheel   a wheel in dist/ with the libraries that it needs
# make test-newer-torch   the core of the Python tests with another torch, in .venv-newer
#
# UNITY=ON compiles the sources of a folder together: less work from nothing, more after a change.
#
# Each target installs and builds what it needs, and is quick when nothing changed.
VENV ?= .venv
WERROR ?= OFF
UNITY ?= OFF
# Keras on JAX and TensorFlow.
BACKENDS ?= .venv-backends
NEWER_TORCH ?= torch==2.14.1 torchvision==0.29.1
JOBS ?= $(shell nproc)
PY := $(VENV)/bin/python
BACKENDS_PY := $(abspath $(BACKENDS))/bin/python
export PYTHONPATH := $(CURDIR)/python
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
# Objects of equal sources in other build folders and clones are the same.
CMAKE_FLAGS := -G Ninja -DFERRYMAN_WERROR=$(WERROR) -DFERRYMAN_UNITY=$(UNITY)

.PHONY: setup setup-backends configure module test-module build gates format test test-cc test-python \
  test-newer-torch test-sanitize sanitize fuzz \
  demo models operators modules families keras-models bench bench-peers wheel clean
.DEFAULT_GOAL := build

setup:
	@tools/setup $(VENV)

setup-backends:
	@tools/setup-backends $(BACKENDS)

configure: setup
	@cmake -S . -B build $(CMAKE_FLAGS) -DCMAKE_BUILD_TYPE=Release -DFERRYMAN_BUILD_PYTHON=ON \
	  -DFERRYMAN_BUILD_BENCH=ON -DFERRYMAN_BUILD_LIBRARY=ON -DPython_EXECUTABLE=$(abspath $(PY)) >build.log || \
	  { cat build.log; exit 1; }

# What conversions need, without tests and benchmarks.
module: configure
	@cmake --build build -j$(JOBS) --target ferryman_native ferryman_cli

# And what Python tests ask of the core beside conversions.
test-module: configure
	@cmake --build build -j$(JOBS) --target ferryman_native ferryman_cli ferryman_native_support \
	  ferryman

build: configure
	@cmake --build build -j$(JOBS)

# The unit tests and the fuzzers share one instrumented build. It is rarely built again after a
# small change, so sources are compiled together: half the time of one by one.
sanitize: setup
	@cmake -S . -B build-sanitize $(CMAKE_FLAGS) -DFERRYMAN_UNITY=ON -DCMAKE_BUILD_TYPE=None \
	  -DCMAKE_CXX_COMPILER=$$(tools/find_clang) "-DCMAKE_CXX_FLAGS=-O1 -g1" \
	  -DFERRYMAN_SANITIZE=ON -DFERRYMAN_BUILD_FUZZERS=ON >build.log || { cat build.log; exit 1; }
	@cmake --build build-sanitize -j$(JOBS)

test: gates test-cc test-sanitize test-python

# What holds without running anything: formatting, ruff, includes, and clang-tidy on what changed.
gates: configure
	@git ls-files '*.cc' '*.h' | xargs $(VENV)/bin/clang-format --dry-run -Werror
	@$(PY) -m ruff check -q .
	@tools/check_includes.py
	@tools/check_house.py
	@tools/tidy $(VENV)

format: setup
	@git ls-files '*.cc' '*.h' | xargs $(VENV)/bin/clang-format -i

test-cc: build
	ctest --test-dir build -j$(JOBS) --output-on-failure --progress

test-sanitize: sanitize
	seq 0 $$(($(JOBS) - 1)) | GTEST_TOTAL_SHARDS=$(JOBS) xargs -P $(JOBS) -I{} \
	  env GTEST_SHARD_INDEX={} build-sanitize/ferryman_tests --gtest_brief=1
	tools/fuzz build-sanitize 60

test-python: test-module setup-backends
	KERAS_JAX_PYTHON=$(BACKENDS_PY) KERAS_TENSORFLOW_PYTHON=$(BACKENDS_PY) \
	  $(PY) -m pytest -n $(JOBS) --dist loadfile

# In an environment of its own: torch's private parts that Ferryman touches may move.
test-newer-torch: test-module
	@TORCH="$(NEWER_TORCH)" tools/setup .venv-newer
	.venv-newer/bin/python -m pytest -n $(JOBS) --dist loadfile tests/python tests/models

fuzz: sanitize
	tools/fuzz build-sanitize 600

demo: module
	@$(PY) examples/demo.py

models: test-module
	$(PY) tests/models/table.py --write README.md

operators: module
	$(PY) tests/opinfo/run.py --json out/opinfo.json --write docs/operators.md

modules: module
	$(PY) tests/opinfo/run.py --database modules --json out/modules.json --write docs/modules.md

families: module
	$(PY) tests/families/run.py --json out/families.json --write docs/families.md

keras-models: module setup-backends
	$(PY) tests/keras_models/run.py --python jax=$(BACKENDS_PY) \
	  --python tensorflow=$(BACKENDS_PY) \
	  --json out/keras_models.jsonl --write docs/keras_models.md

bench: build
	build/ferryman_bench
	build/ferryman_convert_bench
	$(PY) bench/convert_time.py

bench-peers: module
	$(PY) bench/peers.py

# The native module, with the shared libraries that it needs beside it (auditwheel).
wheel: setup
	@rm -rf dist/plain && mkdir -p dist/plain
	$(PY) -m pip wheel -q --no-deps --no-build-isolation -w dist/plain .
	PATH="$(abspath $(VENV))/bin:$$PATH" $(PY) -m auditwheel repair --strip -w dist dist/plain/*.whl
	@rm -rf dist/plain

clean:
	rm -rf build build-* dist out
