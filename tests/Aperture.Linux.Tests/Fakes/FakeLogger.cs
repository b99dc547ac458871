using Microsoft.Extensions.Logging;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>Keeps what is logged.</summary>
internal sealed class FakeLogger : ILogger
{
    public List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter) =>
        Lines.Add($"{logLevel}: {formatter(state, exception)}");
}
