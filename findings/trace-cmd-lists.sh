#!/usr/bin/env bash
# trace-cmd report: the lists of an event are not printed as the kernel prints them, before a version between 3.1.6 and 3.3.1.
#
# A kernel's format of an event says __print_array(numbers, count, size); in /sys/kernel/tracing/trace the kernel prints it as {0x10,0x20},
# and so dma_map_sg has dma_addrs={0xffedc000}. trace-cmd, which reads the same format out of a trace.dat, prints decimal numbers with spaces
# between in Debian 12: "16 32". In Debian 13 it prints what the kernel does. Who looks for an address of a log in its output does not find it.
#
# Seen 2026-11-30 with trace-cmd 3.1.6 of Debian 12 and 3.3.1 of Debian 13; the kernel's form with Linux 6.12 and 7.2.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { print $2; exit }' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)

fetch() { # suite version: that trace-cmd and all its libraries, unpacked
    local apt=$dir/apt-$1
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs} "$dir/$1"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$apt/sources.list"
    printf '%s\n' "Dir::Etc::SourceList \"$apt/sources.list\";" 'Dir::Etc::SourceParts "/dev/null";' "Dir::State::Lists \"$apt/lists\";" \
        "Dir::State::status \"$apt/status\";" "Dir::Cache \"$apt/cache\";" 'APT::Sandbox::User "root";' >"$apt/conf"
    export APT_CONFIG=$apt/conf
    apt-get -qq update >/dev/null
    (cd "$apt/debs" && apt-get -qq download $(apt-get -s install --no-install-recommends "trace-cmd=$2" |
        awk '/^Inst/ { print $2 "=" substr($3, 2) }') >/dev/null)
    for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$dir/$1"; done
    rm -rf "$apt"
}

cat >"$dir/make.py" <<'X2'
import struct, sys

FORMAT = """name: lists
ID: 300
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:__data_loc u64[] numbers;	offset:8;	size:4;	signed:0;

print fmt: "numbers=%s", __print_array(__get_dynamic_array(numbers), __get_dynamic_array_len(numbers) / 8, 8)
"""
PAGE = """	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:1;
"""
EVENT = """# compressed entry header
	type_len    :    5 bits
	time_delta  :   27 bits
	array       :   32 bits

	padding     : type == 29
	time_extend : type == 30
	time_stamp : type == 31
	data max type_len  == 28
"""


def section(text, form="<Q"):
    return struct.pack(form, len(text)) + text.encode()


head = b"\x17\x08\x44tracing6\0" + struct.pack("<BBI", 0, 8, 4096) + b"header_page\0" + section(PAGE) + b"header_event\0" + section(EVENT)
head += struct.pack("<I", 0) + struct.pack("<I", 1) + b"test\0" + struct.pack("<I", 1) + section(FORMAT)
head += section("", "<I") + section("", "<I") + section("1 test\n") + struct.pack("<I", 1) + b"flyrecord\0"
begin = (len(head) + 16 + 4095) // 4096 * 4096
record = struct.pack("<HBBiI4xQQ", 300, 0, 0, 1, 16 << 16 | 16, 0x10, 0xFFEDC000)
data = struct.pack("<I", len(record) // 4) + record
page = struct.pack("<QQ", 1000, len(data)) + data
with open(sys.argv[1], "wb") as file:
    file.write((head + struct.pack("<QQ", begin, 4096)).ljust(begin, b"\0") + page.ljust(4096, b"\0"))
X2
python3 "$dir/make.py" "$dir/trace.dat"
run() { # suite version
    fetch "$1" "$2"
    local root=$dir/$1 loader
    loader=$(find "$root" -name ld-linux-x86-64.so.2 | head -1)
    echo "trace-cmd $2: $("$loader" --library-path "$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu" "$root/usr/bin/trace-cmd" \
        report -i "$dir/trace.dat" | grep -o 'numbers=.*')"
}
{
    run bookworm 3.1.6-1
    run trixie 3.3.1-1+b1
} | tee "$dir/out"
diff - "$dir/out" <<'X2'
trace-cmd 3.1.6-1: numbers=16 4293771264
trace-cmd 3.3.1-1+b1: numbers={0x10,0xffedc000}
X2
