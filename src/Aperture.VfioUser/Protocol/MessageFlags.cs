namespace Aperture.VfioUser.Protocol;

/// <summary>Flags of a message.</summary>
[Flags]
internal enum MessageFlags : uint
{
    /// <summary>A request that wants a reply.</summary>
    None = 0,

    /// <summary>A reply.</summary>
    Reply = 1,

    /// <summary>The bits that say whether it is a request or a reply; other values than 0 and 1 mean nothing.</summary>
    TypeMask = 0xF,

    /// <summary>No reply is wanted.</summary>
    NoReply = 0x10,

    /// <summary>The reply tells of a failure.</summary>
    Error = 0x20,

    /// <summary>All that mean something.</summary>
    All = TypeMask | NoReply | Error,
}
