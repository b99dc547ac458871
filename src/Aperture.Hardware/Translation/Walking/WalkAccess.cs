using Aperture.Core;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>What a walk is for: the rights that it needs.</summary>
/// <param name="IsWrite">Whether memory is written; else it is read.</param>
/// <param name="IsFetch">Whether an instruction is fetched.</param>
/// <param name="IsPrivileged">Whether the access is privileged.</param>
public readonly record struct WalkAccess(bool IsWrite = false, bool IsFetch = false, bool IsPrivileged = false)
{
    /// <summary>The read of a table by a walker: privileged, whoever asked for the walk.</summary>
    public static WalkAccess TableRead => new(IsPrivileged: true);

    /// <summary>The update of a table by a walker.</summary>
    public static WalkAccess TableUpdate => new(IsWrite: true, IsPrivileged: true);

    /// <summary>What an access of a master needs.</summary>
    public static WalkAccess Of(in BusRequest request) =>
        new(request.IsWrite, request.IsFetch, (request.Requester.Flags & AccessFlags.Privileged) != 0);

    /// <summary>Whether a page's rights allow it.</summary>
    public bool IsAllowed(Protection protection) =>
        (protection & (IsWrite ? Protection.Write : Protection.Read)) != 0
        && (IsPrivileged || (protection & Protection.Privileged) == 0)
        && (!IsFetch || (protection & Protection.NoExecute) == 0);
}
