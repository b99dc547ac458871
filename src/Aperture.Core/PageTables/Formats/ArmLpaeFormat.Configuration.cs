using System.Numerics;

namespace Aperture.Core.PageTables.Formats;

/// <content>What goes together, and what the registers of a unit must hold.</content>
public readonly partial struct ArmLpaeFormat
{
    private const int LastLevel = 3;              // the architecture's number of the level of pages
    private const int MostConcatenated = 16;      // tables side by side as a root of stage 2
    private const uint MaliTable = 3;             // address mode of a Mali's TRANSTAB: tables
    private const uint MaliReadInner = 1 << 2;    // its walks may be cached
    private const uint MaliShareOuter = 1 << 4;   // its walks are coherent; inferred

    private static readonly int[] s_outputSizes = [32, 36, 40, 42, 44, 48, 52];

    /// <summary>Makes the format.</summary>
    /// <exception cref="ApertureException">The options do not go together.</exception>
    public ArmLpaeFormat(ArmLpaeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _kind = options.Kind;
        _isStage1 = _kind is ArmLpaeKind.Stage1 or ArmLpaeKind.Stage1In32;
        var sizes = GranuleOf(options);
        _granule = (byte)BitOperations.TrailingZeroCount(sizes);
        var most = _granule == 16 ? 52 : 48;
        _inputBits = (byte)Math.Min(options.InputBits, most);
        _outputBits = (byte)Math.Min(options.OutputBits, most);
        if (_outputBits <= 48)
            sizes &= ~(1UL << 42);
        Check(options, _outputBits);

        _highAddress = _outputBits > 48;
        _tracksDirty = options.TracksDirty;
        _coherent = options.CoherentWalk;
        _outerWriteBack = options.OuterWriteBack;
        _start = options.Upper ? ulong.MaxValue << _inputBits : 0;
        _leafBits = _kind == ArmLpaeKind.Mali ? 0 : _isStage1 ? AccessFlag | NotGlobal : AccessFlag;
        _linkBits = _coherent ? 3 : 1UL << 55 | 3;
        if (options.NonSecure)
        {
            _leafBits |= NonSecure;
            _linkBits |= 1UL << 63;
        }

        var bits = _inputBits - _granule;
        _levels = (byte)((bits + LevelBits - 1) / LevelBits);
        _rootBits = (byte)(bits - ((_levels - 1) * LevelBits));
        if (_levels == LastLevel + 1 && 1 << _rootBits <= MostConcatenated && _kind is ArmLpaeKind.Stage2 or ArmLpaeKind.Stage2In32)
        {
            _levels--;
            _rootBits = (byte)(_rootBits + LevelBits);
        }

        if (_kind == ArmLpaeKind.Mali)
        {
            // The unit's walks begin at level 0 whatever the size (recorded library behaviour). The root is a whole table, so that an
            // address beyond InputBits ends at an empty entry.
            _levels = LastLevel + 1;
            _rootBits = (byte)LevelBits;
        }

        for (var level = 0; level < _levels; level++)
            _shifts |= (ulong)(_granule + ((_levels - 1 - level) * LevelBits)) << (level * 8);
        _pageType = _kind == ArmLpaeKind.Mali ? Block : Link;
        _sizes = sizes;
        if (options.Contiguous)
        {
            for (var level = 0; level < _levels; level++)
                _contiguous |= ContiguousAt(level);
            _sizes |= _contiguous;
        }
    }

    /// <summary>The architecture's number of the level at which walks begin: 0 to 3.</summary>
    public int FirstLookupLevel => LastLevel + 1 - _levels;

    /// <summary>The fields of TCR, or of VTCR in stage 2.</summary>
    public ArmLpaeControl Control
    {
        get
        {
            var granule = (_granule, _start != 0) switch
            {
                (12, false) => 0,
                (12, true) => 2,
                (14, false) => 2,
                (14, true) => 1,
                (_, false) => 1,
                _ => 3
            };
            var start = _isStage1 ? 0 : _granule == 12 ? 2 - FirstLookupLevel : LastLevel - FirstLookupLevel;
            var (shareability, inner, outer) = _coherent ? (3, 1, 1) : (2, 0, _outerWriteBack ? 1 : 0);
            return new ArmLpaeControl(64 - _inputBits, granule, Array.IndexOf(s_outputSizes, _outputBits), shareability, inner, outer,
                start);
        }
    }

    /// <summary>The value of a Mali's TRANSTAB.</summary>
    public ulong MaliTableBase(PhysicalAddress root) => root.Value | MaliTable | MaliReadInner | (_coherent ? MaliShareOuter : 0);

    /// <summary>The sizes of the granule: that of 4 KiB if wanted, else the smallest that is.</summary>
    private static ulong GranuleOf(ArmLpaeOptions options)
    {
        var only4K = options.Kind is not (ArmLpaeKind.Stage1 or ArmLpaeKind.Stage2);
        var sizes = only4K ? options.PageSizes & ArmLpaeOptions.Granule4K : options.PageSizes;
        var page = (sizes & 1 << 12) != 0 ? 1 << 12 : sizes & (~sizes + 1);
        return page switch
        {
            1 << 12 => sizes & ArmLpaeOptions.Granule4K,
            1 << 14 => sizes & ArmLpaeOptions.Granule16K,
            1 << 16 => sizes & ArmLpaeOptions.Granule64K,
            _ => throw Refuse($"the page sizes 0x{options.PageSizes:x}: a granule of 4{(only4K ? "" : ", 16 or 64")} KiB is needed"),
        };
    }

    private static void Check(ArmLpaeOptions options, int outputBits)
    {
        var (input, output) = options.Kind switch
        {
            ArmLpaeKind.Stage1In32 => (32, 40),
            ArmLpaeKind.Stage2In32 => (40, 40),
            ArmLpaeKind.Mali => (48, 40),
            _ => (int.MaxValue, int.MaxValue),
        };
        if (options.InputBits > input)
            throw Refuse($"input addresses of {options.InputBits} bits, more than {input}");
        if (options.OutputBits > output)
            throw Refuse($"output addresses of {options.OutputBits} bits, more than {output}");
        if (options.InputBits < 20)
            throw Refuse($"input addresses of {options.InputBits} bits, less than 20");
        if (options.Kind != ArmLpaeKind.Mali && !s_outputSizes.Contains(outputBits))
            throw Refuse($"output addresses of {outputBits} bits, not {string.Join(", ", s_outputSizes)}");
        if (outputBits < 32)
            throw Refuse($"output addresses of {outputBits} bits, less than 32");
        if (options.Kind is not (ArmLpaeKind.Stage1 or ArmLpaeKind.Stage1In32)
            && (options.Upper || options.NonSecure || options.OuterWriteBack))
            throw Refuse("an upper half, non-secure pages or outer caching of walks, other than in stage 1");
        if (options.TracksDirty && options.Kind is ArmLpaeKind.Mali or ArmLpaeKind.Stage2In32)
            throw Refuse("dirty state in Mali's tables, or in stage 2 for 32 bits");
        if (options.OuterWriteBack && options.CoherentWalk)
            throw Refuse("outer caching of walks where walks are coherent");
    }

    /// <summary>The contiguous size of a level, if a table of it has so many entries. Source: Arm ARM D5.</summary>
    private ulong ContiguousAt(int level)
    {
        var shift = Shift(level);
        if ((_sizes >> shift & 1) == 0)
            return 0;
        var entries = _granule switch { 12 => 4, 14 => level == _levels - 1 ? 7 : 5, _ => 5 };
        return entries <= IndexBits(level) && shift + entries <= _outputBits ? 1UL << (shift + entries) : 0;
    }

    private static ApertureException Refuse(string what) => new(Status.InvalidArgument, $"ARM long-descriptor tables cannot have {what}");
}
