using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Who makes an access.</summary>
/// <remarks>Two words, so that handing one on costs nothing: the stream; flags, and the address space with a bit that says whether there
/// is one.</remarks>
public readonly record struct Requester
{
    private const int FlagsShift = 24;
    internal const uint HasPasidBit = 1u << 31;

    private readonly uint _stream;
    private readonly uint _rest;

    /// <summary>A requester.</summary>
    /// <param name="stream">Which master it is.</param>
    /// <param name="pasid">Which of the master's address spaces it means; null for the one that it has without any.</param>
    /// <param name="flags">Privilege, security, and whether it is instructions or a debugger.</param>
    /// <exception cref="ArgumentOutOfRangeException">The address space is larger than <see cref="Pasid.Largest"/>.</exception>
    public Requester(StreamId stream, Pasid? pasid = null, AccessFlags flags = AccessFlags.None)
        : this(stream.Value, ((uint)flags << FlagsShift) | (pasid is { } given ? Checked(given) | HasPasidBit : 0))
    {
    }

    internal Requester(uint stream, uint rest)
    {
        _stream = stream;
        _rest = rest;
    }

    /// <summary>Which master it is.</summary>
    public StreamId Stream => new(_stream);

    /// <summary>Which of the master's address spaces it means; null for the one that it has without any.</summary>
    public Pasid? Pasid => (_rest & HasPasidBit) != 0 ? new Pasid(_rest & Core.Pasid.Largest) : null;

    /// <summary>Privilege, security, and whether it is instructions or a debugger.</summary>
    public AccessFlags Flags => (AccessFlags)((_rest >> FlagsShift) & 0x7F);

    internal uint Rest => _rest;

    private static uint Checked(Pasid pasid)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pasid.Value, Core.Pasid.Largest, nameof(pasid));
        return pasid.Value;
    }
}
