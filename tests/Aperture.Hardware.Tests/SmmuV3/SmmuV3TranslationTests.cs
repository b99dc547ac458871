using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>Where accesses lead: off, through, one stage, the other, both.</summary>
public sealed class SmmuV3TranslationTests : IDisposable
{
    private readonly SmmuV3Rig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void While_it_is_off_the_global_bypass_says_what_happens()
    {
        using var rig = new SmmuV3Rig(isOn: false);
        Assert.Equal(0x8000_1234ul, rig.Reaches(3, 0x8000_1234));
        Assert.Equal(TranslationStatus.Aborted, rig.Ask(3, 1UL << 48).Status);
        rig.Write(SmmuV3Register.GlobalBypass, SmmuV3Register.GlobalBypassAbort);
        Assert.Equal(0u, rig.Read(SmmuV3Register.GlobalBypass)); // without UPDATE nothing changes
        rig.Write(SmmuV3Register.GlobalBypass, SmmuV3Register.GlobalBypassAbort | SmmuV3Register.GlobalBypassUpdate);
        Assert.Equal(SmmuV3Register.GlobalBypassAbort, rig.Read(SmmuV3Register.GlobalBypass));
        Assert.Equal(TranslationStatus.Aborted, rig.Ask(3, 0x8000_1234).Status);
    }

    [Fact]
    public void A_stream_passes_is_aborted_or_does_not_exist()
    {
        _rig.Set(1, new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass });
        _rig.Set(2, new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Abort });
        Assert.Equal(0x1234_5678ul, _rig.Reaches(1, 0x1234_5678));
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(2, 0x1000).Status);
        Assert.Empty(_rig.Events());
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(3, 0x1000).Status);
        Assert.Equal(SmmuV3EventId.BadStreamEntry, _rig.Event().Id);
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(256, 0x1000).Status);
        Assert.Equal((SmmuV3EventId.BadStream, 256u), (_rig.Event() is var bad ? bad.Id : 0, bad.Stream));
        _rig.Write(SmmuV3Register.Cr2, 0);
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(256, 0x1000).Status);
        Assert.Empty(_rig.Events());
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(1, 1UL << 50).Status);
        Assert.Equal(SmmuV3EventId.AddressSize, _rig.Event().Id);
    }

    [Fact]
    public void Stage_1_leads_by_pages_and_blocks_with_their_rights()
    {
        var (root, _) = _rig.Attach(5);
        _rig.Map(root, 0x1234_5000, 0x9000_1000, SmmuV3Rig.Writable);
        _rig.Map(root, 0x1234_6000, 0x9000_7000, SmmuV3Rig.ReadOnly);
        _rig.Map(root, 0x4000_0000, 0x1_C000_0000, SmmuV3Rig.Writable, level: 1);
        _rig.Map(root, 0x8020_0000, 0xA060_0000, SmmuV3Rig.Writable, level: 2);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0x9000_1678ul, _rig.Reaches(5, 0x1234_5678, DmaAccess.Write));
            Assert.Equal(0x9000_7010ul, _rig.Reaches(5, 0x1234_6010));
            Assert.Equal(0x1_D234_5678ul, _rig.Reaches(5, 0x5234_5678, DmaAccess.Write));
            Assert.Equal(0xA07F_FFFFul, _rig.Reaches(5, 0x803F_FFFF, DmaAccess.Write));
        }

        var page = _rig.Ask(5, 0x1234_6010);
        Assert.Equal((0xFF0ul, Protection.Read), (page.Length, page.Protection & Protection.ReadWrite));
        Assert.Equal((4ul, 1ul), (_rig.Unit.Counters.Misses, _rig.Unit.ConfigurationReads / 2));
        Assert.Equal(5ul, _rig.Unit.Counters.Hits);
        Assert.Empty(_rig.Events());
    }

    [Theory]
    [InlineData(0x1234_7000, DmaAccess.Read, SmmuV3EventId.Translation)]
    [InlineData(0x1234_6000, DmaAccess.Write, SmmuV3EventId.Permission)]
    [InlineData(0x1234_8000, DmaAccess.Read, SmmuV3EventId.AccessFlag)]
    [InlineData(0x1234_9000, DmaAccess.Read, SmmuV3EventId.AddressSize)]
    [InlineData(0x1234_A000, DmaAccess.Read, SmmuV3EventId.Permission)] // privileged only
    [InlineData(0x8000_0000_0000, DmaAccess.Write, SmmuV3EventId.Translation)]
    [InlineData(0xFFFF_8000_0000_0000, DmaAccess.Write, SmmuV3EventId.Translation)]
    [InlineData(0x1_0000_0000_0000, DmaAccess.Write, SmmuV3EventId.Translation)]
    public void A_fault_of_stage_1_is_told_with_its_address_and_kind(ulong iova, DmaAccess access, SmmuV3EventId expected)
    {
        var (root, _) = _rig.Attach(5);
        _rig.Map(root, 0x1234_6000, 0x9000_7000, SmmuV3Rig.ReadOnly);
        _rig.Map(root, 0x1234_8000, 0x9000_8000, SmmuV3Rig.Writable & ~0x400ul);
        _rig.Map(root, 0x1234_A000, 0x9000_A000, SmmuV3Rig.Writable & ~0x40ul);
        _rig.Map(root, 0x1234_9000, 0x9000_9000, SmmuV3Rig.Writable);
        var descriptor = SmmuV3Rig.Context(root);
        descriptor.OutputSize = 0; // 32 bits
        var at = _rig.Take(64);
        _rig.SetWords(at, descriptor.Words);
        _rig.Set(5, SmmuV3Rig.Stage1(at));
        _rig.Map(root, 0x1234_9000, 0x1_9000_9000, SmmuV3Rig.Writable);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(TranslationStatus.Aborted, _rig.Ask(5, iova + 8, access).Status);
            var told = _rig.Event();
            Assert.Equal((expected, 5u, iova + 8, access == DmaAccess.Read), (told.Id, told.Stream, told.Address, told.IsRead));
            Assert.Equal((false, SmmuV3EventClass.Input, false), (told.IsStage2, told.Class, told.IsStalled));
        }

        Assert.Equal(2ul, _rig.Unit.Counters.Faults);
    }

    [Fact]
    public void What_only_privileged_accesses_may_do_stays_so_when_one_has_brought_the_page_in()
    {
        var (root, _) = _rig.Attach(5);
        _rig.Map(root, 0x1000, 0x9000_1000, SmmuV3Rig.Writable & ~0x40ul);
        for (var round = 0; round < 2; round++)
        {
            var result = _rig.Ask(5, 0x1000, DmaAccess.Write, flags: AccessFlags.Privileged);
            Assert.Equal((0x9000_1000ul, Protection.ReadWrite | Protection.Privileged), (result.Address.Value, result.Protection));
            Assert.Empty(_rig.Events());
            Assert.Equal(0ul, _rig.Reaches(5, 0x1000));
            Assert.Equal((SmmuV3EventId.Permission, false), (_rig.Event() is var told ? told.Id : 0, told.IsPrivileged));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_configuration_that_gave_way_to_another_is_dropped_as_well(bool all)
    {
        using var rig = new SmmuV3Rig(new SmmuV3Options { Configurations = 1 });
        for (uint stream = 1; stream <= 2; stream++)
        {
            var (root, _) = rig.Attach(stream, asid: stream);
            rig.Map(root, 0x1000, 0x9000_0000 + (stream << 12), SmmuV3Rig.Writable);
            Assert.Equal(0x9000_0000ul + (stream << 12), rig.Reaches(stream, 0x1000));
        }

        rig.Set(1, new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass });
        rig.Do(all ? SmmuV3Command.DropStreams() : SmmuV3Command.DropStream(1));
        Assert.Equal(0x1000ul, rig.Reaches(1, 0x1000));
    }

    [Fact]
    public void Both_halves_of_the_addresses_have_tables_of_their_own()
    {
        var upper = _rig.Take(4096);
        var (root, _) = _rig.Attach(5, change: descriptor =>
        {
            descriptor[0].SetControl(1, 16, 2, 1, 1, 3);
            descriptor[0].SetOff(1, false);
            descriptor[0].SetTable(1, upper);
        });
        _rig.Map(root, 0x1000, 0x9000_1000, SmmuV3Rig.Writable);
        _rig.Map(upper, 0x0000_FFFF_FFFF_1000, 0x9000_2000, SmmuV3Rig.Writable);
        Assert.Equal(0x9000_1000ul, _rig.Reaches(5, 0x1000));
        Assert.Equal(0x9000_2000ul, _rig.Reaches(5, 0xFFFF_FFFF_FFFF_1000));
        Assert.Equal(0ul, _rig.Reaches(5, 0x0000_FFFF_FFFF_1000));
    }

    [Fact]
    public void Stage_2_leads_by_tables_side_by_side()
    {
        var root = _rig.Take(8192);
        _rig.Set(7, SmmuV3Rig.Stage2(root));
        _rig.Map(root, 0x1234_5000, 0x9000_1000, SmmuV3Rig.Stage2Writable, startLevel: 1);
        _rig.Map(root, 0x80_0000_0000, 0x9000_3000, SmmuV3Rig.Stage2Writable & ~0x80ul, startLevel: 1); // in the second table, read only
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0x9000_1678ul, _rig.Reaches(7, 0x1234_5678, DmaAccess.Write));
            Assert.Equal(0x9000_3008ul, _rig.Reaches(7, 0x80_0000_0008));
        }

        Assert.Empty(_rig.Events());
        Assert.Equal(0ul, _rig.Reaches(7, 0x80_0000_0008, DmaAccess.Write));
        var told = _rig.Event();
        Assert.Equal((SmmuV3EventId.Permission, true, 0x80_0000_0000ul), (told.Id, told.IsStage2, told.Fetched));
    }

    [Fact]
    public void Both_stages_are_walked_for_tables_contexts_and_pages()
    {
        var second = _rig.Take(8192);
        var (root, at) = (_rig.Take(4096), _rig.Take(64));
        _rig.SetWords(at, SmmuV3Rig.Context(0x10_0000).Words);
        _rig.Map(root, 0x5000, 0x20_0000, SmmuV3Rig.Writable);
        _rig.Map(root, 0x6000, 0x20_1000, SmmuV3Rig.Writable);
        // What stage 1 has, at intermediate addresses of its own.
        _rig.Map(second, 0x10_0000, root, SmmuV3Rig.Stage2Writable, startLevel: 1);
        _rig.Map(second, 0x11_0000, at & ~0xFFFul, SmmuV3Rig.Stage2Writable, startLevel: 1);
        var table = root;
        for (var level = 0; level < 3; level++)
        {
            var next = _rig.Word(table) & 0x0000_FFFF_FFFF_F000;
            var intermediate = 0x12_0000ul + ((ulong)level << 12);
            _rig.Map(second, intermediate, next, SmmuV3Rig.Stage2Writable, startLevel: 1);
            _rig.SetWord(table, intermediate | 3);
            table = next;
        }

        _rig.Map(second, 0x20_0000, 0x9000_4000, SmmuV3Rig.Stage2Writable, startLevel: 1);
        var entry = SmmuV3Rig.Stage2(second);
        entry.Config = SmmuV3StreamConfig.Nested;
        entry.Contexts = 0x11_0000;
        _rig.Set(7, entry);
        Assert.Equal(0x9000_4010ul, _rig.Reaches(7, 0x5010, DmaAccess.Write));
        Assert.Equal(0x9000_4010ul, _rig.Reaches(7, 0x5010, DmaAccess.Write));
        Assert.Empty(_rig.Events());

        Assert.Equal(0ul, _rig.Reaches(7, 0x6010));
        var told = _rig.Event();
        Assert.Equal((SmmuV3EventId.Translation, true, SmmuV3EventClass.Input), (told.Id, told.IsStage2, told.Class));
        Assert.Equal((0x6010ul, 0x20_1000ul), (told.Address, told.Fetched));

        Assert.Equal(0ul, _rig.Reaches(7, 0x8000_0000)); // stage 1 has nothing there
        told = _rig.Event();
        Assert.Equal((SmmuV3EventId.Translation, false), (told.Id, told.IsStage2));

        _rig.SetWord(root + 8, 0x7F_0000 | 3); // a table of stage 1 that stage 2 does not have
        Assert.Equal(0ul, _rig.Reaches(7, 0x80_0000_0000));
        told = _rig.Event();
        Assert.Equal((true, SmmuV3EventClass.Table, 0x7F_0000ul), (told.IsStage2, told.Class, told.Fetched));
    }

    [Fact]
    public void Substreams_have_contexts_of_their_own()
    {
        var directory = _rig.Take(4096);
        var contexts = _rig.Take(4096);
        _rig.SetWord(directory + 8, SmmuV3ContextDirectoryEntry.Of(contexts).Value); // substreams 64 to 127
        _rig.SetWord(directory, SmmuV3ContextDirectoryEntry.Of(_rig.Take(4096)).Value);
        var roots = new[] { _rig.Take(4096), _rig.Take(4096) };
        for (uint i = 0; i < 2; i++)
        {
            _rig.SetWords(contexts + (i * 64), SmmuV3Rig.Context(roots[i], asid: 10 + i).Words);
            _rig.Map(roots[i], 0x1000, 0x9000_0000 + (i << 12), SmmuV3Rig.Writable);
        }

        var entry = SmmuV3Rig.Stage1(directory);
        (entry.SubstreamBits, entry.ContextFormat, entry.NoSubstream) = (7, 1, SmmuV3NoSubstream.Bypass);
        _rig.Set(4, entry);
        Assert.Equal(0x9000_0000ul, _rig.Reaches(4, 0x1000, substream: 64));
        Assert.Equal(0x9000_1000ul, _rig.Reaches(4, 0x1000, substream: 65));
        Assert.Equal(0x1000ul, _rig.Reaches(4, 0x1000));
        Assert.Empty(_rig.Events());

        Assert.Equal(0ul, _rig.Reaches(4, 0x1000, substream: 128));
        Assert.Equal((SmmuV3EventId.BadSubstream, 128u), (_rig.Event() is var told ? told.Id : 0, told.Substream!.Value));
        Assert.Equal(0ul, _rig.Reaches(4, 0x1000, substream: 66));
        Assert.Equal(SmmuV3EventId.BadContext, _rig.Event().Id);

        entry.NoSubstream = SmmuV3NoSubstream.Terminate;
        _rig.Set(4, entry);
        _rig.Do(SmmuV3Command.DropStream(4));
        Assert.Equal(0ul, _rig.Reaches(4, 0x1000));
        Assert.Equal(SmmuV3EventId.StreamDisabled, _rig.Event().Id);

        entry.NoSubstream = SmmuV3NoSubstream.UseFirst;
        _rig.Set(4, entry);
        _rig.Do(SmmuV3Command.DropStream(4));
        Assert.Equal(0ul, _rig.Reaches(4, 0x1000, substream: 0));
        Assert.Equal(SmmuV3EventId.StreamDisabled, _rig.Event().Id);
    }

    [Fact]
    public void Streams_lie_in_two_levels()
    {
        using var rig = new SmmuV3Rig(isOn: false);
        var (directory, table) = (rig.Take(4096), rig.Take(64 << 8));
        rig.Write64(SmmuV3Register.StreamTableBase, directory);
        rig.Write(SmmuV3Register.StreamTableConfig, SmmuV3StreamTableConfig.TwoLevel(16, 8).Value);
        rig.SetWord(directory + (2 * 8), SmmuV3StreamDirectoryEntry.Of(table, 6).Value); // 32 entries of the 256
        rig.SetWords(table + (31 * 64), new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass }.Words);
        rig.Write(SmmuV3Register.Cr0, (uint)(SmmuV3Control.Translates | SmmuV3Control.EventQueue));
        Assert.Equal(0x5000ul, rig.Reaches(0x21F, 0x5000));
        Assert.Empty(rig.Events());
        foreach (var stream in (uint[])[0x220, 0x300, 0x1_0000])
        {
            Assert.Equal(0ul, rig.Reaches(stream, 0x5000));
            Assert.Equal((SmmuV3EventId.BadStream, stream), (rig.Event() is var told ? told.Id : 0, told.Stream));
        }
    }

    [Fact]
    public void What_cannot_be_read_is_told_as_that()
    {
        var entry = SmmuV3Rig.Stage1(0x4000_0000); // no memory
        _rig.Set(1, entry);
        Assert.Equal(0ul, _rig.Reaches(1, 0x1000));
        var told = _rig.Event();
        Assert.Equal((SmmuV3EventId.ContextFetch, 0x4000_0000ul), (told.Id, told.Fetched));
        var (root, _) = _rig.Attach(2);
        _rig.SetWord(root, 0x4000_0000 | 3);
        Assert.Equal(0ul, _rig.Reaches(2, 0x1000));
        Assert.Equal(SmmuV3EventId.WalkAbort, _rig.Event().Id);

        using var rig = new SmmuV3Rig(isOn: false);
        rig.Write64(SmmuV3Register.StreamTableBase, 0x4000_0000);
        rig.Write(SmmuV3Register.Cr0, (uint)(SmmuV3Control.Translates | SmmuV3Control.EventQueue));
        Assert.Equal(0ul, rig.Reaches(3, 0x1000));
        told = rig.Event();
        Assert.Equal((SmmuV3EventId.StreamFetch, 0x4000_00C0ul), (told.Id, told.Fetched));
    }

    [Fact]
    public void Used_and_written_pages_are_marked_where_the_context_says_so()
    {
        using var rig = new SmmuV3Rig(SmmuV3Options.Mmu700);
        var (root, _) = rig.Attach(5, change: descriptor => descriptor[0].MarksUsed = descriptor[0].MarksDirty = true);
        rig.Map(root, 0x5000, 0x9000_4000, (SmmuV3Rig.ReadOnly & ~0x400ul) | 1UL << 51);
        var table = root;
        for (var level = 0; level < 3; level++)
            table = rig.Word(table) & 0x0000_FFFF_FFFF_F000;
        Assert.Equal(0x9000_4000ul, rig.Reaches(5, 0x5000));
        Assert.Equal(0x9000_4000 | SmmuV3Rig.ReadOnly | 1UL << 51, rig.Word(table + 40)); // used, not written
        Assert.Equal(0x9000_4000ul, rig.Reaches(5, 0x5000, DmaAccess.Write));
        Assert.Equal(0x9000_4000 | SmmuV3Rig.Writable | 1UL << 51, rig.Word(table + 40));
        Assert.Equal(0x9000_4000ul, rig.Reaches(5, 0x5000, DmaAccess.Write));
        Assert.Empty(rig.Events());
    }

    [Fact]
    public void Devices_are_told_translations_and_use_them()
    {
        var (root, at) = _rig.Attach(5);
        _rig.Map(root, 0x5000, 0x9000_4000, SmmuV3Rig.ReadOnly);
        _rig.Write(SmmuV3Register.Cr0, (uint)SmmuV3Control.All);
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(5, 0x5000, kind: TranslationKind.TranslationRequest).Status);
        Assert.Equal(SmmuV3EventId.BadTranslationRequest, _rig.Event().Id);
        Assert.Equal(TranslationStatus.Aborted, _rig.Ask(5, 0x9000_4000, kind: TranslationKind.Translated).Status);
        Assert.Equal(SmmuV3EventId.TranslatedForbidden, _rig.Event().Id);

        var entry = SmmuV3Rig.Stage1(at);
        entry.Ats = 1;
        _rig.Set(5, entry);
        _rig.Do(SmmuV3Command.DropStream(5));
        var told = _rig.Ask(5, 0x5000, DmaAccess.Write, kind: TranslationKind.TranslationRequest);
        Assert.Equal((0x9000_4000ul, Protection.Read), (told.Address.Value, told.Protection & Protection.ReadWrite));
        told = _rig.Ask(5, 0x6000, kind: TranslationKind.TranslationRequest);
        Assert.Equal((TranslationStatus.Ok, Protection.None), (told.Status, told.Protection));
        Assert.Equal(0x9000_4008ul, _rig.Ask(5, 0x9000_4008, kind: TranslationKind.Translated).Address.Value);
        Assert.Empty(_rig.Events());
    }
}
