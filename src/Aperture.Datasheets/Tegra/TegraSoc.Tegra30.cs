namespace Aperture.Datasheets.Tegra;

/// <content>Tegra30.</content>
public sealed partial record TegraSoc
{
    private static IReadOnlyList<TegraSwgroup> Swgroups30 =>
    [
        new("dc", 1, 0x240), new("dcb", 2, 0x244), new("epp", 3, 0x248), new("g2", 4, 0x24C), new("mpe", 5, 0x264), new("vi", 6, 0x280),
        new("afi", 7, 0x238), new("avpc", 8, 0x23C), new("nv", 9, 0x268), new("nv2", 10, 0x26C), new("hda", 11, 0x254),
            new("hc", 12, 0x250),
        new("ppcs", 13, 0x270), new("sata", 14, 0x278), new("vde", 15, 0x27C), new("isp", 18, 0x258),
    ];

    private static IReadOnlyList<TegraClient> Clients30 =>
    [
        new("ptcr", 0x00, 0, false), new("display0a", 0x01, 1), new("display0ab", 0x02, 2), new("display0b", 0x03, 1),
            new("display0bb", 0x04, 2),
        new("display0c", 0x05, 1), new("display0cb", 0x06, 2), new("display1b", 0x07, 1), new("display1bb", 0x08, 2), new("eppup", 0x09, 3),
        new("g2pr", 0x0A, 4), new("g2sr", 0x0B, 4), new("mpeunifbr", 0x0C, 5), new("viruv", 0x0D, 6), new("afir", 0x0E, 7),
            new("avpcarm7r", 0x0F, 8),
        new("displayhc", 0x10, 1), new("displayhcb", 0x11, 2), new("fdcdrd", 0x12, 9), new("fdcdrd2", 0x13, 10), new("g2dr", 0x14, 4),
        new("hdar", 0x15, 11), new("host1xdmar", 0x16, 12), new("host1xr", 0x17, 12), new("idxsrd", 0x18, 9), new("idxsrd2", 0x19, 10),
        new("mpe_ipred", 0x1A, 5), new("mpeamemrd", 0x1B, 5), new("mpecsrd", 0x1C, 5), new("ppcsahbdmar", 0x1D, 13),
            new("ppcsahbslvr", 0x1E, 13),
        new("satar", 0x1F, 14), new("texsrd", 0x20, 9), new("texsrd2", 0x21, 10), new("vdebsevr", 0x22, 15), new("vdember", 0x23, 15),
        new("vdemcer", 0x24, 15), new("vdetper", 0x25, 15), new("mpcorelpr", 0x26, 16, false), new("mpcorer", 0x27, 17, false),
            new("eppu", 0x28, 3),
        new("eppv", 0x29, 3), new("eppy", 0x2A, 3), new("mpeunifbw", 0x2B, 5), new("viwsb", 0x2C, 6), new("viwu", 0x2D, 6),
            new("viwv", 0x2E, 6),
        new("viwy", 0x2F, 6), new("g2dw", 0x30, 4), new("afiw", 0x31, 7), new("avpcarm7w", 0x32, 8), new("fdcdwr", 0x33, 9),
            new("fdcdwr2", 0x34, 10),
        new("hdaw", 0x35, 11), new("host1xw", 0x36, 12), new("ispw", 0x37, 18), new("mpcorelpw", 0x38, 16, false),
            new("mpcorew", 0x39, 17, false),
        new("mpecswr", 0x3A, 5), new("ppcsahbdmaw", 0x3B, 13), new("ppcsahbslvw", 0x3C, 13), new("sataw", 0x3D, 14),
            new("vdebsevw", 0x3E, 15),
        new("vdedbgw", 0x3F, 15), new("vdembew", 0x40, 15), new("vdetpmw", 0x41, 15),
    ];

    private static IReadOnlyList<TegraGroup> Groups30 => [new("drm", [1, 2, 4, 9, 10])];

    private static IReadOnlyList<TegraHotReset> HotResets30 =>
    [
        new("AFI", 0, 0, 0, 7), new("AVPC", 1, 0, 1, 8), new("DC", 2, 0, 2, 1), new("DCB", 3, 0, 3, 2), new("EPP", 4, 0, 4, 3),
            new("2D", 5, 0, 5, 4),
        new("HC", 6, 0, 6, 12), new("HDA", 7, 0, 7, 11), new("ISP", 8, 0, 8, 18), new("MPCORE", 9, 0, 9, 17),
            new("MPCORELP", 10, 0, 10, 16),
        new("MPE", 11, 0, 11, 5), new("3D", 12, 0, 12, 9), new("3D2", 13, 0, 13, 10), new("PPCS", 14, 0, 14, 13),
            new("SATA", 15, 0, 15, 14),
        new("VDE", 16, 0, 16, 15), new("VI", 17, 0, 17, 6),
    ];
}
