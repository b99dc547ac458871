using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;
using static Aperture.Drivers.Tests.SmmuV3.SmmuV3Scene;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>A guest: its memory, and in it a table of context descriptors and the tables of two address spaces, made by hand.</summary>
internal sealed class GuestMemory
{
    /// <summary>Where its memory begins for itself.</summary>
    public static readonly ulong Start = 0x4000_0000;

    private const int Pages = 32;
    private const int TablesOf = 3; // 39 bits of address

    private readonly SmmuV3Scene _scene;
    private readonly ulong _offset; // of its memory in the scene's data

    public GuestMemory(SmmuV3Scene scene, ulong offset, bool tracksDirty = false)
    {
        (_scene, _offset) = (scene, offset);
        Parent = scene.Driver.CreateDomain(
            new DomainRequest(DomainType.Unmanaged) { Stage = TranslationStages.Second, TracksDirty = tracksDirty });
        Assert.Equal(Status.Ok, Parent.Map(new Iova(Start), scene.Data + offset, Pages * Page, Protection.ReadWrite));
        for (var space = 0; space < 2; space++)
        {
            SetWord(TablePage(space, 0), At.Value >> 30 & 511, PageAt(TablePage(space, 1)) | 3);
            SetWord(TablePage(space, 1), At.Value >> 21 & 511, PageAt(TablePage(space, 2)) | 3);
            SetDescriptor((uint)space, space);
        }
    }

    /// <summary>The domain of its physical addresses.</summary>
    public IommuDomain Parent { get; }

    /// <summary>The guest's address of one of its pages; pages from 16 on are data.</summary>
    public static ulong PageAt(int page) => Start + ((ulong)page * Page);

    /// <summary>The first two words of its stream table entry.</summary>
    public static ulong[] Entry(int substreamBits = 0, SmmuV3StreamConfig config = SmmuV3StreamConfig.Stage1)
    {
        var entry = new SmmuV3StreamEntry
        {
            IsValid = true,
            Config = config,
            Contexts = PageAt(0),
            SubstreamBits = substreamBits,
            NoSubstream = SmmuV3NoSubstream.UseFirst,
            ContextAttributes = 0x35,
            Ats = 1,
        };
        return [entry.Words[0], entry.Words[1]];
    }

    public IommuDomain Nest(int substreamBits = 0) => Nest(Entry(substreamBits));

    public IommuDomain Nest(ulong[] entry) =>
        _scene.Driver.CreateDomain(new DomainRequest(DomainType.Nested) { Parent = Parent, GuestTable = entry });

    /// <summary>Maps the page at a place of an address space; 0 for none.</summary>
    public void Map(int space, int index, int page) =>
        SetWord(TablePage(space, 2), (At.Value >> 12 & 511) + (uint)index, page == 0 ? 0 : PageAt(page) | 0xF43 | 3);

    /// <summary>Writes the descriptor of a substream: the numbers of address spaces are those of the spaces, and 1.</summary>
    public void SetDescriptor(uint substream, int space, bool isValid = true, bool stalls = false)
    {
        var descriptor = new SmmuV3ContextDescriptor
        {
            IsValid = isValid,
            IsIn64 = true,
            Records = true,
            Aborts = true,
            IsOwnAsid = true,
            Asid = (uint)space + 1,
            OutputSize = 5,
            Stalls = stalls,
            MemoryAttributes = ArmLpaeFormat.Mair,
        };
        descriptor.SetControl(0, 25, 0, 1, 1, 3);
        descriptor.SetOff(1, true);
        descriptor.SetTable(0, PageAt(TablePage(space, 0)));
        for (var word = 0; word < SmmuV3Words.Count; word++)
            SetWord(0, (substream * (ulong)SmmuV3Words.Count) + (uint)word, descriptor.Words[word]);
    }

    public void Mark(int page, byte value) => _scene.Mark(_offset + ((ulong)page * Page), value);

    /// <summary>The bytes of commands as a guest writes them.</summary>
    public static byte[] Bytes(params SmmuV3Command[] commands)
    {
        var bytes = new byte[commands.Length * SmmuV3Command.Bytes];
        for (var i = 0; i < commands.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * SmmuV3Command.Bytes), commands[i].Low);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((i * SmmuV3Command.Bytes) + 8), commands[i].High);
        }

        return bytes;
    }

    private static int TablePage(int space, int level) => 1 + (space * TablesOf) + level;

    private void SetWord(int page, ulong index, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(
        _scene.Board.Memory.Span(_scene.Data + _offset + ((ulong)page * Page) + (index * 8), 8), value);
}
