using System.Net.Sockets;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser;

/// <summary>A listening socket, and the thread that serves its clients, one after the other.</summary>
internal sealed class FunctionSocket : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(10);

    private readonly string _path;
    private readonly PciFunction _function;
    private readonly VfioUserOptions _options;
    private readonly Socket _listener;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private Connection? _client;
    private readonly ManualResetEventSlim _ending = new();

    public FunctionSocket(string path, PciFunction function, VfioUserOptions options)
    {
        _path = path;
        _function = function;
        _options = options;
        _listener = UnixSocket.Listen(path);
        _thread = new Thread(Run) { IsBackground = true, Name = $"vfio-user {function.Name}" };
        _thread.Start();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _ending.Set();
            _client?.Cut();
        }

        _listener.Dispose();
        _thread.Join();
        _ending.Dispose();
        File.Delete(_path);
    }

    private void Run()
    {
        while (TryAccept() is { } connection)
        {
            using (connection)
            {
                using (var session = new FunctionSession(_function, _options, connection))
                    session.Run();
                lock (_lock)
                    _client = null;
            }
        }
    }

    private Connection? TryAccept()
    {
        while (true)
        {
            try
            {
                var connection = new Connection(_listener.Accept(), _options.MessageTimeout);
                lock (_lock)
                {
                    if (!_ending.IsSet)
                        return _client = connection;
                }

                connection.Dispose();
                return null;
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException)
            {
                // That client has gone before it was taken, or the process has no files left for it: it waits.
                if (_ending.Wait(s_patience))
                    return null;
            }
        }
    }
}
