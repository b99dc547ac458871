#!/bin/sh
# Builds every .dtb here from its .dts; with --check, only says whether they are up to date. Needs dtc (package
# device-tree-compiler). The .dtb are committed, so that nobody else needs it.
set -eu
cd "$(dirname "$0")"
for source in *.dts; do
    target="${source%.dts}.dtb"
    if [ "${1:-}" = --check ]; then
        dtc -q -I dts -O dtb "$source" | cmp - "$target"
    else
        dtc -q -I dts -O dtb -o "$target" "$source"
    fi
    echo "$target"
done
