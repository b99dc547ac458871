using Aperture.Core;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Drivers.SmmuV3;

// Commands that the unit refuses: it stops at one until it is acknowledged.
internal sealed partial class SmmuV3CommandQueue
{
    private const int MostErrors = 16; // before one SYNC is done

    private ApertureException? _refused; // the first refusal since the last SYNC
    private int _errors;                 // since the last SYNC

    /// <summary>Commands that the unit refused or could not read, and devices that did not answer.</summary>
    public ulong Errors { get; private set; }

    /// <summary>Whether a device did not answer an invalidation: it may go on using what was unmapped.</summary>
    public bool IsDeviceMute { get; set; }

    /// <summary>Lets the queue go on if it has stopped. A refused command becomes a SYNC, and is told with the next
    /// <see cref="Sync"/>.</summary>
    /// <returns>Whether it had stopped.</returns>
    /// <exception cref="ApertureException"><see cref="Status.IoError"/>: too often.</exception>
    public bool TryHandleError()
    {
        var acknowledged = _registers.Read32(SmmuV3Register.GlobalErrorAck);
        var active = (SmmuV3GlobalErrors)(_registers.Read32(SmmuV3Register.GlobalError) ^ acknowledged);
        if ((active & SmmuV3GlobalErrors.Command) == 0)
            return false;
        Errors++;
        var consumer = _registers.Read32(SmmuV3Register.CommandQueueConsumer);
        var error = (SmmuV3CommandError)(consumer >> 24 & 0x7F);
        var offset = (int)_ring.IndexOf(consumer) * SmmuV3Command.Bytes;
        if (error == SmmuV3CommandError.Illegal)
            Replace(offset);
        else if (error == SmmuV3CommandError.AtcInvalidation)
            Note($"{_name}: a device did not answer an invalidation of its translations");
        IsDeviceMute |= error == SmmuV3CommandError.AtcInvalidation;
        if (++_errors > MostErrors)
        {
            throw _refused ?? new ApertureException(
                Status.IoError, $"{_name} cannot read its command queue at {_entries.Address + (ulong)offset} (CMDQ_CONS 0x{consumer:x})");
        }

        _registers.Write32(SmmuV3Register.GlobalErrorAck, acknowledged ^ (uint)SmmuV3GlobalErrors.Command);
        return true;
    }

    private void Replace(int offset)
    {
        var (low, high) = (_entries.Load(offset), _entries.Load(offset + sizeof(ulong)));
        Note($"{_name} refused the command 0x{low:x16} 0x{high:x16}");
        var sync = SmmuV3Command.Synchronise();
        _entries.Store(offset, sync.Low, sync.High);
        _entries.Clean(offset, SmmuV3Command.Bytes);
    }

    private void Note(string what) => _refused ??= new ApertureException(Status.IoError, what);
}
