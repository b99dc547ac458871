namespace Aperture.Datasheets.Tegra;

/// <content>Tegra210.</content>
public sealed partial record TegraSoc
{
    private static IReadOnlyList<TegraSwgroup> Swgroups210 =>
    [
        new("afi", 3, 0x238), new("avpc", 4, 0x23C), new("dc", 1, 0x240), new("dcb", 2, 0x244), new("hc", 6, 0x250), new("hda", 5, 0x254),
        new("isp2", 11, 0x258), new("nvenc", 7, 0x264), new("nv", 31, 0x268), new("nv2", 32, 0x26C), new("ppcs", 8, 0x270),
            new("sata", 9, 0x274),
        new("vi", 23, 0x280), new("vic", 22, 0x284), new("xusb_host", 12, 0x288), new("xusb_dev", 13, 0x28C), new("a9avp", 16, 0x290),
        new("tsec", 15, 0x294), new("ppcs1", 33, 0x298), new("dc1", 34, 0xA88), new("sdmmc1a", 18, 0xA94), new("sdmmc2a", 19, 0xA98),
        new("sdmmc3a", 20, 0xA9C), new("sdmmc4a", 21, 0xAA0), new("isp2b", 14, 0xAA4), new("gpu", 17, 0xAAC), new("ppcs2", 35, 0xAB0),
        new("nvdec", 24, 0xAB4), new("ape", 25, 0xAB8), new("se", 27, 0xABC), new("nvjpg", 26, 0xAC0), new("hc1", 36, 0xAC4),
            new("se1", 37, 0xAC8),
        new("axiap", 28, 0xACC), new("etr", 29, 0xAD0), new("tsecb", 30, 0xAD4), new("tsec1", 38, 0xAD8), new("tsecb1", 39, 0xADC),
        new("nvdec1", 40, 0xAE0),
    ];

    private static IReadOnlyList<TegraClient> Clients210 =>
    [
        new("ptcr", 0x00, 0, false), new("display0a", 0x01, 1), new("display0ab", 0x02, 2), new("display0b", 0x03, 1),
            new("display0bb", 0x04, 2),
        new("display0c", 0x05, 1), new("display0cb", 0x06, 2), new("afir", 0x0E, 3), new("avpcarm7r", 0x0F, 4), new("displayhc", 0x10, 1),
        new("displayhcb", 0x11, 2), new("hdar", 0x15, 5), new("host1xdmar", 0x16, 6), new("host1xr", 0x17, 6), new("nvencsrd", 0x1C, 7),
        new("ppcsahbdmar", 0x1D, 8), new("ppcsahbslvr", 0x1E, 8), new("satar", 0x1F, 9), new("mpcorer", 0x27, 10, false),
            new("nvencswr", 0x2B, 7),
        new("afiw", 0x31, 3), new("avpcarm7w", 0x32, 4), new("hdaw", 0x35, 5), new("host1xw", 0x36, 6), new("mpcorew", 0x39, 10, false),
        new("ppcsahbdmaw", 0x3B, 8), new("ppcsahbslvw", 0x3C, 8), new("sataw", 0x3D, 9), new("ispra", 0x44, 11), new("ispwa", 0x46, 11),
        new("ispwb", 0x47, 11), new("xusb_hostr", 0x4A, 12), new("xusb_hostw", 0x4B, 12), new("xusb_devr", 0x4C, 13),
            new("xusb_devw", 0x4D, 13),
        new("isprab", 0x4E, 14), new("ispwab", 0x50, 14), new("ispwbb", 0x51, 14), new("tsecsrd", 0x54, 15), new("tsecswr", 0x55, 15),
        new("a9avpscr", 0x56, 16), new("a9avpscw", 0x57, 16), new("gpusrd", 0x58, 17), new("gpuswr", 0x59, 17), new("displayt", 0x5A, 1),
        new("sdmmcra", 0x60, 18), new("sdmmcraa", 0x61, 19), new("sdmmcr", 0x62, 20), new("sdmmcrab", 0x63, 21), new("sdmmcwa", 0x64, 18),
        new("sdmmcwaa", 0x65, 19), new("sdmmcw", 0x66, 20), new("sdmmcwab", 0x67, 21), new("vicsrd", 0x6C, 22), new("vicswr", 0x6D, 22),
        new("viw", 0x72, 23), new("displayd", 0x73, 1), new("nvdecsrd", 0x78, 24), new("nvdecswr", 0x79, 24), new("aper", 0x7A, 25),
        new("apew", 0x7B, 25), new("nvjpgsrd", 0x7E, 26), new("nvjpgswr", 0x7F, 26), new("sesrd", 0x80, 27), new("seswr", 0x81, 27),
        new("axiapr", 0x82, 28), new("axiapw", 0x83, 28), new("etrr", 0x84, 29), new("etrw", 0x85, 29), new("tsecsrdb", 0x86, 30),
        new("tsecswrb", 0x87, 30), new("gpusrd2", 0x88, 17), new("gpuswr2", 0x89, 17),
    ];

    private static IReadOnlyList<TegraGroup> Groups210 => [new("display", [1, 2])];

    private static IReadOnlyList<TegraHotReset> HotResets210 =>
    [
        new("AFI", 0, 0, 0, 3), new("AVPC", 1, 0, 1, 4), new("DC", 2, 0, 2, 1), new("DCB", 3, 0, 3, 2), new("HC", 4, 0, 6, 6),
            new("HDA", 5, 0, 7, 5),
        new("ISP2", 6, 0, 8, 11), new("MPCORE", 7, 0, 9, 10), new("NVENC", 8, 0, 11, 7), new("PPCS", 9, 0, 14, 8),
            new("SATA", 10, 0, 15, 9),
        new("VI", 11, 0, 17, 23), new("VIC", 12, 0, 18, 22), new("XUSB_HOST", 13, 0, 19, 12), new("XUSB_DEV", 14, 0, 20, 13),
        new("A9AVP", 15, 0, 21, 16), new("TSEC", 16, 0, 22, 15), new("SDMMC1", 17, 0, 29, 18), new("SDMMC2", 18, 0, 30, 19),
        new("SDMMC3", 19, 0, 31, 20), new("SDMMC4", 20, 1, 0, 21), new("ISP2B", 21, 1, 1, 14), new("GPU", 22, 1, 2, 17),
            new("NVDEC", 23, 1, 5, 24),
        new("APE", 24, 1, 6, 25), new("SE", 25, 1, 7, 27), new("NVJPG", 26, 1, 8, 26), new("AXIAP", 27, 1, 11, 28),
            new("ETR", 28, 1, 12, 29),
        new("TSECB", 29, 1, 13, 30),
    ];
}
