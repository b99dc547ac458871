#!/usr/bin/env bash
# QEMU's machine "virt" (arm64) with an SMMUv3: the IORT that it makes says more than the machine has.
#
# 1. 7.2 counts identities wrongly. A mapping holds "number of ids minus one"; 7.2 writes the number, so that the root complex's range for
#    the SMMU takes one id too many: 0x000 to 0x100. The next range, which goes past the SMMU to the ITS, begins at 0x100. The first device
#    of bus 1 is therefore described twice, as behind the SMMU and as not. 10.0 and 11.1 count right.
# 2. 7.2 and 10.0 always have an ITS group node and lead every id to it, also where the interrupt controller is a GICv2 (the default of the
#    machine), and where the ITS is switched off (its=off; then even their MADT names one). 11.1 has the node only where there is an ITS;
#    without one, ids past bus 0 have no mapping at all any more.
# So for id 0x100 a reader of IORT that takes the first match and one that takes the last disagree about whether a device is translated, and
# one that believes the ITS node expects message interrupts to go through what is not there.
#
# Seen 2026-11-30 with Debian's QEMU 7.2 (bookworm), 10.0 (trixie) and 11.1 (trixie-backports); versions as printed below.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { print $2; exit }' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)

fetch() { # suite version: that QEMU and all its libraries, unpacked
    local apt=$dir/apt-$1
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs} "$dir/$1"
    : >"$apt/status"
    for suite in "${1%-backports}" "$1"; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done | sort -u >"$apt/sources.list"
    printf '%s\n' "Dir::Etc::SourceList \"$apt/sources.list\";" 'Dir::Etc::SourceParts "/dev/null";' "Dir::State::Lists \"$apt/lists\";" \
        "Dir::State::status \"$apt/status\";" "Dir::Cache \"$apt/cache\";" 'APT::Sandbox::User "root";' >"$apt/conf"
    export APT_CONFIG=$apt/conf
    apt-get -qq update >/dev/null
    (cd "$apt/debs" && apt-get -qq download $(apt-get -s install --no-install-recommends -t "$1" "qemu-system-arm=$2" |
        awk '/^Inst/ { print $2 "=" substr($3, 2) }') >/dev/null)
    for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$dir/$1"; done
    rm -rf "$apt"
}

cat >"$dir/iort.py" <<'X'
import glob, os, socket, struct, subprocess, sys

root, folder = sys.argv[1], sys.argv[2]
libraries = [f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/lib/x86_64-linux-gnu"]
libraries += [d + s for d in libraries for s in ("/pulseaudio", "/blas", "/lapack")]
loader = (glob.glob(f"{root}/lib64/ld-linux-x86-64.so.2") + glob.glob(f"{root}/usr/lib64/ld-linux-x86-64.so.2"))[0]
FW_CFG = 0x09020000                       # of "virt": data, selector (16 bits, big-endian) at 8


def tables(machine):
    path = f"{folder}/qtest"
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    server.settimeout(60)
    command = [loader, "--library-path", ":".join(libraries), f"{root}/usr/bin/qemu-system-aarch64", "-L", f"{root}/usr/share/qemu",
               "-machine", "virt,iommu=smmuv3" + machine, "-cpu", "cortex-a57", "-m", "256M", "-accel", "tcg", "-S", "-nodefaults",
               "-display", "none", "-qtest", f"unix:{path}", "-qtest-log", "none"]
    process = subprocess.Popen(command, env=dict(os.environ, QEMU_MODULE_DIR=f"{root}/usr/lib/x86_64-linux-gnu/qemu"))
    try:
        connection, _ = server.accept()
        stream = connection.makefile("rw", newline="\n")

        def ask(text):
            stream.write(text + "\n")
            stream.flush()
            while not (line := stream.readline()).startswith("OK"):
                assert line, "the emulator is gone"
            return line.split()

        def select(key): ask(f"writew {FW_CFG + 8:#x} {(key & 255) << 8 | key >> 8:#x}")
        def read(n): return bytes(int(ask(f"readb {FW_CFG:#x}")[1], 16) for _ in range(n))
        select(0x19)
        for _ in range(struct.unpack(">I", read(4))[0]):
            entry = read(64)
            if entry[8:].split(b"\0")[0] == b"etc/acpi/tables":
                size, key = struct.unpack(">IH", entry[:6])
        select(key)
        return read(size)
    finally:
        process.kill()
        process.wait()
        server.close()
        os.unlink(path)


def table(blob, signature):
    at = blob.find(signature)
    return blob[at:at + struct.unpack_from("<I", blob, at + 4)[0]]


for machine in "", ",gic-version=3", ",gic-version=3,its=off":
    blob = tables(machine)
    madt, iort = table(blob, b"APIC"), table(blob, b"IORT")
    at, has_its = 44, False
    while at < len(madt):
        has_its |= madt[at] == 15
        at += madt[at + 1]
    count, at = struct.unpack_from("<II", iort, 36)
    kinds, nodes = {}, []
    for _ in range(count):
        kind, length, _, _, mappings, first = struct.unpack_from("<BHBIII", iort, at)
        kinds[at] = {0: "ITS", 2: "root complex", 4: "SMMUv3"}[kind]
        nodes.append((at, [struct.unpack_from("<III I", iort, at + first + 20 * i) for i in range(mappings)]))
        at += length
    print(f"virt{machine or ' (GICv2)'}: MADT {'has' if has_its else 'has no'} ITS; IORT:",
          "; ".join(f"{kinds[at]} " + (", ".join(f"{m[0]:#x}-{m[0] + m[1]:#x} to {kinds[m[3]]}" for m in maps) or "no ids")
                    for at, maps in nodes))
X
run() { # suite version
    fetch "$1" "$2"
    echo "QEMU $2"
    python3 "$dir/iort.py" "$dir/$1" "$dir"
    rm -rf "${dir:?}/$1"
}
{
    run bookworm 1:7.2+dfsg-7+deb12u18+b3
    run trixie 1:10.0.13+ds-0+deb13u1
    run trixie-backports 1:11.1.3+ds-1~bpo13+1
} | tee "$dir/out"
diff - "$dir/out" <<'X'
QEMU 1:7.2+dfsg-7+deb12u18+b3
virt (GICv2): MADT has no ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0x100 to SMMUv3, 0x100-0xffff to ITS
virt,gic-version=3: MADT has ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0x100 to SMMUv3, 0x100-0xffff to ITS
virt,gic-version=3,its=off: MADT has ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0x100 to SMMUv3, 0x100-0xffff to ITS
QEMU 1:10.0.13+ds-0+deb13u1
virt (GICv2): MADT has no ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0xff to SMMUv3, 0x100-0xffff to ITS
virt,gic-version=3: MADT has ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0xff to SMMUv3, 0x100-0xffff to ITS
virt,gic-version=3,its=off: MADT has ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0xff to SMMUv3, 0x100-0xffff to ITS
QEMU 1:11.1.3+ds-1~bpo13+1
virt (GICv2): MADT has no ITS; IORT: SMMUv3 no ids; root complex 0x0-0xff to SMMUv3
virt,gic-version=3: MADT has ITS; IORT: ITS no ids; SMMUv3 0x0-0xffff to ITS; root complex 0x0-0xff to SMMUv3, 0x100-0xffff to ITS
virt,gic-version=3,its=off: MADT has no ITS; IORT: SMMUv3 no ids; root complex 0x0-0xff to SMMUv3
X
