using Aperture.Linux.Hosts;
using Aperture.Linux.Native;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>What the kernel answers to what is asked of it by other means than its files.</summary>
internal sealed class FakeCalls(string root, List<string> events) : IHostCalls
{
    /// <summary>Device files that somebody else has claimed, and other errors of claims.</summary>
    public Dictionary<string, Errno> Claims { get; } = [];

    /// <summary>Device files behind other paths.</summary>
    public Dictionary<string, (bool IsBlock, string Number)> Nodes { get; } = [];

    public Dictionary<string, string> Addresses { get; } = [];

    /// <summary>Interfaces of network namespaces, by the namespace's file.</summary>
    public Dictionary<string, (string Name, string Device)[]> Interfaces { get; } = [];

    public Errno Claim(string path, out IDisposable? claim)
    {
        var name = Below(path);
        var error = Claims.GetValueOrDefault(name);
        claim = error == Errno.None ? new Held(() => events.Add($"release {name}")) : null;
        events.Add(error == Errno.None ? $"claim {name}" : $"refuse {name}");
        return error;
    }

    public (bool IsBlock, string Number)? NodeOf(string path) => Nodes.TryGetValue(Below(path), out var node) ? node : null;

    public string? AddressOf(string networkInterface) => Addresses.GetValueOrDefault(networkInterface);

    public IReadOnlyList<(string Name, string Device)> InterfacesOf(string path) => Interfaces.GetValueOrDefault(Below(path)) ?? [];

    private string Below(string path) => path[root.Length..].TrimStart('/');

    private sealed class Held(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
