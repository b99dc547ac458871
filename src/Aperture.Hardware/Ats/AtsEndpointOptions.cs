using Aperture.Core;

namespace Aperture.Hardware.Ats;

/// <summary>What an ATS endpoint is like, and what it does where PCI Express can be read in more than one way.</summary>
public sealed record AtsEndpointOptions
{
    /// <summary>Channels, each with a job of its own, 1 to 32.</summary>
    public int Channels { get; init; } = 8;

    /// <summary>Translations that it keeps, 1 to 65536.</summary>
    public int Translations { get; init; } = 64;

    /// <summary>Pages that a job asks for in one group at most, 1 to 512.</summary>
    public int PagesOfGroup { get; init; } = 1;

    /// <summary>How often a job asks for a page whose group was answered with success and that is not there all the same, before it gives
    /// up. PCI Express sets no limit.</summary>
    public int Tries { get; init; } = 8;

    /// <summary>Whether an invalidation without a process spares the translations of processes. PCI Express has them go with it.</summary>
    public bool KeepsProcesses { get; init; }

    /// <summary>Whether translations outlive the time in which ATS is off. PCI Express has the cache begin empty.</summary>
    public bool KeepsWhileOff { get; init; }

    /// <summary>Whether a translation counts for all of the bytes that it was given for; else for one page of 4 KiB.</summary>
    public bool KeepsLargePages { get; init; } = true;

    /// <summary>Whether a job that reads asks for the right to write as well, where it can be had. PCI Express leaves it to the device; a
    /// unit may mark a page as written then.</summary>
    public bool AsksForWrites { get; init; }

    /// <summary>Whether a group of which a part was lost for want of room is begun anew with its old number (the response is a success all
    /// the same), else with the next one.</summary>
    public bool ReusesGroups { get; init; } = true;

    /// <summary>Whether it completes invalidation requests. One that does not is broken.</summary>
    public bool AnswersInvalidations { get; init; } = true;

    internal void Validate()
    {
        Check(Channels is >= 1 and <= 32, nameof(Channels), Channels);
        Check(Translations is >= 1 and <= 65536, nameof(Translations), Translations);
        Check(PagesOfGroup is >= 1 and <= 512, nameof(PagesOfGroup), PagesOfGroup);
        Check(Tries >= 1, nameof(Tries), Tries);
    }

    private static void Check(bool holds, string name, int value)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, $"an ATS endpoint with {name} = {value} does not exist");
    }
}
