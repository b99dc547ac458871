#!/usr/bin/env bash
# Intel's compiler for ACPI tables (iasl): taking a table apart and putting it together again does not give the table, and says nothing.
#
# 1. A table that it does not know (VIOT, younger than Debian 12's iasl) is taken apart into a dump in comments. That compiles "with 0 errors"
#    into a table of 36 bytes: its header, with the right length and checksum, and nothing in it.
# 2. IORT nodes have an identifier in later revisions of the specification. It prints them as "Reserved", and compiles zeros.
# 3. A named component whose path ends where its mappings begin is taken apart into "Invalid zero length subtable", and what it wrote itself it
#    cannot compile. The specification asks for no padding there.
# So a table that went through iasl (an override in an initrd, a corrected firmware) may lack what nobody touched.
#
# Seen 2026-11-30 with iasl 20200925 (acpica-tools 20200925-8 of Debian 12).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { print $2; exit }' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
apt=$dir/apt
mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs}
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >"$apt/sources.list"
printf '%s\n' "Dir::Etc::SourceList \"$apt/sources.list\";" 'Dir::Etc::SourceParts "/dev/null";' "Dir::State::Lists \"$apt/lists\";" \
    "Dir::State::status \"$apt/status\";" "Dir::Cache \"$apt/cache\";" 'APT::Sandbox::User "root";' >"$apt/conf"
export APT_CONFIG=$apt/conf
apt-get -qq update >/dev/null
(cd "$apt/debs" && apt-get -qq download "acpica-tools=20200925-8" >/dev/null)
dpkg -x "$apt"/debs/*.deb "$dir/acpica"
iasl=$dir/acpica/usr/bin/iasl
[ -x "$iasl" ] || iasl=$dir/acpica/usr/bin/iasl-acpica
cat >"$dir/make.py" <<'X2'
import struct, sys


def table(signature, revision, body):
    head = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"TEST", b"TABLE", 1, b"TEST", 1)
    whole = bytearray(head + body)
    whole[9] = -sum(whole) & 255
    return bytes(whole)


def iort(path):
    node = struct.pack("<BHBIII", 0, 24, 1, 7, 0, 0) + struct.pack("<II", 1, 0)           # an ITS group with identifier 7
    name = struct.pack("<IQB", 0, 0, 40) + path                                             # a named component
    at = 16 + len(name)
    node += struct.pack("<BHBIII", 1, at + 20, 4, 8, 1, at) + name + struct.pack("<IIIII", 0, 0, 0, 48, 1)
    return table(b"IORT", 3, struct.pack("<III", 2, 48, 0) + node)


folder = sys.argv[1]
pci = struct.pack("<BBHHHQ", 3, 0, 16, 0, 8, 0)                                             # a virtio-iommu at 00:01.0
ends = struct.pack("<BBHIHHHHHHI", 1, 0, 24, 0, 0, 0, 0, 0xFF, 48, 0, 0)
for name, data in (("viot", table(b"VIOT", 0, struct.pack("<HHQ", 2, 48, 0) + pci + ends)),
                   ("padded", iort(b"\\_SB.DMA0\0\0\0\0\0")), ("tight", iort(b"\\_SB.DMA0\0"))):
    open(f"{folder}/{name}.bin", "wb").write(data)
X2
python3 "$dir/make.py" "$dir"
cd "$dir"
for name in viot padded tight; do
    "$iasl" -d $name.bin >/dev/null 2>&1 || true
    if "$iasl" $name.dsl >$name.log 2>&1; then
        python3 - $name <<'X2'
import sys
name = sys.argv[1]
before, after = (open(f"{name}.{end}", "rb").read() for end in ("bin", "aml"))
told = [at for at in range(36, min(len(before), len(after))) if before[at] != after[at]]
print(f"{name}: {len(before)} bytes, {len(after)} after; sum {sum(after) & 255}; changed behind the header: "
      + (", ".join(f"0x{at:x}: {before[at]} to {after[at]}" for at in told) or "nothing"))
X2
    else
        echo "$name: does not compile; in it: $(grep -o 'Invalid zero length subtable' $name.dsl)"
    fi
done | tee out
diff - out <<'X2'
viot: 88 bytes, 36 after; sum 0; changed behind the header: nothing
padded: 135 bytes, 135 after; sum 0; changed behind the header: 0x34: 7 to 0, 0x4c: 8 to 0
tight: does not compile; in it: Invalid zero length subtable
X2
