using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Devices;
using CoreStatus = Aperture.Core.Status;

namespace Aperture.Drivers.Rockchip;

/// <summary>Commands that take time: the driver waits until every MMU says that it is so.</summary>
public sealed partial class RockchipIommuUnit
{
    private static readonly TimeSpan Interval = TimeSpan.FromMicroseconds(100); // recorded driver behaviour
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(1);      // the same
    private static readonly TimeSpan ResetInterval = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ResetLimit = TimeSpan.FromMilliseconds(100);

    /// <summary>How often a stall was not granted in time.</summary>
    public ulong StallTimeouts { get; private set; }

    private static RockchipMmuStatus Status(RegisterRegion mmu) => new(mmu.Read32(RockchipMmuRegister.Status));

    private static void Command(RegisterRegion mmu, RockchipMmuCommand command) => mmu.Write32(RockchipMmuRegister.Command, (uint)command);

    /// <summary>Stalls the master's accesses.</summary>
    /// <exception cref="ApertureException"><see cref="CoreStatus.TimedOut"/>: it was not granted.</exception>
    private void Stall()
    {
        if (!TryStall())
            throw new ApertureException(
                CoreStatus.TimedOut,
                $"{Name} does not stall its master: STATUS stays "
                + $"0x{Status(FirstWithout(RockchipMmuStatus.StallBit)).Value:x} after ENABLE_STALL");
    }

    /// <summary>Stalls the master's accesses, unless none is translated.</summary>
    private bool TryStall()
    {
        // An MMU that does not translate never says that it stalls anything.
        if (All(RockchipMmuStatus.StallBit, RockchipMmuStatus.StallBit) || !All(RockchipMmuStatus.PagingBit, RockchipMmuStatus.PagingBit))
            return true;
        CommandAll(RockchipMmuCommand.EnableStall);
        if (Wait(RockchipMmuStatus.StallBit, RockchipMmuStatus.StallBit))
            return true;
        StallTimeouts++;
        return false;
    }

    private void Unstall()
    {
        if (All(RockchipMmuStatus.StallBit, 0))
            return;
        CommandAll(RockchipMmuCommand.DisableStall);
        if (!Wait(RockchipMmuStatus.StallBit, 0))
            throw new ApertureException(CoreStatus.TimedOut, $"{Name} does not let its master go on after DISABLE_STALL");
    }

    private void SetPaging(bool on)
    {
        var wanted = on ? RockchipMmuStatus.PagingBit : 0;
        if (All(RockchipMmuStatus.PagingBit, wanted))
            return;
        CommandAll(on ? RockchipMmuCommand.EnablePaging : RockchipMmuCommand.DisablePaging);
        if (!Wait(RockchipMmuStatus.PagingBit, wanted))
            throw new ApertureException(CoreStatus.TimedOut, $"{Name} does not {(on ? "begin" : "cease")} to translate");
    }

    /// <summary>Resets every MMU: something that it keeps is written first, so that the reset shows.</summary>
    /// <exception cref="ApertureException"><see cref="CoreStatus.BadAddress"/>: it does not keep it; <see cref="CoreStatus.TimedOut"/>: the
    /// reset does not end.</exception>
    private void ForceReset()
    {
        foreach (var mmu in _mmus)
            WriteTableBase(mmu, RockchipMmuRegister.TableBaseTest);
        CommandAll(RockchipMmuCommand.ForceReset);
        if (!_time.WaitUntil(
            this,
            static unit => Array.TrueForAll(unit._mmus, static mmu => mmu.Read32(RockchipMmuRegister.TableBase) == 0),
            ResetInterval,
            ResetLimit))
            throw new ApertureException(CoreStatus.TimedOut, $"{Name} does not come out of its reset");
    }

    /// <exception cref="ApertureException"><see cref="CoreStatus.BadAddress"/>: the register does not keep it.</exception>
    private static void WriteTableBase(RegisterRegion mmu, uint entry)
    {
        mmu.Write32(RockchipMmuRegister.TableBase, entry);
        var got = mmu.Read32(RockchipMmuRegister.TableBase);
        if (got != entry)
            throw new ApertureException(
                CoreStatus.BadAddress,
                $"{mmu.Name} does not keep the address of a table: 0x{entry:x} was written to DTE_ADDR and 0x{got:x} is read");
    }

    private void CommandAll(RockchipMmuCommand command)
    {
        foreach (var mmu in _mmus)
            Command(mmu, command);
    }

    private bool Wait(uint mask, uint value) =>
        _time.WaitUntil((Unit: this, Mask: mask, Value: value), static it => it.Unit.All(it.Mask, it.Value), Interval, Limit);

    /// <summary>Whether the STATUS of every MMU has these bits.</summary>
    private bool All(uint mask, uint value)
    {
        foreach (var mmu in _mmus)
        {
            if ((Status(mmu).Value & mask) != value)
                return false;
        }

        return true;
    }

    private RegisterRegion FirstWithout(uint bit) => Array.Find(_mmus, mmu => (Status(mmu).Value & bit) == 0) ?? _mmus[0];
}
