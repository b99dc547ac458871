using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Vfio;

/// <summary>Information structures with a chain of capabilities behind them: asked for once with the size of the structure, and again with
/// the size that the kernel then says the whole answer needs.</summary>
internal static unsafe class CapabilityChain
{
    /// <summary>Fetches an information structure and all that belongs to it.</summary>
    /// <typeparam name="T">The structure; its first field is the size of the buffer.</typeparam>
    /// <param name="file">Whom to ask.</param>
    /// <param name="request">The request.</param>
    /// <param name="question">What the caller fills in.</param>
    /// <param name="what">For messages: what is asked for.</param>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public static byte[] Fetch<T>(SafeFileHandle file, uint request, T question, string what)
        where T : unmanaged
    {
        var size = sizeof(T);
        while (true)
        {
            var buffer = new byte[size];
            MemoryMarshal.Write(buffer, question);
            MemoryMarshal.Write(buffer, (uint)size);
            fixed (byte* bytes = buffer)
            {
                if (Libc.Ioctl(file, request, bytes) < 0)
                {
                    var error = ErrnoExtensions.Last;
                    throw new ApertureException(error.ToStatus(), $"{what} could not be asked for: {error.Describe()}");
                }
            }

            var needed = MemoryMarshal.Read<uint>(buffer);
            if (needed <= size)
                return buffer;
            size = (int)needed;
        }
    }

    /// <summary>The capability with a given id, from its header on; empty when there is none.</summary>
    /// <param name="answer">The whole answer.</param>
    /// <param name="first">Offset of the first capability, or 0.</param>
    /// <param name="id">Which capability.</param>
    /// <exception cref="ApertureException">The chain leaves the answer or runs in a circle.</exception>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> answer, uint first, ushort id)
    {
        var header = Unsafe.SizeOf<VfioCapabilityHeader>();
        var hops = 0;
        for (var at = first; at != 0;)
        {
            if (at > answer.Length - header || ++hops > answer.Length / header)
            {
                throw new ApertureException(
                    Status.IoError,
                    $"the kernel's chain of capabilities breaks at offset 0x{at:x} of an answer of 0x{answer.Length:x} bytes");
            }
            var capability = MemoryMarshal.Read<VfioCapabilityHeader>(answer[(int)at..]);
            if (capability.Id == id)
                return answer[(int)at..];
            at = capability.Next;
        }

        return [];
    }

    /// <summary>The entries behind the head of a capability.</summary>
    /// <exception cref="ApertureException">There is no room for so many in the answer.</exception>
    public static ReadOnlySpan<T> Entries<T>(ReadOnlySpan<byte> capability, int head, uint count)
        where T : unmanaged
    {
        if ((ulong)count * (uint)sizeof(T) > (ulong)(capability.Length - head))
        {
            throw new ApertureException(
                Status.IoError, $"the kernel lists {count} entries in a capability of 0x{capability.Length:x} bytes");
        }
        return MemoryMarshal.Cast<byte, T>(capability[head..])[..(int)count];
    }
}
