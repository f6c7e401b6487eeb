# Thin calls of ./switchboard for those who type make; `./switchboard` lists all commands and their arguments.

.DEFAULT_GOAL := help
.PHONY: help up reset test test-database test-slow test-browser fuzz lint format lock sql bench migration clean

PORTS = $(if $(PORT),--port $(PORT)) $(if $(DATABASE_PORT),--database-port $(DATABASE_PORT))
export PYTHON

help:
	@./switchboard

up:  # REAL=openai,telegram,stripe PORT= DATABASE_PORT=
	@./switchboard up $(PORTS) $(if $(REAL),--real $(REAL))

reset:  # YES=1 does not ask
	@./switchboard reset $(PORTS) $(if $(YES),--yes)

test test-database test-slow:  # WORKERS=
	@./switchboard $@ $(if $(WORKERS),--workers $(WORKERS))

test-browser lint format sql bench clean:
	@./switchboard $@

fuzz:  # COUNT= SEED=
	@./switchboard fuzz $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

lock:  # UPGRADE=1
	@./switchboard lock $(if $(UPGRADE),--upgrade)

migration:  # name=add_promocodes
	@./switchboard migration $(name)
