using System.Runtime.CompilerServices;

namespace Aperture.Hardware.Exynos;

/// <summary>A direct-mapped cache of first-level descriptors. A stale descriptor stays until it is invalidated or replaced.</summary>
internal sealed class FlpdCache
{
    private const uint Invalid = uint.MaxValue;

    private readonly uint[] _tags;   // VID and table index of the descriptor kept, or Invalid
    private readonly uint[] _words;  // the descriptors
    private readonly int _mask;      // slots less one

    public FlpdCache(int entries)
    {
        _tags = new uint[entries];
        _words = new uint[entries];
        _mask = entries - 1;
        Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(uint vid, uint index, out uint word)
    {
        var slot = (int)index & _mask;
        word = _words[slot];
        return _tags[slot] == Tag(vid, index);
    }

    public void Set(uint vid, uint index, uint word)
    {
        var slot = (int)index & _mask;
        _tags[slot] = Tag(vid, index);
        _words[slot] = word;
    }

    public void Remove(uint vid, uint index)
    {
        var slot = (int)index & _mask;
        if (_tags[slot] == Tag(vid, index))
            _tags[slot] = Invalid;
    }

    public void RemoveVm(uint vid)
    {
        for (var i = 0; i < _tags.Length; i++)
        {
            if (_tags[i] >> 12 == vid)
                _tags[i] = Invalid;
        }
    }

    public void Clear() => Array.Fill(_tags, Invalid);

    private static uint Tag(uint vid, uint index) => (vid << 12) | index;
}
