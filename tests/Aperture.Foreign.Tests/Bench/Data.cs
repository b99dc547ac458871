namespace Aperture.Foreign.Tests.Bench;

/// <summary>Bytes that tell where they come from.</summary>
internal static class Data
{
    public static byte[] Of(int seed, int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((((uint)i * 2654435761u) >> 11) + (uint)(seed * 37) + 1);
        return bytes;
    }

    public static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        if (!expected.SequenceEqual(actual))
            Assert.Fail($"bytes differ from 0x{expected.CommonPrefixLength(actual):x} of 0x{expected.Length:x} on");
    }
}
