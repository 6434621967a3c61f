# The call centre's commands; everything they make stays under .sandbox/.
PYTHON ?= python3
SANDBOX = $(PYTHON) -m sandbox

setup:
	@$(SANDBOX) setup

.PHONY: setup
