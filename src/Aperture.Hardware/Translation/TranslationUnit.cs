using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aperture.Core.Threading;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>An IOMMU as silicon: a register block on the CPU's side, a translator on the masters' side. It reads its tables from the bus,
/// tells software about faults by its interrupt line and registers, and knows nothing of the software.</summary>
/// <remarks>
/// <para>Any number of threads, for accesses and for registers. Accesses that a translation cache serves take no lock and run beside each
/// other; what changes state (registers, table walks, faults) happens under one lock of the unit.</para>
/// <para>When a register write that invalidates, or that turns translation to something else, has returned, every access of another thread
/// that began before it has ended: its bytes have moved. One thread alone waits for nothing.</para>
/// <para>Interrupts are delivered when neither the unit nor an access holds the thread.</para>
/// <para>A unit that has no power or clock, or is in reset, answers no register access and lets no access of a master through.</para>
/// </remarks>
public abstract partial class TranslationUnit : BusDevice
{
    private readonly AccessEpoch _epoch = new();
    private readonly InterruptLine[] _lines;

    /// <summary>A unit on a bus.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    /// <param name="interrupts">The names of its interrupt lines; see <see cref="BusDevice(ReadOnlySpan{string})"/>.</param>
    protected TranslationUnit(SystemBus bus, params ReadOnlySpan<string> interrupts)
        : base(interrupts)
    {
        ArgumentNullException.ThrowIfNull(bus);
        Bus = bus;
        UseRoutes(0);
        _lines = [.. Interrupts];
        foreach (var line in _lines)
            line.BeforeChange = CloseGate;
    }

    /// <summary>Number of entries of the translation cache, all levels together.</summary>
    public abstract int CacheEntries { get; }

    /// <summary>Hits, misses, invalidations and faults since the unit was made. Exact while nobody makes accesses, and with one
    /// thread.</summary>
    public abstract TranslationCounters Counters { get; }

    /// <summary>By how many streams, from 0 on, a master comes in that has no number in the description: one for each MMU where a unit has
    /// several that work as one.</summary>
    public virtual int StreamsOfMaster => 1;

    /// <summary>Whether the unit knows address spaces of a master (PASIDs). If not, an access with one is aborted.</summary>
    public virtual bool TakesPasids => false;

    /// <summary>Whether masters may ask for translations and use them later (ATS). If not, such accesses are aborted.</summary>
    public virtual bool AnswersTranslationRequests => false;

    /// <summary>How often one access is retried after software released it. Silicon retries for ever; a simulated machine must come to an
    /// end. Documented choice: 8.</summary>
    public int MaxRetries { get; init; } = 8;

    /// <summary>How often an access asks again when it is stalled by what another thread did, or when another thread may be handling its
    /// fault, and there is nothing to wait for, before it comes back as stalled. A number of turns, no time. For a thread that is seen in
    /// the middle of a sequence, or running handlers (<see cref="InterruptLine.Attend"/>), it waits without counting, however long
    /// that thread is not scheduled; handlers may run as often as that before nobody waits for them any more.</summary>
    public int StallTurns { get; init; } = 1000;

    /// <summary>Where the walker reads tables.</summary>
    protected SystemBus Bus { get; }

    /// <summary>Translates an access and does it: the way of every master.</summary>
    /// <typeparam name="TAccess">What is done; a struct, compiled in.</typeparam>
    /// <param name="request">The access.</param>
    /// <param name="access">What the master does where the access leads.</param>
    /// <returns><see cref="DmaStatus.Ok"/> once it is done; else nothing was done.</returns>
    /// <remarks>A fault is told to software before this returns, unless the caller holds a lock. If software releases the access
    /// meanwhile, it is translated again at once, at most <see cref="MaxRetries"/> times; an access still unreleased comes back as
    /// <see cref="DmaStatus.Stalled"/>.</remarks>
    public DmaStatus TryAccess<TAccess>(in BusRequest request, ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct => TryAccess(ThreadRecord.Current, request, ref access);

    /// <summary>The same for who makes many accesses in a row and has asked once which thread it is on.</summary>
    /// <typeparam name="TAccess">What is done; a struct, compiled in.</typeparam>
    /// <param name="thread">The calling thread's record.</param>
    /// <param name="request">The access.</param>
    /// <param name="access">What the master does where the access leads.</param>
    /// <returns>As of <see cref="TryAccess{TAccess}(in BusRequest, ref TAccess)"/>.</returns>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public DmaStatus TryAccess<TAccess>(ThreadRecord thread, in BusRequest request, ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        Debug.Assert(thread == ThreadRecord.Current, "an access is made in another thread's name");

        // A hit calls nothing that comes back but what the access does: all stays in registers.
        if (!_epoch.TryEnter(thread, out var scope))
            return TryAfterEntry(thread, request, ref access);
        try
        {
            if (TryRoute(request, out var target) && access.TryInMemory(Bus, target))
            {
                scope.Dispose();
                return DmaStatus.Ok;
            }
        }
        catch // not finally: what lives on after it would have to lie in memory
        {
            scope.Dispose();
            throw;
        }

        return TrySlowly(thread, scope, request, ref access);
    }

    /// <summary>Says what would become of an access, faults included, without doing it: for questions about tables, registers and caches.
    /// The answer holds until software changes something; whoever wants to access memory by it uses
    /// <see cref="TryAccess{TAccess}(in BusRequest, ref TAccess)"/>.</summary>
    /// <param name="request">The access.</param>
    /// <returns>What becomes of it.</returns>
    public TranslationResult Translate(in BusRequest request)
    {
        var access = default(Question);
        return TryAccess(request, ref access) switch
        {
            DmaStatus.Ok => access.Result,
            DmaStatus.Stalled => new TranslationResult(TranslationStatus.Stalled),
            _ => new TranslationResult(TranslationStatus.Aborted),
        };
    }

    /// <summary>Translates an access that needs no change of state, where the route of its stream is not plain (<see cref="SetRoute"/>): a
    /// hit, or one that passes. No lock is held; whatever registers do
    /// meanwhile, what is found held at some moment of the access.</summary>
    /// <param name="request">The access.</param>
    /// <param name="result">What becomes of it, if this returns true.</param>
    /// <param name="isCounted">Whether a translation cache served it, so that it counts as a hit.</param>
    /// <returns>Whether it needs nothing more; never on a unit that leaves all to <see cref="Resolve"/>.</returns>
    protected virtual bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        result = default;
        isCounted = false;
        return false;
    }

    /// <summary>Translates an access under the unit's lock: looks again, walks, fills caches, faults.</summary>
    /// <param name="request">The access.</param>
    /// <param name="attempt">What is to be remembered of it.</param>
    /// <param name="result">What becomes of it. Handed out, not back, as it is written once and never copied.</param>
    protected abstract void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result);

    /// <summary>The first access of a thread: it is waited for from now on.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaStatus TryAfterEntry<TAccess>(ThreadRecord thread, in BusRequest request, ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        using (var scope = _epoch.Enter(thread))
            scope.Except();
        return TryAccess(thread, request, ref access);
    }

    /// <summary>An access that no plain route served: asks the unit, without its lock and with it.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaStatus TrySlowly<TAccess>(ThreadRecord thread, AccessEpoch.Scope scope, in BusRequest request, ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        if (!HasPlainRoute(request) && TryAsking(scope, request, ref access))
            return DmaStatus.Ok;
        var attempt = default(AccessAttempt);
        var step = Step.Refused;
        TranslationResult target;
        var opensGate = Begin(thread, scope);
        try
        {
            Attempt(thread, request, ref access, ref attempt, ref step, out target);
        }
        catch
        {
            Abandon(thread, scope, step, opensGate);
            throw;
        }

        End(thread, scope, opensGate);
        return step == Step.Done ? DmaStatus.Ok : Settle(thread, step, request, ref access, ref attempt, target);
    }

    /// <summary>Asks a unit without a plain route for the stream; the access has ended if that does it.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAsking<TAccess>(AccessEpoch.Scope scope, in BusRequest request, ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        try
        {
            if (!IsKnown(request) || !TryHit(request, out var target, out var isCounted) || target.Length == 0
                || !access.TryInMemory(Bus, target))
            {
                return false;
            }

            if (!isCounted)
                scope.Except();
        }
        catch
        {
            scope.Dispose();
            throw;
        }

        scope.Dispose();
        return true;
    }

    /// <summary>What needs the lock, once more.</summary>
    private Step AttemptAgain<TAccess>(
        ThreadRecord thread, in BusRequest request, ref TAccess access, ref AccessAttempt attempt, out TranslationResult target)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        var scope = _epoch.Enter(thread);
        var step = Step.Refused;
        var opensGate = Begin(thread, scope);
        try
        {
            Attempt(thread, request, ref access, ref attempt, ref step, out target);
        }
        catch
        {
            Abandon(thread, scope, step, opensGate);
            throw;
        }

        End(thread, scope, opensGate);
        return step;
    }

    /// <summary>What the access raises is told when it is neither under the lock nor counted as going on: the handler may well
    /// invalidate.</summary>
    /// <returns>Whether this closed the gate.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Begin(ThreadRecord thread, AccessEpoch.Scope scope)
    {
        scope.Except();
        return EventGate.TryClose(thread);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(ThreadRecord thread, AccessEpoch.Scope scope, bool opensGate)
    {
        scope.Dispose();
        if (opensGate)
            EventGate.Open(thread);
    }

    /// <summary>The end of an access in which something threw: a gate that stayed closed would keep the thread from every interrupt and
    /// timer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Abandon(ThreadRecord thread, AccessEpoch.Scope scope, Step step, bool opensGate)
    {
        if (step == Step.Held)
            _guard.Exit(thread);
        End(thread, scope, opensGate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Attempt<TAccess>(
        ThreadRecord thread,
        in BusRequest request,
        ref TAccess access,
        ref AccessAttempt attempt,
        ref Step step,
        out TranslationResult target)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        if (!IsKnown(request))
        {
            target = default;
            return;
        }

        _guard.Enter(thread);
        step = Step.Held;
        Resolve(request, ref attempt, out target);
        step = Step.Refused;
        _guard.Exit(thread);
        if (target.Status == TranslationStatus.Ok && target.Length != 0)
            step = access.TryInMemory(Bus, target) ? Step.Done : Step.OnBus;
        else if (target.Status == TranslationStatus.Stalled)
            step = attempt.HasFaulted ? Step.Faulted : Step.Stalled;
    }

    /// <summary>What remains of an access that is not done: one that does not go to RAM, and what software released comes again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaStatus Settle<TAccess>(
        ThreadRecord thread,
        Step step,
        in BusRequest request,
        ref TAccess access,
        ref AccessAttempt attempt,
        TranslationResult target)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        var waits = default(Waits);
        var isWorkedOn = false; // at some time it was: between the answer to a fault and the release there is nothing to see of it
        while (true)
        {
            switch (step)
            {
                case Step.Done:
                    return DmaStatus.Ok;
                case Step.OnBus:
                    return access.TryOnBus(Bus, target) ? DmaStatus.Ok : DmaStatus.BusError;
                case Step.Refused:
                    return DmaStatus.Refused;
                case Step.Faulted:
                    attempt.HasFaulted = false;
                    attempt.Number++;
                    attempt.IsBeyondLast = attempt.Number > MaxRetries;
                    break;
                default:
                    isWorkedOn |= IsWorkedOn(thread);
                    if (!isWorkedOn || !TryWait(thread, ref waits))
                        return DmaStatus.Stalled;
                    break;
            }

            isWorkedOn |= IsWorkedOn(thread);
            step = AttemptAgain(thread, request, ref access, ref attempt, out target);
        }
    }

    /// <summary>Whether another thread may be about to release a stalled access: it made the unit stall, or somebody else uses the unit,
    /// too, and software has not answered yet what the unit raised. Handlers of a line run on one thread, be it another's fault.</summary>
    private bool IsWorkedOn(ThreadRecord thread) => IsStalledByAnother(thread) || (_epoch.IsShared && IsRaised());

    /// <summary>Waits until another thread may have released a stalled access.</summary>
    /// <returns>False when there was time enough.</returns>
    private bool TryWait(ThreadRecord thread, ref Waits waits)
    {
        // Who holds locks gets no handlers run, and waits for nobody who may wait for them.
        if (!EventGate.IsClosedOn(thread))
        {
            if (waits.Rounds < StallTurns && TryAttend())
            {
                waits.Rounds++;
                return true;
            }

            if (Volatile.Read(ref _stalledBy) is { } by && by != thread && EventGate.IsClosedOn(by))
            {
                Thread.Yield();
                return true;
            }
        }

        waits.Turn.SpinOnce(sleep1Threshold: -1);
        return waits.Turn.Count <= StallTurns;
    }

    private bool TryAttend()
    {
        foreach (var line in _lines)
        {
            if (line.Attend?.Invoke() == true)
                return true;
        }

        return false;
    }

    private bool IsRaised()
    {
        foreach (var line in _lines)
        {
            if (line.IsAsserted)
                return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsKnown(in BusRequest request) => request.IsPlain || IsKnownToSome(request);

    private bool IsKnownToSome(in BusRequest request) => (request.Kind == TranslationKind.Untranslated || AnswersTranslationRequests)
        && (request.Pasid is null || TakesPasids);

    /// <summary>How far an access has come.</summary>
    private enum Step : byte
    {
        Refused,
        Held,    // the lock is
        Done,
        OnBus,   // it does not go to RAM
        Stalled,
        Faulted, // stalled by a fault of its own
    }

    /// <summary>How an access has waited so far.</summary>
    private struct Waits
    {
        public SpinWait Turn; // when there was nothing to wait for
        public int Rounds;    // for handlers
    }

    /// <summary>An access that only asks.</summary>
    private struct Question : IBusAccess
    {
        public TranslationResult Result;

        public bool TryInMemory(SystemBus bus, in TranslationResult target)
        {
            Result = target;
            return true;
        }

        public readonly bool TryOnBus(SystemBus bus, in TranslationResult target) => false;
    }
}
