using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;
using Aperture.VfioUser;
using PciBar = Aperture.Hardware.Pci.PciBar;

namespace Aperture.ModelGuests;

/// <summary>One guest: a kernel whose own driver drives our unit, with our disk behind it.</summary>
internal sealed partial class ModelGuest : IVfioUserObserver, IDisposable
{
    private const int SectorBytes = 512;
    private const ulong StrayAddress = 0x1234_5678; // nothing is mapped there
    private const int Function = 1; // of slots without a function 0: no kernel looks for that one, so that it stays where it is
    private const uint UnitAddress = 0x1000_0000;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private readonly GuestKind _kind;
    private readonly GuestOptions _options;
    private readonly GuestMemory _memory = new();
    private readonly FailureMonitor _failures = new(StrayAddress);
    private readonly TranslationUnit _unit;
    private readonly GuestDisk _disk;
    private readonly VfioUserServer _server;
    private readonly string _folder = Directory.CreateTempSubdirectory("model-guest-").FullName;
    private readonly CancellationTokenSource _enough = new(); // a guest that has shown a defect
    private readonly List<string> _problems = [];
    private readonly Lock _lock = new();

    public ModelGuest(GuestKind kind, GuestOptions options)
    {
        _kind = kind;
        _options = options;
        _failures.Unexpected = _enough.Cancel;
        _unit = kind.Make(_memory.Bus);
        var seen = options.Defect == Defect.SwapsRights ? new DefectiveUnit(_memory.Bus, _unit) : _unit;
        IMmioDevice registers = options.Defect != Defect.IgnoresFlushes ? _unit
            : kind.WithoutFlushes?.Invoke(_memory.Bus, _unit) ?? new DefectiveRegisters(_unit, kind.IsFlush);
        var content = new byte[2 * options.Bytes(kind)];
        new Random(options.Seed).NextBytes(content);
        _disk = kind.MakeDisk(
            new DmaPort(_memory.Bus, seen, new StreamId(kind.Stream)) { Monitor = _failures }, content, new Iova(StrayAddress));
        var unit = new PciFunction("unit", _memory, PciIdentity.PlatformBlock, new PciBar(registers));
        var disk = _disk.Carry(_memory);
        unit.Connect(_unit.Interrupt);
        unit.Accessed = _disk.TryAgain; // the driver may have released what the unit held back
        _server = new VfioUserServer(new VfioUserOptions { Observer = this });
        _server.Serve(Path.Combine(_folder, "unit"), unit);
        _server.Serve(Path.Combine(_folder, "disk"), disk);
    }

    /// <summary>Whether something was wrong that a slow machine cannot be the cause of: bytes or faults.</summary>
    public bool HasEvidence { get; private set; }

    /// <summary>Runs it to its end.</summary>
    /// <returns>What is wrong; empty if nothing is.</returns>
    public IReadOnlyList<string> Run()
    {
        var initial = Sum(_disk.Content.Span[..^SectorBytes]); // the last sector is for the stray access
        var start = Stopwatch.GetTimestamp();
        using var emulator = new Emulator(_options.Cache, _folder, _kind.Board, Arguments());
        var enough = _options.Defect == Defect.None ? CancellationToken.None : _enough.Token;
        if (!emulator.Run(_kind.Board.Machine, Places(), s_limit, enough))
            Complain($"the guest did not end within {s_limit}");
        var took = Stopwatch.GetElapsedTime(start);
        var console = emulator.Console;
        Check(console, initial);
        var counters = _unit.Counters;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_options.Title(_kind)}: {took.TotalSeconds:f1} s, {_disk.Requests} requests, {_disk.Bytes >> 20} MiB through the unit; "
            + $"{counters.Hits} hits, {counters.Misses} walks, {counters.Invalidations} entries removed, {counters.Faults} faults"));
        if (_options.IsVerbose || (_options.Defect == Defect.None ? _problems.Count > 0 : !HasEvidence))
            Console.WriteLine($"{Tail(console)}\n{emulator.Errors}");
        return _problems;
    }

    public void Dispose()
    {
        _server.Dispose();
        _memory.Dispose();
        _enough.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    void IVfioUserObserver.OnAccess(
        PciFunction function, int bar, ulong offset, int width, ulong value, bool isWrite, bool isAnswered)
    {
        if (!isAnswered)
            Complain($"{function.Name} did not take a {(isWrite ? "write" : "read")} of {width} bytes at 0x{offset:x}");
    }

    void IVfioUserObserver.OnRefused(PciFunction function, int command, string why) =>
        Complain($"{function.Name} refused message {command}: {why}");

    [GeneratedRegex(@"^whole ([0-9a-f]{32})", RegexOptions.Multiline)]
    private static partial Regex Whole();

    [GeneratedRegex("Kernel panic.*|Unable to handle kernel.*|Internal error.*")]
    private static partial Regex Crash();

    [GeneratedRegex(@"^wrote ([0-9a-f]{32})", RegexOptions.Multiline)]
    private static partial Regex Wrote();

#pragma warning disable CA5351 // a checksum that busybox has
    private static string Sum(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    private static string Tail(string console) => console[Math.Max(0, console.Length - 6000)..];

    private void Complain(string problem, bool isEvidence = false)
    {
        lock (_lock)
        {
            HasEvidence |= isEvidence;
            if (_problems.Count < 20 && !_problems.Contains(problem))
                _problems.Add(problem);
        }
    }
}
