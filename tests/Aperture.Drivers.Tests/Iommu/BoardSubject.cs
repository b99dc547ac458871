using Aperture.Contract;
using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>The simulated units of one kind, held to the contract of the IOMMU API: two masters, each behind a unit of its own.</summary>
internal sealed class BoardSubject : IContractSubject
{
    private readonly UnitBoard _board;
    private readonly UnitOnBoard[] _units;

    public BoardSubject(UnitBoard board)
    {
        _board = board;
        _units = [board.AddUnit(), board.AddUnit()];
        Masters = [.. _units.Select(unit => new BoardMaster(board.AddMaster(unit)))];
        foreach (var unit in _units)
            unit.On();
        Unit = _units[0].Unit;
    }

    public string Name => Unit.Name;

    public IommuUnit Unit { get; }

    public IReadOnlyList<IContractMaster> Masters { get; }

    public PhysicalAddress Memory => _board.Data;

    public int MemoryBytes => 16 << 20;

    public IReadOnlyDictionary<string, string> Differences { get; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, long> InUse => new Dictionary<string, long>
    {
        ["pages"] = (long)_board.Pages.UsedPages,
        ["bytes of tables"] = _board.Tables.BytesInUse,
    };

    public bool TryPower(bool isOn, bool losesState)
    {
        foreach (var unit in _units)
        {
            if (isOn)
                unit.On();
            else
                unit.Off();
            if (losesState)
            {
                unit.Model.SetPower(false);
                unit.Model.SetPower(true);
            }
        }

        return true;
    }

    public void Store(int offset, ReadOnlySpan<byte> bytes)
    {
        var at = Memory + (ulong)offset;
        bytes.CopyTo(_board.Memory.Span(at, bytes.Length));
        _board.Memory.Cache?.Clean(at, (ulong)bytes.Length);
    }

    public void Load(int offset, Span<byte> bytes)
    {
        var at = Memory + (ulong)offset;
        _board.Memory.Cache?.CleanInvalidate(at, (ulong)bytes.Length);
        _board.Memory.Span(at, bytes.Length).CopyTo(bytes);
    }

    private sealed class BoardMaster(MasterOnBoard master) : IContractMaster
    {
        public IommuGroup Group => master.Group;

        public Iova Highest => new(uint.MaxValue);

        public void Read(Iova address, Span<byte> bytes)
        {
            Span<byte> seen = stackalloc byte[bytes.Length];
            for (var port = 0; port < master.Ports.Length; port++)
            {
                seen.Clear();
                if (master.Ports[port].Read(address, seen, out var moved) != DmaStatus.Ok)
                {
                    seen[moved..].Clear();
                    Recover();
                }

                if (port > 0 && !seen.SequenceEqual(bytes))
                    throw new ApertureException(
                        Status.IoError,
                        $"{master.Device.Name} reads through port {port} at {address} something else than through the one before");
                seen.CopyTo(bytes);
            }
        }

        public void Write(Iova address, ReadOnlySpan<byte> bytes)
        {
            foreach (var port in master.Ports)
            {
                if (port.Write(address, bytes, out _) != DmaStatus.Ok)
                    Recover();
            }
        }

        /// <summary>A fault that nobody mends leaves a unit holding everything back: the master is reset, and its units come up
        /// afresh.</summary>
        private void Recover()
        {
            foreach (var unit in master.Device.Iommu!.Ports.Select(port => port.Unit.Device))
            {
                unit.Power.Put();
                unit.Power.Get();
            }
        }
    }
}
