# Lethe: builds everything into build/. `make help` lists the targets.

VERSION := 0.1.0
BUILD := build
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR ?= $(PREFIX)/share/doc/lethe

# They are of no use here, and take time.
MAKEFLAGS += --no-builtin-rules

# As parallel as the machine is, unless the caller says otherwise.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

CXX ?= g++
CC ?= gcc
OPTIMIZE ?= -O2
WARNINGS := -Wall -Wextra -Wshadow -Wconversion
# MSGPACK_NO_BOOST: msgpack-c without Boost. SPDLOG_FMT_EXTERNAL comes with Debian's spdlog.
CPPFLAGS += -I. -Iclient/include -DMSGPACK_NO_BOOST -DLETHE_VERSION='"$(VERSION)"' -D_GNU_SOURCE
CXXFLAGS += -std=c++20 $(OPTIMIZE) -g $(WARNINGS) -fPIC -fno-plt -fvisibility=hidden -MMD -MP
# now: a function's first call must not write to memory, as a rewind would have to undo it.
LDFLAGS += -Wl,-z,relro,-z,now
CFLAGS += -std=c11 $(OPTIMIZE) -g $(WARNINGS) -fPIC -fvisibility=hidden -MMD -MP

# libnode: Debian's package where it is installed, else the copy that `make deps` unpacked.
ARCH := $(shell gcc -print-multiarch)
ifneq ($(shell dpkg-query -W -f='$${Status}' libnode-dev 2>/dev/null | grep 'ok installed'),)
NODE_INCLUDE := /usr/include/node
NODE_LIBS := -lnode
else
NODE_ROOT := $(abspath $(BUILD))/deps/node
NODE_INCLUDE := $(NODE_ROOT)/usr/include/node
NODE_LIBS := -L$(NODE_ROOT)/usr/lib/$(ARCH) -lnode -Wl,-rpath,$(NODE_ROOT)/usr/lib/$(ARCH)
endif

# Each part with sources is one library, and .ci/walls says which may use which; programs are a main.cc and the libraries
# that they need.
sources = $(filter-out %/main.cc,$(wildcard $(addsuffix /*.cc,$(1))))
objects = $(patsubst %.cc,$(BUILD)/obj/%.o,$(1))
IPC := $(call objects,$(call sources,ipc))
MASTER := $(call objects,$(call sources,daemon/master daemon/master/*))
ENGINE := $(call objects,$(call sources,daemon/engine))
NATIVES := $(call objects,$(call sources,daemon/natives))
WORKER := $(call objects,$(call sources,daemon/worker daemon/worker/*))
SNAPSHOT := $(call objects,$(call sources,snapshot))
CLIENT := $(call objects,$(call sources,client))
COMMAND := $(call objects,$(call sources,client/command))

MASTER_LIBS := -levent_core -lsystemd -lcrypto -lspdlog -lfmt
WORKER_LIBS := $(NODE_LIBS) -lseccomp -lcrypto -lz
COMMAND_LIBS := -lwslay -lcrypto
PROGRAMS := $(addprefix $(BUILD)/bin/,lethed lethe-zygote lethe-snapshot lethe)
LIBRARIES := $(BUILD)/lib/liblethe.so $(BUILD)/lib/liblethe.a

.PHONY: all help deps demo examples test tests check units check-units sanitize simulate soak bench fuzz lint format check-v8-matrix check-matrix install clean
.DEFAULT_GOAL := all

all: $(PROGRAMS) $(LIBRARIES) ## build the programs and libraries into build/ (the default)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what build and tests need, once
	@packaging/deps.sh $(BUILD)

# --- objects -----------------------------------------------------------------------------------------------------------

V8_UNITS := engine natives snapshot worker
# libnode is built without RTTI: a class of ours derived from one of V8's needs the same.
V8_SOURCES := daemon/engine daemon/natives daemon/worker snapshot $(addprefix tests/unit/,$(V8_UNITS)) packaging/man tests/bench/classic
$(BUILD)/obj/%.o: %.cc | $(BUILD)/v8-checked
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(if $(filter $(addsuffix /%,$(V8_SOURCES)),$<),-fno-rtti -isystem $(NODE_INCLUDE)) -c $< -o $@
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# Where an installed lethed finds lethe-zygote and lethe-snapshot; those beside it go before.
$(BUILD)/obj/daemon/master/%.o: CPPFLAGS += -DLETHE_LIBEXECDIR='"$(LIBEXECDIR)/lethe"'

# v8-inspector.h is not among the headers for add-ons, but beside them.
$(foreach name,inspector debugger,$(BUILD)/obj/daemon/worker/debug/$(name).o $(BUILD)/lint/daemon/worker/debug/$(name).tidied): \
  CPPFLAGS += -isystem $(NODE_INCLUDE) -isystem $(NODE_INCLUDE)/../nodejs/deps/v8/include

# The prelude's text, as string literals in the programs that need it.
$(BUILD)/obj/daemon/natives/prelude.o $(BUILD)/lint/daemon/natives/prelude.tidied: CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/daemon/natives/prelude.o: $(addprefix $(BUILD)/gen/,prelude.inc prelude_groups.inc prelude_globals.inc prelude_node_globals.inc)
# The folder is a prerequisite because a file may have gone.
$(BUILD)/gen/prelude.inc: $(sort $(filter-out %/bundle.js,$(wildcard snapshot/prelude/*.js))) snapshot/prelude
	@mkdir -p $(@D)
	@for file in $(filter %.js,$^); do printf '{"lethe:%s", R"prelude(' $${file##*/}; cat $$file; echo ')prelude"},'; done > $@
$(BUILD)/gen/prelude_%.inc: snapshot/prelude/%.json
	@mkdir -p $(@D)
	@sed -n 's/^  "\(.*\)": \[\(.*\)\],*$$/{"\1", R"(\2)"},/p' $< > $@

# Its lazy groups, each bundled with the libraries from npm that it imports. A source tarball has them bundled, as
# who builds packages has no network: to change one, remove that folder.
PRELUDE_GROUPS := $(patsubst snapshot/prelude/groups/%.js,%,$(sort $(wildcard snapshot/prelude/groups/*.js)))
ifeq ($(wildcard snapshot/prelude/bundled),)
BUNDLED := $(addprefix $(BUILD)/gen/prelude/,$(addsuffix .js,$(PRELUDE_GROUPS)))
else
BUNDLED := $(addprefix snapshot/prelude/bundled/,$(addsuffix .js,$(PRELUDE_GROUPS)))
endif
$(BUILD)/gen/prelude_groups.inc: $(BUNDLED) snapshot/prelude/groups
	@mkdir -p $(@D)
	@for file in $(filter %.js,$^); do name=$${file##*/}; printf '{"%s", GROUP(R"prelude(' $${name%.js}; cat $$file; echo ')prelude")},'; done > $@
$(BUILD)/npm/prelude/installed: snapshot/prelude/package.json snapshot/prelude/package-lock.json
	@mkdir -p $(@D)
	cp $^ snapshot/prelude/.npmrc $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
# The licences of those libraries go where the groups go.
THIRD_PARTY := $(firstword $(dir $(BUNDLED)))third_party.txt
$(addprefix $(BUILD)/gen/prelude/,$(addsuffix .js,$(PRELUDE_GROUPS)) third_party.txt) &: $(BUILD)/npm/prelude/installed snapshot/prelude/bundle.js \
	  $(wildcard $(addprefix snapshot/prelude/,groups/*.js lib/*.js lib/*/*.js))
	node snapshot/prelude/bundle.js $(<D)/node_modules snapshot/prelude/groups $(BUILD)/gen/prelude

# Another vendor's headers compile, link and run silently wrong against Debian's library.
$(BUILD)/v8-checked: packaging/v8-check.cc
	@mkdir -p $(@D)
	@$(CXX) -std=c++20 -isystem $(NODE_INCLUDE) $< -o $(BUILD)/v8-check $(NODE_LIBS) || { echo "V8 not found: run make deps" >&2; exit 1; }
	@$(BUILD)/v8-check
	@touch $@

# --- programs and libraries --------------------------------------------------------------------------------------------

$(BUILD)/bin/lethed: $(BUILD)/obj/daemon/master/main.o $(MASTER) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(MASTER_LIBS)
$(BUILD)/bin/lethe-zygote: $(BUILD)/obj/daemon/worker/main.o $(WORKER) $(BUILD)/obj/snapshot/cache.o $(NATIVES) $(ENGINE) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(WORKER_LIBS)
$(BUILD)/bin/lethe-snapshot: $(BUILD)/obj/snapshot/main.o $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(WORKER_LIBS)
$(BUILD)/bin/lethe: $(BUILD)/obj/client/command/main.o $(COMMAND) $(BUILD)/lib/liblethe.a
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(COMMAND_LIBS)

$(BUILD)/lib/liblethe.so.0: $(CLIENT) $(IPC) client/liblethe.map
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -shared -Wl,-soname,liblethe.so.0 -Wl,--version-script=client/liblethe.map $(filter %.o,$^) -o $@
$(BUILD)/lib/liblethe.so: $(BUILD)/lib/liblethe.so.0
	ln -sf liblethe.so.0 $@
$(BUILD)/lib/liblethe.a: $(CLIENT) $(IPC)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

# --- tests -------------------------------------------------------------------------------------------------------------

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
	$(if $(call tests_of,limits),limits) $(if $(call tests_of,fault),fault) $(if $(call tests_of,rewind),rewind) $(if $(call tests_of,apis),apis))

$(BUILD)/tests/unit: $(call tests_of,unit/ipc unit/master) $(MASTER) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(MASTER_LIBS) -lcriterion
$(BUILD)/tests/simulation: $(call tests_of,simulation) $(MASTER) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(MASTER_LIBS) -lcriterion
$(BUILD)/tests/unit-client: $(call tests_of,unit/client) $(COMMAND) $(CLIENT) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(COMMAND_LIBS) -lcriterion
$(BUILD)/tests/unit-worker: $(call tests_of,$(V8_UNITS:%=unit/%)) $(WORKER) $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(WORKER_LIBS) -lcriterion
$(addprefix $(BUILD)/tests/,system limits fault rewind apis): $(BUILD)/tests/%: $(HARNESS) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ -lcriterion
$(BUILD)/tests/system: $(call tests_of,system)
$(BUILD)/tests/limits: $(call tests_of,limits)
$(BUILD)/tests/fault: $(call tests_of,fault)
$(BUILD)/tests/rewind: $(call tests_of,rewind)
$(BUILD)/tests/apis: $(call tests_of,apis)
$(BUILD)/tests/threads: $(call tests_of,threads) $(CLIENT) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@
# The JavaScript of the APIs' tests: a test for each file.
$(BUILD)/obj/tests/apis/main.o $(BUILD)/lint/tests/apis/main.tidied: CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/tests/apis/main.o: $(BUILD)/gen/apis.inc $(BUILD)/gen/apis_tests.inc
$(BUILD)/gen/apis.inc: tests/apis/harness.js $(sort $(wildcard tests/apis/js/*.js))
	@mkdir -p $(@D)
	@for file in $^; do name=$${file##*/}; printf '{"%s", R"js(' $${name%.js}; cat $$file; echo ')js"},'; done > $@
$(BUILD)/gen/apis_tests.inc: $(sort $(wildcard tests/apis/js/*.js))
	@mkdir -p $(@D)
	@for file in $^; do name=$${file##*/}; echo "API_TEST($${name%.js})"; done > $@
# The JavaScript of the rewind's tests, as string literals.
$(BUILD)/obj/tests/rewind/sources.o $(BUILD)/lint/tests/rewind/sources.tidied: CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/tests/rewind/sources.o: $(BUILD)/gen/rewind.inc
$(BUILD)/gen/rewind.inc: $(sort $(wildcard tests/rewind/js/*.js tests/rewind/js/*/*.js))
	@mkdir -p $(@D)
	@for file in $^; do printf '{"%s", R"js(' $${file#tests/rewind/js/}; cat $$file; echo ')js"},'; done > $@
$(BUILD)/tests/bench: $(call tests_of,bench) $(HARNESS) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@
$(BUILD)/tests/classic-worker: $(BUILD)/obj/tests/bench/classic/main.o $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@ $(WORKER_LIBS)
$(BUILD)/tests/floor-%: $(BUILD)/obj/tests/bench/floor/%.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@

# Libraries from npm, for tests with scripts that others wrote: some as one classic script, and each as a script and as a
# module of its own, whose function the test calls.
ESBUILD = $(BUILD)/npm/source/node_modules/.bin/esbuild --bundle --target=es2022 --log-level=warning
NPM_SCRIPTS := $(notdir $(wildcard tests/npm/scripts/*.js))
TYPED_SCRIPTS := $(notdir $(basename $(wildcard tests/types/*.ts)))
NPM_BUNDLES := $(BUILD)/npm/libraries.js $(TYPED_SCRIPTS:%=$(BUILD)/npm/types/%.js) $(foreach form,scripts modules,$(addprefix $(BUILD)/npm/$(form)/,$(NPM_SCRIPTS)))
$(BUILD)/npm/source/installed: tests/npm/package.json tests/npm/package-lock.json tests/npm/.npmrc
	@mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
$(BUILD)/npm/libraries.js: tests/npm/libraries.js $(BUILD)/npm/source/installed
	NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=iife --outfile=$@
$(BUILD)/npm/scripts/%.js: tests/npm/scripts/%.js $(BUILD)/npm/source/installed
	NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=iife --global-name=library --footer:js='var { run } = library;' --outfile=$@
$(BUILD)/npm/modules/%.js: tests/npm/scripts/%.js $(BUILD)/npm/source/installed
	NODE_PATH=$(BUILD)/npm/source/node_modules $(ESBUILD) $< --format=esm --outfile=$@
# Scripts in TypeScript, checked against the declarations that come with Lethe, be it with TypeScript's libraries for workers
# or for pages.
tsc = $(BUILD)/npm/source/node_modules/.bin/tsc --noEmit --strict --target es2022 --module esnext --moduleResolution bundler --lib es2024,$(1) $<
$(BUILD)/npm/types/%.js: tests/types/%.ts $(wildcard client/types/*.d.ts) $(BUILD)/npm/source/installed
	$(call tsc,webworker)
	$(call tsc,dom)
	$(ESBUILD) $< --format=esm --outfile=$@

# Builds use all processors unless -j says otherwise.
PARALLEL := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
test: ## install what is needed, build, run all tests
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory $(PARALLEL) all tests
	@$(MAKE) --no-print-directory check

tests: $(TESTS) $(EXAMPLES) $(NPM_BUNDLES)

# Tests run side by side, but for those that measure how late a deadline is. No test hangs for ever.
run_tests = timeout 900 $(1) --timeout 300 $(if $(findstring /limits,$(1)),-j1)
run_all = failed=; $(foreach program,$(1),echo "== $(program)"; $(call run_tests,$(program)) || failed="$$failed $(program)"; ) \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi
check: all tests ## build and run all tests
	@$(call run_all,$(TESTS))

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

soak: all $(BUILD)/tests/fault $(BUILD)/tests/rewind ## millions of requests: nothing leaks (half an hour)
	LETHE_SOAK=long $(BUILD)/tests/fault --filter 'soak/*' --verbose=1
	LETHE_SOAK=long $(BUILD)/tests/rewind --filter 'soak/*' --verbose=1

bench: all $(BENCH) ## measure, as a table and as build/bench.json
	$(BUILD)/tests/bench --output $(BUILD)/bench.json

FUZZ_SECONDS ?= 60
FUZZ := $(patsubst tests/fuzz/%.cc,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.cc))
$(BUILD)/fuzz/requests: $(addprefix daemon/master/,scripts/request_options.cc scripts/script.cc operation/settings.cc clients/replies.cc)
$(BUILD)/fuzz/%: tests/fuzz/%.cc $(wildcard ipc/*.cc ipc/*.h ipc/*.def)
	@mkdir -p $(@D)
	clang++ $(CPPFLAGS) -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(filter %.cc,$^) -lfmt -o $@
fuzz: $(FUZZ) ## look for bytes that break the parsers, for FUZZ_SECONDS each
	@for program in $(FUZZ); do mkdir -p $$program.corpus && $$program -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	  -print_final_stats=1 -artifact_prefix=$$program. $$program.corpus || exit 1; done

demo: ## see it work: install what is needed, build, register a script, call it, kill a runaway
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@client/examples/demo.sh $(BUILD)/bin

# Debian 12, 13 and sid: V8 10.2, 11.3 and 13.6. What is bundled from npm is the same for all, and is made here: not every
# suite has an npm.
V8_SUITES ?= bookworm trixie sid
check-v8-matrix: $(addprefix v8-in-,$(V8_SUITES)) ## the unit, rewind, system and API tests with each V8, in Debian 12, 13 and sid
v8-in-%: $(BUILD)/roots/%-build $(BUNDLED) $(NPM_BUNDLES)
	@mkdir -p $(BUILD)/v8/$*/npm
	cp -r $(addprefix $(BUILD)/npm/,libraries.js scripts modules types) $(BUILD)/v8/$*/npm
	$(call in_root,$*) $(PARALLEL) all units $(addprefix $(BUILD)/v8/$*/tests/,rewind system apis)
	$(call in_root,$*) check-matrix
in_root = packaging/in-root.sh $(BUILD)/roots/$(1)-build env PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \
	CCACHE_DIR=$(abspath $(BUILD))/ccache $(MAKE) --no-print-directory BUILD=$(BUILD)/v8/$(1) BUNDLED='$(BUNDLED)'
check-matrix:
	@$(call run_all,$(UNITS) $(addprefix $(BUILD)/tests/,rewind system apis))

# --- style -------------------------------------------------------------------------------------------------------------

CXX_SOURCES := $(shell git ls-files '*.cc' '*.h' '*.hpp' '*.c' 2>/dev/null)
SCRIPTS := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)
# TIDY_SINCE=COMMIT: only what has changed since then goes through clang-tidy, which takes long.
TIDY_SINCE ?=
TIDY_SOURCES := $(if $(TIDY_SINCE),$(shell git diff --name-only --diff-filter=d $(TIDY_SINCE) -- '*.cc'),$(filter %.cc,$(CXX_SOURCES)))
TIDIED := $(patsubst %.cc,$(BUILD)/lint/%.tidied,$(filter-out client/examples/% packaging/v8-check.cc,$(TIDY_SOURCES)))

lint: $(TIDIED) ## check includes, format, clang-tidy (of what has changed) and shell scripts
	awk -f .ci/walls.awk .ci/walls $(filter ipc/% daemon/% snapshot/% client/%,$(CXX_SOURCES))
	clang-format --dry-run -Werror $(CXX_SOURCES)
	shellcheck $(SCRIPTS)

# The object is a prerequisite because it knows which headers the source includes.
$(BUILD)/lint/%.tidied: %.cc $(BUILD)/obj/%.o .clang-tidy
	@mkdir -p $(@D)
	clang-tidy --quiet --warnings-as-errors='*' $< -- $(CPPFLAGS) -std=c++20 $(if $(filter $(addsuffix /%,$(V8_SOURCES)),$<),-fno-rtti -isystem $(NODE_INCLUDE))
	@touch $@

format: ## format all sources
	clang-format -i $(CXX_SOURCES)

include packaging/packages.mk

# --- installation ------------------------------------------------------------------------------------------------------

INSTALL ?= install
install: all man $(BUILD)/lethe.toml $(SYSTEMD_UNITS) $(THIRD_PARTY) ## install below DESTDIR/PREFIX; the configuration in SYSCONFDIR
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(LIBEXECDIR)/lethe \
	  $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(SYSCONFDIR)/lethe/conf.d \
	  $(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	$(INSTALL) -m 755 $(BUILD)/bin/lethe $(DESTDIR)$(PREFIX)/bin
	$(INSTALL) -m 755 $(BUILD)/bin/lethed $(DESTDIR)$(PREFIX)/sbin
	$(INSTALL) -m 755 $(BUILD)/bin/lethe-zygote $(BUILD)/bin/lethe-snapshot $(DESTDIR)$(LIBEXECDIR)/lethe
	$(INSTALL) -m 644 $(BUILD)/lib/liblethe.so.0 $(BUILD)/lib/liblethe.a $(DESTDIR)$(LIBDIR)
	ln -sf liblethe.so.0 $(DESTDIR)$(LIBDIR)/liblethe.so
	$(INSTALL) -m 644 $(wildcard client/include/*.h client/include/*.hpp) $(DESTDIR)$(PREFIX)/include
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(PREFIX)/share/lethe/types $(wildcard client/types/*.d.ts)
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) client/SCRIPTS.md
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' client/lethe.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/lethe.pc
	[ -e $(DESTDIR)$(SYSCONFDIR)/lethe/lethe.toml ] || $(INSTALL) -m 644 $(BUILD)/lethe.toml $(DESTDIR)$(SYSCONFDIR)/lethe
	$(INSTALL) -m 644 $(SYSTEMD_UNITS) $(DESTDIR)$(UNITDIR)
	$(INSTALL) -m 644 systemd/lethe.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/lethe.conf
	$(INSTALL) -m 644 systemd/lethe.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/lethe.conf
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) $(THIRD_PARTY)
	for page in $(MAN_PAGES); do $(INSTALL) -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit 1; done

# The library's examples, compiled as its users would.
EXAMPLES := $(patsubst client/examples/%,$(BUILD)/examples/%,$(basename $(wildcard client/examples/*.c client/examples/*.cc)))
$(BUILD)/examples/%: client/examples/%.c $(LIBRARIES)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -Iclient/include $< -o $@ -L$(BUILD)/lib -llethe -Wl,-rpath,'$$ORIGIN/../lib'
$(BUILD)/examples/%: client/examples/%.cc $(LIBRARIES)
	@mkdir -p $(@D)
	$(CXX) -std=c++20 $(WARNINGS) -Iclient/include $< -o $@ -L$(BUILD)/lib -llethe -Wl,-rpath,'$$ORIGIN/../lib'
examples: $(EXAMPLES) ## build client/examples

clean: ## remove what was built (the unpacked libnode and Debian roots stay)
	[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps ! -name roots -exec rm -rf {} +

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
