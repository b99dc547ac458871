using Aperture.Core;

namespace Aperture.Hardware.Nvme;

/// <summary>A submission queue as the controller knows it.</summary>
internal sealed class NvmeSubmissionQueue(ushort number, ulong address, uint entries, NvmeCompletionQueue completions)
{
    public ushort Number { get; } = number;

    public NvmeCompletionQueue Completions { get; } = completions;

    public uint Entries { get; } = entries;

    public uint Head { get; private set; }

    public uint Tail { get; set; }

    public bool IsEmpty => Head == Tail;

    public Iova Next => new(address + (Head * 64ul));

    public void Take() => Head = Head + 1 == Entries ? 0 : Head + 1;
}

/// <summary>A completion queue as the controller knows it.</summary>
internal sealed class NvmeCompletionQueue(ushort number, ulong address, uint entries, int vector, bool raises)
{
    public ushort Number { get; } = number;

    public uint Entries { get; } = entries;

    /// <summary>The vector that it raises; -1 for none.</summary>
    public int Vector { get; } = raises ? vector : -1;

    public uint Head { get; set; }

    public uint Tail { get; private set; }

    public bool Phase { get; private set; } = true;

    public int Users { get; set; }

    public bool IsEmpty => Head == Tail;

    public bool IsFull => Free == 0;

    /// <summary>Places that are free; one always stays so, by which full and empty differ.</summary>
    public uint Free => (Head + Entries - Tail - 1) % Entries;

    public Iova Next => new(address + (Tail * 16ul));

    public void Put()
    {
        Tail++;
        if (Tail != Entries)
            return;
        Tail = 0;
        Phase = !Phase;
    }
}
