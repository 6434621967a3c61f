# The call centre's commands. All they make stays under .sandbox/; see README.md.
#
#   make run [WORKERS=4]        the call centre in this terminal, Ctrl-C ends it
#   make call [FROM= TO= STAY=] a demo customer calls
#   make test                   every test
#   make test STAGES=lint,js    some stages: lint python alone together js pbx e2e
#   make test ADDON=callcenter_core TAGS=:TestCall     one addon, in under a minute
#   make shots                  the manual's pictures, taken anew
#   make lint · make bench NAME=lookup · make setup
#   make test-upstream [MODULES=crm,mail]              Odoo's own tests, with and without
#
# INSTANCE=name PORT_OFFSET=3000 keeps any of them apart from the others.

PYTHON ?= python3
SANDBOX = $(PYTHON) -m sandbox
option = $(if $(2),$(1) '$(2)')

run:
	@$(SANDBOX) run $(call option,--workers,$(WORKERS))

call:
	@$(SANDBOX) call $(call option,--from,$(FROM)) $(call option,--to,$(TO)) \
		$(call option,--stay,$(STAY))

test:
	@$(SANDBOX) test $(call option,--stages,$(STAGES)) \
		$(call option,--addon,$(ADDON)) $(call option,--tags,$(TAGS))

test-upstream:
	@$(SANDBOX) test-upstream $(call option,--modules,$(MODULES))

lint bench shots setup:
	@$(SANDBOX) $@ $(NAME)

.PHONY: run call test lint bench shots test-upstream setup
