namespace Aperture.VfioUser.Protocol;

/// <summary>The way to a client that has agreed on capabilities.</summary>
/// <param name="Messages">Messages of the server's own.</param>
/// <param name="MaxTransfer">Bytes that one of them may have.</param>
internal sealed record ClientChannel(ClientMessages Messages, int MaxTransfer);
