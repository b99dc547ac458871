using System.Numerics;
using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Aperture.Fuzzing;

/// <summary>Which branches inputs took, and how often (in powers of two): what no input did before is new.</summary>
internal sealed unsafe class Coverage : IDisposable
{
    private const int Branches = 1 << 16; // what the instrumented code counts in

    private readonly byte* _counts;
    private readonly byte[] _seen = new byte[Branches]; // a bit for each power of two

    public Coverage()
    {
        _counts = (byte*)NativeMemory.AllocZeroed(Branches);
        Trace.SharedMem = _counts;
    }

    /// <summary>Branches that some input took.</summary>
    public int Reached => _seen.Count(seen => seen != 0);

    /// <summary>Before an input.</summary>
    public void Begin()
    {
        Trace.PrevLocation = 0;
        new Span<byte>(_counts, Branches).Clear();
    }

    /// <summary>Whether the input did something new.</summary>
    public bool End()
    {
        var isNew = false;
        for (var i = 0; i < Branches; i += sizeof(ulong))
        {
            if (*(ulong*)(_counts + i) == 0)
                continue;
            for (var j = i; j < i + sizeof(ulong); j++)
            {
                if (_counts[j] == 0)
                    continue;
                var bit = (byte)(1 << BitOperations.Log2(_counts[j]));
                isNew |= (_seen[j] & bit) == 0;
                _seen[j] |= bit;
            }
        }

        return isNew;
    }

    public void Dispose() => NativeMemory.Free(_counts);
}
