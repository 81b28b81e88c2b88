# One Makefile for the whole tree. `make help` tells the targets.

CC       ?= cc
MUSL_CC  ?= musl-gcc
B        ?= build
CSTD     := -std=gnu17 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2 \
            -Wno-format-nonliteral -Wno-unused-parameter
OPT      ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
SAN      ?=
SAN_OBJ  ?=
CFLAGS   := $(CSTD) $(WARN) $(OPT) $(SAN) -Ilib -MMD -MP
LDFLAGS  := -Wl,--as-needed -Wl,-z,relro,-z,now $(SAN) $(SAN_OBJ)

# --- programs: folders, libraries ------------------------------------------
DAEMONS      := super router web gitd receive builder plan jail logd outbound names
DIRS_super   := runtime/super
DIRS_router  := router
DIRS_web     := web web/api web/store web/ui
DIRS_gitd    := gitd
DIRS_receive := gitd/receive
DIRS_builder := builder
DIRS_plan    := runtime/plan
DIRS_jail    := runtime/jail
DIRS_logd    := runtime/logd
DIRS_outbound := runtime/outbound
DIRS_names   := runtime/names
LIBS_router  := -lssl -lcrypto
LIBS_web     := -lmicrohttpd -lsqlite3 -ljansson -lcrypto
LIBS_gitd    := -lmicrohttpd -lz
LIBS_receive := -lgit2
LIBS_builder := -ljansson
LIBS_jail    := -lmnl
LIBS_outbound := -lcurl -lssl

TOPS_ALL := lib gitd builder runtime router web cli
LIB_DIRS := lib/base lib/wire lib/ev lib/ipc lib/proc
LIB_SRC  := $(wildcard $(addsuffix /*.c,$(LIB_DIRS)))
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/obj/%.o)
LIB      := $(B)/obj/libpaas.a

# The shim and the launcher are static musl programs: libc and these alone.
TINY_LIB := $(wildcard lib/base/*.c lib/wire/*.c)
TINY_OBJ := $(TINY_LIB:%.c=$(B)/musl/%.o)

LIBEXEC  := $(B)/libexec/paas
BIN      := $(B)/bin/paas $(DAEMONS:%=$(LIBEXEC)/paas-%) \
            $(LIBEXEC)/paas-shim $(LIBEXEC)/inner $(LIBEXEC)/launcher

.PHONY: all
all: $(BIN)

define DAEMON
SRC_$(1) := $$(wildcard $$(addsuffix /*.c,$$(DIRS_$(1))))
$$(LIBEXEC)/paas-$(1): $$(SRC_$(1):%.c=$$(B)/obj/%.o) $$(LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1))
endef
$(foreach d,$(DAEMONS),$(eval $(call DAEMON,$(d))))

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/bin/paas: $(patsubst %.c,$(B)/obj/%.o,$(wildcard cli/*.c)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcurl -ljansson

# inner runs inside strange roots, so it brings all it needs. It makes the
# environment of a build as the launcher makes that of an app.
$(LIBEXEC)/inner: $(patsubst %.c,$(B)/obj/%.o,$(wildcard builder/inner/*.c builder/inner/phase/*.c) builder/launcher/env.c) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -static -o $@ $^ -larchive -ljansson -lcrypto -lz

$(LIBEXEC)/paas-shim: $(patsubst %.c,$(B)/musl/%.o,$(wildcard runtime/shim/*.c)) $(TINY_OBJ)
$(LIBEXEC)/launcher: $(patsubst %.c,$(B)/musl/%.o,$(wildcard builder/launcher/*.c)) $(TINY_OBJ)
$(LIBEXEC)/paas-shim $(LIBEXEC)/launcher:
	@mkdir -p $(@D)
	$(MUSL_CC) -static -Os -s -Wl,--gc-sections -o $@ $^

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(firstword $(subst /, ,$*)) -I$(dir $*) -c -o $@ $<

# The assembler reads these, so no compiler tells that they changed.
$(B)/obj/web/ui/assets.o $(B)/san/web/ui/assets.o: \
	$(wildcard $(addprefix web/ui/*.,html js css svg))

$(B)/musl/%.o: %.c
	@mkdir -p $(@D)
	$(MUSL_CC) $(CSTD) $(WARN) -Os -ffunction-sections -fdata-sections -Ilib -I$(dir $*) -MMD -MP -c -o $@ $<

# --- tests -------------------------------------------------------------------
# A unit test or fuzzer names what it links beside lib in its first lines:
#   links: runtime/plan/step.c runtime/logd/ -lsqlite3
# A folder stands for all its files but main.c.
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all \
             -fno-omit-frame-pointer
SAN_LIB   := $(LIB_SRC:%.c=$(B)/san/%.o)
UNIT_SRC  := $(wildcard tests/unit/*_test.c)
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
FUZZ_SRC  := $(wildcard tests/fuzz/*_fuzz.c)
REPLAY    := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/replay/%)
FUZZERS   := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_SECONDS ?= 20

links_of = $(shell sed -n '1,12s/^.*links: *\([^*]*\).*/\1/p' $(1))
sources_of = $(foreach w,$(filter-out -l%,$(1)),$(if $(filter %/,$(w)), \
             $(filter-out $(w)main.c,$(wildcard $(w)*.c)),$(w)))
# A program's files find each other from its top folder.
tops_of = $(addprefix -I,$(sort $(foreach w,$(filter-out -l%,$(1)), \
          $(firstword $(subst /, ,$(w))))))

$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -O1 -g $(SANITIZE) -Ilib -I. -I$(firstword $(subst /, ,$*)) -I$(dir $*) $(TOPS) -MMD -MP -c -o $@ $<

# TEST_BINARY(program, its source, further objects, further libraries)
define TEST_BINARY
LINKS_$(2) := $$(call links_of,$(2))
$(1): TOPS := $$(call tops_of,$$(LINKS_$(2)))
$(1): $(B)/san/$(2:.c=.o) $$(patsubst %.c,$(B)/san/%.o,$$(call sources_of,$$(LINKS_$(2)))) $(SAN_LIB) $(3)
	@mkdir -p $$(@D)
	$$(CC) $(SANITIZE) -o $$@ $$(filter %.o,$$^) $$(filter -l%,$$(LINKS_$(2))) $(4)
endef
$(foreach t,$(UNIT_SRC),$(eval $(call TEST_BINARY,$(t:tests/unit/%.c=$(B)/unit/%),$(t),,-lcmocka)))
$(foreach t,$(FUZZ_SRC),$(eval $(call TEST_BINARY,$(t:tests/fuzz/%.c=$(B)/replay/%),$(t),$(B)/san/tests/fuzz/replay.o,)))

.PHONY: unit sim chaos fuzz-replay fuzz flow host test bench lint includes asan run install uninstall help
unit: $(UNIT_BIN)
	@tests/run-all.sh $(sort $(UNIT_BIN))

fuzz-replay: $(REPLAY)
	@set -e; for f in $(sort $(REPLAY)); do \
		$$f $$(find tests/corpus/$$(basename $$f _fuzz) -type f); done

$(FUZZERS): $(B)/fuzz/%: tests/fuzz/%.c $(LIB_SRC)
	@mkdir -p $(@D)
	clang $(CSTD) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-Ilib -I. $(call tops_of,$(LINKS_$<)) -o $@ $< $(call sources_of,$(LINKS_$<)) $(LIB_SRC) $(filter -l%,$(LINKS_$<))

# One after the other, each for so long. What one found lies in build/fuzz.
fuzz: $(FUZZERS)
	@for f in $(sort $(FUZZERS)); do \
		name=$$(basename $$f _fuzz); mkdir -p $(B)/corpus/$$name; echo "fuzz $$name"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f- $(B)/corpus/$$name \
			tests/corpus/$$name >$$f.log 2>&1 || { tail -n 60 $$f.log; exit 1; }; done

# What a hostile program tries from inside; it brings all it needs.
$(B)/abuse: $(wildcard tests/abuse/*.c) tests/abuse/abuse.h
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -O1 -static -o $@ $(filter %.c,$^)

# Programs that flow tests run, to reach parsers of ours by themselves.
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
$(foreach t,$(wildcard tests/tools/*.c),$(eval $(call TEST_BINARY,$(t:tests/tools/%.c=$(B)/tools/%),$(t),,)))

flow: all $(B)/abuse $(TOOLS)
	/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/flow

# A million random events for plan.
sim: $(B)/unit/plan_sim_test
	PLAN_SIM_SEEDS=100 $<

# Random kills and changes under load, as many as the design asks for.
KILLS ?= 1000
CHANGES ?= 200
SEED ?=
chaos: all
	KILLS=$(KILLS) CHANGES=$(CHANGES) SEED=$(SEED) \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/flow/test_chaos.py

test:
	runtime/super/setup.sh test-deps
	$(MAKE) -j$$(nproc) all
	$(MAKE) -j$$(nproc) lint
	$(MAKE) -j$$(nproc) unit
	$(MAKE) -j$$(nproc) fuzz-replay
	$(MAKE) flow

# A stock Debian 12 machine with systemd, in software emulation.
host: all $(B)/abuse
	runtime/super/setup.sh host-deps
	/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/host

bench:
	runtime/super/setup.sh test-deps
	$(MAKE) -j$$(nproc) all $(B)/abuse
	/usr/bin/python3 tests/bench/bench.py $(BENCH)

run:
	@runtime/super/setup.sh run $(ARGS)

# A second tree to run from, laid out as an installed one, with sanitizers.
# The static programs run where there are no libraries, so they come as they
# are.
STATIC := $(LIBEXEC)/paas-shim $(LIBEXEC)/inner $(LIBEXEC)/launcher
asan: all $(B)/san/tests/asan.o
	$(MAKE) SAN_OBJ=$(B)/san/tests/asan.o B=$(B)/asan OPT="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
		$(patsubst $(B)/%,$(B)/asan/%,$(filter-out $(STATIC),$(BIN)))
	cp $(STATIC) $(B)/asan/libexec/paas/
	mkdir -p $(B)/asan/share/paas
	ln -sfn $(CURDIR)/buildpacks $(B)/asan/share/paas/buildpacks

# Form, shell, calls kept out, libraries linked: all findings of one run.
lint: includes
	tests/lint.sh $(LIBEXEC)

# Who may include whom; part of every build.
includes: $(B)/includes
$(B)/includes: tests/includes.sh $(shell find $(TOPS_ALL) -name '*.[ch]')
	@tests/includes.sh
	@mkdir -p $(@D)
	@touch $@
$(BIN): | $(B)/includes

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
D          := $(DESTDIR)$(PREFIX)
INSTALLED  := $(D)/bin/paas $(D)/libexec/paas $(D)/share/paas \
              $(D)/lib/systemd/system/paas.service $(D)/lib/sysusers.d/paas.conf \
              $(DESTDIR)$(SYSCONFDIR)/apparmor.d/paas-app
install: all
	@# What `make run` puts there leads into its tree.
	test ! -L $(D)/libexec/paas || rm $(D)/libexec/paas
	install -d $(D)/bin $(D)/libexec/paas $(D)/share/paas $(D)/lib/systemd/system \
		$(D)/lib/sysusers.d $(DESTDIR)$(SYSCONFDIR)/apparmor.d
	@# install unlinks first, so what runs goes on with what it has.
	install $(B)/bin/paas $(D)/bin/
	install $(filter $(LIBEXEC)/%,$(BIN)) $(D)/libexec/paas/
	rm -rf $(D)/share/paas/buildpacks
	cp -R buildpacks $(D)/share/paas/
	install runtime/super/setup.sh $(D)/share/paas/
	install -m 644 runtime/super/packages.txt $(D)/share/paas/
	install -m 644 runtime/jail/paas-app.apparmor $(DESTDIR)$(SYSCONFDIR)/apparmor.d/paas-app
	install -m 644 runtime/super/paas.sysusers $(D)/lib/sysusers.d/paas.conf
	$(B)/bin/paas server --sample-config >$(D)/share/paas/paas.conf.sample
	sed 's,@PREFIX@,$(PREFIX),' runtime/super/paas.service >$(D)/lib/systemd/system/paas.service
	@echo 'Next: paas setup, then: systemctl enable --now paas'

# What install has put there; settings and the state folder stay.
uninstall:
	rm -rf $(INSTALLED)

help:
	@echo 'make run [ARGS=...]   install what is missing, build, start the platform'
	@echo 'make test             install what tests need, build, run every test'
	@echo 'make all              build into $(B)/bin and $(B)/libexec/paas'
	@echo 'make unit             unit tests with sanitizers, totals at the end'
	@echo 'make flow             flow tests against platforms of their own'
	@echo 'make sim              plan through a million random events'
	@echo 'make chaos            KILLS ($(KILLS)) random kills, CHANGES ($(CHANGES)) under load; SEED'
	@echo 'make host             install and test in a Debian 12 machine of its own (slow)'
	@echo 'make fuzz-replay      the kept inputs of each fuzzer'
	@echo 'make fuzz             each fuzzer for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make lint             form, shell, includes and the rules of this tree'
	@echo 'make asan             the programs with sanitizers, in $(B)/asan'
	@echo 'make bench            the promises, measured'
	@echo 'make install          into PREFIX ($(PREFIX)), with a systemd unit'
	@echo 'make uninstall        take that away again; the state stays'
	@echo 'make clean            remove $(B)'

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(B)
