using System.Buffers.Binary;

namespace Aperture.Diagnostics;

/// <summary>Pages of one processor's trace ring buffer: a time and a length, then records with the time since the one before (the layout
/// that
/// a kernel tells in <c>events/header_page</c> and <c>header_event</c>).</summary>
internal sealed class TraceRing(Stream output)
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>Bytes of a page before its records: the time, the bytes in use.</summary>
    public const int HeaderBytes = 16;

    private const int DeltaBits = 27;
    private const int TypeBits = 5;
    private const uint TimeExtend = 30;
    private const int LongestInType = 28 * 4; // longer records say their length in a word of their own

    private readonly byte[] _page = new byte[PageBytes];
    private int _used; // 0: no page is begun
    private ulong _last;

    /// <summary>Bytes of whole pages that were written.</summary>
    public ulong Written { get; private set; }

    /// <summary>Adds a record.</summary>
    /// <param name="nanoseconds">When it was; never before the one before.</param>
    /// <param name="record">Its bytes.</param>
    public void Add(ulong nanoseconds, ReadOnlySpan<byte> record)
    {
        var padded = (record.Length + 3) & ~3;
        var isLong = padded > LongestInType;
        var delta = nanoseconds - _last;
        var extend = delta >> DeltaBits != 0 ? 2 * sizeof(uint) : 0;
        if (_used == 0 || _used + extend + sizeof(uint) + (isLong ? sizeof(uint) : 0) + padded > PageBytes)
        {
            Flush();
            BinaryPrimitives.WriteUInt64LittleEndian(_page, nanoseconds);
            (_used, delta, extend) = (HeaderBytes, 0, 0);
        }

        _last = nanoseconds;
        if (extend > 0)
        {
            Put(TimeExtend | (uint)(delta & ((1u << DeltaBits) - 1)) << TypeBits);
            Put((uint)(delta >> DeltaBits));
            delta = 0;
        }

        Put((isLong ? 0 : (uint)padded / sizeof(uint)) | (uint)delta << TypeBits);
        if (isLong)
            Put((uint)(padded + sizeof(uint)));
        record.CopyTo(_page.AsSpan(_used));
        _page.AsSpan(_used + record.Length, padded - record.Length).Clear();
        _used += padded;
    }

    /// <summary>Writes the page that was begun.</summary>
    public void Flush()
    {
        if (_used == 0)
            return;
        BinaryPrimitives.WriteUInt64LittleEndian(_page.AsSpan(sizeof(ulong)), (ulong)(_used - HeaderBytes));
        _page.AsSpan(_used).Clear();
        output.Write(_page);
        Written += PageBytes;
        _used = 0;
    }

    private void Put(uint word)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(_used), word);
        _used += sizeof(uint);
    }
}
