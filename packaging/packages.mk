# Manual pages, units, tarball, packages and their tests: the part of the Makefile that deals with delivery.

# Everything that carries a date carries this one, so that two builds of one commit are alike.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
endif
export SOURCE_DATE_EPOCH

# --- manual pages and default configuration ----------------------------------------------------------------------------

# Programs that print the code's own tables, as parts of the pages.
$(BUILD)/man/tables: $(addprefix $(BUILD)/obj/,packaging/man/tables.o daemon/master/operation/settings.o daemon/master/operation/settings_sources.o ipc/error.o)
	$(call link,-lfmt)
$(BUILD)/man/options: $(addprefix $(BUILD)/obj/,packaging/man/options.o packaging/man/options_lethe.o packaging/man/options_daemon.o \
	  daemon/master/command_line.o snapshot/command_line.o) \
	  $(COMMAND) $(BUILD)/lib/liblethe.a
	$(call link,$(COMMAND_LIBS))

MAN_PAGES := $(patsubst packaging/man/%.in,$(BUILD)/man/%,$(wildcard packaging/man/*.in))
$(BUILD)/man/%: packaging/man/%.in packaging/man/page.sh packaging/man/header.awk $(BUILD)/man/tables $(BUILD)/man/options \
	  client/include/lethe.h client/examples/call.c
	BUILD=$(BUILD) packaging/man/page.sh $< "$$(date -u -d @$(SOURCE_DATE_EPOCH) '+%B %-d, %Y')" $(VERSION) > $@.part
	mv $@.part $@
man: $(MAN_PAGES) ## build the manual pages

$(BUILD)/lethe.toml: $(BUILD)/man/tables
	$(BUILD)/man/tables configuration > $@

# --- systemd -----------------------------------------------------------------------------------------------------------

# Each unit and its template for further instances are one text.
SYSTEMD_UNITS := $(addprefix $(BUILD)/systemd/,lethed.service lethed.socket lethed@.service lethed@.socket)
unit_text = sed -e 's|@SBINDIR@|$(PREFIX)/sbin|; s|@BINDIR@|$(PREFIX)/bin|; s|@UNIT@|$(1)|; s|@NAME@|$(2)|g; s|@DESCRIPTION@|$(3)|' $< > $@
$(BUILD)/systemd/lethed.%: systemd/lethed.%.in
	@mkdir -p $(@D)
	$(call unit_text,lethed,lethe,Lethe runs JavaScript for other programs)
$(BUILD)/systemd/lethed@.%: systemd/lethed.%.in
	@mkdir -p $(@D)
	$(call unit_text,lethed@,lethe@%i,Lethe runs JavaScript for other programs (instance %i))

# --- packages ----------------------------------------------------------------------------------------------------------

NAME_VERSION := lethe-$(VERSION)
dist: $(BUNDLED) $(THIRD_PARTY) ## make the source tarball of the last commit, build/dist/
	@mkdir -p $(BUILD)/dist
	git archive --format=tar --prefix=$(NAME_VERSION)/snapshot/prelude/bundled/ $(addprefix --add-file=,$(BUNDLED) $(THIRD_PARTY)) \
	  --prefix=$(NAME_VERSION)/ HEAD | gzip -n9 > $(BUILD)/dist/$(NAME_VERSION).tar.gz

ROOTS := $(BUILD)/roots
SUITE ?= $(shell . /etc/os-release && echo $$VERSION_CODENAME)
$(ROOTS)/%-build: packaging/root.sh packaging/debian/control
	packaging/root.sh build $* $@
$(ROOTS)/%-test: packaging/root.sh
	packaging/root.sh test $* $@
$(ROOTS)/%-vm: packaging/root.sh
	packaging/root.sh vm $* $@
.PRECIOUS: $(ROOTS)/%-build $(ROOTS)/%-test $(ROOTS)/%-vm

# Where packages go, and how the build's surroundings differ when it is done again.
DEB ?= $(BUILD)/deb/$(SUITE)
RPM ?= $(BUILD)/rpm
AGAIN := umask 077 && TZ=Pacific/Kiritimati
deb: dist $(ROOTS)/$(SUITE)-build ## build Debian packages for SUITE (bookworm, trixie), build/deb/SUITE/
	OFFLINE=1 packaging/in-root.sh $(ROOTS)/$(SUITE)-build packaging/deb.sh $(BUILD)/dist/$(NAME_VERSION).tar.gz $(SUITE) $(DEB)
rpm: dist $(ROOTS)/$(SUITE)-build ## build RPM packages, build/rpm/
	OFFLINE=1 packaging/in-root.sh $(ROOTS)/$(SUITE)-build packaging/rpm.sh $(BUILD)/dist/$(NAME_VERSION).tar.gz $(RPM)

# After those of the steps before that are to be made in the same go.
after = $(filter $(1),$(MAKECMDGOALS))
check-deb: $(ROOTS)/$(SUITE)-test | $(call after,deb) ## test the Debian packages of SUITE in a system that boots; TEST names some of the tests
	packaging/tests/check.sh $(SUITE) $(BUILD) $(TEST)
check-vm: $(ROOTS)/$(SUITE)-vm | $(call after,deb check-deb) ## test them in a virtual machine: limits of memory
	packaging/tests/check-vm.sh $(SUITE) $(BUILD) $(TEST)
check-rpm: $(ROOTS)/$(SUITE)-test | $(call after,deb check-deb check-vm rpm) ## test the RPM packages in a system that boots (they need the Debian packages of SUITE)
	packaging/tests/check.sh $(SUITE) $(BUILD) rpm
# All is compiled again for the Debian packages; the RPM packages show that the rest depends on nothing else either.
check-reproducible: | $(call after,deb rpm check-deb check-rpm) ## build the packages of SUITE, and those for rpm, once more and compare
	$(AGAIN) CCACHE_DISABLE=1 $(MAKE) --no-print-directory deb DEB=$(BUILD)/again/deb/$(SUITE)
	packaging/tests/reproducible.sh $(DEB) $(BUILD)/again/deb/$(SUITE)
	$(AGAIN) $(MAKE) --no-print-directory rpm RPM=$(BUILD)/again/rpm
	packaging/tests/reproducible.sh $(RPM) $(BUILD)/again/rpm

# One after the other: each needs what the one before has built.
check-packages: ## build and test all packages, in systems of Debian 12 and 13 that boot
	set -e; for suite in bookworm trixie; do for step in deb check-deb check-vm; do $(MAKE) --no-print-directory SUITE=$$suite $$step; done; done
	set -e; for step in rpm check-rpm check-reproducible; do $(MAKE) --no-print-directory SUITE=bookworm $$step; done

.PHONY: man dist deb rpm check-deb check-vm check-rpm check-reproducible check-packages
