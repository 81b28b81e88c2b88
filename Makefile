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
CFLAGS   := $(CSTD) $(WARN) $(OPT) $(SAN) -Ilib -MMD -MP
LDFLAGS  := -Wl,--as-needed -Wl,-z,relro,-z,now $(SAN)

# --- programs: folders, libraries ------------------------------------------
DAEMONS      := super router web gitd receive builder plan jail logd
DIRS_super   := runtime/super
DIRS_router  := router
DIRS_web     := web web/api web/store web/ui
DIRS_gitd    := gitd
DIRS_receive := gitd/receive
DIRS_builder := builder
DIRS_plan    := runtime/plan
DIRS_jail    := runtime/jail
DIRS_logd    := runtime/logd
LIBS_web     := -lmicrohttpd -lsqlite3 -ljansson -lcrypto
LIBS_gitd    := -lmicrohttpd -lgit2
LIBS_receive := -lgit2
LIBS_builder := -ljansson
LIBS_jail    := -lmnl

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

# inner runs inside strange roots, so it brings all it needs.
$(LIBEXEC)/inner: $(patsubst %.c,$(B)/obj/%.o,$(wildcard builder/inner/*.c)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -static -o $@ $^ -larchive -ljansson -lcrypto

$(LIBEXEC)/paas-shim: $(patsubst %.c,$(B)/musl/%.o,$(wildcard runtime/shim/*.c)) $(TINY_OBJ)
$(LIBEXEC)/launcher: $(patsubst %.c,$(B)/musl/%.o,$(wildcard builder/launcher/*.c)) $(TINY_OBJ)
$(LIBEXEC)/paas-shim $(LIBEXEC)/launcher:
	@mkdir -p $(@D)
	$(MUSL_CC) -static -Os -s -Wl,--gc-sections -o $@ $^

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(firstword $(subst /, ,$*)) -I$(dir $*) -c -o $@ $<

$(B)/musl/%.o: %.c
	@mkdir -p $(@D)
	$(MUSL_CC) $(CSTD) $(WARN) -Os -ffunction-sections -fdata-sections -Ilib -I$(dir $*) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(B)
