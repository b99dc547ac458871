using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>The quick way of most accesses: a stream whose route is plain, and a hit. No lock, no virtual call.</content>
public abstract partial class TranslationUnit
{
    private static readonly Route[] s_closed = [default];

    private Route[] _all;    // by stream; the last for all others
    private Route[] _routes; // those that are open: all or none

    /// <summary>Whether accesses are translated while the clocks of the registers stand.</summary>
    protected bool TranslatesUnclocked { get; init; }

    /// <summary>Says of how many streams the unit speaks; all others share the route after the last. Called by the constructor of a unit
    /// that has plain routes at all; until <see cref="SetRoute"/> none is.</summary>
    /// <param name="streams">How many.</param>
    protected void UseRoutes(int streams) => _routes = _all = new Route[streams + 1];

    /// <summary>Opens or closes all routes: while they are closed the unit is asked about each access. They are open at first.</summary>
    /// <param name="areOpen">Whether routes hold.</param>
    protected void OpenRoutes(bool areOpen) => Volatile.Write(ref _routes, areOpen ? _all : s_closed);

    /// <summary>Says how a stream is translated from now on. Accesses look at it meanwhile: a route that becomes another with the cache in
    /// place has, for a moment, parts of both; who minds that takes the cache away first.</summary>
    /// <param name="stream">The stream; the number of streams for all others.</param>
    /// <param name="route">Its route.</param>
    protected void SetRoute(int stream, in QuickRoute route)
    {
        ref var place = ref _all[stream];
        var cache = route.Cache is { CountsUses: false } plain ? plain : null; // uses are counted by the unit
        if (cache is null)
            Volatile.Write(ref place.Cache, null);
        place.Tag = route.Tag;
        place.Salt = TranslationCache.SaltOf(route.Tag);
        place.Unchecked = (uint)(route.Unchecked & Protection.ReadWrite);
        if (cache is not null)
            Volatile.Write(ref place.Cache, cache);
    }

    /// <summary>A hit of a plain access. Rights are the cache's; what a master that is privileged or fetches instructions may do, the unit
    /// knows.</summary>
    /// <returns>Whether the unit need not be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRoute(in BusRequest request, int thread, out TranslationResult target, out bool isPlain)
    {
        Unsafe.SkipInit(out target);
        var routes = _routes;
        var index = (int)Math.Min(request.Stream.Value, (uint)(routes.Length - 1));
        ref var route = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(routes), (nint)index);
        var cache = Volatile.Read(ref route.Cache);
        isPlain = cache is not null && request.IsBare;
        if (!isPlain || !cache!.TryFind(route.Tag, route.Salt, request.Address, out target, out _, out _, out _))
            return false;
        var lacks = ((uint)request.Access + (uint)Protection.Read) & ~((uint)target.Protection | route.Unchecked);
        if (lacks != 0 || !(Answers || (TranslatesUnclocked && IsPowered && !IsInReset)))
            return false;
        CountHit(thread);
        return true;
    }

    private struct Route
    {
        public TranslationCache? Cache;
        public uint Tag;
        public uint Salt;
        public uint Unchecked;
    }
}
