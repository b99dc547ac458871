using System.Diagnostics;
using System.Globalization;
using Aperture.Fuzzing;

// Readers against inputs that nobody would write: random changes of a corpus, of which those are kept that reach new code.
//   aperture-fuzzing TARGET --seconds N [--seed S] [--keep FOLDER]   a loop of our own
//   aperture-fuzzing TARGET --libfuzzer                              as the program that libfuzzer-dotnet starts
//   aperture-fuzzing TARGET --once FILE...                           inputs again, one after the other
// Exit code 0: nothing was found; 1: a crash, a hang or too much memory, whose input is in the file that is named; 2: a bad command line.
const string IsInstrumented = "APERTURE_FUZZING_INSTRUMENTED";
if (args.Length < 2 || FuzzTargets.Find(args[0]) is not { } target)
{
    Console.Error.WriteLine("usage: aperture-fuzzing TARGET --seconds N [--seed S] [--keep FOLDER] | --libfuzzer | --once FILE...; "
        + "targets: " + string.Join(", ", FuzzTargets.All.Select(known => known.Name)));
    return 2;
}

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
if (args[1] == "--once")
{
    foreach (var file in args[2..])
        target.Run(File.ReadAllBytes(file));
    Console.WriteLine($"{target.Name}: {args.Length - 2} inputs");
    return 0;
}

if (Environment.GetEnvironmentVariable(IsInstrumented) is null)
    return InstrumentedCopy.Start(args, IsInstrumented);
if (args[1] == "--libfuzzer")
{
    SharpFuzz.Fuzzer.LibFuzzer.Run(bytes => target.Run(bytes.ToArray()));
    return 0;
}

if (!int.TryParse(Option("--seconds"), CultureInfo.InvariantCulture, out var seconds) || seconds < 1)
    return 2;
var seed = int.TryParse(Option("--seed"), CultureInfo.InvariantCulture, out var given)
    ? given : (int)(Stopwatch.GetTimestamp() & int.MaxValue);
return new FuzzLoop(target, seed, Option("--keep")).Run(TimeSpan.FromSeconds(seconds)) ? 0 : 1;
