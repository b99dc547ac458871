using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Omap;
using Aperture.Iommu;

namespace Aperture.Drivers.Omap;

/// <summary>Control of single TLB entries and of the whole register block, for clients that need it: a remote processor whose
/// firmware must never miss, a driver that saves its subsystem by hand. All of it needs a runtime-active MMU in a paging domain.</summary>
public sealed partial class OmapIommu
{
    private const int ContextWords = 64; // words of the register block that SaveContext keeps, as recorded

    /// <summary>Number of locked entries.</summary>
    /// <exception cref="Devices.BusErrorException">The MMU is off.</exception>
    public int LockedEntries
    {
        get
        {
            using (Registers.Hold())
                return new OmapLock(_mmu.Read32(OmapRegisters.Lock)).Base;
        }
    }

    /// <summary>Loads the TLB entry of a mapped page, so that the first access needs no walk.</summary>
    /// <param name="iova">Any address in the page.</param>
    /// <param name="isLocked">Whether the walker may never replace the entry and <see cref="FlushAll"/> keeps it.</param>
    /// <returns><see cref="Status.NotFound"/>: nothing is mapped; else as <see cref="LoadEntry"/>.</returns>
    public Status Prefetch(Iova iova, bool isLocked = false)
    {
        using (Registers.Hold())
        {
            if (Domain is not PagingDomain<OmapFormat> domain)
                return Status.InvalidArgument;
            if (!domain.Table.TryTranslate(iova, out var found))
                return Status.NotFound;
            var page = found.Address - (iova - found.Page);
            return LoadEntryHeld(found.Page, page, 1UL << found.PageShift, found.Protection, isLocked);
        }
    }

    /// <summary>Loads a TLB entry. What the TLB held for any of the addresses is invalidated first. The next unmap of an address in
    /// it removes it, like any other entry.</summary>
    /// <param name="iova">A multiple of <paramref name="size"/>.</param>
    /// <param name="address">A multiple of <paramref name="size"/>, below 4 GiB.</param>
    /// <param name="size">4 KiB, 64 KiB, 1 MiB or 16 MiB.</param>
    /// <param name="attributes">The bits that <see cref="OmapFormat"/> names; rights do not exist here.</param>
    /// <param name="isLocked">Whether the walker may never replace the entry and <see cref="FlushAll"/> keeps it.</param>
    /// <returns><see cref="Status.InvalidArgument"/>: misaligned, no such page size or attribute, or not in a paging domain;
    /// <see cref="Status.NoDevice"/>: the MMU is off; <see cref="Status.NoSpace"/>: all entries but the walker's last one are
    /// locked.</returns>
    /// <exception cref="Devices.BusErrorException">The MMU does not answer.</exception>
    public Status LoadEntry(Iova iova, PhysicalAddress address, ulong size, Protection attributes = Protection.None, bool isLocked = false)
    {
        using (Registers.Hold())
            return LoadEntryHeld(iova, address, size, attributes, isLocked);
    }

    private Status LoadEntryHeld(Iova iova, PhysicalAddress address, ulong size, Protection attributes, bool isLocked)
    {
        var format = default(OmapFormat);
        if (!BitOperations.IsPow2(size) || (size & format.PageSizes) == 0 || !iova.IsAligned(size) || !address.IsAligned(size))
            return Status.InvalidArgument;
        if (iova.Value > uint.MaxValue || address.Value > uint.MaxValue)
            return Status.OutOfRange;
        if (format.CheckProtection(attributes) != Status.Ok)
            return Status.InvalidArgument;

        var attributeBits = new OmapSecondLevelDescriptor((uint)format.MakeLeaf(
            1,
            12,
            default,
            attributes)).Ram.Bits & OmapRam.AttributeMask;
        var cam = new OmapCam((uint)iova.Value, SizeOf(size), isLocked);
        var ram = new OmapRam((uint)address.Value | attributeBits);
        if (Domain is null)
            return Status.InvalidArgument;
        return CanAccess ? Load(cam, ram, isLocked) : Status.NoDevice;
    }

    /// <summary>Invalidates the entry that contains an address, locked or not.</summary>
    /// <returns><see cref="Status.NoDevice"/>: the MMU is off and comes back without it.</returns>
    public Status FlushPage(Iova iova)
    {
        using (Registers.Hold())
        {
            if (!CanAccess)
                return Status.NoDevice;
            InvalidateEntry(new OmapCam((uint)iova.Value, OmapPageSize.SmallPage));
            return Status.Ok;
        }
    }

    /// <summary>Invalidates all entries but the preserved ones, and unlocks those.</summary>
    /// <returns><see cref="Status.NoDevice"/>: the MMU is off.</returns>
    public Status FlushAll()
    {
        using (Registers.Hold())
        {
            if (!CanAccess)
                return Status.NoDevice;
            _mmu.Write32(OmapRegisters.Lock, 0);
            _mmu.Write32(OmapRegisters.GlobalFlush, 1);
            return Status.Ok;
        }
    }

    /// <summary>Reads the register block.</summary>
    /// <param name="words">Takes one word per register, in order; at most 64 are used, and no more than the block has.</param>
    /// <returns>Number of words taken.</returns>
    /// <exception cref="Devices.BusErrorException">The MMU is off.</exception>
    public int SaveContext(Span<uint> words)
    {
        using (Registers.Hold())
        {
            var count = ContextLength(words.Length);
            for (var i = 0; i < count; i++)
                words[i] = _mmu.Read32((uint)i * 4);
            return count;
        }
    }

    /// <summary>Writes back what <see cref="SaveContext"/> read. Read-only registers and triggers are left alone, and CNTL comes last,
    /// so that the MMU never runs on half of its context. TLB entries are not part of it.</summary>
    /// <exception cref="Devices.BusErrorException">The MMU is off.</exception>
    public void RestoreContext(ReadOnlySpan<uint> words)
    {
        using (Registers.Hold())
        {
            var count = ContextLength(words.Length);
            for (uint i = 0; i < count; i++)
            {
                if (IsContext(i * 4))
                    _mmu.Write32(i * 4, words[(int)i]);
            }

            const int control = (int)OmapRegisters.Control / 4;
            if (control < count)
                _mmu.Write32(OmapRegisters.Control, words[control]);
        }
    }

    private Status Load(OmapCam cam, OmapRam ram, bool isLocked)
    {
        var size = 1UL << cam.Shift;
        var gather = default(Core.PageTables.InvalidationGather);
        gather.Add(new Iova(cam.Tag), size, cam.Shift);
        FlushByScan(gather);

        var before = new OmapLock(_mmu.Read32(OmapRegisters.Lock));
        if (before.Base >= TlbEntries - 1)
            return Status.NoSpace;
        var index = isLocked ? before.Base : FindPlace(before);
        WriteEntry(before.Base, index, cam, ram);

        var locked = before.Base + (isLocked ? 1 : 0);
        var next = index + 1 == TlbEntries ? locked : index + 1;
        _mmu.Write32(OmapRegisters.Lock, new OmapLock(locked, next).Bits);
        return Status.Ok;
    }

    /// <summary>The first empty unlocked place, or the one that the walker would take.</summary>
    private int FindPlace(OmapLock before)
    {
        for (var i = before.Base; i < TlbEntries; i++)
        {
            if (!ReadEntry(before.Base, i).IsValid)
                return i;
        }

        return before.Victim >= before.Base && before.Victim < TlbEntries ? before.Victim : before.Base;
    }

    private int ContextLength(int words) => (int)Math.Min((ulong)Math.Min(words, ContextWords), _mmu.Size / 4);

    private static bool IsContext(uint offset) => offset is
        OmapRegisters.SysConfig or OmapRegisters.IrqStatus or OmapRegisters.IrqEnable or OmapRegisters.TableBase or OmapRegisters.Lock
        or OmapRegisters.Cam or OmapRegisters.Ram or OmapRegisters.TableBaseMsb or OmapRegisters.RamMsb or OmapRegisters.GpReg
        or (>= OmapRegisters.BypassRegion and <= OmapRegisters.BypassRegionLast);

    private static OmapPageSize SizeOf(ulong size) => size switch
    {
        1 << 12 => OmapPageSize.SmallPage,
        1 << 16 => OmapPageSize.LargePage,
        1 << 20 => OmapPageSize.Section,
        _ => OmapPageSize.Supersection,
    };
}
