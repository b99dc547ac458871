using Aperture.ModelGuests;

// Aperture.ModelGuests CACHE TREES [--unit NAME] [--defects] [--mib N] [--verbose]
// Boots each kernel strict and, where it can be, lazy; with --defects also with each defect, of which the guest must notice.
// Prints "N passed, N failed".
var options = new GuestOptions(args[0], args[1])
{
    MiB = Value("--mib") is { } size ? int.Parse(size, System.Globalization.CultureInfo.InvariantCulture) : 0,
    IsVerbose = args.Contains("--verbose"),
};
int passed = 0, failed = 0;
foreach (var kind in GuestKind.All.Where(kind => Value("--unit") is null || Value("--unit") == kind.Name))
{
    Report(kind, options);
    if (kind.CanBeLazy)
        Report(kind, options with { IsLazy = true });
    if (!args.Contains("--defects") || !kind.ShowsDefects)
        continue;
    Report(kind, options with { Defect = Defect.IgnoresFlushes });
    if (kind.HasRights)
        Report(kind, options with { Defect = Defect.SwapsRights });
}

Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;

string? Value(string name) => Array.IndexOf(args, name) is >= 0 and var at ? args[at + 1] : null;

void Report(GuestKind kind, GuestOptions guest)
{
    using var model = new ModelGuest(kind, guest);
    var problems = model.Run();
    var isGood = guest.Defect == Defect.None ? problems.Count == 0 : model.HasEvidence;
    if (isGood)
        passed++;
    else
        failed++;
    var mustNotice = guest.Defect == Defect.None ? "" : ", which the guest must notice";
    Console.WriteLine($"{(isGood ? "ok" : "FAILED")} {guest.Title(kind)}{mustNotice}");
    foreach (var problem in problems)
        Console.WriteLine($"    {problem}");
}
