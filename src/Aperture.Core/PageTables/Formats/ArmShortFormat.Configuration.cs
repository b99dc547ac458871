namespace Aperture.Core.PageTables.Formats;

/// <content>What goes together, and what the registers of a unit must hold.</content>
public readonly partial struct ArmShortFormat
{
    private const int SmallestInput = 25; // TTBCR.N is 7 at most

    /// <summary>Makes the format.</summary>
    /// <exception cref="ApertureException">The options do not go together.</exception>
    public ArmShortFormat(ArmShortOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        var upper = options.Half == ArmShortHalf.Upper;
        _half = options.Half;
        _inputBits = (byte)(upper ? 32 : options.InputBits);
        _start = upper ? 1UL << options.InputBits : 0;
        _rootBits = (byte)(_inputBits - 20);
        _outputBits = (byte)options.OutputBits;
        _tableBits = (byte)(options.MediaTekHighTables ? options.OutputBits : Math.Min(options.OutputBits, 32));
        _sizes = (uint)(options.PageSizes & ArmShortOptions.AllPageSizes);
        _hasRights = options.HasPermissions;
        _mediaTek = options.MediaTek;
        _coherent = options.CoherentWalk;
        _sectionBits = options.NonSecure ? 1u << 19 : 0;
        _linkBits = options.NonSecure ? 1u << 3 | 1 : 1;
    }

    /// <summary>TTBCR: N where the space is split, else 0. A driver that uses one half alone adds PD0 (bit 4) or PD1 (bit 5).</summary>
    public uint TableControl => _half switch
    {
        ArmShortHalf.Lower => 32u - _inputBits,
        ArmShortHalf.Upper => 32u - (uint)ulong.TrailingZeroCount(_start),
        _ => 0,
    };

    /// <summary>The value of TTBR0, or of TTBR1 for the upper half: the table's address with how walks are cached. MediaTek's units
    /// take address bits 34 to 32 in bits 2 to 0 instead.</summary>
    public uint TableBase(PhysicalAddress root)
    {
        if (_mediaTek)
            return (uint)root.Value | (uint)(root.Value >> 32);
        return (uint)root.Value | (_coherent ? 0x6Au : 0x2u); // shareable; coherent: write-back with allocation, inner shareable
    }

    private static void Check(ArmShortOptions options)
    {
        var most = options switch { { Half: not ArmShortHalf.Whole } => 31, { MediaTek: true } => 34, _ => 32 };
        if (options.InputBits < SmallestInput || options.InputBits > most)
            throw Refuse($"input addresses of {options.InputBits} bits, not {SmallestInput} to {most}");
        var output = options.MediaTek ? 35 : 32;
        if (options.OutputBits < SmallestInput || options.OutputBits > output)
            throw Refuse($"output addresses of {options.OutputBits} bits, not {SmallestInput} to {output}");
        if (options.MediaTek && options.HasPermissions)
            throw Refuse("MediaTek's address bits and permissions, which share their bits");
        if (options.MediaTek && options.Half != ArmShortHalf.Whole)
            throw Refuse("MediaTek's extension in a split space");
        if (options.MediaTekHighTables && !options.MediaTek)
            throw Refuse("high tables without MediaTek's extension");
        if ((options.PageSizes & ArmShortOptions.AllPageSizes) == 0)
            throw Refuse($"none of the page sizes of 0x{ArmShortOptions.AllPageSizes:x} (0x{options.PageSizes:x} were asked for)");
    }

    private static ApertureException Refuse(string what) => new(Status.InvalidArgument, $"ARM short-descriptor tables cannot have {what}");
}
