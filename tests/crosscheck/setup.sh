#!/bin/sh
# Makes .venv-crosscheck: the libraries that tests/crosscheck and tests/bench/vectorbt_side.py compare Trefoil with.
# They bring sixty packages that Trefoil has no use for, so they live apart. Run it again when requirements.txt changes.
set -eu
cd "$(dirname "$0")/../.."
uv=.venv/bin/uv
test -x "$uv" || uv=uv
test -x .venv-crosscheck/bin/python || "$uv" venv --quiet --python .venv/bin/python .venv-crosscheck
"$uv" pip install --quiet --python .venv-crosscheck/bin/python -r tests/crosscheck/requirements.txt
