using BenchmarkDotNet.Attributes;

namespace Aperture.Benchmarks;

/// <summary>What this machine takes for the yardsticks.</summary>
public class YardstickBenchmarks
{
    private const int Times = 4096;

    private readonly Yardsticks _yard = new();

    /// <summary>Four dependent loads.</summary>
    [Benchmark(OperationsPerInvoke = Times)]
    public void Chase4() => _yard.Chase4(Times);

    /// <summary>A store of 8 bytes.</summary>
    [Benchmark(OperationsPerInvoke = Times)]
    public void Fill8() => _yard.Fill8(Times);

    /// <summary>A compare-and-swap that nobody else is in the way of.</summary>
    [Benchmark(OperationsPerInvoke = Times)]
    public void Cas() => _yard.Cas(Times);

    /// <summary>A copy of 64 KiB.</summary>
    [Benchmark]
    public void Copy64K() => _yard.Copy(1);
}
