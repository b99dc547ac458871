using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Vfio;

/// <summary>An open PCI function: its regions, its interrupts, its reset.</summary>
internal sealed unsafe class VfioDevice : IDisposable
{
    private readonly VfioDeviceInfo _info;

    /// <summary>Takes an open device over.</summary>
    /// <param name="name">Its PCI address, for messages.</param>
    /// <param name="file">The device's file.</param>
    /// <exception cref="ApertureException">It is no PCI function.</exception>
    public VfioDevice(string name, SafeFileHandle file)
    {
        Name = name;
        File = file;
        var info = new VfioDeviceInfo { ArgumentSize = (uint)sizeof(VfioDeviceInfo) };
        Call(VfioIoctl.DeviceGetInfo, &info, "what the device offers");
        if ((info.Flags & VfioDeviceFlags.Pci) == 0)
            throw new ApertureException(Status.NotSupported, $"{name} is no PCI function");
        _info = info;
    }

    /// <summary>The PCI address.</summary>
    public string Name { get; }

    /// <summary>The device's file: regions lie in it.</summary>
    public SafeFileHandle File { get; }

    /// <summary>Whether the function can be reset by itself.</summary>
    public bool CanReset => (_info.Flags & VfioDeviceFlags.Reset) != 0;

    /// <summary>What a region is like.</summary>
    public VfioRegionInfo Region(VfioRegion index, out VfioArea[] areas)
    {
        var request = new VfioRegionInfo { Index = (uint)index };
        var answer = CapabilityChain.Fetch(File, VfioIoctl.DeviceGetRegionInfo, request, $"region {index} of {Name}");
        var info = MemoryMarshal.Read<VfioRegionInfo>(answer);
        var isMappable = info.Size > 0 && (info.Flags & VfioRegionFlags.Map) != 0;
        areas = isMappable ? [new VfioArea { Size = info.Size }] : [];
        if (!isMappable || (info.Flags & VfioRegionFlags.Capabilities) == 0)
            return info;
        var sparse = CapabilityChain.Find(answer, info.CapabilityOffset, 1);
        if (sparse.IsEmpty)
            return info;
        var count = MemoryMarshal.Read<VfioSparseMap>(sparse).AreaCount;
        areas = CapabilityChain.Entries<VfioArea>(sparse, sizeof(VfioSparseMap), count).ToArray();
        return info;
    }

    /// <summary>Number of interrupts of a kind; 0 where there is none.</summary>
    public VfioInterruptInfo Interrupts(VfioInterruptIndex index)
    {
        var info = new VfioInterruptInfo { ArgumentSize = (uint)sizeof(VfioInterruptInfo), Index = (uint)index };
        Call(VfioIoctl.DeviceGetInterruptInfo, &info, $"interrupts of kind {index}");
        return info;
    }

    /// <summary>Gives each interrupt of a kind a file to signal.</summary>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public void SetTriggers(VfioInterruptIndex index, ReadOnlySpan<SafeFileHandle> files)
    {
        var request = new byte[sizeof(VfioInterruptSet) + (files.Length * sizeof(int))];
        MemoryMarshal.Write(request, new VfioInterruptSet
        {
            ArgumentSize = (uint)request.Length,
            Flags = VfioInterruptSetFlags.DataEvent | VfioInterruptSetFlags.Trigger,
            Index = (uint)index,
            Count = (uint)files.Length,
        });
        for (var i = 0; i < files.Length; i++)
            MemoryMarshal.Write(request.AsSpan(sizeof(VfioInterruptSet) + (i * sizeof(int))), (int)files[i].DangerousGetHandle());
        fixed (byte* bytes = request)
            Call(VfioIoctl.DeviceSetInterrupts, bytes, $"{files.Length} interrupts of kind {index}");
    }

    /// <summary>Switches a kind of interrupts off.</summary>
    public void ClearTriggers(VfioInterruptIndex index) => Set(index, VfioInterruptSetFlags.DataNone | VfioInterruptSetFlags.Trigger, 0);

    /// <summary>Lets the pin signal again: it is masked by itself whenever it has.</summary>
    public void Unmask(VfioInterruptIndex index) => Set(index, VfioInterruptSetFlags.DataNone | VfioInterruptSetFlags.Unmask, 1);

    /// <summary>Fires an interrupt without the device: the kernel signals its file.</summary>
    public void Fire(VfioInterruptIndex index) => Set(index, VfioInterruptSetFlags.DataNone | VfioInterruptSetFlags.Trigger, 1);

    /// <summary>Resets the function.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: it has no reset of its own; <see cref="Status.Busy"/>: try
    /// again later.</exception>
    public void Reset()
    {
        if (!CanReset)
            throw new ApertureException(Status.NotSupported, $"{Name} has no reset of its own; unbind the device to give it back as it is");
        if (Libc.Ioctl(File, VfioIoctl.DeviceReset, (nuint)0) < 0)
            throw Failure(VfioIoctl.DeviceReset, "a reset", ErrnoExtensions.Last);
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();

    private void Set(VfioInterruptIndex index, VfioInterruptSetFlags flags, uint count)
    {
        var request = new VfioInterruptSet
        {
            ArgumentSize = (uint)sizeof(VfioInterruptSet),
            Flags = flags,
            Index = (uint)index,
            Count = count,
        };
        Call(VfioIoctl.DeviceSetInterrupts, &request, $"interrupts of kind {index} ({flags})");
    }

    private void Call(uint request, void* argument, string what)
    {
        if (Libc.Ioctl(File, request, argument) < 0)
            throw Failure(request, what, ErrnoExtensions.Last);
    }

    private ApertureException Failure(uint request, string what, Errno error) =>
        new(error.ToStatus(), $"{Name} refuses {what}: {MeaningOf(request, error)}");

    private static string MeaningOf(uint request, Errno error) => error switch
    {
        Errno.Busy or Errno.Again => "it is busy; try again",
        Errno.Invalid when request == VfioIoctl.DeviceSetInterrupts =>
            "it has not so many, or another kind is in use; ask for fewer or for another kind (HostDeviceOptions)",
        Errno.NoSpace or Errno.NoMemory => "the machine has no interrupt vectors or no memory left; ask for fewer",
        _ => error.Describe(),
    };
}
