namespace Aperture.Datasheets.Rockchip;

/// <summary>An entry of a Rockchip MMU's directory or page table, or the directory's own address in that form. There are 1024 in
/// each.</summary>
/// <remarks><code>
/// v1: 31..12 address | 8..3 cache attributes (pages) | 2 write | 1 read | 0 valid
/// v2: 31..12 address | 11..8 address 35..32 | 7..4 address 39..36 | 3 security | 2 write | 1 read | 0 valid
/// </code>
/// Rights are those of pages; directory entries have none.</remarks>
/// <param name="Value">The word.</param>
public readonly record struct RockchipMmuEntry(uint Value)
{
    /// <summary>Entries of a directory and of a page table.</summary>
    public const uint Count = 1024;

    /// <summary>Log2 of what a directory entry covers.</summary>
    public const int DirectoryShift = 22;

    /// <summary>Log2 of a page.</summary>
    public const int PageShift = 12;

    /// <summary>[0] Whether there is anything.</summary>
    public bool IsValid => (Value & 1) != 0;

    /// <summary>[1] Whether the page may be read.</summary>
    public bool CanRead => (Value & 2) != 0;

    /// <summary>[2] Whether the page may be written.</summary>
    public bool CanWrite => (Value & 4) != 0;

    /// <summary>The address of the table or page.</summary>
    /// <param name="isWide">Version 2, with 40 address bits.</param>
    public ulong Address(bool isWide)
    {
        ulong address = Value & 0xFFFF_F000;
        return isWide ? address | (ulong)(Value & 0xF00) << 24 | (ulong)(Value & 0xF0) << 32 : address;
    }
}
