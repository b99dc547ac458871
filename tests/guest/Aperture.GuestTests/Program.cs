using System.Diagnostics;
using System.Reflection;
using System.Runtime.Versioning;
using Aperture.GuestTests;

[assembly: SupportedOSPlatform("linux")]

// tests [PART OF A NAME...]: runs the tests whose names contain one of the parts, all without any.
// victim: uses the device until it is killed.
if (args is ["victim", ..])
    return Victim.Run();

var guest = new Guest();
var passed = 0;
var failed = 0;
var methods = Assembly.GetExecutingAssembly().GetTypes()
    .Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
    .OrderBy(type => type.Name, StringComparer.Ordinal)
    .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly)
        .OrderBy(method => method.MetadataToken));
if (guest.HasIommu)
    guest.BindEdus();
if (guest.HasIommu && !guest.RemapsInterrupts)
    File.WriteAllText(GroupErrorTests.UnsafeInterrupts, "Y"); // what happens without this is a test
foreach (var method in methods)
{
    var name = $"{method.DeclaringType!.Name}.{method.Name}";
    if (guest.HasIommu == (method.DeclaringType == typeof(NoIommuTests)))
        continue; // the others want an IOMMU
    if ((method.DeclaringType == typeof(UseTests) || method.DeclaringType == typeof(RemovalTests)) && !guest.HasUses)
        continue;
    if (args.Length > 1 && !args.Skip(1).Any(part => name.Contains(part, StringComparison.Ordinal)))
        continue;
    var clock = Stopwatch.StartNew();
    try
    {
        method.Invoke(null, method.GetParameters().Length == 0 ? [] : [guest]);
        passed++;
        Console.WriteLine($"ok      {name} ({clock.ElapsedMilliseconds} ms)");
    }
    catch (TargetInvocationException e)
    {
        failed++;
        Console.WriteLine($"FAILED  {name}: {e.InnerException}");
        if (guest.HasIommu)
            guest.Restore(); // so that the next one fails for what it finds by itself
    }
}

foreach (var line in guest.Host.Recover())
    Console.WriteLine($"given back: {line}");
Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;
