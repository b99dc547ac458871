using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Domains, and their numbers on the unit.</summary>
public sealed partial class SmmuV3Unit
{
    private readonly SmmuV3Numbers _asids;
    private readonly SmmuV3Numbers _vmids;
    private readonly Dictionary<IommuDomain, SmmuV3Context> _contexts = []; // the domains in force
    private readonly List<SmmuV3Block> _retired = []; // what the unit may still read until it was told

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return domain is SmmuV3NestedDomain nested ? CanNest(nested)
            : domain.Type == DomainType.Identity || (SmmuV3Tables.TryOf(domain, out var tables) && CanWalk(tables.Format));
    }

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request)
    {
        if (request.Type == DomainType.Nested)
            return MakeNested(request);
        if (request.Type == DomainType.Shared)
        {
            var shared = new SharedDomain(request.Tables!);
            if (Accepts(shared))
                return shared;
            shared.Dispose();
            throw new ApertureException(Status.NotSupported, $"IOMMU {Name} cannot walk tables of the kind {request.Tables!.Format}");
        }

        if (request.Stage == (TranslationStages.First | TranslationStages.Second))
            throw new ApertureException(Status.NotSupported, $"IOMMU {Name} makes domains of one stage, not of both");
        var isStage2 = request.Stage == TranslationStages.Second || (request.Stage == TranslationStages.None && !_identity.HasStage1);
        var format = _identity.FormatOf(isStage2, request.InputBits, request.TracksDirty);
        if (request.InputBits > format.InputBits)
        {
            throw new ApertureException(
                Status.OutOfRange, $"IOMMU {Name} has addresses of {format.InputBits} bits in stage 2, not {request.InputBits}");
        }

        return new PagingDomain<ArmLpaeFormat>(request, format, Core.Tables, Core.Trace);
    }

    private bool CanWalk(ArmLpaeFormat format)
    {
        var granule = (int)ulong.TrailingZeroCount(format.PageSizes) switch
        {
            12 => SmmuV3AddressSizes.Granule4K,
            14 => SmmuV3AddressSizes.Granule16K,
            _ => SmmuV3AddressSizes.Granule64K,
        };
        var isStage2 = format.Kind == ArmLpaeKind.Stage2;
        var isOfStage = isStage2 ? _identity.HasStage2 : format.Kind == ArmLpaeKind.Stage1 && _identity.HasStage1;
        return isOfStage && _identity.Addresses.Has(granule) && format.InputStart == 0
            && format.InputBits <= (isStage2 ? _identity.OutputBits : Math.Max(48, _identity.Addresses.InputBits))
            && format.OutputBits <= _identity.OutputBits && (!format.TracksDirty || _identity.MarksDirty)
            && (!format.IsCoherent || _identity.IsCoherent);
    }

    /// <summary>Gives a domain a number and context descriptors, unless it has them.</summary>
    /// <returns><see cref="Status.NoSpace"/>, <see cref="Status.NoMemory"/>: nothing was taken.</returns>
    private Status Reserve(IommuDomain? domain)
    {
        if (domain is SmmuV3NestedDomain nested)
            return Reserve(nested.Parent);
        if (domain is null || !SmmuV3Tables.TryOf(domain, out var tables))
            return Status.Ok;
        if (!_contexts.TryGetValue(domain, out var context))
        {
            var isStage2 = tables.Format.Kind == ArmLpaeKind.Stage2;
            var numbers = isStage2 ? _vmids : _asids;
            var number = numbers.Take();
            if (number == 0)
                return Status.NoSpace;
            var descriptors = isStage2 ? null
                : SmmuV3Block.TryMake(Core.Tables, 2 * SmmuV3Words.Bytes, _identity.OutputBits);
            if (!isStage2 && descriptors is null)
            {
                numbers.Give(number);
                return Status.NoMemory;
            }

            context = new SmmuV3Context(domain, tables, number, descriptors);
            if (descriptors is not null)
                context.Write();
            _contexts.Add(domain, context);
        }

        if (domain.TargetOn(this) is { } target)
            target.Tag = context.Tag;
        return Status.Ok;
    }

    /// <summary>Takes number and context descriptors from a domain that nobody is in any more.</summary>
    private void Unreserve(IommuDomain? domain)
    {
        if (domain is SmmuV3NestedDomain nested)
            domain = nested.Parent;
        if (domain is null || IsUsed(domain) || !_contexts.Remove(domain, out var context))
            return;
        if (domain.TargetOn(this) is { } target)
            target.Tag = InvalidationTarget.NoTag;
        (context.IsStage2 ? _vmids : _asids).Give(context.Number);
        if (context.Descriptors is { } descriptors)
            _retired.Add(descriptors);
    }

    private bool IsUsed(IommuDomain domain)
    {
        foreach (var master in _masters)
        {
            if (master.Uses(domain))
                return true;
        }

        return false;
    }

    /// <summary>The context of a domain; null for one without tables.</summary>
    private SmmuV3Context? ContextOf(IommuDomain? domain) => domain is null ? null : _contexts.GetValueOrDefault(domain);

    /// <summary>Gives back what the unit does not read any more: it was told, or is off.</summary>
    private void FreeRetired()
    {
        foreach (var block in _retired)
            block.Free();
        _retired.Clear();
    }
}
