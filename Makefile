# A thin front for CMake; `make help` lists what there is. Every target first brings what is missing (tools/deps.sh).

BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
.DEFAULT_GOAL := all
.NOTPARALLEL:
.PHONY: all help check test test-full bench asan tsan fuzz demo fresh install clean

# CMake's own make is not part of this one's job server. Of a build one sees that it goes on, and warnings.
RUN       = env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS
CMAKE     = $(RUN) cmake
CONFIGURE = $(CMAKE) -S . --log-level=WARNING -DCMAKE_RULE_MESSAGES=OFF -DCMAKE_TARGET_MESSAGES=OFF
COMPILE   = -j $(JOBS) -- --no-print-directory -s
PROGRAM   = --target shoal manual
CTEST     = $(RUN) ctest --output-on-failure --no-tests=error

all: deps-build ## build the program: build/shoal
	@echo "building $(BUILD)/shoal"
	@$(CONFIGURE) -B $(BUILD) >/dev/null
	@$(CMAKE) --build $(BUILD) $(PROGRAM) $(COMPILE)

help: ## this list
	@sed -n 's/^\([a-z -]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: deps-demo all ## the main job on real data, from a table to scored rows
	@SHOAL="$(CURDIR)/$(BUILD)/shoal" BUILD="$(CURDIR)/$(BUILD)" sh examples/demo.sh

check: unit ## quick tests
	@$(CTEST) --test-dir $(BUILD) -L '^check$$' -j $(JOBS)

test: everything ## all tests but the long ones
	@$(CTEST) --test-dir $(BUILD) -L '^(check|test)$$' -j $(JOBS)

test-full: everything ## all tests, the long ones too
	@$(CTEST) --test-dir $(BUILD) -j $(JOBS)

# The plain build with its tests, those with sanitizers, and the tests' Python.
.PHONY: unit everything deps-build deps-demo deps-test
deps-build deps-demo deps-test: deps-%:
	@tools/deps.sh $*
unit: all
	@echo "building $(BUILD)/unit"
	@$(CMAKE) --build $(BUILD) $(COMPILE)
everything: deps-test unit $(BUILD)/asan.built $(BUILD)/tsan.built $(BUILD)/fuzz.built
	@tools/venv.sh $(BUILD)/venv

BUILT = $(BUILD)/asan.built $(BUILD)/tsan.built $(BUILD)/fuzz.built
.PHONY: $(BUILT)
$(BUILD)/asan.built: SETTINGS = -DSHOAL_SANITIZE=address
$(BUILD)/tsan.built: SETTINGS = -DSHOAL_SANITIZE=thread
$(BUILD)/fuzz.built: SETTINGS = -DSHOAL_SANITIZE=fuzz -DCMAKE_C_COMPILER=clang -DSHOAL_WERROR=ON
$(BUILT): $(BUILD)/%.built:
	@echo "building $(BUILD)/$*"
	@$(CONFIGURE) -B $(BUILD)/$* $(SETTINGS) >/dev/null
	@$(CMAKE) --build $(BUILD)/$* $(COMPILE)

asan tsan: deps-test ## build with a sanitizer and run its tests
	@$(MAKE) --no-print-directory $(BUILD)/$@.built
	@$(CTEST) --test-dir $(BUILD)/$@ -L '^(check|test)$$' -j $(JOBS)

fuzz: deps-test $(BUILD)/fuzz.built ## run every fuzzer for two minutes
	@$(CTEST) --test-dir $(BUILD)/fuzz -L '^full$$' -j $(JOBS)

bench: deps-demo all ## figures of this machine
	@SHOAL="$(CURDIR)/$(BUILD)/shoal" BUILD="$(CURDIR)/$(BUILD)" sh bench/run.sh

fresh: ## the README's commands in a bare Debian 12 (root only)
	@tools/deps.sh fresh
	@tools/fresh.sh

install: all ## under PREFIX, by default /usr/local; DESTDIR is put before it
	@$(CONFIGURE) -B $(BUILD) -DCMAKE_INSTALL_PREFIX="$(PREFIX)" >/dev/null
	@$(CMAKE) --build $(BUILD) $(PROGRAM) $(COMPILE)
	@$(CMAKE) --install $(BUILD) --strip

clean: ## forget what was built; downloads stay in the cache folder
	@$(CMAKE) -E rm -rf $(BUILD)
