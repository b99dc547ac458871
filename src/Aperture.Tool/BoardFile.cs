using System.Buffers.Binary;
using System.IO.Compression;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Tool;

/// <summary>Finds device trees: files, the standard input, trees inside other files, or the boards inside the tool.</summary>
internal static class BoardFile
{
    /// <summary>The board that runs when nobody names one.</summary>
    public const string Default = "exynos4412-media";

    /// <summary>The name of the standard input.</summary>
    public const string Input = "-";

    /// <summary>More than any device tree has; what is longer is something else, perhaps without end.</summary>
    private const int MaxBytes = 64 << 20;

    private const uint Magic = 0xD00D_FEED;
    private const int HeaderBytes = 40;

    /// <summary>The names of the boards inside the tool.</summary>
    public static IEnumerable<string> Embedded =>
        typeof(BoardFile).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("boards/", StringComparison.Ordinal))
            .Select(name => Path.GetFileNameWithoutExtension(name))
            .Order(StringComparer.Ordinal);

    /// <summary>Reads a device tree.</summary>
    /// <param name="name">A file, <c>-</c> for the standard input, or the name of a board inside the tool, each perhaps with <c>#</c> and
    /// which of the trees in it; null for the default board.</param>
    /// <exception cref="ApertureException">There is no such file, or it holds no device tree: what it holds instead, and what to
    /// do.</exception>
    public static DeviceTree Read(string? name)
    {
        name ??= Default;
        var (file, part) = Split(name);
        var bytes = Unpacked(file, ReadBytes(file));
        try
        {
            return part is null ? Whole(file, bytes) : Part(file, part, bytes);
        }
        catch (DeviceTreeException e)
        {
            throw new ApertureException(e.Status, $"{name}: {e.Message}", e);
        }
    }

    private static (string File, string? Part) Split(string name)
    {
        var at = name.LastIndexOf('#');
        return at <= 0 || File.Exists(name) ? (name, null) : (name[..at], name[(at + 1)..]);
    }

    private static DeviceTree Whole(string file, byte[] bytes)
    {
        if (!IsTree(bytes))
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{file}: "
                    + $"{WhatItIs(file, bytes)}{Offer(file, [.. Places(bytes).Select((_, index) => $"{index}")])}");
        }

        var tree = DeviceTree.Parse(bytes);
        if (FitImage.Is(tree))
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{file}: this is a FIT image{Offer(file, [.. FitImage.Trees(tree).Select(image => image.Name)])}");
        }

        var places = Places(bytes);
        return places.Count == 1 ? tree : throw new ApertureException(
            Status.InvalidArgument, $"{file}: {places.Count} device trees, one behind the "
                + $"other{Offer(file, [.. places.Select((_, index) => $"{index}")])}");
    }

    private static DeviceTree Part(string file, string part, byte[] bytes)
    {
        if (IsTree(bytes) && DeviceTree.Parse(bytes) is var outer && FitImage.Is(outer))
        {
            var images = FitImage.Trees(outer);
            if (images.FirstOrDefault(image => image.Name == part) is not { } image)
                throw new ApertureException(
                    Status.NotFound, $"{file}: there is no tree '{part}' in it{Offer(file, [.. images.Select(other => other.Name)])}");
            return FitImage.Data(image, bytes) is { } data
                ? DeviceTree.Parse(Unpacked($"{file}#{part}", data.ToArray()))
                : throw new ApertureException(Status.InvalidArgument, $"{file}: {image.Path} does not say where its bytes are");
        }

        var places = Places(bytes);
        return int.TryParse(part, out var index) && index >= 0 && index < places.Count
            ? DeviceTree.Parse(bytes.AsMemory(places[index]))
            : throw new ApertureException(
                Status.NotFound, $"{file}: there is no tree '{part}' in it{Offer(file, [.. places.Select((_, at) => $"{at}")])}");
    }

    private static string Offer(string file, string[] parts) => parts.Length == 0
        ? ""
        : $"; give one of its trees: "
            + $"{string.Join(", ", parts.Take(16).Select(part => $"{file}#{part}"))}{(parts.Length > 16 ? ", ..." : "")}";

    private static bool IsTree(ReadOnlySpan<byte> bytes) => bytes.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(bytes) == Magic;

    /// <summary>Where trees lie in a file, alone or behind a kernel.</summary>
    private static List<int> Places(ReadOnlySpan<byte> bytes)
    {
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(magic, Magic);
        var places = new List<int>();
        for (var at = 0; bytes[at..].IndexOf(magic) is >= 0 and var next;)
        {
            at += next;
            // The magic number alone may be anything; a header says its own size and version, too.
            var size = bytes.Length - at >= HeaderBytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 4)..]) : 0;
            var isHeader = size >= HeaderBytes && size <= bytes.Length - at
                && BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 20)..]) is 16 or 17;
            if (isHeader)
                places.Add(at);
            at += isHeader ? (int)size : 4;
        }

        return places;
    }

    private static string WhatItIs(string file, ReadOnlySpan<byte> bytes) => bytes switch
    {
        [] => "the file is empty",
        [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] => "this is an ELF program",
        [0x27, 0x05, 0x19, 0x56, ..] => "this is an older U-Boot image",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "this is compressed (zstd): unpack it first",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "this is compressed (xz): unpack it first",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "this is compressed (bzip2): unpack it first",
        _ when IsText(bytes) => $"this is the source of a device tree: compile it (dtc -I dts -O dtb -o board.dtb {file})",
        _ when bytes.Length >= 4 => $"this is no device tree: it begins with 0x{BinaryPrimitives.ReadUInt32BigEndian(bytes):x8}, not "
            + $"0x{Magic:x8}",
        _ => "this is no device tree",
    };

    private static bool IsText(ReadOnlySpan<byte> bytes)
    {
        var begin = bytes[..Math.Min(bytes.Length, 1 << 12)];
        return !begin.ContainsAnyInRange((byte)0, (byte)8) && (begin.IndexOf("/dts-v1/"u8) >= 0 || begin.IndexOf("/ {"u8) >= 0);
    }

    /// <summary>The bytes of a file, or of what was compressed in it.</summary>
    private static byte[] Unpacked(string file, byte[] bytes)
    {
        if (bytes is not [0x1F, 0x8B, ..])
            return bytes;
        try
        {
            using var unzipped = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
            return ReadAll(file, unzipped);
        }
        catch (InvalidDataException e)
        {
            throw new ApertureException(Status.InvalidArgument, $"{file}: this is compressed (gzip), and damaged: {e.Message}", e);
        }
    }

    private static byte[] ReadBytes(string name)
    {
        if (name == Input)
        {
            using var input = Console.OpenStandardInput();
            return ReadAll("the standard input", input);
        }

        if (!File.Exists(name) && typeof(BoardFile).Assembly.GetManifestResourceStream($"boards/{name}.dtb") is { } resource)
        {
            using (resource)
                return ReadAll(name, resource);
        }

        if (Directory.Exists(name))
            throw new ApertureException(Status.InvalidArgument, $"{name}: {WhatFolderItIs(name)}");
        try
        {
            using var file = File.OpenRead(name);
            return ReadAll(name, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApertureException(Status.NotFound,
                $"'{name}' cannot be read: {e.Message} Boards inside the tool: {string.Join(", ", Embedded)}.", e);
        }
    }

    private static string WhatFolderItIs(string folder)
    {
        if (File.Exists(Path.Combine(folder, "#address-cells")) || File.Exists(Path.Combine(folder, "compatible")))
            return $"this is a tree as a system shows it: make a file of it (dtc -I fs -O dtb -o board.dtb {folder})";
        var trees = Directory.EnumerateFiles(folder, "*.dtb").Take(1000).Count();
        return trees == 0 ? "this is a folder: give a file" : $"this is a folder with {trees} device trees: give files "
            + $"({Path.Combine(folder, "*.dtb")})";
    }

    private static byte[] ReadAll(string name, Stream stream)
    {
        using var bytes = new MemoryStream();
        var piece = new byte[1 << 16];
        for (int count; (count = stream.Read(piece)) > 0;)
        {
            bytes.Write(piece, 0, count);
            if (bytes.Length > MaxBytes)
                throw new ApertureException(Status.InvalidArgument, $"{name}: more than {MaxBytes >> 20} MiB are no device tree");
        }

        return bytes.ToArray();
    }
}
