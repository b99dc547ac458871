using Aperture.Conformance.Vectors;
using Aperture.Core;

namespace Aperture.Conformance.Drivers;

/// <summary>A call of the recording with all that it caused.</summary>
/// <param name="Api">The call.</param>
/// <param name="Effects">What it caused, in order; changes of table memory come last.</param>
public sealed record RecordedCall(VectorEvent Api, IReadOnlyList<VectorEvent> Effects)
{
    /// <summary>The line of the call.</summary>
    public int Line => Api.Line;

    /// <summary>What the call returned, where that is an error number or a size; 0 for others.</summary>
    public long Result => Api.IsNumber("ret") ? Api.Number("ret") : 0;

    /// <summary>The effects of one kind.</summary>
    public IEnumerable<VectorEvent> Of(string kind) => Effects.Where(effect => effect.Kind == kind);

    /// <summary>The call at <paramref name="index"/> of a file's events.</summary>
    public static RecordedCall At(IReadOnlyList<VectorEvent> events, int index)
    {
        ArgumentNullException.ThrowIfNull(events);
        var effects = new List<VectorEvent>();
        for (var i = index + 1; i < events.Count && IsEffect(events[i].Kind); i++)
            effects.Add(events[i]);
        return new RecordedCall(events[index], effects);
    }

    /// <summary>The protection that a call asks for.</summary>
    public static Protection ProtectionOf(VectorEvent call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var protection = Protection.None;
        foreach (var word in call.Text("prot").Split('+'))
        {
            protection |= word switch
            {
                "none" => Protection.None,
                "r" => Protection.Read,
                "w" => Protection.Write,
                "rw" => Protection.ReadWrite,
                "cache" => Protection.Cache,
                "noexec" => Protection.NoExecute,
                "mmio" => Protection.Mmio,
                "priv" => Protection.Privileged,
                _ => throw call.Bad($"'prot' is '{call.Text("prot")}'"),
            };
        }

        return protection;
    }

    private static bool IsEffect(string kind) => kind is "w" or "r" or "omitted" or "op" or "alloc" or "free" or "mem" or "dma"
        or "clk" or "pm" or "link" or "plat" or "regmap" or "fault" or "mcerr" or "warn" or "log" or "panic"
        or "tlbi" or "root" or "dirty";
}
