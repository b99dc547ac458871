using System.Text.RegularExpressions;
using Aperture.Core;

namespace Aperture.GuestTests;

/// <summary>The kernel's log from a moment on.</summary>
internal sealed class KernelLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    private readonly HashSet<string> _before;

    /// <summary>Begins when the kernel is ready to tell of faults: it tells of ten in five seconds at most. The guest's time costs
    /// nothing.</summary>
    public KernelLog()
    {
        Thread.Sleep(Patience);
        _before = [.. Lines()];
    }

    /// <summary>Lines that have come since and name an address, or its page: some IOMMUs know no more.</summary>
    public IEnumerable<string> Naming(Iova address)
    {
        var pattern = new Regex($"0x0*({address.Value:x}|{address.AlignDown(4096).Value:x})\\b", RegexOptions.IgnoreCase);
        return Lines().Where(line => !_before.Contains(line) && pattern.IsMatch(line));
    }

    /// <summary>All that has come since.</summary>
    public IEnumerable<string> Since() => Lines().Where(line => !_before.Contains(line));

    private static List<string> Lines()
    {
        // /dev/kmsg gives one record for each read and never ends; it is read without waiting.
        var lines = new List<string>();
        using var file = Linux.Native.Libc.Open("/dev/kmsg", Linux.Native.Libc.OpenReadOnly | NonBlocking);
        var buffer = new byte[8192];
        while (true)
        {
            nint count;
            unsafe
            {
                fixed (byte* bytes = buffer)
                    count = Linux.Native.Libc.Read(file, bytes, (nuint)buffer.Length);
            }

            if (count <= 0)
                return lines;
            lines.Add(System.Text.Encoding.UTF8.GetString(buffer, 0, (int)count));
        }
    }

    private const int NonBlocking = 0x800;
}
