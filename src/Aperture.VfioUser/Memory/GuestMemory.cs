using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser;

/// <summary>The memory of a guest as the bus of our models has it: what a client has shared is RAM, a load or a store for who accesses
/// it.</summary>
/// <remarks>
/// <para>Several functions of one machine share it: each of their clients tells of the same memory. That of the client that came first is
/// what the bus sees; when it goes, that of the next. Functions behind different IOMMUs of an emulator see different memory: they need one
/// each.</para>
/// <para>What a client has mapped without sharing it is reached by messages, 1 to 8 bytes each: a bus error on a thread that serves a
/// client's request, as the client waits for that one and answers nothing meanwhile.</para>
/// <para>When memory was taken away, an access that had begun finds zeros. Dispose it when nobody makes accesses any more.</para>
/// </remarks>
public sealed unsafe class GuestMemory : IDisposable
{
    private readonly Lock _lock = new();
    private readonly AddressArena _arena = new();
    private readonly List<ClientMaps> _clients = []; // the first is the one that the bus sees
    private bool _isDisposed;

    /// <summary>Memory without any RAM, until a client tells of some.</summary>
    /// <exception cref="ApertureException">The host has no address space.</exception>
    public GuestMemory()
    {
        Memory = PhysicalMemory.Empty();
        Bus = new SystemBus(Memory);
    }

    /// <summary>The RAM.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>The bus that models are made on.</summary>
    public SystemBus Bus { get; }

    /// <summary>Takes all RAM away and gives the address space back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            Memory.Dispose();
            _arena.Dispose();
        }
    }

    /// <summary>A client has come.</summary>
    internal ClientMaps Join(PciFunction function)
    {
        var maps = new ClientMaps(this, function);
        lock (_lock)
            _clients.Add(maps);
        return maps;
    }

    /// <summary>A client has gone, with its memory.</summary>
    internal void Leave(ClientMaps client)
    {
        lock (_lock)
        {
            var leads = IsLeader(client);
            foreach (var map in client.All)
                Drop(map, leads);
            client.All.Clear();
            _clients.Remove(client);
            if (!leads || _clients.Count == 0 || _isDisposed)
                return;
            foreach (var map in _clients[0].All)
                Show(_clients[0], map);
        }
    }

    /// <summary>Maps a piece.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="range">Where the device sees it; whole pages.</param>
    /// <param name="rights">What the device may do there.</param>
    /// <param name="file">What holds it; null if the client does not share it.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="error">Why it was not mapped.</param>
    /// <returns>What was mapped; null if nothing was.</returns>
    internal ClientMap? TryAdd(ClientMaps client, MemoryRange range, Protection rights, SafeFileHandle? file, long offset, out Errno error)
    {
        lock (_lock)
        {
            error = Errno.NoMemory;
            nint address = 0;
            if (_isDisposed || (file is not null && !TryMap(range.Length, rights, file, offset, out address, out error)))
                return null;
            var map = new ClientMap(range, rights, address);
            error = IsLeader(client) ? Show(client, map) : Errno.None;
            if (error == Errno.None)
            {
                client.All.Add(map);
                return map;
            }

            Drop(map, true);
            return null;
        }
    }

    /// <summary>Takes a piece away.</summary>
    internal void Remove(ClientMaps client, ClientMap map)
    {
        lock (_lock)
        {
            client.All.Remove(map);
            Drop(map, IsLeader(client));
        }
    }

    private bool IsLeader(ClientMaps client) => _clients[0] == client;

    private bool TryMap(ulong length, Protection rights, SafeFileHandle file, long offset, out nint address, out Errno error)
    {
        error = Errno.NoMemory;
        if (!_arena.TryTake(length, out address))
            return false;
        var protection = Libc.ProtRead | ((rights & Protection.Write) != 0 ? Libc.ProtWrite : 0);
        if (Libc.Map(address, (nuint)length, protection, Libc.MapShared | Libc.MapFixed, file, offset) == address)
            return true;
        error = ErrnoExtensions.Last;
        _arena.Give(address, length);
        return false;
    }

    /// <summary>Puts a piece on the bus.</summary>
    private Errno Show(ClientMaps client, ClientMap map)
    {
        try
        {
            if (map.Address != 0)
            {
                Memory.AddForeign(map.Range, (byte*)map.Address, (map.Rights & Protection.Write) == 0);
                return Errno.None;
            }

            for (ulong offset = 0; offset < map.Range.Length; offset += MessageWindow.MaxSize)
            {
                var window = new MessageWindow(
                    client.Function, map.Range.Start + offset, (uint)Math.Min(MessageWindow.MaxSize, map.Range.Length - offset));
                Bus.Attach(map.Range.Start + offset, window);
                map.Windows.Add(window);
            }

            return Errno.None;
        }
        catch (ApertureException error)
        {
            return error.Status == Status.AlreadyExists ? Errno.Exists : Errno.Invalid; // beside other RAM or registers, or too much of it
        }
    }

    private void Drop(ClientMap map, bool isShown)
    {
        if (isShown && map.Address != 0)
            Memory.RemoveForeign(map.Range);
        foreach (var window in map.Windows)
            Bus.Detach(window);
        if (map.Address != 0)
            _arena.Give(map.Address, map.Range.Length);
    }
}
