using Aperture.Benchmarks;
using BenchmarkDotNet.Running;

// --quick measures everything in under a minute and can print JSON; without it BenchmarkDotNet takes its time.
if (args.Contains("--quick"))
    return QuickRun.Run(args.Contains("--json"));
BenchmarkSwitcher.FromAssembly(typeof(QuickRun).Assembly).Run(args);
return 0;
