using System.Globalization;
using Aperture.Hardware.Translation;
using Aperture.VfioUser.Qemu;

namespace Aperture.ModelGuests;

/// <content>What the guest is given, and what must have become of it.</content>
internal sealed partial class ModelGuest
{
    private IEnumerable<string> Arguments()
    {
        var board = _kind.Board;
        var package = new KernelPackage(Path.Combine(_options.Cache, board.Kernel));
        var busybox = File.ReadAllBytes(Path.Combine(_options.Cache, $"busybox-{board.Architecture}", "usr/bin/busybox"));
        var files = Path.Combine(_folder, "files");
        File.WriteAllBytes(files, FirstFiles.Build(busybox, package.Load(_disk.Modules), Script()));
        return
        [
            .. board.Machine.Arguments, .. QemuMachine.Memory(Board.MemoryMiB),
            "-kernel", package.Image, "-initrd", files, "-dtb", Path.Combine(_options.Trees, $"{_kind.Name}.dtb"),
            "-append", $"console=ttyAMA0 panic=-1 loglevel=4 iommu.strict={(_options.IsLazy ? 0 : 1)}",
            "-device", QemuMachine.Device(Path.Combine(_folder, "unit"), 1, Function),
            "-device", QemuMachine.Device(Path.Combine(_folder, "disk"), 2, _kind.DiskFunction),
        ];
    }

    /// <summary>Blocks that the tree has at fixed addresses; where the disk is a PCI device of its own the guest places it.</summary>
    private IEnumerable<QemuPlacement> Places()
    {
        yield return new(1, Function, 0, UnitAddress);
        if (_kind.DiskFunction != 0)
            yield return new(2, _kind.DiskFunction, 0, _kind.DiskAddress);
    }

    private string Script()
    {
        var blocks = _options.Bytes(_kind) / 65536;
        return $"""
            {_kind.Before}
            load
            for g in /sys/kernel/iommu_groups/*; do echo "group $(basename $g) $(cat $g/type): $(ls $g/devices)"; done
            dmesg | grep -i 'default domain type' | tail -1
            echo "whole $(head -c {_disk.Content.Length - SectorBytes} {_disk.Node} | md5sum)"
            dd if=/dev/urandom of=/tmp/r bs=64k count={blocks} 2>/dev/null
            echo "wrote $(md5sum < /tmp/r)"
            dd if=/tmp/r of={_disk.Node} bs=64k conv=fsync,notrunc 2>/dev/null
            echo 3 > /proc/sys/vm/drop_caches
            head -c {_options.Bytes(_kind)} {_disk.Node} | cmp - /tmp/r && echo SAME || echo DIFFERENT
            dd if={_disk.Node} of=/dev/null bs={SectorBytes} skip={_disk.Content.Length / SectorBytes - 1} iflag=direct 2>/dev/null
            sleep 1
            grep -iE 'iommu|mmu|virtio|memory-controller' /proc/interrupts
            dmesg | grep -iE 'iommu|mmu|fault|read @' | tail -12
            """;
    }

    private void Check(string console, string initial)
    {
        if (!console.Contains("GUEST-END", StringComparison.Ordinal))
            Complain("the guest did not come to its end");
        if (Crash().Match(console) is { Success: true } crash)
            Complain($"the kernel has crashed: {crash.Value}", isEvidence: true);
        if (!console.Contains("group 0", StringComparison.Ordinal))
            Complain("the kernel's driver has put nobody behind the unit");
        if (Whole().Match(console).Groups[1].Value is var read && read != initial)
            Complain($"the guest read other bytes than are on the disk: {read}", isEvidence: read.Length > 0);
        if (Wrote().Match(console).Groups[1].Value is var wrote && wrote != Sum(_disk.Content.Span[.._options.Bytes(_kind)]))
            Complain($"on the disk are other bytes than the guest wrote: {wrote}");
        var hasCompared = console.Contains("DIFFERENT", StringComparison.Ordinal);
        if (!console.Contains("SAME", StringComparison.Ordinal))
            Complain("the guest read other bytes than it wrote", hasCompared);
        CheckFaults(console);
        if (_unit.Counters is { Hits: 0 } or { Invalidations: 0 })
            Complain("the unit's caches were not in use");
    }

    /// <summary>What the kernel prints and what the unit did not let through are the same, and only the disk's stray access.</summary>
    private void CheckFaults(string console)
    {
        var failures = _failures.Failures.ToList();
        // A unit that holds the stray access back holds others back, too, until the kernel has dealt with it.
        if (failures.Count == 0 || failures[0] is not { Address: StrayAddress, IsWrite: false }
            || failures.Skip(1).Any(access => access.Status != DmaStatus.Stalled))
        {
            Complain($"not let through: {string.Join(", ", failures.Take(4))}", isEvidence: failures.Count > 0);
        }

        var printed = _kind.Fault.Matches(console).Select(match => (
            ulong.Parse(match.Groups["address"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            match.Groups["type"].Value)).Distinct().ToList();
        if (printed.Count != 1 || printed[0].Item1 != StrayAddress || printed[0].Item2 is not ("" or "read"))
            Complain($"the kernel printed other faults than the unit reported: {string.Join(", ", printed)}");
        if (_unit.Counters.Faults != 1)
            Complain($"the unit counts {_unit.Counters.Faults} faults");
    }
}
