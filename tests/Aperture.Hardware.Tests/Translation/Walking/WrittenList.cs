using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Hardware.Tests.Translation.Walking;

/// <summary>The pages that were written, lowest first.</summary>
internal readonly struct WrittenList() : IWrittenPages
{
    public List<ulong> Pages { get; } = [];

    public void Add(Iova start, ulong size) => Pages.Add(start.Value);
}
