namespace Aperture.Boards.Running;

/// <summary>The scenarios that there are.</summary>
public static class Scenarios
{
    /// <summary>All of them; the first that a machine can run is its default.</summary>
    public static IReadOnlyList<IScenario> All { get; } =
    [
        new IspCaptureScenario(),
        new FimcScenario(),
        new EduScenario(),
        new NvmeScenario(),
        new SvaScenario(),
        new NestedGuestScenario(),
        new CopyScenario(),
        new NicScenario(),
        new SdCardScenario(),
        new SharedBufferScenario(),
    ];

    /// <summary>The scenario of a name, or null.</summary>
    public static IScenario? Find(string name) => All.FirstOrDefault(scenario => scenario.Name == name);

    /// <summary>What a machine runs when nobody says otherwise, or null when it can run none.</summary>
    public static IScenario? Default(Machine machine) => All.FirstOrDefault(scenario => scenario.AppliesTo(machine));
}
