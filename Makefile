# SPDX-License-Identifier: Apache-2.0
#
#	make            builds $(B)/snapsh
#	make test       installs what is missing, builds, runs every test
#	make demo       the same with a real redis-server that goes back and forth
#	make unit live property flow apps fault inspect lint    one suite of `make test`
#	make check-vm   trackers and victims on Debian's kernel, in qemu
#	make bench      measures; asan: unit tests under sanitizers
#	make install PREFIX=/usr/local DESTDIR=
#
# B is the build directory, CC may be gcc or clang. FOLDERS restricts what is
# built, FOLDERS='core/base proto' for the work on one corner of the tree; V=1
# shows whole commands.
#
#	$(B)/gen          generated sources: proto/*.pb-c.[ch], parasite/blob.h
#	$(B)/libsnapsh.a  everything but shell/main.c
#	$(B)/test/PATH    unit tests, victims and other test programs

B := build
PREFIX := /usr/local
FOLDERS := $(sort $(wildcard core/*)) proto catalog \
	snap $(sort $(patsubst %/,%,$(wildcard snap/*/))) shell
# SAN=address,undefined builds with these sanitizers.
SAN :=

Q := $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-8s %s\n')

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all programs tests clean deps lint unit live property flow apps fault inspect vm \
	check-vm bench \
	demo test asan install FORCE

all: $(B)/snapsh $(B)/man/snapsh.1

# ---- what there is ----

LIBS := libprotobuf-c sqlite3 libcap libdw readline liblz4 libxxhash jansson libbpf
SOURCES := $(wildcard $(addsuffix /*.c,$(FOLDERS)))
UNIT_SOURCES := $(filter %_test.c,$(SOURCES))
LIB_SOURCES := $(filter-out %_test.c shell/main.c,$(SOURCES))
PROTOS := $(wildcard proto/*.proto)
GEN := $(PROTOS:%.proto=$(B)/gen/%.pb-c.c)
GEN_H := $(GEN:.c=.h) $(patsubst %.S,$(B)/gen/parasite/blob.h,$(wildcard parasite/parasite.S))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(B)/%.o) $(GEN:%.c=%.o)
UNITS := $(UNIT_SOURCES:%.c=$(B)/test/%)
PLAIN_SOURCES := $(wildcard $(addsuffix /*.c,$(addprefix test/,live property flow fault bench)) \
	examples/*.c)
PLAIN := $(PLAIN_SOURCES:%.c=$(B)/%)

CFLAGS := -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# "=" and nothing: a source that defines _GNU_SOURCE itself says the same.
BASIC := -std=gnu11 -D_GNU_SOURCE= -pthread $(CFLAGS) -MMD -MP
COMPILE := $(BASIC) $(SANITIZE) -I. -I$(B)/gen $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
# The C++ runtime, which demangles names; by its file, for the link to it is a compiler's.
LINK_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -l:libstdc++.so.6 -pthread
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)

# ---- the program ----

$(B)/snapsh: $(B)/shell/main.o $(B)/libsnapsh.a
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LINK_LIBS)

$(B)/libsnapsh.a: $(LIB_OBJECTS) $(B)/objects
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $(LIB_OBJECTS)

$(B)/%.o: %.c $(B)/flags | $(GEN_H)
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(COMPILE) $(WARNINGS) -c -o $@ $<

$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags | $(GEN_H)
	$(SAY) CC $<
	$(Q)$(CC) $(COMPILE) -w -c -o $@ $<

$(B)/gen/%.pb-c.c $(B)/gen/%.pb-c.h: %.proto $(B)/flags
	@mkdir -p $(B)/gen
	$(SAY) PROTOC $<
	$(Q)protoc-c -I . --c_out=$(B)/gen $<

# Two notes of what the last build was made of, touched only when that changed:
# other flags rebuild everything, a source that went away rebuilds the archive.
# Nothing is compiled before the first: it is where missing packages are named.
$(B)/flags: FORCE
	@test/deps --check build
	@mkdir -p $(B)
	@echo '$(CC) $(COMPILE) $(WARNINGS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/objects: FORCE
	@mkdir -p $(B)
	@echo '$(LIB_OBJECTS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# ---- the manual ----

# Options and commands are the table's.
MAN_PARTS := $(addprefix doc/man/snapsh.1.,head tail)
$(B)/man/snapsh.1: $(B)/snapsh $(MAN_PARTS)
	@mkdir -p $(@D)
	$(Q)$(B)/snapsh help --man | cat doc/man/snapsh.1.head - doc/man/snapsh.1.tail >$@

# ---- the interpreter ----

$(B)/parasite/parasite.o: parasite/parasite.S $(B)/flags
	@mkdir -p $(@D)
	$(SAY) AS $<
	$(Q)$(CC) -I. -MMD -MP -c -o $@ $<

$(B)/gen/parasite/blob.h: $(B)/parasite/parasite.o parasite/check
	@mkdir -p $(@D)
	$(Q)parasite/check $< $@

# ---- tests ----

# Unit tests: PATH/x_test.c beside its subject is $(B)/test/PATH/x_test.
$(UNITS): $(B)/test/%: $(B)/%.o $(B)/libsnapsh.a
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(CMOCKA_LIBS) $(LINK_LIBS)

# Programs that know nothing of ours. A comment line "// cflags: FLAGS (why)" of
# theirs adds to how they are built: "-static", "-lfoo".
$(PLAIN): $(B)/%: %.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(BASIC) -MF $@.d -MT $@ -O1 $(WARNINGS) -I. -o $@ $< \
		$$(sed -n 's|^// cflags: \([^(]*\).*|\1|p' $<) -lrt

programs: all $(PLAIN)
tests: programs $(UNITS)

# All processors, unless make was told.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
SUITES := lint unit live property flow apps fault inspect vm
# Where the test programs are, what builds more of them, and which unit tests there are.
RUN := B=$(abspath $(B)) CC='$(CC)' UNITS='$(UNIT_SOURCES:.c=)' test/run

lint:
	@$(RUN) lint

unit: $(UNITS)
	@$(RUN) unit

live property flow apps fault inspect: programs
	@$(RUN) $@

# On Debian's own kernel, in qemu.
vm check-vm: tests
	@$(RUN) vm

test: deps
	$(MAKE) $(JOBS) tests
	@$(RUN) $(SUITES)

deps:
	test/deps build test
	-@test/deps more

bench: programs
	B=$(abspath $(B)) test/bench/run

demo:
	test/deps build demo
	$(MAKE) $(JOBS) all
	B=$(abspath $(B)) examples/demo.sh

asan:
	$(MAKE) B=$(B)/asan SAN=address,undefined unit

# ---- the rest ----

SHARE = $(DESTDIR)$(PREFIX)/share
install: all
	install -D -m 755 $(B)/snapsh $(DESTDIR)$(PREFIX)/bin/snapsh
	install -D -m 644 $(B)/man/snapsh.1 $(SHARE)/man/man1/snapsh.1
	set -e; for page in doc/man/*.5; do \
		install -D -m 644 $$page $(SHARE)/man/man5/$${page##*/}; done
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions
	$(B)/snapsh completion bash >$(SHARE)/bash-completion/completions/snapsh
	$(B)/snapsh completion zsh >$(SHARE)/zsh/site-functions/_snapsh

clean:
	rm -rf $(B)

-include $(LIB_OBJECTS:.o=.d) $(UNIT_SOURCES:%.c=$(B)/%.d) $(PLAIN:=.d) $(B)/shell/main.d
-include $(B)/parasite/parasite.d
