# Lethe: builds everything into build/. `make help` lists the targets; V=1 shows the commands.

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
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

CXX ?= g++
CC ?= gcc
OPTIMIZE ?= -O2
# Lines and functions, for stacks. Variables, too, would take a third of the compiler's time: `make debug` has them.
DEBUG_INFO := $(if $(filter -g%,$(CXXFLAGS)),,-g1)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion
# MSGPACK_NO_BOOST: msgpack-c without Boost. spdlog: Debian's has its own library, and fmt beside it.
CPPFLAGS += -I. -Iclient/include -fmacro-prefix-map=./= -DMSGPACK_NO_BOOST -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DLETHE_VERSION='"$(VERSION)"' -D_GNU_SOURCE
CXXFLAGS += -std=c++20 $(OPTIMIZE) $(DEBUG_INFO) $(WARNINGS) -fPIC -fno-plt -fvisibility=hidden -MMD -MP
# now: a function's first call must not write to memory, as a rewind would have to undo it.
LDFLAGS += -Wl,-z,relro,-z,now
CFLAGS += -std=c11 $(OPTIMIZE) $(DEBUG_INFO) $(WARNINGS) -fPIC -fvisibility=hidden -MMD -MP

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

# What a recipe says: [ 37/210] CXX daemon/master/server.cc. The total is what a dry run would say, for those targets whose
# dry run runs nothing.
COUNTED := all tests units examples check check-units bench debug
ifneq ($(or $(V),$(filter-out $(COUNTED) $(BUILD)/%,$(MAKECMDGOALS))),)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))
else
ifndef SAYS
TOTAL := $(shell $(MAKE) -n SAYS='says:' $(MAKECMDGOALS) 2>/dev/null | grep -c '^says:')
SAID :=
SAYS = @$(eval SAID += x)printf '[%3d/%d] %-6s %s\n' $(words $(SAID)) $(TOTAL)
endif
say = $(SAYS) $(1) $(2)
endif
Q := $(if $(V),,@)

# Each part with sources is one library, and .ci/walls says which may use which; programs are a main.cc and the libraries
# that they need.
sources = $(filter-out %/main.cc,$(wildcard $(addsuffix /*.cc,$(1))))

# The compiler reads headers for most of its time, so that some sources of a folder are compiled together, as one that
# includes them: it takes half the time. TOGETHER=1: each one by itself.
TOGETHER ?= 12
# Those with flags or prerequisites of their own, or of which not every program wants all.
APART := daemon/natives/% daemon/master/operation/settings% daemon/master/command_line.cc snapshot/command_line.cc snapshot/cache.cc tests/apis/main.cc tests/rewind/sources.cc
# $(call objects,sources)
objects = $(patsubst %.cc,$(BUILD)/obj/%.o,$(filter $(APART),$(1)) \
  $(foreach folder,$(sort $(dir $(1))),$(call by_numbers,$(folder),$(foreach source,$(filter-out $(APART),$(1)),$(if $(filter $(folder),$(dir $(source))),$(source))))))
# $(call by_numbers,folder/,sources,count): these sources, or the names of what includes them.
by_numbers = $(if $(2),$(call as_one,$(wordlist 1,$(TOGETHER),$(2)),$(1)together-$(words x $(3)).cc) \
  $(call by_numbers,$(1),$(wordlist $(words x $(wordlist 1,$(TOGETHER),$(2))),$(words $(2)),$(2)),x $(3)))
as_one = $(if $(word 2,$(1)),$(2)$(call write,$(BUILD)/gen/$(2),$(subst >^,>$(newline),$(patsubst %,$(hash)include<%>^,$(1)))),$(1))
# $(call write,file,text): only what is new, as what depends on it is made again.
write = $(if $(call differ,$(strip $(file <$(1))),$(strip $(2))),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))
differ = $(subst $(1),,$(2))$(subst $(2),,$(1))
hash := \#
define newline


endef

IPC := $(call objects,$(call sources,ipc))
MASTER := $(call objects,$(call sources,daemon/master daemon/master/*))
ENGINE := $(call objects,$(call sources,daemon/engine daemon/engine/memory daemon/confinement))
NATIVES := $(call objects,$(call sources,daemon/natives))
WORKER := $(call objects,$(call sources,daemon/worker daemon/worker/*))
SNAPSHOT := $(call objects,$(call sources,snapshot))
CLIENT := $(call objects,$(call sources,client))
COMMAND := $(call objects,$(call sources,client/command))

MASTER_LIBS := -levent_core -lsystemd -lcrypto -lspdlog -lfmt
WORKER_LIBS := $(NODE_LIBS) -lcrypto -lz
COMMAND_LIBS := -lwslay -lcrypto
PROGRAMS := $(addprefix $(BUILD)/bin/,lethed lethe-zygote lethe-snapshot lethe)
LIBRARIES := $(BUILD)/lib/liblethe.so $(BUILD)/lib/liblethe.a

.PHONY: all help deps deps-rust debug compile-commands demo examples test tests check check-python check-node check-rust check-interop units check-units check-layers check-time-zones sanitize simulate soak bench bench-python bench-node bench-rust bench-peers peers-charts check-packages-npm fuzz run-fuzz faults lint format check-v8-matrix check-matrix install clean
.DEFAULT_GOAL := all

all: $(PROGRAMS) $(LIBRARIES) ## build the programs and libraries into build/ (the default)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what build and tests need, once
	@packaging/deps.sh $(BUILD)
deps-rust: ## install what check-rust and bench-rust need besides
	@packaging/deps.sh $(BUILD) packaging/rust-packages

# --- objects -----------------------------------------------------------------------------------------------------------

V8_UNITS := engine natives snapshot worker
# libnode is built without RTTI: a class of ours derived from one of V8's needs the same.
V8_SOURCES := daemon/engine daemon/natives daemon/worker snapshot $(addprefix tests/unit/,$(V8_UNITS)) tests/fuzz/v8 packaging/man tests/bench/classic tests/attack/zygote
v8_flags = $(if $(filter $(addsuffix /%,$(V8_SOURCES)),$(1:$(BUILD)/gen/%=%)),-fno-rtti -isystem $(NODE_INCLUDE))
define compile
	@mkdir -p $(@D)
	$(call say,CXX,$(<:$(BUILD)/gen/%=%))
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(call v8_flags,$<) -c $< -o $@
endef
$(BUILD)/obj/%.o: %.cc | $(BUILD)/v8-checked
	$(compile)
$(BUILD)/obj/%.o: $(BUILD)/gen/%.cc | $(BUILD)/v8-checked
	$(compile)
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# Command lines are parsed once, by templates that take the compiler long.
$(addprefix $(BUILD)/obj/,client/command/%.o daemon/%/main.o daemon/%/command_line.o snapshot/main.o snapshot/command_line.o): private OPTIMIZE := -O1

# Where an installed lethed finds lethe-zygote and lethe-snapshot; those beside it go before.
$(BUILD)/obj/daemon/master/%.o: private CPPFLAGS += -DLETHE_LIBEXECDIR='"$(LIBEXECDIR)/lethe"'

# v8-inspector.h is not among the headers for add-ons, but beside them.
$(BUILD)/obj/daemon/worker/debug/%.o $(BUILD)/lint/daemon/worker/debug/%.tidied: \
  private CPPFLAGS += -isystem $(NODE_INCLUDE) -isystem $(NODE_INCLUDE)/../nodejs/deps/v8/include

# The prelude's text, as string literals in the programs that need it.
$(BUILD)/obj/daemon/natives/prelude.o $(BUILD)/lint/daemon/natives/prelude.tidied: private CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/daemon/natives/prelude.o $(BUILD)/lint/daemon/natives/prelude.tidied: $(addprefix $(BUILD)/gen/,prelude.inc prelude_groups.inc prelude_globals.inc prelude_node_globals.inc)
# The folder is a prerequisite because a file may have gone.
$(BUILD)/gen/prelude.inc: $(sort $(filter-out %/bundle.js,$(wildcard snapshot/prelude/*.js))) snapshot/prelude
	@mkdir -p $(@D)
	@for file in $(filter %.js,$^); do printf '{"lethe:%s", R"prelude(' $${file##*/}; cat $$file; echo ')prelude"},'; done > $@
$(BUILD)/gen/prelude_%.inc: snapshot/prelude/%.json
	@mkdir -p $(@D)
	@sed -n 's/^  "\(.*\)": \[\(.*\)\],*$$/{"\1", R"(\2)"},/p' $< > $@

# Its lazy groups, each bundled with the libraries from npm that it imports. A source tarball has them bundled, as
# who builds packages has no network: to change one, remove that folder.
PRELUDE_GROUPS := intrinsics $(patsubst snapshot/prelude/groups/%.js,%,$(sort $(wildcard snapshot/prelude/groups/*.js)))
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
	$(call say,NPM,$<)
	@cp $^ snapshot/prelude/.npmrc $(@D)
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
# The licences of those libraries go where the groups go.
THIRD_PARTY := $(firstword $(dir $(BUNDLED)))third_party.txt
$(addprefix $(BUILD)/gen/prelude/,$(addsuffix .js,$(PRELUDE_GROUPS)) third_party.txt) &: $(BUILD)/npm/prelude/installed snapshot/prelude/bundle.js \
	  $(wildcard $(addprefix snapshot/prelude/,*.js intrinsics/*.js groups/*.js lib/*.js lib/*/*.js))
	$(call say,BUNDLE,snapshot/prelude/groups)
	$(Q)node snapshot/prelude/bundle.js $(<D)/node_modules snapshot/prelude/groups $(BUILD)/gen/prelude

# Another vendor's headers compile, link and run silently wrong against Debian's library.
$(BUILD)/v8-checked: packaging/v8-check.cc
	@mkdir -p $(@D)
	@$(CXX) -std=c++20 -isystem $(NODE_INCLUDE) $< -o $(BUILD)/v8-check $(NODE_LIBS) || { echo "V8 not found: run make deps" >&2; exit 1; }
	@$(BUILD)/v8-check
	@touch $@

# --- programs and libraries --------------------------------------------------------------------------------------------

comma := ,
# A zygote moves its code and its constants into huge pages, which must have nothing else in them.
HUGE_SEGMENTS := -Wl,-z,separate-code,-z,max-page-size=0x200000
# $(call link,libraries): a program of the objects and archives among its prerequisites.
define link
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $(filter %.o %.a,$^) -o $@ $(1)
endef

$(BUILD)/bin/lethed: $(BUILD)/obj/daemon/master/main.o $(MASTER) $(IPC)
	$(call link,$(MASTER_LIBS))
$(BUILD)/bin/lethe-zygote: $(BUILD)/obj/daemon/worker/main.o $(WORKER) $(BUILD)/obj/snapshot/cache.o $(NATIVES) $(ENGINE) $(IPC)
	$(call link,$(WORKER_LIBS) $(HUGE_SEGMENTS))
$(BUILD)/bin/lethe-snapshot: $(BUILD)/obj/snapshot/main.o $(SNAPSHOT) $(NATIVES) $(ENGINE) $(IPC)
	$(call link,$(WORKER_LIBS))
$(BUILD)/bin/lethe: $(BUILD)/obj/client/command/main.o $(COMMAND) $(BUILD)/lib/liblethe.a
	$(call link,$(COMMAND_LIBS))

$(BUILD)/lib/liblethe.so.0: $(CLIENT) $(IPC) client/liblethe.map
	$(call link,-shared -Wl$(comma)-soname$(comma)liblethe.so.0 -Wl$(comma)--version-script=client/liblethe.map)
$(BUILD)/lib/liblethe.so: $(BUILD)/lib/liblethe.so.0
	@ln -sf liblethe.so.0 $@
$(BUILD)/lib/liblethe.a: $(CLIENT) $(IPC)
	@mkdir -p $(@D)
	$(call say,AR,$@)
	@rm -f $@ && ar rcs $@ $^

# The library's examples, compiled as its users would.
EXAMPLES := $(patsubst client/examples/%,$(BUILD)/examples/%,$(basename $(wildcard client/examples/*.c client/examples/*.cc)))
$(BUILD)/examples/%: client/examples/%.c $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=c11 $(WARNINGS) -Iclient/include $< -o $@ -L$(BUILD)/lib -llethe -Wl,-rpath,'$$ORIGIN/../lib'
$(BUILD)/examples/%: client/examples/%.cc $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) -std=c++20 $(WARNINGS) -Iclient/include $< -o $@ -L$(BUILD)/lib -llethe -Wl,-rpath,'$$ORIGIN/../lib'
examples: $(EXAMPLES) ## build client/examples

debug: ## build into build/debug/ what a debugger likes: all variables, little optimization
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/debug NODE_ROOT=$(NODE_ROOT) OPTIMIZE=-Og DEBUG_INFO=-g3 TOGETHER=1 all units

compile-commands: ## write build/compile_commands.json, for clangd and its like
	@mkdir -p $(BUILD)
	@$(MAKE) -nB V=1 TOGETHER=1 all tests | awk -v folder='$(CURDIR)' -f .ci/compile_commands.awk > $(BUILD)/compile_commands.json

demo: ## see it work: install what is needed, build, register a script, call it, kill a runaway
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@client/examples/demo.sh $(BUILD)/bin

include tests/tests.mk

# --- style -------------------------------------------------------------------------------------------------------------

CXX_SOURCES := $(shell git ls-files '*.cc' '*.h' '*.hpp' '*.c' 2>/dev/null)
SCRIPTS := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)
# TIDY_SINCE=COMMIT: only what has changed since then goes through clang-tidy, which takes long.
TIDY_SINCE ?=
TIDY_SOURCES := $(if $(TIDY_SINCE),$(shell git diff --name-only --diff-filter=d $(TIDY_SINCE) -- '*.cc'),$(filter %.cc,$(CXX_SOURCES)))
TIDIED := $(patsubst %.cc,$(BUILD)/lint/%.tidied,$(filter-out client/examples/% tests/interop/% packaging/v8-check.cc,$(TIDY_SOURCES)))

# The bundler checks the prelude: see snapshot/prelude/intrinsics.
lint: $(TIDIED) $(BUNDLED) ## check includes, format, clang-tidy (of what has changed), shell scripts, the prelude and the Python client's types
	awk -f .ci/walls.awk .ci/walls $(filter ipc/% daemon/% snapshot/% client/%,$(CXX_SOURCES))
	clang-format --dry-run -Werror $(CXX_SOURCES)
	shellcheck $(SCRIPTS)
	MYPYPATH=client/python mypy --config-file client/python/pyproject.toml --cache-dir $(BUILD)/lint/mypy -p lethe

$(BUILD)/lint/%.tidied: %.cc .clang-tidy | $(BUILD)/v8-checked
	@mkdir -p $(@D)
	clang-tidy --quiet --warnings-as-errors='*' $< -- $(CPPFLAGS) -std=c++20 $(call v8_flags,$<)
	@$(CXX) $(CPPFLAGS) -std=c++20 $(call v8_flags,$<) -MM -MP -MT $@ -MF $(@:.tidied=.d) $<
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
	tar -C client/node -cf - --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$${SOURCE_DATE_EPOCH:-0} --mode=u=rwX,go=rX --transform 's|^|package/|' \
	  README.md MIGRATION.md package.json lib | gzip -9n > $(DESTDIR)$(PREFIX)/share/lethe/lethe-node.tgz
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) client/SCRIPTS.md
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' client/lethe.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/lethe.pc
	[ -e $(DESTDIR)$(SYSCONFDIR)/lethe/lethe.toml ] || $(INSTALL) -m 644 $(BUILD)/lethe.toml $(DESTDIR)$(SYSCONFDIR)/lethe
	$(INSTALL) -m 644 $(SYSTEMD_UNITS) $(DESTDIR)$(UNITDIR)
	$(INSTALL) -m 644 systemd/lethe.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/lethe.conf
	$(INSTALL) -m 644 systemd/lethe.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/lethe.conf
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(DOCDIR) $(THIRD_PARTY)
	for page in $(MAN_PAGES); do $(INSTALL) -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit 1; done

clean: ## remove what was built (the unpacked libnode and Debian roots stay)
	[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps ! -name roots -exec rm -rf {} +

-include $(shell find $(BUILD)/obj $(BUILD)/lint -name '*.d' 2>/dev/null)
