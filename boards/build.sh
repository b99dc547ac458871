#!/bin/sh
# Builds every .dtb here from its .dts. Needs dtc (package device-tree-compiler). The .dtb are committed, so that nobody else needs it.
set -eu
cd "$(dirname "$0")"
for source in *.dts; do
    dtc -q -I dts -O dtb -o "${source%.dts}.dtb" "$source"
    echo "${source%.dts}.dtb"
done
