using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>The quick way of most accesses: a stream whose route is plain, and a hit. No lock, no virtual call.</content>
public abstract unsafe partial class TranslationUnit
{
    // By stream; the last for all others. Behind them as many that are closed for good. Where they do not move, so that no access looks at
    // bounds.
    private Route[] _routes;
    private Route* _openRoutes;
    private nint _firstRoute; // of those that are open, or of the others
    private uint _lastRoute;
    private TranslationCache[] _routed = []; // every cache that a route ever led to: an access may still be on its way there

    /// <summary>Whether accesses are translated while the clocks of the registers stand.</summary>
    protected bool TranslatesUnclocked { get; init; }

    /// <summary>Says of how many streams the unit speaks; all others share the route after the last. Called by the constructor of a unit
    /// that has plain routes at all; until <see cref="SetRoute"/> none is.</summary>
    /// <param name="streams">How many.</param>
    [MemberNotNull(nameof(_routes))]
    protected void UseRoutes(int streams)
    {
        _routes = GC.AllocateArray<Route>(2 * (streams + 1), pinned: true);
        _openRoutes = (Route*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_routes));
        _firstRoute = (nint)_openRoutes;
        _lastRoute = (uint)streams;
    }

    /// <summary>Opens or closes all routes: while they are closed the unit is asked about each access. They are open at first.</summary>
    /// <param name="areOpen">Whether routes hold.</param>
    protected void OpenRoutes(bool areOpen) =>
        Volatile.Write(ref _firstRoute, (nint)(areOpen ? _openRoutes : _openRoutes + _lastRoute + 1));

    /// <summary>Says how a stream is translated from now on. Accesses look at it meanwhile: a route that becomes another with the cache in
    /// place has, for a moment, parts of both; who minds that takes the cache away first.</summary>
    /// <param name="stream">The stream; the number of streams for all others.</param>
    /// <param name="route">Its route.</param>
    protected void SetRoute(int stream, in QuickRoute route)
    {
        ref var place = ref _routes[stream];
        var cache = route.Cache is { CountsUses: false } plain ? plain : null; // uses are counted by the unit
        if (cache is null)
            Volatile.Write(ref place.Lines, 0);
        place.Tag = route.Tag;
        place.Salt = TranslationCache.SaltOf(route.Tag);
        place.Unchecked = (uint)(route.Unchecked & Protection.ReadWrite);
        if (cache is null)
            return;
        if (Array.IndexOf(_routed, cache) < 0)
            _routed = [.. _routed, cache];
        Volatile.Write(ref place.Lines, cache.Lines);
    }

    /// <summary>A hit of a plain access. Rights are the cache's; what a master that is privileged or fetches instructions may do, the unit
    /// knows.</summary>
    /// <returns>Whether the unit need not be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRoute(in BusRequest request, out TranslationResult target)
    {
        Unsafe.SkipInit(out target);
        var route = RouteOf(request.Stream);
        var lines = Volatile.Read(ref route->Lines);
        if (lines == 0 || !request.IsBare)
            return false;
        var entry = TranslationCache.FindEntry(lines, route->Tag, route->Salt, request.Address, out var state);
        if (entry is null)
            return false;
        target = entry->Translate(request.Address);
        Volatile.ReadBarrier();
        if (entry->State != state || (request.Needed & ~((uint)target.Protection | route->Unchecked)) != 0)
            return false;
        if (AnswersUnclocked)
            return true;
        return Answers || (TranslatesUnclocked && IsPowered && !IsInReset);
    }

    /// <summary>Whether a hit of an access would need nothing of the unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasPlainRoute(in BusRequest request) => request.IsBare && Volatile.Read(ref RouteOf(request.Stream)->Lines) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Route* RouteOf(StreamId stream) => (Route*)Volatile.Read(ref _firstRoute) + Math.Min(stream.Value, _lastRoute);

    [StructLayout(LayoutKind.Sequential, Size = 32)]
    private struct Route
    {
        public nint Lines;     // of the cache; 0 where the unit must be asked
        public uint Tag;
        public uint Salt;
        public uint Unchecked;
    }
}
