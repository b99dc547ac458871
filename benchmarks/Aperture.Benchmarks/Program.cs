using Aperture.Benchmarks;
using BenchmarkDotNet.Running;

// --quick measures everything in under a minute, or --only what begins so, and can print JSON or tables for the documentation; without it
// BenchmarkDotNet takes its time.
if (args.Contains("--quick"))
    return QuickRun.Run(args.Contains("--json"), args.Contains("--markdown"),
        args.SkipWhile(arg => arg != "--only").Skip(1).FirstOrDefault(""));
BenchmarkSwitcher.FromAssembly(typeof(QuickRun).Assembly).Run(args);
return 0;
