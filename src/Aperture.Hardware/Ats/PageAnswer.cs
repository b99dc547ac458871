using Aperture.Core;

namespace Aperture.Hardware.Ats;

/// <summary>The code of a page request group response. Source: PCI Express 5.0, 10.4.2.</summary>
public enum PageAnswerCode
{
    /// <summary>The pages are there, as far as anybody knows.</summary>
    Success = 0,

    /// <summary>At least one of them never will be.</summary>
    Invalid = 1,

    /// <summary>The device shall not ask any more.</summary>
    Failure = 15,
}

/// <summary>What became of a group of page requests.</summary>
/// <param name="Pasid">The process; null for none.</param>
/// <param name="Group">The group.</param>
/// <param name="Code">What became of it.</param>
public readonly record struct PageAnswer(Pasid? Pasid, uint Group, PageAnswerCode Code);

/// <summary>What a unit does with a page request at once.</summary>
public enum PageRequestFate
{
    /// <summary>Software hears of it.</summary>
    Queued,

    /// <summary>It is lost for want of room; if it is the last of its group, the answer is <see cref="PageAnswerCode.Success"/>: the device
    /// asks again.</summary>
    Lost,

    /// <summary>Nobody takes page requests; the answer to the last of a group is <see cref="PageAnswerCode.Failure"/>.</summary>
    Refused,
}
