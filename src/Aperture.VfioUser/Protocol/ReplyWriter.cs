using System.Runtime.CompilerServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>Fills in what is behind the header of a reply.</summary>
internal ref struct ReplyWriter(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    /// <summary>Bytes so far.</summary>
    public int Length { get; private set; }

    public void Put(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void Put<T>(in T value)
        where T : unmanaged => Unsafe.WriteUnaligned(ref Take(Unsafe.SizeOf<T>())[0], value);

    /// <summary>The next bytes, to be filled in.</summary>
    public Span<byte> Take(int length)
    {
        var result = _bytes.Slice(Length, length);
        Length += length;
        return result;
    }
}
