using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>What the replay must know about one kind of unit and its driver, beside what <see cref="ModelFamily"/> knows.</summary>
public abstract class DriverFamily
{
    /// <summary>The models.</summary>
    public abstract ModelFamily Models { get; }

    /// <summary>Whether the recorded driver keeps a unit powered while a domain is attached, rather than while its master is
    /// active.</summary>
    public virtual bool AttachHoldsPower => false;

    /// <summary>Whether the recorded driver makes the tables at the attach and frees them at the detach.</summary>
    public virtual bool TablesLiveWhileAttached => false;

    /// <summary>Whether the recorded driver removes a page as a whole when a part of it is unmapped, rather than refusing.</summary>
    public virtual bool RemovesWholePages => false;

    /// <summary>Whether the recorded driver counts what was not mapped as unmapped.</summary>
    public virtual bool CountsHoles => false;

    /// <summary>Whether the recorded driver maps over what is mapped.</summary>
    public virtual bool OverwritesMappings => false;

    /// <summary>Whether a recorded call of the driver's own interface does as many pages as it is asked for, up to the end of a table,
    /// rather than one.</summary>
    public virtual bool DoesRuns => false;

    /// <summary>Whether the recorded driver loses the addresses of the rest of a section when a part of it is unmapped.</summary>
    public virtual bool LosesSectionAddress => false;

    /// <summary>Whether the recorded driver's interrupt handler says of every interrupt that it was not its own.</summary>
    public virtual bool DeniesInterrupts => false;

    /// <summary>Whether accesses of masters are translated now, for all that power, clocks and resets can do.</summary>
    public virtual bool CanTranslate(TranslationUnit model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Answers;
    }

    /// <summary>Whether the recorded driver names runs of pages as page sizes.</summary>
    public virtual bool CountsRunsAsPages => false;

    /// <summary>Whether the recorded driver leaves the rest of an entry behind that maps nothing any more.</summary>
    public virtual bool LeavesEntriesBehind => false;

    /// <summary>Whether the recorded driver lets an access go on that faulted although nobody handled it.</summary>
    public virtual bool RetriesUnhandledFaults => false;

    /// <summary>Whether registers show what commands did: then the recorded state is that of a model that got the recorded
    /// accesses.</summary>
    public virtual bool RegistersFollowCommands => false;

    /// <summary>Log2 of the largest page.</summary>
    public abstract int LargestPageShift { get; }

    /// <summary>Makes the driver that takes over the units of a file.</summary>
    /// <param name="core">The IOMMU core.</param>
    /// <param name="facts">Finds what the file tells of a unit.</param>
    public abstract IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts);

    /// <summary>The name by which the driver finds a unit, where the recording does not say it; null for the driver's first.</summary>
    public virtual string? Compatible(UnitFacts facts) => null;

    /// <summary>What stands behind a master's reference to a unit, once for each reference.</summary>
    /// <param name="probe">The call that binds the master.</param>
    public virtual IEnumerable<uint[]> Cells(VectorEvent probe) => [[]];

    /// <summary>Whether a master may be refused though the recorded driver takes it: it has no such stream.</summary>
    public virtual bool IsUnknown(IommuUnit unit, uint[] cells) => false;

    /// <summary>The stream in which a master makes accesses.</summary>
    /// <param name="cells">What stands behind its first reference.</param>
    public virtual StreamId Stream(uint[] cells) => default;

    /// <summary>Connects what stands beside a unit, and adds its registers to the device, before the unit is probed.</summary>
    /// <param name="site">The unit, and the blocks of the replay.</param>
    public virtual void Connect(ReplayedSite site)
    {
    }

    /// <summary>Compares what the driver found in an interrupt beside faults.</summary>
    public virtual void CheckInterrupt(ReplayPart part, RecordedCall call, IommuUnit unit)
    {
    }

    /// <summary>Whether the recorded driver only notes faults, where ours tells the domain.</summary>
    public virtual bool KeepsFaultsToItself => false;

    /// <summary>The first-level tables in force by the name of who uses them, on units with several.</summary>
    public virtual IEnumerable<(string User, ulong Table)> Tables(TranslationUnit model) => [];

    /// <summary>The names of the clocks that a device has.</summary>
    public virtual IEnumerable<string> Clocks(VectorEvent probe) => [];

    /// <summary>Compares what a probe found out.</summary>
    public virtual void CheckProbe(ReplayPart part, VectorEvent probe, IommuUnit unit)
    {
    }

    /// <summary>The format of a domain's tables, with another shared table of zeros, or its own one.</summary>
    public abstract IPageTableFormat Format(IommuDomain domain, ulong? zeroTable);

    /// <summary>The first-level table of a domain.</summary>
    public abstract ulong Root(IommuDomain domain);

    /// <summary>The registers that hold the state which software decides.</summary>
    public abstract IEnumerable<ControlRegister> Controls(TranslationUnit model);

    /// <summary>Whether a unit with these registers translates.</summary>
    /// <param name="read">Reads a register, recorded or of the model.</param>
    public abstract bool IsTranslating(Func<uint, uint> read);

    /// <summary>The registers that a fault changes; writing them back undoes it.</summary>
    public abstract IEnumerable<uint> FaultState(TranslationUnit model);

    /// <summary>Undoes a fault.</summary>
    public abstract void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state);

    /// <summary>Whether a recorded read told of a table that could not be read, beside the faults that the recorded driver
    /// reports.</summary>
    public virtual bool IsBusError(VectorEvent read) => false;

    /// <summary>The address of the fault of a context other than the first.</summary>
    /// <param name="read">Reads a register.</param>
    /// <param name="context">The context.</param>
    public virtual ulong FaultAddress(Func<uint, uint> read, int context) => 0;

    /// <summary>The valid entries of a TLB that software can read.</summary>
    public virtual IReadOnlyList<TlbEntry> Entries(TranslationUnit model) => [];

    /// <summary>Makes a TLB forget the entry of an address.</summary>
    public virtual Status FlushPage(IommuUnit unit, ulong iova) => Status.NotSupported;

    /// <summary>Makes a TLB forget all entries.</summary>
    public virtual Status FlushAll(IommuUnit unit) => Status.NotSupported;

    /// <summary>Loads the TLB entry of a mapped page.</summary>
    public virtual Status Prefetch(IommuUnit unit, Iova iova, bool isLocked) => Status.NotSupported;

    /// <summary>Reads the register block.</summary>
    public virtual uint[] SaveContext(IommuUnit unit) => [];

    /// <summary>Writes it back.</summary>
    public virtual void RestoreContext(IommuUnit unit, uint[] words)
    {
    }

    /// <summary>The protection that a call asks for.</summary>
    public virtual Protection ProtectionOf(VectorEvent call) => RecordedCall.ProtectionOf(call);
}

/// <summary>A register that holds state which software decides.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Mask">The bits that count.</param>
/// <param name="OnlyWhileTranslating">Whether it means something only while the unit translates.</param>
/// <param name="IsTableBase">Whether it names the first-level table.</param>
/// <param name="Undecided">A recorded value that means that the driver has not decided; null where there is none.</param>
public readonly record struct ControlRegister(
    string Name, uint Offset, uint Mask, bool OnlyWhileTranslating = false, bool IsTableBase = false, uint? Undecided = null);
