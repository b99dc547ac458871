namespace Aperture.Datasheets.Tegra;

/// <content>Tegra114.</content>
public sealed partial record TegraSoc
{
    private static IReadOnlyList<TegraSwgroup> Swgroups114 =>
    [
        new("dc", 1, 0x240), new("dcb", 2, 0x244), new("epp", 3, 0x248), new("g2", 4, 0x24C), new("avpc", 5, 0x23C), new("nv", 6, 0x268),
        new("hda", 7, 0x254), new("hc", 8, 0x250), new("msenc", 9, 0x264), new("ppcs", 10, 0x270), new("vde", 11, 0x27C),
            new("vi", 14, 0x280),
        new("isp", 15, 0x258), new("xusb_host", 16, 0x288), new("xusb_dev", 17, 0x28C), new("tsec", 19, 0x294),
    ];

    private static IReadOnlyList<TegraClient> Clients114 =>
    [
        new("ptcr", 0x00, 0, false), new("display0a", 0x01, 1), new("display0ab", 0x02, 2), new("display0b", 0x03, 1),
            new("display0bb", 0x04, 2),
        new("display0c", 0x05, 1), new("display0cb", 0x06, 2), new("eppup", 0x09, 3), new("g2pr", 0x0A, 4), new("g2sr", 0x0B, 4),
        new("avpcarm7r", 0x0F, 5), new("displayhc", 0x10, 1), new("displayhcb", 0x11, 2), new("fdcdrd", 0x12, 6), new("fdcdrd2", 0x13, 6),
        new("g2dr", 0x14, 4), new("hdar", 0x15, 7), new("host1xdmar", 0x16, 8), new("host1xr", 0x17, 8), new("idxsrd", 0x18, 6),
        new("msencsrd", 0x1C, 9), new("ppcsahbdmar", 0x1D, 10), new("ppcsahbslvr", 0x1E, 10), new("texl2srd", 0x20, 6),
            new("vdebsevr", 0x22, 11),
        new("vdember", 0x23, 11), new("vdemcer", 0x24, 11), new("vdetper", 0x25, 11), new("mpcorelpr", 0x26, 12, false),
        new("mpcorer", 0x27, 13, false), new("eppu", 0x28, 3), new("eppv", 0x29, 3), new("eppy", 0x2A, 3), new("msencswr", 0x2B, 9),
        new("viwsb", 0x2C, 14), new("viwu", 0x2D, 14), new("viwv", 0x2E, 14), new("viwy", 0x2F, 14), new("g2dw", 0x30, 4),
            new("avpcarm7w", 0x32, 5),
        new("fdcdwr", 0x33, 6), new("fdcdwr2", 0x34, 6), new("hdaw", 0x35, 7), new("host1xw", 0x36, 8), new("ispw", 0x37, 15),
        new("mpcorelpw", 0x38, 12, false), new("mpcorew", 0x39, 13, false), new("ppcsahbdmaw", 0x3B, 10), new("ppcsahbslvw", 0x3C, 10),
        new("vdebsevw", 0x3E, 11), new("vdedbgw", 0x3F, 11), new("vdembew", 0x40, 11), new("vdetpmw", 0x41, 11),
            new("xusb_hostr", 0x4A, 16),
        new("xusb_hostw", 0x4B, 16), new("xusb_devr", 0x4C, 17), new("xusb_devw", 0x4D, 17), new("fdcdwr3", 0x4E, 6),
            new("fdcdrd3", 0x4F, 6),
        new("fdcwr4", 0x50, 6), new("fdcrd4", 0x51, 6), new("emucifr", 0x52, 18, false), new("emucifw", 0x53, 18, false),
            new("tsecsrd", 0x54, 19),
        new("tsecswr", 0x55, 19),
    ];

    private static IReadOnlyList<TegraGroup> Groups114 => [new("drm", [1, 2, 4, 6])];

    private static IReadOnlyList<TegraHotReset> HotResets114 =>
    [
        new("AVPC", 0, 0, 1, 5), new("DC", 1, 0, 2, 1), new("DCB", 2, 0, 3, 2), new("EPP", 3, 0, 4, 3), new("2D", 4, 0, 5, 4),
            new("HC", 5, 0, 6, 8),
        new("HDA", 6, 0, 7, 7), new("ISP", 7, 0, 8, 15), new("MPCORE", 8, 0, 9, 13), new("MPCORELP", 9, 0, 10, 12),
            new("MPE", 10, 0, 11, 0),
        new("3D", 11, 0, 12, 6), new("3D2", 12, 0, 13, 6), new("PPCS", 13, 0, 14, 10), new("VDE", 14, 0, 16, 11), new("VI", 15, 0, 17, 14),
    ];
}
