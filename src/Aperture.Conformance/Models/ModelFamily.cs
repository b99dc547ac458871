using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>What the replay must know about one kind of unit: how to build its model from recorded facts, and how to reach what
/// is not a register.</summary>
public abstract class ModelFamily
{
    /// <summary>The recorded driver that this family is for.</summary>
    public abstract string Driver { get; }

    /// <summary>Bytes of a first-level table.</summary>
    public virtual int FirstLevelBytes => 0x4000;

    /// <summary>The stream that <see cref="Start"/> programs.</summary>
    public virtual StreamId Stream => default;

    /// <summary>Builds the model of a unit.</summary>
    public abstract TranslationUnit Create(SystemBus bus, UnitFacts facts);

    /// <summary>Equal for units that translate alike.</summary>
    public abstract object Kind(UnitFacts facts);

    /// <summary>Sets a register as the hardware does by itself.</summary>
    public abstract void Poke(TranslationUnit unit, uint offset, uint value);

    /// <summary>Changes how the model behaves.</summary>
    public virtual void Configure(TranslationUnit unit, VectorEvent model) => throw Refuse(model);

    /// <summary>Puts an entry into the TLB.</summary>
    public virtual void SetEntry(TranslationUnit unit, VectorEvent tlb) => throw Refuse(tlb);

    /// <summary>A number for what a register shows now: other than the offset where a selector decides.</summary>
    public virtual ulong Identity(TranslationUnit unit, uint offset) => offset;

    /// <summary>Adopts what a read returned where register traffic was left out before it.</summary>
    public virtual void Adopt(TranslationUnit unit, uint offset, uint value) => Poke(unit, offset, value);

    /// <summary>Compares a line that states a fact about a chip.</summary>
    public virtual void CheckFact(ReplayPart part, VectorEvent fact) => throw Refuse(fact);

    /// <summary>The first-level table that a register write sets, if it is such a write.</summary>
    public abstract bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table);

    /// <summary>Programs a unit that was just reset to translate through <paramref name="table"/>.</summary>
    public abstract void Start(TranslationUnit unit, ulong table);

    /// <summary>The address of the last fault, as the unit's registers show it.</summary>
    public abstract ulong FaultAddress(TranslationUnit unit, DmaAccess access);

    /// <summary>What a read of a register returns.</summary>
    protected static uint Read(TranslationUnit unit, uint offset)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return unit.TryRead(offset, sizeof(uint), out var value)
            ? (uint)value
            : throw new ApertureException(Status.IoError, $"the model does not answer at 0x{offset:x}");
    }

    /// <summary>Writes a register.</summary>
    protected static void Write(TranslationUnit unit, uint offset, ulong value)
    {
        ArgumentNullException.ThrowIfNull(unit);
        if (!unit.TryWrite(offset, sizeof(uint), value))
            throw new ApertureException(Status.IoError, $"the model does not answer at 0x{offset:x}");
    }

    private VectorException Refuse(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return line.Bad($"'{line.Kind}' means nothing to a unit of family {Driver}");
    }
}
