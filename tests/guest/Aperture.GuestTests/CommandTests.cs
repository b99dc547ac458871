using System.Text.Json;

namespace Aperture.GuestTests;

/// <summary>The commands of <c>aperture host</c>, as a user runs them. Each starts a process, which takes seconds here: they run where
/// <see cref="Guest.IsThorough"/>.</summary>
internal static class CommandTests
{
    public static void Selftest_of_a_device_that_is_known(Guest guest)
    {
        if (!guest.IsThorough)
            return;
        guest.Host.Recover();
        Command.Expect(
            0,
            ["host", "selftest", guest.Edus[0]],
            $"opened: 1 regions, 1 interrupts (Msi), IOMMU group ",
            "ok: map and unmap a page",
            "ok: map and unmap 4 MiB",
            "ok: map and unmap pages that are not contiguous",
            "ok: DMA both ways",
            "ok: an interrupt",
            "ok: what was unmapped is out of reach",
            "ok: what may be read cannot be written",
            "given back to no driver");
        Check.Equal<string?>(null, guest.Host.Find(guest.Edus[0]).Driver);
        guest.BindEdus();
    }

    public static void Selftest_of_a_device_that_nobody_knows(Guest guest)
    {
        if (!guest.IsThorough)
            return;
        guest.Host.Recover();
        Command.Expect(0, ["host", "selftest", guest.Nvme], "opened: ", "(Msix)", "ok: map and unmap a page",
            "skipped: DMA and confinement", "given back to nvme");
        Check.Equal("nvme", guest.Host.Find(guest.Nvme).Driver);
        guest.BindEdus();
    }

    public static void List_tells_what_is_there(Guest guest)
    {
        if (!guest.IsThorough)
            return;
        var group = guest.Host.GroupOf(guest.Nvme);
        using var json = JsonDocument.Parse(Command.Expect(0, ["host", "list", "--json"]));
        var devices = json.RootElement.GetProperty("devices").EnumerateArray()
            .ToDictionary(device => device.GetProperty("address").GetString()!);
        Check.Equal(guest.Host.Functions.Count, devices.Count);
        var edu = devices[guest.Edus[0]];
        Check.Equal("1234:11e8 vfio-pci", $"{edu.GetProperty("vendor")}:{edu.GetProperty("device")} {edu.GetProperty("driver")}");
        Check.Equal(guest.Kind.ToString(), edu.GetProperty("iommu").GetString(), "kind of IOMMU", StringComparer.OrdinalIgnoreCase);
        Check.Equal("msi", edu.GetProperty("reserved").EnumerateArray()
            .First(range => range.GetProperty("first").GetString() == "0xfee00000").GetProperty("kind").GetString());
        Check.Equal(0, edu.GetProperty("problems").EnumerateArray().Count(problem => problem.GetProperty("fatal").GetBoolean()));
        Check.Equal(JsonValueKind.Null, edu.GetProperty("warning").ValueKind);
        Check.Equal(group, devices[guest.Nvme].GetProperty("group").GetInt32());
    }

    public static void Devices_are_taken_and_given_back(Guest guest)
    {
        if (!guest.IsThorough)
            return;
        guest.Host.Recover();
        Command.Expect(0, ["host", "bind", guest.Nvme, guest.Neighbour],
            $"{guest.Nvme}: nvme -> vfio-pci, group {guest.Host.GroupOf(guest.Nvme)}", $"{guest.Neighbour}: no driver -> vfio-pci");
        using (var machine = Guest.Machine())
        {
            machine.Open(guest.Neighbour);
            Command.Expect(1, ["host", "unbind", guest.Nvme], $"process {Environment.ProcessId} (dotnet) has /dev/vfio/");
            Command.Expect(1, ["host", "recover"], "cannot be given back");
        }

        Command.Expect(0, ["host", "unbind", guest.Neighbour], $"{guest.Neighbour}: no driver");
        Command.Expect(0, ["host", "recover"], $"{guest.Nvme}: nvme");
        Command.Expect(2, ["host", "bind", "0000:77:00.0"], "there is no PCI function 0000:77:00.0");
        Check.Equal("nvme", guest.Host.Find(guest.Nvme).Driver);
        Check.Equal(0, guest.Host.Taken.Count);
        guest.BindEdus();
    }
}
