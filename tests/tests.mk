# Tests, benchmarks, fuzzing: the part of the Makefile that runs what was built.

# Tests are compiled for a short build, what they test and the benchmark as it is delivered.
$(BUILD)/obj/tests/%.o: OPTIMIZE := -O0
$(BUILD)/obj/tests/bench/%.o $(BUILD)/obj/tests/simulation/%.o: OPTIMIZE := -O2
$(BUILD)/obj/tests/%.o: WARNINGS += -Wno-missing-field-initializers

tests_of = $(call objects,$(wildcard $(addprefix tests/,$(addsuffix /*.cc,$(1)))))
HARNESS := $(call tests_of,harness)
BENCH := $(addprefix $(BUILD)/tests/,bench floor-relay floor-echo classic-worker)
# A program for each part whose tests are there.
TESTS := $(addprefix $(BUILD)/tests/,$(if $(call tests_of,unit/ipc unit/master),unit) $(if $(call tests_of,unit/client),unit-client) \
	$(if $(call tests_of,$(V8_UNITS:%=unit/%)),unit-worker) $(if $(call tests_of,simulation),simulation) $(if $(call tests_of,system),system) \
	$(if $(call tests_of,limits),limits) $(if $(call tests_of,fault),fault) $(if $(call tests_of,attack),attack) $(if $(call tests_of,rewind),rewind) \
	$(if $(call tests_of,apis),apis) $(if $(call tests_of,clients/c),clients-c))

# A lethed whose scripts have native code: its zygote is the delivered one and an object more. And a program that is no zygote.
HOSTILE := $(addprefix $(BUILD)/attack/,bin/lethed bin/lethe-snapshot bin/lethe-zygote hostile-zygote)

$(BUILD)/tests/unit: $(call tests_of,unit/ipc unit/master) $(MASTER) $(IPC)
	$(call link,$(MASTER_LIBS) -lcriterion)
$(BUILD)/tests/simulation: $(call tests_of,simulation) $(MASTER) $(IPC)
	$(call link,$(MASTER_LIBS) -lcriterion)
$(BUILD)/tests/unit-client: $(call tests_of,unit/client) $(COMMAND) $(CLIENT) $(IPC)
	$(call link,$(COMMAND_LIBS) -lcriterion)
$(BUILD)/tests/unit-worker: $(call tests_of,$(V8_UNITS:%=unit/%)) $(WORKER) $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	$(call link,$(WORKER_LIBS) -lcriterion $(HUGE_SEGMENTS))
$(addprefix $(BUILD)/tests/,system limits fault attack rewind apis): $(BUILD)/tests/%: $(HARNESS) $(IPC)
	$(call link,-lcriterion)
$(BUILD)/tests/system: $(call tests_of,system)
$(BUILD)/tests/limits: $(call tests_of,limits)
$(BUILD)/tests/fault: $(call tests_of,fault) | $(BUILD)/tests/fault-injector.so
$(BUILD)/tests/fault-injector.so: $(call tests_of,fault/injector)
	$(call link,-shared)
$(BUILD)/tests/attack: $(call tests_of,attack) | $(HOSTILE)
$(BUILD)/tests/rewind: $(call tests_of,rewind)
$(BUILD)/tests/apis: $(call tests_of,apis)
# The cases of all clients, with the library as its users have it.
$(BUILD)/tests/clients-c: $(call tests_of,clients/c) $(HARNESS) $(IPC) | $(BUILD)/lib/liblethe.so
	$(call link,-L$(BUILD)/lib -llethe -Wl$(comma)-rpath$(comma)'$$ORIGIN/../lib' -lcriterion)
$(BUILD)/tests/threads: $(call tests_of,threads) $(CLIENT) $(IPC)
	$(call link,)
$(BUILD)/attack/bin/lethe-zygote: $(call tests_of,attack/zygote) $(BUILD)/obj/daemon/worker/main.o $(WORKER) $(BUILD)/obj/snapshot/cache.o $(NATIVES) $(ENGINE) $(IPC)
	$(call link,$(WORKER_LIBS))
$(BUILD)/attack/hostile-zygote: $(call tests_of,attack/hostile) $(IPC)
	$(call link,-lfmt)
$(BUILD)/attack/bin/%: $(BUILD)/bin/%
	@mkdir -p $(@D)
	@ln -f $< $@ 2>/dev/null || cp $< $@
# The JavaScript of the APIs' tests: a test for each file.
$(BUILD)/obj/tests/apis/main.o $(BUILD)/lint/tests/apis/main.tidied: private CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/tests/apis/main.o $(BUILD)/lint/tests/apis/main.tidied: $(BUILD)/gen/apis.inc $(BUILD)/gen/apis_tests.inc
$(BUILD)/gen/apis.inc: tests/apis/harness.js $(sort $(wildcard tests/apis/js/*.js))
	@mkdir -p $(@D)
	@for file in $^; do name=$${file##*/}; printf '{"%s", R"js(' $${name%.js}; cat $$file; echo ')js"},'; done > $@
$(BUILD)/gen/apis_tests.inc: $(sort $(wildcard tests/apis/js/*.js))
	@mkdir -p $(@D)
	@for file in $^; do name=$${file##*/}; echo "API_TEST($${name%.js})"; done > $@
# The JavaScript of the rewind's tests, as string literals.
$(BUILD)/obj/tests/rewind/sources.o $(BUILD)/lint/tests/rewind/sources.tidied: private CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/tests/rewind/sources.o $(BUILD)/lint/tests/rewind/sources.tidied: $(BUILD)/gen/rewind.inc
$(BUILD)/gen/rewind.inc: $(sort $(wildcard tests/rewind/js/*.js tests/rewind/js/*/*.js))
	@mkdir -p $(@D)
	@for file in $^; do printf '{"%s", R"js(' $${file#tests/rewind/js/}; cat $$file; echo ')js"},'; done > $@
$(BUILD)/tests/bench: $(call tests_of,bench) $(HARNESS) $(IPC)
	$(call link,)
$(BUILD)/tests/classic-worker: $(BUILD)/obj/tests/bench/classic/main.o $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	$(call link,$(WORKER_LIBS))
$(BUILD)/tests/bench-peers-load: $(BUILD)/obj/tests/bench/peers/load.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@
$(BUILD)/tests/floor-%: $(BUILD)/obj/tests/bench/floor/%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# Libraries from npm, for tests with scripts that others wrote: some as one classic script, and each as a script and as a
# module of its own, whose function the test calls.
ESBUILD = $(BUILD)/npm/source/node_modules/.bin/esbuild --bundle --target=es2022 --log-level=warning
NPM_SCRIPTS := $(notdir $(wildcard tests/npm/scripts/*.js))
TYPED_SCRIPTS := $(notdir $(basename $(wildcard tests/types/*.ts)))
NPM_BUNDLED := $(notdir $(wildcard tests/npm/bundled/*.js))
NPM_BUNDLES := $(BUILD)/npm/libraries.js $(TYPED_SCRIPTS:%=$(BUILD)/npm/types/%.js) $(foreach form,scripts modules,$(addprefix $(BUILD)/npm/$(form)/,$(NPM_SCRIPTS) $(NPM_BUNDLED)))
BUNDLE_SOURCES := $(wildcard client/node/lib/bundle/*.js client/node/lib/bundle/modules/*.cjs) client/node/node_modules/.package-lock.json $(BUILD)/bin/lethe
$(BUILD)/npm/source/installed: tests/npm/package.json tests/npm/package-lock.json tests/npm/.npmrc
	@mkdir -p $(@D)
	$(call say,NPM,$<)
	@cp $^ $(@D)
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
$(BUILD)/npm/libraries.js: tests/npm/libraries.js $(BUILD)/npm/source/installed
	$(call say,BUNDLE,$@)
	$(Q)NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=iife --outfile=$@
$(BUILD)/npm/scripts/%.js: tests/npm/scripts/%.js $(BUILD)/npm/source/installed
	$(call say,BUNDLE,$@)
	$(Q)NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=iife --global-name=library --footer:js='var { run } = library;' --outfile=$@
$(BUILD)/npm/modules/%.js: tests/npm/scripts/%.js $(BUILD)/npm/source/installed
	$(call say,BUNDLE,$@)
	$(Q)NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=esm --outfile=$@
# What was written for Node.js, by `lethe bundle`, whose plugin has packages of its own.
lethe_bundle = NODE_PATH=$(BUILD)/npm/source/node_modules PATH=$(abspath $(BUILD))/npm/source/node_modules/.bin:$$PATH $(BUILD)/bin/lethe bundle --quiet $< -o $@
$(addprefix $(BUILD)/npm/scripts/,$(NPM_BUNDLED)): $(BUILD)/npm/scripts/%.js: tests/npm/bundled/%.js $(BUILD)/npm/source/installed $(BUNDLE_SOURCES)
	$(call say,BUNDLE,$@)
	$(Q)$(lethe_bundle) --classic
$(addprefix $(BUILD)/npm/modules/,$(NPM_BUNDLED)): $(BUILD)/npm/modules/%.js: tests/npm/bundled/%.js $(BUILD)/npm/source/installed $(BUNDLE_SOURCES)
	$(call say,BUNDLE,$@)
	$(Q)$(lethe_bundle)
# Scripts in TypeScript, checked against the declarations that come with Lethe, be it with TypeScript's libraries for workers
# or for pages.
tsc = $(BUILD)/npm/source/node_modules/.bin/tsc --noEmit --strict --target es2022 --module esnext --moduleResolution bundler --lib es2024,$(1) $<
$(BUILD)/npm/types/%.js: tests/types/%.ts $(wildcard client/types/*.d.ts) $(BUILD)/npm/source/installed
	$(call say,TSC,$<)
	$(Q)$(call tsc,webworker)
	$(Q)$(call tsc,dom)
	$(Q)$(ESBUILD) $< --format=esm --outfile=$@

test: ## install what is needed, build, run all tests
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all tests
	@$(MAKE) --no-print-directory check

tests: $(TESTS) $(EXAMPLES) $(NPM_BUNDLES)

# TEST='methods/*': only those.
TEST ?=
run_all = TEST='$(TEST)' tests/run.sh $(1)
check: all tests ## build and run all tests, or those that match TEST='SUITE/NAME'
	@$(call run_all,$(TESTS))
	@$(if $(TEST),,$(call run_python,test_cases))

# The clients in other languages, each with the same cases (tests/clients).
PYTHON ?= /usr/bin/python3
run_python = if $(PYTHON) -c 'import msgpack' 2>/dev/null; then cd tests/clients/python && echo "== the Python client" && \
	  LETHE_BUILD=$(abspath $(BUILD)) $(PYTHON) -W error::ResourceWarning -m unittest $(1); \
	  else echo "SKIPPED: the Python client: $(PYTHON) with msgpack (python3-msgpack) is not there"; fi
check-python: all ## the Python client: the cases of all clients, what concerns Python alone
	@$(call run_python,)
bench-python: all ## the Python client beside the C library
	LETHE_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/clients/python/bench.py

# Its packages come from npm, as package-lock.json names them; installed/ is a program's folder that has it as `npm pack` makes it.
NODE_CLIENT := $(BUILD)/clients/node
NODE_SOURCES := $(filter-out %/node_modules %/bundle %/modules,$(wildcard client/node/* client/node/lib/* client/node/lib/bundle/* client/node/lib/bundle/modules/*))
NODE_PACKAGES := $(addsuffix /node_modules/.package-lock.json,client/node client/examples/mcp)
$(NODE_PACKAGES): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	$(call say,NPM,$<)
	$(Q)cd $* && npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
$(NODE_CLIENT)/installed: $(NODE_SOURCES) client/node/node_modules/.package-lock.json
	@mkdir -p $(NODE_CLIENT)/program
	$(call say,NPM,client/node)
	$(Q)npm pack ./client/node --pack-destination $(NODE_CLIENT) --loglevel=error >/dev/null
	@echo '{"type": "module", "private": true}' > $(NODE_CLIENT)/program/package.json
	$(Q)cd $(NODE_CLIENT)/program && npm install --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error ../lethe-*.tgz
	@touch $@
# What MIGRATION.md begins with.
$(NODE_CLIENT)/before/installed: tests/clients/node/before/package.json tests/clients/node/before/package-lock.json
	@mkdir -p $(@D)
	$(call say,NPM,$<)
	@cp $^ tests/clients/node/before/.npmrc $(@D)
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
check-node: all $(NODE_PACKAGES) $(NODE_CLIENT)/installed $(NODE_CLIENT)/before/installed $(BUILD)/npm/source/installed ## the Node.js client: the cases of all clients, what concerns Node.js alone; its packages come from npm
	@echo "== the Node.js client" && cd tests/clients/node && LETHE_BUILD=$(abspath $(BUILD)) $(NODE) --test $(if $(TEST),--test-name-pattern='$(TEST)') *.test.mjs
NODE ?= node
bench-node: all $(BUILD)/clients/bench client/node/node_modules/.package-lock.json ## the Node.js client beside the C library
	LETHE_BUILD=$(abspath $(BUILD)) $(NODE) tests/clients/node/bench.mjs
$(BUILD)/clients/bench: tests/clients/bench.c $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) -Iclient/include $< -o $@ -L$(BUILD)/lib -llethe -Wl,-rpath,'$$ORIGIN/../lib'

# What speaks MessagePack in other languages; ONLY=ruby,php: those; INSTALL=1: Debian packages that are missing are installed.
ONLY ?=
INSTALL ?=
check-interop: all ## libraries of other languages against a lethed; what is not installed is skipped, INSTALL=1 installs it; writes client/LIBRARIES.md
	tests/interop/run.py --build $(BUILD) --only '$(ONLY)' $(if $(INSTALL),--install)

# With the compiler and the crates of Debian: its folder of crates takes the place of crates.io, and nothing is downloaded.
RUST := $(BUILD)/rust
CARGO ?= /usr/bin/cargo
cargo = cd client/rust && PATH=/usr/bin:/bin CARGO_HOME=$(abspath $(RUST))/home CARGO_TARGET_DIR=$(abspath $(RUST)) \
  LETHE_BUILD=$(abspath $(BUILD)) LETHED=$(abspath $(BUILD))/bin/lethed $(CARGO) --offline
$(RUST)/home/config.toml: packaging/rust-packages
	@mkdir -p $(@D)
	@missing=$$(sed 's/ *#.*//' $< | xargs dpkg-query -W 2>&1 >/dev/null | sed 's/.* //'); [ -z "$$missing" ] || \
	  { echo "these packages are not there, make deps-rust installs them:" $$missing; exit 1; }
	@printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n' > $@
check-rust: all $(RUST)/home/config.toml ## the Rust client: the cases of all clients, what concerns Rust alone, its documents and style
	@echo "== the Rust client"
	$(cargo) fmt --check
	$(cargo) clippy --quiet --all-features --all-targets -- -D warnings
	$(cargo) test --all-features -- $(TEST)
bench-rust: all $(BUILD)/clients/bench $(RUST)/home/config.toml ## the Rust client beside the C library
	$(cargo) bench --quiet --all-features --bench calls

check-layers: all tests ## the tests of all that runs scripts, with every script of a pool but the first in a layer
	@LETHE_TEST_SETTING=pool.default.scripts_in_image=1 TEST='$(TEST)' \
	  tests/run.sh $(addprefix $(BUILD)/tests/,system limits fault attack rewind apis)

sanitize: all $(BUILD)/tests/system $(NPM_BUNDLES) ## AddressSanitizer and UBSan: units without V8, the system's tests with such a lethed; ThreadSanitizer: the library
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitized NODE_ROOT=$(NODE_ROOT) LDFLAGS=-fsanitize=address,undefined \
	  OPTIMIZE='-O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	  UNITS='$(addprefix $(BUILD)/sanitized/tests/,unit unit-client)' $(BUILD)/sanitized/bin/lethed check-units
	@cp $(addprefix $(BUILD)/bin/,lethe lethe-zygote lethe-snapshot) $(BUILD)/sanitized/bin
	@cp $(BUILD)/tests/system $(BUILD)/sanitized/tests
	@for folder in npm lib gen; do ln -sfn ../$$folder $(BUILD)/sanitized/$$folder; done
	@$(call run_all,$(BUILD)/sanitized/tests/system)
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/threads NODE_ROOT=$(NODE_ROOT) LDFLAGS=-fsanitize=thread \
	  OPTIMIZE='-O1 -fsanitize=thread' $(BUILD)/threads/tests/threads
	@folder=$$(mktemp -d); $(BUILD)/bin/lethed --socket $$folder/socket --state-dir $$folder --cache-dir $$folder & daemon=$$!; \
	  $(BUILD)/threads/tests/threads $$folder/socket; result=$$?; kill $$daemon; wait; rm -r $$folder; exit $$result
UNITS := $(filter $(BUILD)/tests/unit%,$(TESTS))
units: $(UNITS)
check-units: units
	@for program in $(UNITS); do echo "== $$program"; $$program || exit 1; done

SECONDS ?= 60
simulate: $(BUILD)/tests/simulation ## the whole master in simulated time: schedules for SECONDS (60), or as many as SCHEDULES says
	LETHE_SIMULATE_SECONDS=$(SECONDS) $(if $(SCHEDULES),LETHE_SIMULATE_SCHEDULES=$(SCHEDULES)) $< --filter 'simulation/any_mix*' --verbose=1

check-time-zones: all $(BUILD)/tests/system ## all time zones of the machine, every five days from 1970 to 2040
	LETHE_ZONES=all $(BUILD)/tests/system --filter 'time_zones/agree*' --verbose=1

soak: all $(BUILD)/tests/fault $(BUILD)/tests/rewind ## millions of requests: nothing leaks (half an hour)
	LETHE_SOAK=long $(BUILD)/tests/fault --filter 'soak/*' --verbose=1
	LETHE_SOAK=long $(BUILD)/tests/rewind --filter 'soak/*' --verbose=1

faults: all $(BUILD)/tests/fault ## each system call of lethed, zygotes and workers fails once, and each of its processes stops or dies in each state
	LETHE_FAULTS=all $(BUILD)/tests/fault --filter 'system_calls/*' --verbose=1

bench: all $(BENCH) ## measure, as a table and as build/bench.json
	$(BUILD)/tests/bench --output $(BUILD)/bench.json

# What others have for such actions comes from npm and Debian; QUICK=1: short, to see that it works; PEERS=node:vm,php: these.
$(BUILD)/peers/installed: $(addprefix tests/bench/peers/,install.sh package.json package-lock.json .npmrc)
	$(call say,NPM,tests/bench/peers/package.json)
	$(Q)$< $(@D)
	@touch $@
QUICK ?=
PEERS ?=
bench-peers: all $(BUILD)/tests/bench-peers-load $(BUILD)/npm/libraries.js $(BUILD)/peers/installed ## measure against what else runs actions, as a table and as build/bench-peers.json
	tests/bench/peers/bench.py --build $(BUILD) --output $(BUILD)/bench-peers.json $(if $(QUICK),--quick) --peers '$(PEERS)'
	tests/bench/peers/charts.py $(BUILD)/bench-peers.json $(BUILD)/bench-peers
peers-charts: ## keep the figures of build/bench-peers.json, and draw charts from them
	@mkdir -p tests/bench/peers/charts
	cp $(BUILD)/bench-peers.json tests/bench/peers/charts/figures.json
	tests/bench/peers/charts.py tests/bench/peers/charts/figures.json tests/bench/peers/charts

# Popular packages, each with a small task, under rewind and reuse; PACKAGES=zod,ajv: these, UNTIMED=1: only whether they are
# right; in both cases the page stays as it is.
NPM_PACKAGES := $(BUILD)/npm-packages
$(NPM_PACKAGES)/source/installed: $(addprefix tests/npm/packages/,package.json package-lock.json .npmrc)
	@mkdir -p $(@D)
	$(call say,NPM,$<)
	@cp $^ $(@D)
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
$(NPM_PACKAGES)/bundles.json: tests/npm/packages/bundle.mjs $(wildcard tests/npm/packages/entries/*) $(NPM_PACKAGES)/source/installed $(BUNDLE_SOURCES)
	$(call say,BUNDLE,tests/npm/packages/entries)
	$(Q)node $< $(@D)
PACKAGES ?=
UNTIMED ?=
check-packages-npm: all $(NPM_PACKAGES)/bundles.json ## popular packages from npm: right, and how much a clean state costs them; writes client/PACKAGES.md
	tests/npm/packages/measure.py --build $(BUILD) --output $(BUILD)/check-packages-npm.json --only '$(PACKAGES)' $(if $(UNTIMED),--untimed)
	$(if $(PACKAGES)$(UNTIMED),,tests/npm/packages/report.py $(BUILD)/check-packages-npm.json tests/npm/packages/reasons.json client/PACKAGES.md)

FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= -1
# Of an input, in bytes: all that is read here begins within them, and longer ones take their time.
FUZZ_LENGTH ?= 1024
FUZZ := $(patsubst tests/fuzz/%.cc,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.cc))
FUZZ_COMMAND := $(BUILD)/fuzz/inspector
FUZZ_V8 := $(addprefix $(BUILD)/fuzz/v8/,snapshot_file values)
$(filter-out $(FUZZ_COMMAND),$(FUZZ)): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(MASTER) $(IPC)
	$(call link,-fsanitize=fuzzer $(MASTER_LIBS))
$(FUZZ_COMMAND): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(COMMAND) $(CLIENT) $(IPC)
	$(call link,-fsanitize=fuzzer $(COMMAND_LIBS))
# Of those with V8, what reads and writes is compiled for libFuzzer, and goes before what the objects have of it. The limits
# of a process that starts V8 leave AddressSanitizer no room.
$(BUILD)/fuzz/v8/snapshot_file: FUZZ_SANITIZE := address,undefined
$(BUILD)/fuzz/v8/snapshot_file: tests/fuzz/v8/snapshot_file.cc snapshot/cache.cc $(NATIVES) $(ENGINE) $(IPC)
$(BUILD)/fuzz/v8/values: FUZZ_SANITIZE := undefined
$(BUILD)/fuzz/v8/values: $(addprefix tests/,fuzz/v8/values.cc unit/worker/world.cc) $(addprefix daemon/engine/,value_reader.cc value_writer.cc) \
	  $(WORKER) $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
$(FUZZ_V8):
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)clang++ $(CPPFLAGS) -std=c++20 -O1 -g -fPIC -fno-rtti -isystem $(NODE_INCLUDE) -fsanitize=fuzzer,$(FUZZ_SANITIZE) \
	  -fno-sanitize-recover=undefined -Wl,-z,muldefs $^ $(WORKER_LIBS) -o $@
# All that the others are made of is compiled anew, by clang and with its sanitizers; a folder as one, where nobody waits for
# a single file.
fuzzing = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzzing NODE_ROOT=$(NODE_ROOT) BUNDLED='$(BUNDLED)' CXX=clang++ TOGETHER=16 \
	  LDFLAGS='-fsanitize=address,undefined' WARNINGS= \
	  OPTIMIZE='-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
# So many at a time, each with its output by itself. What an input has freed is watched until many inputs later, in as much
# memory as a processor has near it; whoever runs what was found once more, without these options, has longer stacks. To
# prefer inputs with what is rare takes a third of the time where there are many, and finds no more in it.
FUZZ_JOBS ?= 1
FUZZ_OPTIONS ?= quarantine_size_mb=8:malloc_context_size=2
run_fuzz = printf '%s\n' $(1) | ASAN_OPTIONS=$(FUZZ_OPTIONS) xargs -P $(FUZZ_JOBS) -I{} sh -c 'mkdir -p {}.corpus && {} -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) \
	  -max_len=$(FUZZ_LENGTH) -entropic=0 -print_final_stats=1 -print_funcs=0 -artifact_prefix={}. {}.corpus > {}.log 2>&1; \
	  status=$$?; echo "== {}"; tail -n $(FUZZ_LINES) {}.log; [ $$status = 0 ] || exit 255'
FUZZ_LINES ?= 8
fuzz: $(FUZZ_V8) ## look for bytes that break what reads them, for FUZZ_SECONDS (or FUZZ_RUNS executions) each
	+@$(fuzzing) run-fuzz
	@$(call run_fuzz,$^)
run-fuzz: $(FUZZ)
	@$(call run_fuzz,$^)

# Debian 12, 13 and sid: V8 10.2, 11.3 and 13.6. What is bundled from npm is the same for all, and is made here: not every
# suite has an npm.
V8_SUITES ?= bookworm trixie sid
check-v8-matrix: $(addprefix v8-in-,$(V8_SUITES)) ## the unit, rewind, system and API tests with each V8, in Debian 12, 13 and sid
v8-in-%: $(BUILD)/roots/%-build $(BUNDLED) $(NPM_BUNDLES)
	@mkdir -p $(BUILD)/v8/$*/npm
	cp -r $(addprefix $(BUILD)/npm/,libraries.js scripts modules types) $(BUILD)/v8/$*/npm
	$(call in_root,$*) -j$(shell nproc) all units $(addprefix $(BUILD)/v8/$*/tests/,rewind system apis)
	$(call in_root,$*) check-matrix
in_root = packaging/in-root.sh $(BUILD)/roots/$(1)-build env PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \
	CCACHE_DIR=$(abspath $(BUILD))/ccache $(MAKE) --no-print-directory BUILD=$(BUILD)/v8/$(1) BUNDLED='$(BUNDLED)'
check-matrix:
	@$(call run_all,$(UNITS) $(addprefix $(BUILD)/tests/,rewind system apis))

