using Aperture.Core;

namespace Aperture.Fuzzing;

/// <summary>A reader, and how one gets to it.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Corpus">Where inputs begin: files and folders, from the repository's root on.</param>
/// <param name="Read">Reads an input and asks whatever can be asked of what was read.</param>
/// <param name="MaxBytes">Longer inputs are not made.</param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<string> Corpus, Action<byte[]> Read, int MaxBytes)
{
    /// <summary>Reads an input. It is refused by an <see cref="ApertureException"/> of one line or not at all.</summary>
    public void Run(byte[] input)
    {
        try
        {
            Read(input);
        }
        catch (ApertureException e) when (!e.Message.Contains('\n', StringComparison.Ordinal))
        {
            // what a bad input gets
        }
    }
}
