using Aperture.Datasheets.AtsEndpoint;
using Aperture.Drivers.AtsEndpoint;

namespace Aperture.Boards.Running;

/// <summary>What a device and processes do with their memory.</summary>
/// <param name="client">The device.</param>
/// <param name="processes">The processes.</param>
/// <param name="pages">Pages of each.</param>
internal sealed class SvaWork(AtsEndpointClient client, IReadOnlyList<SvaProcess> processes, int pages)
{
    private readonly Random _random = new(1);
    private readonly ulong _askedBefore = client.PageRequests;
    private readonly ulong _unexpectedBefore = client.UnexpectedAnswers;
    private readonly byte[][] _expected = [.. processes.Select(_ => new byte[pages * SvaProcess.PageBytes])];

    /// <summary>Bytes that the device moved.</summary>
    public long Bytes { get; private set; }

    /// <summary>Works for some rounds, and compares everything at the end.</summary>
    /// <returns>Null; or what was wrong.</returns>
    public string? Run(int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            if ((Move() ?? TakeAway()) is { } trouble)
                return trouble;
        }

        for (var i = 0; i < processes.Count; i++)
        {
            if (!processes[i].Holds(0, _expected[i]))
                return $"the memory of process {processes[i].Pasid} is not what was written there";
        }

        var (asked, came) = (client.PageRequests - _askedBefore, (ulong)processes.Sum(process => process.Faults));
        return asked != came || client.UnexpectedAnswers != _unexpectedBefore
            ? $"of {asked} page requests {came} came, and {client.UnexpectedAnswers - _unexpectedBefore} answers were to nothing" : null;
    }

    /// <summary>The device writes bytes that the process reads, or reads some that it wrote.</summary>
    private string? Move()
    {
        var i = _random.Next(processes.Count);
        var process = processes[i];
        var bytes = new byte[_random.Next(1, client.BufferBytes)];
        var offset = _random.Next((pages * SvaProcess.PageBytes) - bytes.Length);
        var isWrite = _random.Next(2) == 0;
        var expected = _expected[i].AsSpan(offset, bytes.Length);
        if (isWrite)
        {
            _random.NextBytes(bytes);
            client.Put(0, bytes);
        }
        else if (_random.Next(2) == 0)
        {
            _random.NextBytes(expected);
            process.Write(offset, expected);
        }

        client.Start(
            0, isWrite ? AtsEndpointCommand.Write : AtsEndpointCommand.Read, process.Start + (ulong)offset, bytes.Length, process.Pasid);
        while (process.HasWaiting)
        {
            if (!process.AnswerOne())
                return "an answer to a page request was to nothing";
        }

        var result = client.Wait(0);
        if (result != AtsEndpointResult.Done)
            return $"{bytes.Length} bytes of process {process.Pasid} at offset {offset}: {result}";
        Bytes += bytes.Length;
        if (isWrite)
        {
            bytes.CopyTo(expected);
            return process.Holds(offset, bytes) ? null : $"process {process.Pasid} does not read what the device wrote";
        }

        client.Fetch(0, bytes);
        return expected.SequenceEqual(bytes) ? null : $"the device does not read what process {process.Pasid} wrote";
    }

    /// <summary>Pages go, and come back with their bytes as soon as somebody touches them.</summary>
    private string? TakeAway()
    {
        var process = processes[_random.Next(processes.Count)];
        for (var count = _random.Next(6); count > 0; count--)
        {
            if (process.TakeAway(_random.Next(pages)) is { } trouble)
                return trouble;
        }

        return null;
    }
}
