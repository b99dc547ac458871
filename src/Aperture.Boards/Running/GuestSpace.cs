using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Boards.Running;

/// <summary>What a guest's kernel keeps in the guest's memory for an SMMUv3: a context descriptor, and tables of stage 1. Every address in
/// them is the guest's.</summary>
/// <param name="memory">The machine's memory.</param>
/// <param name="place">Where the guest's memory lies in it.</param>
/// <param name="start">Where it begins for the guest.</param>
internal sealed class GuestSpace(PhysicalMemory memory, PhysicalAddress place, ulong start)
{
    /// <summary>Pages at the beginning of the guest's memory that its structures take at most.</summary>
    public const int OwnPages = 16;

    private const int PageBytes = 4096;

    private readonly ArmLpaeFormat _format = new(new ArmLpaeOptions { InputBits = 39, OutputBits = 44, CoherentWalk = true });
    private int _next = 2; // the context descriptor is in the first page, the first table in the second

    /// <summary>The first two words of the guest's stream table entry.</summary>
    public ulong[] StreamEntry
    {
        get
        {
            var entry = new SmmuV3StreamEntry
            {
                IsValid = true,
                Config = SmmuV3StreamConfig.Stage1,
                Contexts = start,
                ContextAttributes = 0x35,
                Ats = 1,
            };
            return [entry.Words[0], entry.Words[1]];
        }
    }

    /// <summary>Writes the context descriptor.</summary>
    public void WriteContext(uint asid)
    {
        var control = _format.Control;
        var descriptor = new SmmuV3ContextDescriptor
        {
            IsValid = true,
            IsIn64 = true,
            Records = true,
            Aborts = true,
            IsOwnAsid = true,
            Asid = asid,
            OutputSize = (uint)control.OutputSize,
            MemoryAttributes = ArmLpaeFormat.Mair,
        };
        descriptor.SetControl(0, control.Size, control.Granule, control.InnerCache, control.OuterCache, control.Shareability);
        descriptor.SetOff(1, true);
        descriptor.SetTable(0, start + PageBytes);
        for (var word = 0; word < SmmuV3Words.Count; word++)
            Word(start + ((ulong)word * sizeof(ulong)), descriptor.Words[word]);
    }

    /// <summary>Maps a page, or takes it away.</summary>
    /// <param name="address">The device's address of it.</param>
    /// <param name="target">The guest's physical address; null for none.</param>
    public void Map(ulong address, ulong? target)
    {
        var table = start + PageBytes;
        for (var level = 0; level < _format.Levels - 1; level++)
        {
            var at = table + (IndexOf(level, address) * sizeof(ulong));
            var entry = Word(at);
            if (entry == 0)
            {
                if (_next == OwnPages)
                    throw new ApertureException(Status.NoMemory, "a guest has no memory left for its tables");
                Word(at, entry = _format.MakeTable(level, new PhysicalAddress(start + ((ulong)_next++ * PageBytes))));
            }

            table = _format.TableAddress(level, entry).Value;
        }

        var last = _format.Levels - 1;
        var leaf = target is { } page ? _format.MakeLeaf(last, 12, new PhysicalAddress(page), Protection.ReadWrite | Protection.Cache) : 0;
        Word(table + (IndexOf(last, address) * sizeof(ulong)), leaf);
    }

    private ulong IndexOf(int level, ulong address) => (address >> _format.Shift(level)) & ((1UL << _format.IndexBits(level)) - 1);

    private Span<byte> At(ulong address) => memory.Span(place + (address - start), sizeof(ulong));

    private ulong Word(ulong address) => BinaryPrimitives.ReadUInt64LittleEndian(At(address));

    private void Word(ulong address, ulong word) => BinaryPrimitives.WriteUInt64LittleEndian(At(address), word);
}
