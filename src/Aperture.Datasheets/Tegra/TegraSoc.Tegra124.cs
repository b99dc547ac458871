namespace Aperture.Datasheets.Tegra;

/// <content>Tegra124, whose tables Tegra132 shares.</content>
public sealed partial record TegraSoc
{
    private static IReadOnlyList<TegraSwgroup> Swgroups124 =>
    [
        new("dc", 1, 0x240), new("dcb", 2, 0x244), new("afi", 3, 0x238), new("avpc", 4, 0x23C), new("hda", 5, 0x254), new("hc", 6, 0x250),
        new("msenc", 7, 0x264), new("ppcs", 8, 0x270), new("sata", 9, 0x274), new("vde", 10, 0x27C), new("isp2", 13, 0x258),
        new("xusb_host", 14, 0x288), new("xusb_dev", 15, 0x28C), new("isp2b", 16, 0xAA4), new("tsec", 17, 0x294), new("a9avp", 18, 0x290),
        new("gpu", 19, 0xAAC), new("sdmmc1a", 20, 0xA94), new("sdmmc2a", 21, 0xA98), new("sdmmc3a", 22, 0xA9C), new("sdmmc4a", 23, 0xAA0),
        new("vic", 24, 0x284), new("vi", 25, 0x280),
    ];

    private static IReadOnlyList<TegraClient> Clients124 =>
    [
        new("ptcr", 0x00, 0, false), new("display0a", 0x01, 1), new("display0ab", 0x02, 2), new("display0b", 0x03, 1),
            new("display0bb", 0x04, 2),
        new("display0c", 0x05, 1), new("display0cb", 0x06, 2), new("afir", 0x0E, 3), new("avpcarm7r", 0x0F, 4), new("displayhc", 0x10, 1),
        new("displayhcb", 0x11, 2), new("hdar", 0x15, 5), new("host1xdmar", 0x16, 6), new("host1xr", 0x17, 6), new("msencsrd", 0x1C, 7),
        new("ppcsahbdmar", 0x1D, 8), new("ppcsahbslvr", 0x1E, 8), new("satar", 0x1F, 9), new("vdebsevr", 0x22, 10),
            new("vdember", 0x23, 10),
        new("vdemcer", 0x24, 10), new("vdetper", 0x25, 10), new("mpcorelpr", 0x26, 11, false), new("mpcorer", 0x27, 12, false),
        new("msencswr", 0x2B, 7), new("afiw", 0x31, 3), new("avpcarm7w", 0x32, 4), new("hdaw", 0x35, 5), new("host1xw", 0x36, 6),
        new("mpcorelpw", 0x38, 11, false), new("mpcorew", 0x39, 12, false), new("ppcsahbdmaw", 0x3B, 8), new("ppcsahbslvw", 0x3C, 8),
        new("sataw", 0x3D, 9), new("vdebsevw", 0x3E, 10), new("vdedbgw", 0x3F, 10), new("vdembew", 0x40, 10), new("vdetpmw", 0x41, 10),
        new("ispra", 0x44, 13), new("ispwa", 0x46, 13), new("ispwb", 0x47, 13), new("xusb_hostr", 0x4A, 14), new("xusb_hostw", 0x4B, 14),
        new("xusb_devr", 0x4C, 15), new("xusb_devw", 0x4D, 15), new("isprab", 0x4E, 16), new("ispwab", 0x50, 16), new("ispwbb", 0x51, 16),
        new("tsecsrd", 0x54, 17), new("tsecswr", 0x55, 17), new("a9avpscr", 0x56, 18), new("a9avpscw", 0x57, 18), new("gpusrd", 0x58, 19),
        new("gpuswr", 0x59, 19), new("displayt", 0x5A, 1), new("sdmmcra", 0x60, 20), new("sdmmcraa", 0x61, 21), new("sdmmcr", 0x62, 22),
        new("sdmmcrab", 0x63, 23), new("sdmmcwa", 0x64, 20), new("sdmmcwaa", 0x65, 21), new("sdmmcw", 0x66, 22), new("sdmmcwab", 0x67, 23),
        new("vicsrd", 0x6C, 24), new("vicswr", 0x6D, 24), new("viw", 0x72, 25), new("displayd", 0x73, 1),
    ];

    private static IReadOnlyList<TegraGroup> Groups124 => [new("drm", [1, 2, 24])];

    private static IReadOnlyList<TegraHotReset> HotResets124 =>
    [
        new("AFI", 0, 0, 0, 3), new("AVPC", 1, 0, 1, 4), new("DC", 2, 0, 2, 1), new("DCB", 3, 0, 3, 2), new("HC", 4, 0, 6, 6),
            new("HDA", 5, 0, 7, 5),
        new("ISP2", 6, 0, 8, 13), new("MPCORE", 7, 0, 9, 12), new("MPCORELP", 8, 0, 10, 11), new("MSENC", 9, 0, 11, 7),
            new("PPCS", 10, 0, 14, 8),
        new("SATA", 11, 0, 15, 9), new("VDE", 12, 0, 16, 10), new("VI", 13, 0, 17, 25), new("VIC", 14, 0, 18, 24),
            new("XUSB_HOST", 15, 0, 19, 14),
        new("XUSB_DEV", 16, 0, 20, 15), new("TSEC", 17, 0, 21, 17), new("SDMMC1", 18, 0, 22, 20), new("SDMMC2", 19, 0, 23, 21),
        new("SDMMC3", 20, 0, 25, 22), new("SDMMC4", 21, 1, 0, 23), new("ISP2B", 22, 1, 1, 16), new("GPU", 23, 1, 2, 19),
    ];
}
