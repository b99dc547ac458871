using System.IO.Compression;
using System.Text;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Tool.Tests.Run;

namespace Aperture.Tool.Tests;

/// <summary>Files that hold a tree in another form, or none: each is told by name, and what is inside is offered.</summary>
public class BoardFileTests
{
    private static readonly byte[] s_board = Own("omap3-isp");

    [Fact]
    public void A_FIT_image_was_a_board_without_errors()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("description", "two boards").Cells("#address-cells", 1);
        writer.BeginNode("images");
        writer.BeginNode("kernel").Strings("type", "kernel").Property("data", [1, 2, 3]).EndNode();
        writer.BeginNode("fdt-1").Strings("type", "flat_dt").Property("data", s_board).EndNode();
        writer.BeginNode("fdt-2").Strings("type", "flat_dt").Property("data", Zipped(s_board)).EndNode();
        writer.BeginNode("fdt-3").Strings("type", "flat_dt").Cells("data-offset", 0).Cells("data-size", (uint)s_board.Length).EndNode();
        writer.BeginNode("fdt-4").Strings("type", "flat_dt").EndNode();
        writer.EndNode();
        writer.BeginNode("configurations").EndNode().EndNode();
        var image = writer.ToArray();
        Array.Resize(ref image, image.Length + 3 & ~3);
        using var file = new TemporaryFile([.. image, .. s_board]);
        var e = Assert.Throws<ApertureException>(() => BoardFile.Read(file.Path));
        Assert.Equal(
            $"{file.Path}: this is a FIT image; give one of its trees: "
                + $"{string.Join(", ", Enumerable.Range(1, 4).Select(n => $"{file.Path}#fdt-{n}"))}",
            e.Message);
        for (var n = 1; n <= 3; n++)
            Assert.Equal("aperture,omap3-isp", BoardFile.Read($"{file.Path}#fdt-{n}").Board);
        Assert.Contains("does not say where its bytes are", Refused($"{file.Path}#fdt-4"), StringComparison.Ordinal);
        Assert.Contains("there is no tree 'fdt-9' in it; give one of its trees", Refused($"{file.Path}#fdt-9"), StringComparison.Ordinal);
    }

    [Fact]
    public void Trees_behind_a_kernel_or_each_other_are_offered()
    {
        using var kernel = new TemporaryFile([0, 1, 2, 3, 0xD0, 0x0D, 0xFE, 0xED, 4, 5, 6, .. s_board, .. Own("dra7-dsp")]);
        Assert.Contains(
            $"this is no device tree: it begins with 0x00010203, not 0xd00dfeed; give one of its trees: {kernel.Path}#0, {kernel.Path}#1",
            Refused(kernel.Path),
            StringComparison.Ordinal);
        Assert.Equal("aperture,dra7-dsp", BoardFile.Read($"{kernel.Path}#1").Board);
        using var two = new TemporaryFile([.. s_board, .. s_board]);
        Assert.Contains("2 device trees, one behind the other", Refused(two.Path), StringComparison.Ordinal);
        Assert.Contains("there is no tree '2' in it", Refused($"{two.Path}#2"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_tree_is_read()
    {
        using var file = new TemporaryFile(Zipped(s_board));
        Assert.Equal("aperture,omap3-isp", BoardFile.Read(file.Path).Board);
        var bytes = Zipped(s_board);
        bytes.AsSpan(20, 40).Fill(0xFF);
        using var damaged = new TemporaryFile(bytes);
        Assert.Contains("compressed (gzip), and damaged", Refused(damaged.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dts-v1/;\n/ { };\n", "the source of a device tree: compile it (dtc")]
    [InlineData("\x7F" + "ELF....", "an ELF program")]
    [InlineData("", "the file is empty")]
    [InlineData("ab", "this is no device tree")]
    public void What_is_no_tree_is_named(string content, string what)
    {
        using var file = new TemporaryFile(Encoding.Latin1.GetBytes(content));
        Assert.Contains(what, Refused(file.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_says_what_is_in_it()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            Assert.Contains("this is a folder: give a file", Refused(folder.FullName), StringComparison.Ordinal);
            File.WriteAllBytes(Path.Combine(folder.FullName, "a.dtb"), s_board);
            Assert.Contains("a folder with 1 device trees", Refused(folder.FullName), StringComparison.Ordinal);
            File.WriteAllBytes(Path.Combine(folder.FullName, "compatible"), []);
            Assert.Contains("dtc -I fs", Refused(folder.FullName), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static string Refused(string name) => Assert.Throws<ApertureException>(() => BoardFile.Read(name)).Message;

    private static byte[] Own(string board)
    {
        var writer = new DeviceTreeWriter();
        writer.Copy(BoardFile.Read(board).Root);
        return writer.ToArray();
    }

    private static byte[] Zipped(byte[] bytes)
    {
        using var result = new MemoryStream();
        using (var zip = new GZipStream(result, CompressionMode.Compress))
            zip.Write(bytes);
        return result.ToArray();
    }
}
