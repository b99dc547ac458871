using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <content>The two things that a port does where an address leads.</content>
public sealed partial class DmaPort
{
    /// <summary>Bytes at most, as far as they translate alike.</summary>
    private static int Part(int wanted, ulong contiguous) => (int)Math.Min((ulong)wanted, contiguous);

    private ref struct ReadAccess(DmaPort port, Iova address, Span<byte> destination, bool isUnheard) : IBusAccess
    {
        private readonly Span<byte> _destination = destination;

        private readonly Iova Address => address;

        public PhysicalAddress Target { get; private set; }

        public int Length { get; private set; } = destination.Length;

        /// <summary>Whether the monitor has heard of the access, or shall not.</summary>
        public bool IsTold { get; private set; } = isUnheard;

        public bool TryInMemory(SystemBus bus, in TranslationResult target)
        {
            Target = target.Address;
            Length = Part(_destination.Length, target.Length);
            if (port._isSpecial && !TryBegin(bus))
                return false;
            return bus.TryReadMemory(Target, _destination[..Length], port.IsCoherent);
        }

        public bool TryOnBus(SystemBus bus, in TranslationResult target)
        {
            if (port._isClosed)
                return false;
            if (port.Monitor is not null && bus.TryFindDevice(Target, out _, out _))
                Tell();
            return bus.TryReadRegister(Target, _destination[..Length]);
        }

        /// <summary>Looks, while the unit counts the access as going on, whether the port is open, and tells the monitor.</summary>
        private bool TryBegin(SystemBus bus)
        {
            if (port._isClosed)
                return false;
            if (port.Monitor is not null && bus.Memory.Contains(Target, (ulong)Length))
                Tell();
            return true;
        }

        private void Tell()
        {
            if (IsTold)
                return;
            port.Monitor?.OnRead(port, Address, Target, Length, DmaStatus.Ok);
            IsTold = true;
        }
    }

    private ref struct WriteAccess(DmaPort port, Iova address, ReadOnlySpan<byte> source, bool isUnheard) : IBusAccess
    {
        private readonly Iova Address => address;

        public PhysicalAddress Target { get; private set; }

        /// <summary>What is written at once.</summary>
        public ReadOnlySpan<byte> Bytes { get; private set; } = source;

        /// <summary>Whether the monitor has heard of the access, or shall not.</summary>
        public bool IsTold { get; private set; } = isUnheard;

        public bool TryInMemory(SystemBus bus, in TranslationResult target)
        {
            Target = target.Address;
            Bytes = Bytes[..Part(Bytes.Length, target.Length)];
            if (port._isSpecial && !TryBegin(bus))
                return false;
            return bus.TryWriteMemory(Target, Bytes, port.IsCoherent);
        }

        public bool TryOnBus(SystemBus bus, in TranslationResult target)
        {
            if (port._isClosed)
                return false;
            if (port.Monitor is not null && bus.TryFindDevice(Target, out _, out _))
                Tell();
            return bus.TryWriteRegister(Target, Bytes);
        }

        /// <summary>Looks, while the unit counts the access as going on, whether the port is open, and tells the monitor.</summary>
        private bool TryBegin(SystemBus bus)
        {
            if (port._isClosed)
                return false;
            if (port.Monitor is not null && bus.Memory.Contains(Target, (ulong)Bytes.Length))
                Tell();
            return true;
        }

        private void Tell()
        {
            if (IsTold)
                return;
            port.Monitor?.OnWrite(port, Address, Target, Bytes, DmaStatus.Ok);
            IsTold = true;
        }
    }
}
