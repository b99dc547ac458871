using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Ats;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>Each event, each global error and each error of a command by a cause of its own. What the model never tells stands here with
/// the reason.</summary>
public sealed class SmmuV3EventTableTests
{
    private const uint Stream = 3;
    private const ulong At = 0x4000_0000;
    private const ulong Nowhere = 0x1000_0000; // no memory
    private const ulong Target = 0x9000_0000;
    private const SmmuV3Control Running = SmmuV3Control.CommandQueue | SmmuV3Control.EventQueue | SmmuV3Control.Translates;

    /// <summary>What makes a unit that is off so far tell of an event, for the stream.</summary>
    private static readonly Dictionary<SmmuV3EventId, Action<SmmuV3Rig>> s_events = new()
    {
        [SmmuV3EventId.BadStream] = rig =>
        {
            rig.Write(SmmuV3Register.StreamTableConfig, SmmuV3StreamTableConfig.Linear(1).Value); // streams 0 and 1
            Access(rig);
        },
        [SmmuV3EventId.StreamFetch] = rig =>
        {
            rig.Write64(SmmuV3Register.StreamTableBase, Nowhere);
            Access(rig);
        },
        [SmmuV3EventId.BadStreamEntry] = rig => Access(rig), // no entry was made
        [SmmuV3EventId.BadTranslationRequest] = rig =>
        {
            rig.Attach(Stream);
            Access(rig, kind: TranslationKind.TranslationRequest);
        },
        [SmmuV3EventId.StreamDisabled] = rig =>
        {
            rig.Set(Stream, SmmuV3Rig.Stage1(rig.Take(4096)) with { SubstreamBits = 2 });
            Access(rig);
        },
        [SmmuV3EventId.TranslatedForbidden] = rig =>
        {
            rig.Attach(Stream);
            Access(rig, kind: TranslationKind.Translated, control: SmmuV3Control.ChecksTranslated);
        },
        [SmmuV3EventId.BadSubstream] = rig =>
        {
            rig.Attach(Stream);
            Access(rig, substream: 1);
        },
        [SmmuV3EventId.ContextFetch] = rig =>
        {
            rig.Set(Stream, SmmuV3Rig.Stage1(Nowhere));
            Access(rig);
        },
        [SmmuV3EventId.BadContext] = rig =>
        {
            rig.Attach(Stream, change: descriptor => descriptor[0].IsValid = false);
            Access(rig);
        },
        [SmmuV3EventId.WalkAbort] = rig =>
        {
            var (root, _) = rig.Attach(Stream);
            rig.SetWord(root + ((At >> 39) * 8), Nowhere | 3);
            Access(rig);
        },
        [SmmuV3EventId.Translation] = rig =>
        {
            rig.Attach(Stream);
            Access(rig);
        },
        [SmmuV3EventId.AddressSize] = rig =>
        {
            var (root, _) = rig.Attach(Stream, change: descriptor => descriptor[0].OutputSize = 0); // 32 bits
            rig.Map(root, At, 1UL << 32, SmmuV3Rig.Writable);
            Access(rig);
        },
        [SmmuV3EventId.AccessFlag] = rig =>
        {
            var (root, _) = rig.Attach(Stream);
            rig.Map(root, At, Target, SmmuV3Rig.Writable & ~0x400ul);
            Access(rig);
        },
        [SmmuV3EventId.Permission] = rig =>
        {
            var (root, _) = rig.Attach(Stream);
            rig.Map(root, At, Target, SmmuV3Rig.ReadOnly);
            Access(rig, access: DmaAccess.Write);
        },
        [SmmuV3EventId.TlbConflict] = rig =>
        {
            // A page becomes part of a block, and nobody says so.
            var (root, _) = rig.Attach(Stream);
            rig.Map(root, At, Target, SmmuV3Rig.Writable);
            Access(rig);
            var link = rig.Word(rig.Word(root) & 0x0000_FFFF_FFFF_F000 | (At >> 30) * 8) & 0x0000_FFFF_FFFF_F000;
            rig.SetWord(link, Target | (SmmuV3Rig.Writable & ~2ul));
            rig.Do(SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At + 0x1000, leafOnly: false)); // of its other pages
            rig.Ask(Stream, At + 0x2000);
            rig.Ask(Stream, At);
        },
    };

    private static readonly Dictionary<SmmuV3EventId, string> s_noEvents = new()
    {
        [SmmuV3EventId.Unsupported] = "masters here make no transaction that a unit does not know",
        [SmmuV3EventId.ConfigConflict] = "a configuration is kept in one place only: two can never match",
        [SmmuV3EventId.PageRequest] = "a hint that the architecture leaves to the unit; this one gives none",
    };

    private static readonly Dictionary<SmmuV3GlobalErrors, Action<SmmuV3Rig>> s_errors = new()
    {
        [SmmuV3GlobalErrors.Command] = rig =>
        {
            On(rig);
            rig.Do(new SmmuV3Command(0xFF, 0));
        },
        [SmmuV3GlobalErrors.EventQueueAbort] = rig =>
        {
            rig.Write64(SmmuV3Register.EventQueueBase, SmmuV3QueueBase.Of(Nowhere, SmmuV3Rig.QueueLog2).Value);
            Access(rig);
        },
        [SmmuV3GlobalErrors.PageRequestQueueAbort] = rig => RequestPage(rig, Nowhere),
        [SmmuV3GlobalErrors.CommandMessage] = rig =>
        {
            On(rig);
            rig.Do(SmmuV3Command.SynchroniseBy(Nowhere, 1));
        },
        [SmmuV3GlobalErrors.EventQueueMessage] = rig =>
        {
            rig.Write64(SmmuV3Register.EventQueueMessage, Nowhere);
            Access(rig);
        },
        [SmmuV3GlobalErrors.PageRequestQueueMessage] = rig =>
        {
            rig.Write64(SmmuV3Register.PageRequestQueueMessage, Nowhere);
            RequestPage(rig, rig.Take(4096));
        },
        [SmmuV3GlobalErrors.GlobalErrorMessage] = rig =>
        {
            rig.Write64(SmmuV3Register.GlobalErrorMessage, Nowhere);
            On(rig);
            rig.Do(new SmmuV3Command(0xFF, 0));
        },
    };

    private static readonly Dictionary<SmmuV3GlobalErrors, string> s_noErrors = new()
    {
        [SmmuV3GlobalErrors.ServiceFailure] = "a model does not break by itself",
    };

    /// <summary>Commands that some unit does not take, by why.</summary>
    private static readonly Dictionary<string, (SmmuV3Options Unit, SmmuV3Command Command)> s_illegal = new()
    {
        ["no command"] = (new(), new(0x7F, 0)),
        ["opcode 0"] = (new(), default),
        ["SYNC with a signal that there is not"] = (new(), new((byte)SmmuV3Opcode.Sync | 3 << 12, 0)),
        ["PRI_RESP with an answer that there is not"] = (new(), SmmuV3Command.Respond(Stream, null, 1, 3)),
        ["PRI_RESP without page requests"] = (new() { HasPageRequests = false }, SmmuV3Command.Respond(Stream, null, 1, 0)),
        ["ATC_INV without ATS"] = (new() { HasAts = false }, SmmuV3Command.DropAtc(Stream, null, 0, 0)),
        ["RESUME where nothing stalls"] = (new() { Stalls = 0 }, SmmuV3Command.ResumeAccess(Stream, 0, true)),
        ["STALL_TERM where nothing stalls"] =
            (new() { Stalls = 0 }, new((ulong)Stream << 32 | (byte)SmmuV3Opcode.TerminateStalled, 0)),
        ["CFGI_CD without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.DropContext(Stream, 0)),
        ["CFGI_CD_ALL without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.DropContexts(Stream)),
        ["TLBI_NH_ALL without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll)),
        ["TLBI_NH_ASID without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid)),
        ["TLBI_NH_VA without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbAddress)),
        ["TLBI_NH_VAA without stage 1"] = (new() { HasStage1 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbAddressOfAll)),
        ["TLBI_S12_VMALL without stage 2"] = (new() { HasStage2 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine)),
        ["TLBI_S2_IPA without stage 2"] = (new() { HasStage2 = false }, SmmuV3Command.Tlb(SmmuV3Opcode.TlbIntermediate)),
        ["TLBI_EL2_ALL without a hypervisor"] = (new(), SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAll)),
        ["TLBI_EL2_ASID without a hypervisor"] = (new(), SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAsid)),
        ["TLBI_EL2_VA without a hypervisor"] = (new(), SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAddress)),
        ["TLBI_EL2_VAA without a hypervisor"] = (new(), SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAddressOfAll)),
    };

    public static TheoryData<SmmuV3EventId> Events => [.. s_events.Keys];

    public static TheoryData<SmmuV3GlobalErrors> Errors => [.. s_errors.Keys];

    public static TheoryData<string> Illegal => [.. s_illegal.Keys];

    [Fact]
    public void Everything_that_can_be_told_has_its_cause_or_a_reason_why_not()
    {
        Assert.Equal(Enum.GetValues<SmmuV3EventId>().Order(), s_events.Keys.Concat(s_noEvents.Keys).Order());
        var errors = Enum.GetValues<SmmuV3GlobalErrors>().Where(error => error != SmmuV3GlobalErrors.None);
        Assert.Equal(errors.Order(), s_errors.Keys.Concat(s_noErrors.Keys).Order());
        Assert.All([.. s_noEvents.Values, .. s_noErrors.Values], Assert.NotEmpty);
    }

    [Theory]
    [MemberData(nameof(Events))]
    public void Event(SmmuV3EventId id)
    {
        using var rig = new SmmuV3Rig(isOn: false);
        s_events[id](rig);
        var told = rig.Event();
        Assert.Equal((id, Stream), (told.Id, told.Stream));
        Assert.Equal((1ul, 0ul), rig.Unit.Events);
    }

    /// <summary>More causes than the queue has room for: what has room is told whole, the loss is said once, and afterwards everything is
    /// told again.</summary>
    [Theory]
    [MemberData(nameof(Events))]
    public void Event_that_finds_no_room(SmmuV3EventId id)
    {
        const int Room = 1 << SmmuV3Rig.QueueLog2;
        using var rig = new SmmuV3Rig(isOn: false);
        rig.Attach(Stream + 1, asid: 2);
        On(rig);
        for (var i = 0; i < Room; i++)
            rig.Ask(Stream + 1, At);
        rig.Write(SmmuV3Register.Cr0, 0);
        s_events[id](rig);
        Assert.Equal((ulong)Room, rig.Unit.Events.Written);
        Assert.Equal(1ul, rig.Unit.Events.Lost);
        Assert.Equal(SmmuV3Ring.OverflowBit, rig.Read(SmmuV3Register.EventQueueProducer) & SmmuV3Ring.OverflowBit);
        Assert.All(rig.Events(), told => Assert.Equal((SmmuV3EventId.Translation, Stream + 1), (told.Id, told.Stream)));
        rig.Ask(Stream + 1, At);
        Assert.Equal(SmmuV3EventId.Translation, rig.Event().Id);
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void Global_error(SmmuV3GlobalErrors error)
    {
        using var rig = new SmmuV3Rig(isOn: false);
        s_errors[error](rig);
        var expected = error == SmmuV3GlobalErrors.GlobalErrorMessage ? error | SmmuV3GlobalErrors.Command : error;
        Assert.Equal(expected, (SmmuV3GlobalErrors)rig.Read(SmmuV3Register.GlobalError));
        var byWire = error != SmmuV3GlobalErrors.GlobalErrorMessage;
        Assert.Equal(byWire, rig.Unit.Interrupts[1].IsAsserted);
        rig.SetWord(rig.CommandQueue, (byte)SmmuV3Opcode.Sync); // in the place of a command that was refused
        rig.Write(SmmuV3Register.GlobalErrorAck, rig.Read(SmmuV3Register.GlobalError));
        Assert.Equal(0u, rig.Read(SmmuV3Register.GlobalError) ^ rig.Read(SmmuV3Register.GlobalErrorAck));
        Assert.False(rig.Unit.Interrupts[1].IsAsserted);
    }

    [Theory]
    [MemberData(nameof(Illegal))]
    public void Illegal_command(string why)
    {
        var (unit, command) = s_illegal[why];
        using var rig = new SmmuV3Rig(unit);
        rig.Do(SmmuV3Command.Synchronise(), command, SmmuV3Command.Synchronise());
        Assert.Equal(1u | (uint)SmmuV3CommandError.Illegal << 24, rig.Read(SmmuV3Register.CommandQueueConsumer));
        Assert.Equal(1ul, rig.Unit.Commands);
    }

    [Fact]
    public void Command_error_abort()
    {
        using var rig = new SmmuV3Rig(isOn: false);
        rig.Write64(SmmuV3Register.CommandQueueBase, SmmuV3QueueBase.Of(Nowhere, SmmuV3Rig.QueueLog2).Value);
        On(rig);
        rig.Write(SmmuV3Register.CommandQueueProducer, 1);
        Assert.Equal((uint)SmmuV3CommandError.Abort << 24, rig.Read(SmmuV3Register.CommandQueueConsumer));
    }

    /// <summary>Told at the SYNC behind it, and once.</summary>
    [Fact]
    public void Command_error_atc_invalidation()
    {
        using var rig = new SmmuV3Rig();
        var device = new MuteDevice();
        rig.Unit.Connect(new StreamId(Stream), device);
        rig.Do(SmmuV3Command.DropAtc(Stream + 1, null, 0, 0), SmmuV3Command.Synchronise()); // another's: nobody is there
        Assert.Equal(2u, rig.Read(SmmuV3Register.CommandQueueConsumer));
        rig.Do(SmmuV3Command.DropAtc(Stream, 5, At, 1), SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll), SmmuV3Command.Synchronise());
        Assert.Equal(4u | (uint)SmmuV3CommandError.AtcInvalidation << 24, rig.Read(SmmuV3Register.CommandQueueConsumer));
        Assert.Equal([new AtsInvalidation(new Pasid(5), false, new Iova(At), new Iova(At + 0x1FFF))], device.Told);
        rig.Write(SmmuV3Register.GlobalErrorAck, rig.Read(SmmuV3Register.GlobalError));
        Assert.Equal(5u, rig.Read(SmmuV3Register.CommandQueueConsumer) & 0x1F);
    }

    private static void On(SmmuV3Rig rig, SmmuV3Control more = SmmuV3Control.None) =>
        rig.Write(SmmuV3Register.Cr0, (uint)(Running | more));

    private static void Access(
        SmmuV3Rig rig,
        DmaAccess access = DmaAccess.Read,
        uint? substream = null,
        TranslationKind kind = TranslationKind.Untranslated,
        SmmuV3Control control = SmmuV3Control.None)
    {
        On(rig, control);
        rig.Ask(Stream, At, access, substream, kind: kind);
    }

    private static void RequestPage(SmmuV3Rig rig, ulong queue)
    {
        rig.Write64(SmmuV3Register.PageRequestQueueBase, SmmuV3QueueBase.Of(queue, SmmuV3Rig.QueueLog2).Value);
        On(rig, SmmuV3Control.PageRequestQueue);
        rig.Unit.TryRequestPage(SmmuV3PageRequest.Of(Stream, null, At, 1, true, false, true));
    }

    /// <summary>A device that answers nothing.</summary>
    private sealed class MuteDevice : IAtsDevice
    {
        public List<AtsInvalidation> Told { get; } = [];

        public bool TryInvalidate(in AtsInvalidation what)
        {
            Told.Add(what);
            return false;
        }

        public void EndAccesses()
        {
            // It has none.
        }

        public void Answer(in PageAnswer answer)
        {
            // It asks for nothing.
        }
    }
}
