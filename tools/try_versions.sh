#!/usr/bin/env bash
# Install one set of versions into the Python at hand and run the package's tests:
#   tools/try_versions.sh pinned | oldest | newest
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1-nothing}"

limits=$(mktemp)
trap 'rm -f "$limits"' EXIT
warnings=()
case "$what" in
    pinned) sed 's/ *#.*//' requirements.txt tests/requirements.txt | grep == >"$limits" ;;
    # The lower bounds of what the book imports, as exact pins.
    oldest) sed -nE '/^(dependencies|book) = /p' pyproject.toml | grep -oE '[a-z-]+>=[0-9.]+' | sed 's/>=/==/' >"$limits"
        # An old matplotlib calls today's pyparsing by names that are deprecated since.
        warnings=(-W ignore::DeprecationWarning) ;;
    newest) ;;
    *) echo "Which versions: pinned, oldest or newest? Got: $what." >&2; exit 2 ;;
esac

index=()
[ -z "${TORCH_BUILD-}" ] || index=(--extra-index-url "https://download.pytorch.org/whl/$TORCH_BUILD")
python -m pip install --quiet --upgrade "${index[@]}" -c "$limits" -e ".[book]" pytest hypothesis nbval pillow pyyaml
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
python -m pytest "${warnings[@]}" tests/test_{conv,pool,shapes,inputs,resize,attention}.py convlib
