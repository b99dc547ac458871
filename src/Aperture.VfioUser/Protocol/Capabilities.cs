using System.Globalization;
using System.Text;
using System.Text.Json;
using Aperture.Core.Memory;

namespace Aperture.VfioUser.Protocol;

/// <summary>What client and server agree on at first: JSON with a zero behind it.</summary>
/// <param name="MaxTransfer">Bytes that one transfer may have.</param>
/// <param name="WritesMulti">Whether several writes may come in one message.</param>
internal readonly record struct Capabilities(int MaxTransfer, bool WritesMulti)
{
    /// <summary>Bytes of JSON that a client may send.</summary>
    public const int MaxLength = 4096;

    /// <summary>Descriptors that one message may have.</summary>
    public const int MaxFiles = 16;

    /// <summary>Reads what a client can. What it does not say has the protocol's default: transfers of 1 MiB.</summary>
    /// <returns>False for what is no such JSON.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out Capabilities result)
    {
        result = new Capabilities(Connection.MaxTransfer, false);
        if (text.IsEmpty)
            return true;
        if (text.Length > MaxLength || text[^1] != 0)
            return false;
        var reader = new Utf8JsonReader(text[..^1]);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document))
                return false;
            using (document)
                return !reader.Read() && TryRead(document.RootElement, ref result);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>What is answered.</summary>
    public static byte[] Answer(bool writesMulti, int maxMaps)
    {
        var multi = writesMulti ? ",\"write_multiple\":true" : "";
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"capabilities\":{{\"max_msg_fds\":{MaxFiles},\"max_data_xfer_size\":{Connection.MaxTransfer},\"max_dma_maps\":{maxMaps},"
            + $"\"pgsizes\":{PhysicalMemory.PageSize}{multi}}}}}\0"));
    }

    private static bool TryRead(JsonElement root, ref Capabilities result)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return false;
        if (!root.TryGetProperty("capabilities", out var capabilities))
            return true;
        if (capabilities.ValueKind != JsonValueKind.Object)
            return false;
        if (capabilities.TryGetProperty("max_data_xfer_size", out var size))
        {
            if (size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out var bytes) || bytes <= 0)
                return false;
            result = result with { MaxTransfer = (int)Math.Min(bytes, Connection.MaxTransfer) };
        }

        if (capabilities.TryGetProperty("write_multiple", out var multi))
        {
            if (multi.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                return false;
            result = result with { WritesMulti = multi.GetBoolean() };
        }

        return true;
    }
}
