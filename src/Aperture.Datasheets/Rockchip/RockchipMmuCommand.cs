namespace Aperture.Datasheets.Rockchip;

/// <summary>What is written to COMMAND of a Rockchip MMU.</summary>
public enum RockchipMmuCommand : uint
{
    /// <summary>Translate from now on.</summary>
    EnablePaging = 0,

    /// <summary>Let addresses pass unchanged from now on.</summary>
    DisablePaging = 1,

    /// <summary>Hold accesses back; <see cref="RockchipMmuStatus.IsStalled"/> says when that is so.</summary>
    EnableStall = 2,

    /// <summary>Let accesses go on.</summary>
    DisableStall = 3,

    /// <summary>Forget all translations.</summary>
    ZapCache = 4,

    /// <summary>Try the access that faulted again.</summary>
    PageFaultDone = 5,

    /// <summary>Reset the MMU.</summary>
    ForceReset = 6,
}
